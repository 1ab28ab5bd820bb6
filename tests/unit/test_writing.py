"""Migrations written in every format are read back as they were meant."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.errors import InputError, PgassayError, UsageError
from pgassay.model import Migration, Project
from pgassay.model.actions import Transact
from pgassay.sources import open_project
from pgassay.sources.writing import Change, Step, compose, write, write_plain
from pgassay.sources.writing.numbers import names_after

A = "CREATE TABLE a (id int);\n"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_ENTRY = {"idx": 0, "version": "7", "when": 1767225600000, "tag": "0000_a", "breakpoints": True}
JOURNAL = json.dumps({"version": "7", "dialect": "postgresql", "entries": [_ENTRY]}, indent=2)
SNAPSHOT = json.dumps({"id": "11111111-1111-4111-8111-111111111111", "prevId": "0", "tables": {}})

LAYOUTS: dict[str, dict[str, str]] = {
    "drizzle": {"meta/_journal.json": JOURNAL, "meta/0000_snapshot.json": SNAPSHOT, "0000_a.sql": A},
    "drizzle-v1": {"20250101000000_a/migration.sql": A, "20250101000000_a/snapshot.json": SNAPSHOT},
    "dbmate": {"20250101000000_a.sql": f"-- migrate:up\n{A}\n-- migrate:down\nDROP TABLE a;\n"},
    "goose": {"00001_a.sql": f"-- +goose Up\n{A}\n-- +goose Down\nDROP TABLE a;\n"},
    "golang-migrate": {"000001_a.up.sql": A, "000001_a.down.sql": "DROP TABLE a;"},
    "flyway": {"V1__a.sql": A},
    "flyway subfolder": {"one/V1.9__a.sql": A},
    "sqitch": {
        "sqitch.plan": "%syntax-version=1.0.0\n%project=x\n\na 2025-01-01T00:00:00Z Jo Do <jo@x.org> # first\n",
        "deploy/a.sql": A,
        "revert/a.sql": "DROP TABLE a;",
    },
    "sqitch without plan": {"deploy/01_a.sql": A, "revert/01_a.sql": "DROP TABLE a;"},
    "prisma": {"migration_lock.toml": 'provider = "postgresql"\n', "20250101000000_a/migration.sql": A},
    "supabase/migrations": {"20250101000000_a.sql": A},
    "sql": {"001_a.sql": A},
    "sql pairs": {"001_a.sql": A, "001_a_rollback.sql": "DROP TABLE a;"},
    "sql folders": {"2025-a/up.sql": A, "2025-a/down.sql": "DROP TABLE a;"},
    "sql-migrate": {"1-a.sql": f"-- +migrate Up\n{A}\n-- +migrate Down\nDROP TABLE a;\n"},
    "node-pg-migrate": {"1735689600000_a.sql": f"-- Up Migration\n{A}\n-- Down Migration\nDROP TABLE a;\n"},
    "bare marks": {"1.sql": f"-- up\n{A}\n-- down\nDROP TABLE a;\n"},
}  # fmt: skip

CONCURRENT = Step(
    name="a id",
    forward=('CREATE INDEX CONCURRENTLY "a_Id_idx" ON a (id) WHERE id > 3',),
    backward=('DROP INDEX CONCURRENTLY "a_Id_idx"',),
    comment="Query 1 (40 calls): 3.1 ms → 0.1 ms\n+goose Down\nmigrate:down\n--> statement-breakpoint ${x}\nDown",
)
CHANGE = Change(
    name="Tune it!",
    comment="Advice",
    steps=(
        Step(name="an extension", forward=("CREATE EXTENSION IF NOT EXISTS pg_trgm",)),
        CONCURRENT,
        Step(
            name="function",
            forward=(
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT 1;\n  SELECT ':a'::text::int; $$",
                "COMMENT ON\tFUNCTION f() IS 'it''s 12:30 \\:b :c::d C:\\new '",
            ),
            backward=("DROP FUNCTION f()",),
        ),
        Step(name="for good", forward=("INSERT INTO a VALUES (1) -- one",), backward=None),
    ),
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(files: dict[str, str], folder: str) -> str:
    for name, text in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def opened(layout: str) -> Project:
    kind = {"supabase/migrations": "supabase"}.get(layout)
    return open_project(tree(LAYOUTS[layout], layout), kind=kind)


def everything(folder: str) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def texts(migration: Migration) -> list[str]:
    return [s.text for s in migration.statements if not any(s.of(Transact))]


def back(migration: Migration) -> list[str] | None:
    return None if migration.down is None else [s.text for s in migration.down if not any(s.of(Transact))]


@pytest.mark.parametrize("layout", [k for k in LAYOUTS if "drizzle" not in k and k != "node-pg-migrate"])
def test_each_step_is_a_migration_and_is_read_back(layout: str) -> None:
    project = opened(layout)
    before = everything(layout)
    writing = write(project, CHANGE, now=NOW)
    found = open_project(project.path, kind=project.kind)
    assert found.kind == project.kind and not found.oddities
    new = found.migrations[1:]
    assert [texts(m) for m in new] == [[f.removesuffix(" -- one") for f in s.forward] for s in CHANGE.steps]
    assert [back(m) for m in new] == [None if s.backward is None else list(s.backward) for s in CHANGE.steps]
    assert [m.mode for m in new][1] in ("query", "autocommit"), "CONCURRENTLY would fail"
    after = everything(layout)
    assert {k for k in before if after[k] != before[k]} <= {f"{layout}/sqitch.plan"}
    assert set(after) - set(before) == {p for p in writing.paths if not p.endswith("sqitch.plan")}
    unknown = layout in ("sql", "sql pairs", "sql folders", "bare marks")
    assert ("runner of this folder" in " ".join(writing.notes)) == unknown
    assert "3.1 ms" in Path(new[1].path).read_text()


def test_drizzle_has_what_it_can_send_and_the_rest_by_hand() -> None:
    project = opened("drizzle")
    writing = write(project, CHANGE, now=NOW)
    found = open_project("drizzle")
    (new,) = found.migrations[1:]
    assert (new.name, new.when, found.oddities) == ("0001_tune_it", int(NOW.timestamp() * 1000), ())
    assert new.statements[1].text == 'CREATE INDEX IF NOT EXISTS "a_Id_idx" ON a (id) WHERE id > 3'
    assert len(new.statements) == 5
    by_hand = Path("drizzle/by-hand/0001_tune_it.sql").read_text()
    assert re.findall(r"^CREATE.*", by_hand, re.M) == [f"{CHANGE.steps[0].forward[0]};", f"{CONCURRENT.forward[0]};"]
    assert back(new) == ["DROP FUNCTION f()", 'DROP INDEX CONCURRENTLY "a_Id_idx"']
    assert any("by-hand" in note for note in writing.notes)
    snapshot = json.loads(Path("drizzle/meta/0001_snapshot.json").read_text())
    assert snapshot["prevId"] == json.loads(SNAPSHOT)["id"] != snapshot["id"]
    assert Path("drizzle/meta/_journal.json").read_text().startswith(JOURNAL[:-8])


def test_drizzle_1_keeps_all_of_it_in_the_migrations_folder() -> None:
    write(opened("drizzle-v1"), CHANGE, now=NOW)
    (new,) = open_project("drizzle-v1").migrations[1:]
    assert new.name == "20260304050607_tune_it"
    assert {p.name for p in Path("drizzle-v1", new.name).iterdir()} == {
        "migration.sql", "down.sql", "by-hand.sql", "snapshot.json"
    }  # fmt: skip
    assert back(new) == ["DROP FUNCTION f()", 'DROP INDEX CONCURRENTLY "a_Id_idx"']


def test_what_is_built_by_hand_waits_for_the_migration_that_it_needs() -> None:
    column = Step(name="col", forward=("ALTER TABLE a ADD b int",), backward=("ALTER TABLE a DROP b",))
    index = Step(name="b", forward=("CREATE INDEX CONCURRENTLY b ON a (b)",), backward=("DROP INDEX CONCURRENTLY b",))
    writing = write(opened("drizzle"), Change(name="both", steps=(column, index)), now=NOW)
    assert [m.name for m in open_project("drizzle").migrations[1:]] == ["0001_col", "0002_b"]
    assert any("before the next" in note for note in writing.notes)


def test_node_pg_migrate_sends_all_in_a_transaction() -> None:
    writing = write(opened("node-pg-migrate"), Change(name="x", steps=(CONCURRENT,)), now=NOW)
    (new,) = open_project("node-pg-migrate").migrations[1:]
    assert texts(new) == ['CREATE INDEX IF NOT EXISTS "a_Id_idx" ON a (id) WHERE id > 3']
    assert back(new) == ['DROP INDEX IF EXISTS "a_Id_idx"']
    assert "CONCURRENTLY" in Path(writing.paths[1]).read_text()


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("generated")
    subprocess.run([sys.executable, "-m", "alembic", "init", "alembic"], cwd=folder, check=True, capture_output=True)
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.py*") if p.suffix in (".py", ".ini")} | {
        str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.ini")
    }


_REVISION = """from alembic import op
revision: str = "a1"
down_revision = {down!r}
def upgrade():
    op.execute("SELECT 1")
