"""Ways back are written where a project keeps them, read back as they were meant, and never over anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.errors import InputError, UsageError
from pgassay.migrate.down import Lost, Trial
from pgassay.model import Project
from pgassay.report.migrate_down import DownEntry, DownReport, down_handoff, down_json, down_text
from pgassay.sources import open_project
from pgassay.sources.writing import Change, Step, write
from pgassay.sources.writing.downs import Back, write_downs
from pgassay.sources.writing.parked import ParkedFiles, write_parked
from tests.unit.test_writing import LAYOUTS, NOW, tree

FORWARD = ("CREATE TABLE b (id int)", "DROP FUNCTION IF EXISTS f()")
BACKWARD = (
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT 1;\n  SELECT 2; $$",
    "DROP TABLE b -- :it 's",
    "COMMENT ON TABLE a IS 'a; b :c \\ -- migrate:up'",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_a_way_back(layout: str) -> Project:
    """A project whose last migration has none."""
    project = open_project(tree(LAYOUTS[layout], layout))
    write(project, Change(name="more", steps=(Step(name="b", forward=FORWARD, backward=None),)), now=NOW)
    project = open_project(project.path, kind=project.kind)
    assert not project.migrations[-1].down
    return project


def texts(project: Project) -> list[tuple[str, ...]]:
    return [tuple(s.text for s in m.statements) for m in project.migrations]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_format_reads_the_way_back_that_was_written(layout: str, here: Path) -> None:
    project = without_a_way_back(layout)
    before = {p: p.read_text() for p in here.rglob("*") if p.is_file()}
    back = Back(migration=project.migrations[-1], statements=BACKWARD, comment="Lost: x.\n+goose Down\nmigrate:down")
    (path,) = write_downs(project, [back]).paths
    again = open_project(project.path, kind=project.kind)
    assert texts(again) == texts(project)
    assert [m.down and len(m.down) for m in again.migrations[:-1]] == [
        m.down and len(m.down) for m in project.migrations[:-1]
    ]
    found = again.migrations[-1].down or ()
    assert [s.text.partition(" --")[0] for s in found if s.text not in ("BEGIN", "COMMIT")] == [
        s.partition(" --")[0] for s in BACKWARD
    ] or len(found) >= len(BACKWARD)
    for file, text in before.items():  # all that was there still is
        assert file.read_text().startswith(text) or file == Path(path)


@pytest.mark.parametrize("layout", ["dbmate", "sql pairs", "drizzle"])
def test_nothing_is_written_over(layout: str) -> None:
    project = without_a_way_back(layout)
    back = Back(migration=project.migrations[-1], statements=("DROP TABLE b",))
    write_downs(project, [back], out="backs")
    with pytest.raises(InputError, match="not overwritten"):
        write_downs(project, [back], out="backs")
    write_downs(project, [back])
    before = {p: p.read_text() for p in Path(layout).rglob("*") if p.is_file()}
    with pytest.raises(InputError):
        write_downs(project, [back])
    assert {p: p.read_text() for p in Path(layout).rglob("*") if p.is_file()} == before


def test_another_folder() -> None:
    project = without_a_way_back("dbmate")
    old = {p: p.read_text() for p in Path("dbmate").iterdir()}
    back = Back(migration=project.migrations[-1], statements=("DROP TABLE b",), comment="Lost: x.")
    (path,) = write_downs(project, [back], out="backs").paths
    assert path.startswith("backs/") and path.endswith(".down.sql")
    assert Path(path).read_text().endswith("-- Lost: x.\nDROP TABLE b;\n")
    assert {p: p.read_text() for p in Path("dbmate").iterdir()} == old


def test_one_file_alone() -> None:
    Path("one.sql").write_text("CREATE TABLE a (id int);\n")
    project = open_project("one.sql")
    assert write_downs(project, [Back(migration=project.migrations[0], statements=("DROP TABLE a",))]).paths == (
        "one.down.sql",
    )
    with pytest.raises(UsageError, match="--out DIR"):
        stdin = open_project("-", text="SELECT 1")
        write_downs(stdin, [Back(migration=stdin.migrations[0], statements=("SELECT 1",))])
    with pytest.raises(InputError, match="not overwritten"):
        write_downs(project, [Back(migration=project.migrations[0], statements=("DROP TABLE a",))])


def test_an_empty_section_is_filled() -> None:
    Path("m").mkdir()
    Path("m/20250101000000_a.sql").write_text("-- migrate:up\nCREATE TABLE a (id int);\n\n-- migrate:down\n")
    project = open_project("m")
    write_downs(project, [Back(migration=project.migrations[0], statements=("DROP TABLE a",))])
    assert Path("m/20250101000000_a.sql").read_text().count("migrate:down") == 1
    assert [s.text for s in open_project("m").migrations[0].down or ()] == ["DROP TABLE a"]


@pytest.mark.parametrize("body", ["    pass\n", '    """Nothing."""\n    pass\n', "    raise NotImplementedError\n"])
def test_a_revision_that_does_nothing_on_the_way_back(body: str) -> None:
    Path("versions").mkdir()
    Path("alembic.ini").write_text("[alembic]\nscript_location = .\n")
    Path("env.py").write_text(
        "from alembic import context\ncontext.configure(url='postgresql://', literal_binds=True,"
        " dialect_opts={'paramstyle': 'named'})\nwith context.begin_transaction():\n    context.run_migrations()\n"
    )
    Path("versions/a1_.py").write_text(
        'from alembic import op\nrevision = "a1"\ndown_revision = None\n\n\ndef upgrade():\n'
        f'    op.execute("CREATE TABLE a (id int)")\n\n\ndef downgrade():\n{body}'
    )
    project = open_project(".", allow_code=True)
    back = Back(migration=project.migrations[0], statements=("DROP TABLE a", "SELECT 'x:y'"), comment="Lost: x.")
    write_downs(project, [back], allow_code=True)
    assert "# Lost: x." in Path("versions/a1_.py").read_text()
    found = open_project(".", allow_code=True).migrations[0].down or ()
    assert [s.text for s in found] == ["DROP TABLE a", "SELECT 'x:y'"]
    with pytest.raises(InputError, match="does something already"):
        write_downs(project, [back], allow_code=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_parks_is_no_migration(layout: str) -> None:
    project = without_a_way_back(layout)
    each = ParkedFiles(migration=project.migrations[-1], up=("SELECT 1",), down=("SELECT 2",), contract=("SELECT 3",))
    paths = write_parked([each])
    assert len(paths) == 3
    again = open_project(project.path, kind=project.kind)
    assert texts(again) == texts(project)
    assert again.oddities == project.oddities


def report(**extra: object) -> DownReport:
    what = "every value of public.a.x"
    lost = Lost(when="forward", table="public.a", column="x", rows=3, live=5, gone=True, what=what)
    entry = DownEntry(
        path="a.sql", name="a", statements=("SELECT 1 -- x",), own=False, alone=False, verdict="loses-data",
        proved=False, trial=Trial(lost=(lost,)),
    )  # fmt: skip
    return DownReport(project=".", runner="psql", server="18", entries=(entry,), **extra)  # type: ignore[arg-type]


def test_reports_say_what_is_lost_and_count_it() -> None:
    assert "loses: every value of public.a.x (3 in the rehearsal, 5 in the database)" in down_text(report())
    assert '"down": "SELECT 1 -- x\\n;\\n"' in down_json(report())
    assert '"status": "partial"' in down_handoff(report())


def test_hostile_names_are_shown_and_do_nothing() -> None:
    said = down_text(report(files=("a\x1b[2J.sql",)))
    assert "\x1b" not in said
