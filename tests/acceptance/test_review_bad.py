"""What cannot be reviewed ends with one clear message, code 2, soon, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.reviews import review, start, write
from tests.acceptance.test_server_kill import processes

SLEEPER = "CREATE FUNCTION {name} LANGUAGE plpgsql AS $$ BEGIN {body} END $$;\n"
FOREVER = "PERFORM set_config('statement_timeout', '0', false); LOOP END LOOP; RETURN NULL;"


@pytest.fixture
def home() -> Iterator[Path]:
    """A place for the servers of one test alone, searchable by their user."""
    room = "/dev/shm" if os.environ.get("PGASSAY_HOME", "").startswith("/dev/shm") else "/tmp"
    with tempfile.TemporaryDirectory(prefix="pgassay-bad-", dir=room) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
        assert processes(folder) == []
        assert list((folder / "runs").iterdir()) == []


def refused(folder: Path, home: Path, *arguments: str) -> str:
    """The one message of a review that ends with 2."""
    ended = start(folder, ".", "--history", *arguments, PGASSAY_HOME=str(home))
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert ended.stderr.startswith("pgassay: ")
    shown = 2 if "^" in ended.stderr else 0  # the line with its caret
    assert len(ended.stderr.splitlines()) <= 2 + shown  # the message, and perhaps a hint
    return ended.stderr


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "SET statement_timeout = 0;\nDO $$ BEGIN LOOP END LOOP; END $$;\n",
            "1.sql:2: this statement did not end within 1 s",
        ),
        (
            # Tried beforehand as well, since it needs a table that nobody creates.
            "ALTER TABLE unknown ADD COLUMN x int;\nSET statement_timeout = 0;\nSELECT pg_sleep(1000);\n",
            "1.sql:3: this statement did not end within 1 s",
        ),
        (
            "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;"
            " END $$;\n",
            "1.sql:1: this statement did not end within 1 s",
        ),
        (
            "CREATE TABLE a (id int);\n"
            + SLEEPER.format(name="f() RETURNS trigger", body=FOREVER)
            + "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            " EXECUTE FUNCTION f();\nINSERT INTO a VALUES (1);\n",
            "1.sql:4: this statement did not end within 1 s",
        ),
        (
            "CREATE TABLE a (id int);\nSELECT pg_terminate_backend(pg_backend_pid());\nCREATE TABLE b (id int);\n",
            "1.sql:2: the scratch server lost its session while it ran this statement",
        ),
    ],
    ids=["own-timeout", "presumed", "uncancellable", "at-commit", "suicide"],
)
def test_a_migration_that_never_ends(tmp_path: Path, home: Path, sql: str, words: str) -> None:
    assert words in refused(write(tmp_path, {"1.sql": sql}), home, "--statement-timeout", "1")


def test_functions_that_never_end_do_not_keep_the_review(tmp_path: Path) -> None:
    """A trigger that hangs on filling: the table stays empty and is named; a view that hangs is not probed."""
    write(tmp_path, {
        "1.sql": "CREATE TABLE a (id int PRIMARY KEY, v text);\n"
        "CREATE TABLE b (id int PRIMARY KEY, v text);\n"
        + SLEEPER.format(name="f() RETURNS trigger", body=FOREVER)
        + "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();\n"
        + SLEEPER.format(name="g() RETURNS int", body="PERFORM pg_sleep(1000); RETURN 1;")
        + "CREATE VIEW slow AS SELECT g();\n",
        "2.sql": "CREATE INDEX a_v ON a (v);\n",
        "3.sql": "CREATE INDEX b_v ON b (v);\n",
    })  # fmt: skip
    seen = review(tmp_path, "--history", "--rows", "100")
    assert seen.findings == {"blocks blocking-index-build 3.sql:1"}
    assert "public.a: no rows" in seen.skipped["2.sql:1"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"1.sql": "SELECT 'ok';\n", "2.sql": "SELECT 'never ended;\n" + "x\n" * 500}, "2.sql:1: unterminated quoted"),
        ({"1.sql": "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1;\n"}, "1.sql:1: unterminated dollar-quoted string"),
        (
            {"1.sql": "SELECT " + "1, " * 50_000 + "FROM FROM x;\n"},
            '1.sql:1: syntax error at or near "FROM" (column 150',
        ),
        ({"1.sql": "-- ä€𝄞\nSELECT 'ä€𝄞' FROM FROM x;\n"}, '1.sql:2: syntax error at or near "FROM" (column 19)'),
        ({"1.sql": "<<<<<<< HEAD\nSELECT 1;\n=======\n"}, '1.sql:1: syntax error at or near "<<<<<<<" (column 1)'),
        ({"sqitch.plan": "%project=x\n\ngone 2025-01-01T00:00:00Z A <a@b>\n", "deploy/x.sql": ""}, "deploy/gone.sql"),
        ({"migrations/1_a.sql": "-- +goose Up\nSELECT 1;\n", "migrations/2_b.sql": "SELECT 1;\n"}, "2_b.sql:1: "),
        ({"alembic.ini": "[alembic]\nscript_location = m\n", "m/env.py": "", "m/versions/a.py": ""}, "--allow-code"),
    ],
    ids=["quote", "dollar", "long", "unicode", "conflict", "sqitch", "goose", "alembic"],
)
def test_what_cannot_be_read(tmp_path: Path, home: Path, files: dict[str, str], words: str) -> None:
    (home / "runs").mkdir()
    message = refused(write(tmp_path, files), home, "--output", "report.txt")
    assert words in message
    assert not (tmp_path / "report.txt").exists()


@pytest.fixture
def small_disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of as many megabytes as the test asks for."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    with tempfile.TemporaryDirectory(prefix="pgassay-disk-", dir="/tmp") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=0711", "none", name]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("this system lets nobody mount a tmpfs")
        try:
            yield Path(name)
            assert processes(Path(name)) == []
            assert list((Path(name) / "runs").iterdir()) == []
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


BIG = "CREATE TABLE big AS SELECT n, repeat(md5(n::text), 60) AS words FROM generate_series(1, 200000) n;\n"
FEW = "CREATE TABLE few (id int PRIMARY KEY, words text NOT NULL);\n"


@pytest.mark.parametrize(
    ("small_disk", "sql", "rows"),
    [(12, FEW, "10"), (120, FEW + BIG, "10"), (120, FEW + "\nCREATE INDEX i ON few (words);", "2000000")],
    indirect=["small_disk"],
    ids=["at the start", "in a migration", "in filling"],
)
def test_a_full_disk(tmp_path: Path, small_disk: Path, sql: str, rows: str) -> None:
    parts = sql.split("\n\n")
    write(tmp_path, {f"{n}.sql": part for n, part in enumerate(parts, 1)})
    message = refused(tmp_path, small_disk / "", "--rows", rows)
    assert message.startswith("pgassay: The disk is full: ")
    assert message.endswith("Free some space, or set PGASSAY_HOME to a folder on a larger disk.\n")
