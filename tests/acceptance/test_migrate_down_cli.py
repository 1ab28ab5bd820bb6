"""``pgassay migrate down`` from the outside: files, JSON, exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pgassay.server import OWNER, Server
from pgassay.sources import open_project
from tests.acceptance import commands

EXAMPLE = Path(__file__).parents[2] / "examples" / "token-registry"
BASE = "CREATE TABLE token (id bigint PRIMARY KEY, symbol varchar(10), memo text);\n"
UP = "-- migrate:up\n"


def run(*arguments: str | Path, input: str | None = None) -> subprocess.CompletedProcess[str]:
    ended = commands.run("migrate", "down", "-q", *arguments, input=input)
    assert "Traceback" not in ended.stderr and "internal error" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """dbmate's layout: one that has a way back, one that has none and renames, one that drops."""
    folder = tmp_path / "db" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20250101000000_base.sql").write_text(f"{UP}{BASE}\n-- migrate:down\nDROP TABLE token;\n")
    (folder / "20250102000000_rename.sql").write_text(f"{UP}ALTER TABLE token RENAME symbol TO ticker;\n")
    (folder / "20250103000000_drop.sql").write_text(f"{UP}ALTER TABLE token DROP COLUMN memo;\n")
    return folder


def test_what_is_missing_is_written_and_then_nothing_is(project: Path) -> None:
    ended = run(project, "--only", "20250102000000_rename.sql")
    assert ended.returncode == 0, ended.stderr
    text = (project / "20250102000000_rename.sql").read_text()
    assert text.endswith("\n-- migrate:down\nALTER TABLE public.token RENAME COLUMN ticker TO symbol;\n")
    ended = run(project, "--format", "json")
    assert ended.returncode == 1  # the dropped column's values
    (found,) = json.loads(ended.stdout)["migrations"]
    assert found["path"].endswith("20250103000000_drop.sql")
    assert found["down"] == "ALTER TABLE public.token ADD COLUMN memo text;\n"
    assert (found["proved"], found["verdict"]) == (False, "loses-data")
    (lost,) = found["loses"]
    assert (lost["table"], lost["column"], lost["when"]) == ("public.token", "memo", "forward")
    assert lost["rows"] > 0
    assert "every value of public.token.memo" in found["reason"]
    assert all(m.down for m in open_project(str(project)).migrations)
    assert "Every migration has a way back" in run(project).stdout


def test_all_are_proved_with_what_parks(project: Path, tmp_path: Path) -> None:
    before = {p.name: p.read_text() for p in project.iterdir()}
    ended = run(project, "--prove", "--park", "--out", tmp_path / "backs", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["proved"]
    assert [(m["own"], m["verdict"]) for m in found["migrations"]] == [
        (True, "proved"), (False, "proved"), (False, "loses-data"),
    ]  # fmt: skip
    assert found["migrations"][2]["parked"]["proved"]
    assert sorted(p.name for p in (tmp_path / "backs").rglob("*.sql")) == [
        "20250102000000_rename.down.sql",
        "20250103000000_drop.down.sql",
        "park_20250103000000_drop_sql.contract.sql",
        "park_20250103000000_drop_sql.down.sql",
        "park_20250103000000_drop_sql.up.sql",
    ]
    assert {p.name: p.read_text() for p in project.iterdir()} == before


def test_a_bad_way_back_of_the_projects_own(project: Path) -> None:
    path = project / "20250101000000_base.sql"
    path.write_text(path.read_text().replace("DROP TABLE token", "DROP TABLE tokens"))
    ended = run(project, "--prove", "--only", "20250101000000_base.sql", "--dry-run")
    assert ended.returncode == 1
    assert "20250101000000_base.sql: fails (the project's own)" in ended.stdout
    assert 'table "tokens" does not exist' in ended.stdout


def test_rows_are_counted_in_a_database_that_is_only_read(project: Path, server: Server, database: str) -> None:
    with server.connect(database) as session:
        session.run(BASE + "INSERT INTO token SELECT i, 'x', nullif(i % 2, 0) FROM generate_series(1, 10) AS i")
    url = f"postgresql://{OWNER}@/{database}?host={server.sockets}&port={server.port}"
    ended = run(project, "--only", "20250103000000_drop.sql", "--dry-run", "--count-on", url, "--format", "json")
    assert [lost["live"] for lost in json.loads(ended.stdout)["migrations"][0]["loses"]] == [5]


def test_the_example_and_a_hand_off(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "example")
    ended = run(tmp_path / "example", "--format", "handoff", "--rows", "50")
    assert ended.returncode == 1
    found = json.loads(ended.stdout)
    assert len(found["deliverables"]["artifactsCreated"]) == 8
    assert "0005_drop_memo.sql: loses data" in str(found["taskCompletion"]["blockers"])
    assert (tmp_path / "example" / "drizzle" / "down" / "0004_ticker.sql").read_text() == (
        "-- The way back of 0004_ticker.sql.\nALTER TABLE public.token RENAME COLUMN ticker TO symbol;\n"
    )


def test_standard_input() -> None:
    ended = run("-", "--dry-run", input=BASE)
    assert ended.returncode == 0
    assert "DROP TABLE public.token;" in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "nothing"], "--only: there is no migration nothing"),
        (["--yes"], "--yes: need --database URL"),
        (["--database", "postgresql://x@localhost/x", "--prove"], "--prove: go without --database"),
        (["--output", "/nowhere/at/all"], "no such folder"),
    ],
)
def test_bad_usage_is_one_clear_message(project: Path, words: list[str], said: str) -> None:
    ended = run(project, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert run("/no/such/place").returncode == 2


def test_the_schema_fits_the_report(project: Path) -> None:
    import jsonschema

    shown = commands.run("schema", "migrate-down")
    document = json.loads(run(project, "--dry-run", "--format", "json", "--rows", "10").stdout)
    jsonschema.validate(document, json.loads(shown.stdout))