def downgrade():
    pass
"""


def test_alembic_revisions(generated: dict[str, str]) -> None:
    tree(generated | {"alembic/versions/a1_x.py": _REVISION.format(down=None)}, "project")
    writing = write(open_project("project", allow_code=True), CHANGE, now=NOW, allow_code=True)
    found = open_project("project", allow_code=True)
    new = found.migrations[1:]
    meant = [[f.removesuffix(" -- one").replace("\t", "    ") for f in s.forward] for s in CHANGE.steps]
    assert [texts(m) for m in new] == meant
    assert [back(m) for m in new] == [list(s.backward) if s.backward else None for s in CHANGE.steps]
    assert "autocommit_block" in Path(writing.paths[1]).read_text()
    assert new[1].mode == "autocommit"
    tree({"b_y.py": _REVISION.format(down="a1").replace('"a1"', '"b1"', 1)}, "project/alembic/versions")
    with pytest.raises(InputError, match="2 heads"):
        compose(open_project("project", allow_code=True), CHANGE)


@given(st.lists(st.text(st.sampled_from("a:\\$'\"%;{}- \n/*é😀"), max_size=12), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_literal_survives_python(parts: list[str]) -> None:
    """What Alembic's text() makes of a revision's calls is the SQL that was meant."""
    import ast

    from sqlalchemy import text
    from sqlalchemy.dialects.postgresql import dialect

    from pgassay.sources.writing.alembic import body

    statements = tuple("SELECT '" + p.replace("'", "''") + "', x::int" for p in parts)
    calls = [n for n in ast.walk(ast.parse("def f():\n" + body(statements, False))) if isinstance(n, ast.Call)]
    found = [ast.literal_eval(call.args[0]) for call in calls]
    plain = dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    assert [str(text(f).compile(dialect=plain)) for f in found] == list(statements)


@given(
    name=st.text(max_size=20),
    literal=st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40),
    layout=st.sampled_from(sorted(LAYOUTS)),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_is_read_back_or_refused_and_removed(
    name: str, literal: str, layout: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("w") / ("supabase/migrations" if "supabase" in layout else "x")
    tree(LAYOUTS[layout], str(folder))
    project = open_project(str(folder))
    quoted = literal.replace("'", "''")
    made = f"CREATE INDEX i ON a (id) WHERE t = '{quoted}'"
    before = everything(str(folder))
    change = Change(name=name, comment=literal, steps=(Step(name=name, forward=(made,), backward=("DROP INDEX i",)),))
    try:
        write(project, change, now=NOW)
    except PgassayError:
        assert everything(str(folder)) == before
        return
    last = open_project(str(folder)).migrations[-1]
    assert (texts(last), back(last)) == ([made], ["DROP INDEX i"])


def test_twice_never_overwrites() -> None:
    for layout in LAYOUTS:
        if layout == "node-pg-migrate":
            continue
        project = opened(layout)
        write(project, Change(name="x", steps=(CONCURRENT,)), now=NOW)
        kept = everything(layout)
        write(open_project(project.path, kind=project.kind), Change(name="x", steps=(CONCURRENT,)), now=NOW)
        now = everything(layout)
        assert {k for k in kept if now[k] != kept[k]} <= {f"{layout}/sqitch.plan", f"{layout}/meta/_journal.json"}


def test_a_file_that_is_there_is_kept_and_nothing_else_stays() -> None:
    project = opened("prisma")
    tree({"20260304050607_a_id/down.sql": "mine"}, "prisma")
    before = everything("prisma")
    with pytest.raises(InputError, match="not overwritten"):
        write(project, Change(name="x", steps=(CONCURRENT,)), now=NOW)
    assert everything("prisma") == before


def test_a_journal_that_changed_meanwhile_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from pgassay.sources.writing import save

    project = opened("drizzle")
    writing = compose(project, CHANGE, now=NOW)
    monkeypatch.setattr(save, "compose", lambda *_, **__: writing)
    tree({"meta/_journal.json": JOURNAL + "\n"}, "drizzle")
    before = everything("drizzle")
    with pytest.raises(InputError, match="changed while"):
        write(project, CHANGE, now=NOW)
    assert everything("drizzle") == before


def test_names_without_numbers_are_refused() -> None:
    tree({"users.sql": A}, "x")
    with pytest.raises(InputError, match="not numbered"):
        compose(open_project("x"), CHANGE)
    tree({"one.sql": A}, ".")
    with pytest.raises(UsageError, match="--out DIR"):
        compose(open_project("one.sql"), CHANGE)


def test_files_anywhere() -> None:
    first = write_plain("new/folder", Change(name="x", steps=(CONCURRENT,)))
    second = write_plain("new/folder", Change(name="x", steps=(CONCURRENT,)))
    assert [Path(p).name for p in (*first.paths, *second.paths)] == [
        "0001_a_id.up.sql", "0001_a_id.down.sql", "0002_a_id.up.sql", "0002_a_id.down.sql"
    ]  # fmt: skip
    assert len(open_project("new/folder").migrations) == 2


def test_what_cannot_share_a_transaction_must_stand_alone() -> None:
    step = Step(name="s", forward=("SELECT 1", "VACUUM"))
    with pytest.raises(InputError, match="cannot share a transaction"):
        compose(opened("sql"), Change(name="x", steps=(step,)))
    with pytest.raises(InputError, match="syntax error"):
        compose(opened("sql"), Change(name="x", steps=(Step(name="s", forward=("SELEC 1",)),)))


@pytest.mark.parametrize(
    ("last", "following"),
    [
        ("0007_x.sql", ["0008_", "0009_"]),
        ("999-x.sql", ["1000-", "1001-"]),
        ("V1__x.sql", ["V2__", "V3__"]),
        ("20250101000000_x.sql", ["20260304050607_", "20260304050608_"]),
        ("20990101000000_x.sql", ["20990101000001_", "20990101000002_"]),
        ("1735689600_x.sql", ["1772600767_", "1772600768_"]),
        ("1735689600000_x.sql", ["1772600767000_", "1772600767001_"]),
        ("20260304_x.sql", ["20260305_", "20260306_"]),
        ("00000000000000_x.sql", ["00000000000001_", "00000000000002_"]),
    ],
)
def test_numbers_go_on(last: str, following: list[str]) -> None:
    numbers = names_after(last, NOW)
    assert [next(numbers), next(numbers)] == following
