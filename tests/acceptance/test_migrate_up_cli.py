"""`pgassay migrate` from the outside: what it shows, asks, refuses, and how it ends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pgassay.cli import main
from pgassay.server import OWNER, Connection, Server
from tests.acceptance.reviews import PGASSAY
from tests.migrating import drizzle, migrate, write

BASE = {
    "0000_base": "CREATE TABLE a (id int PRIMARY KEY, x int);--> statement-breakpoint\nINSERT INTO a VALUES (1, 2);"
}


@pytest.fixture
def url(server: Server, database: str) -> str:
    return f"postgresql://{OWNER}:secret-word@/{database}?host={server.sockets}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    drizzle(tmp_path, BASE)
    migrate(tmp_path, url)
    yield tmp_path


def run(*words: str, code: int) -> str:
    done = CliRunner().invoke(main, ["migrate", *words])
    assert done.exit_code == code, done.output
    assert "secret-word" not in done.output and "Traceback" not in done.output
    return done.output


def test_a_plan_is_shown_and_not_run_without_a_yes(project: Path, url: str, connection: Connection) -> None:
    connection.run("ANALYZE a")
    drizzle(
        project,
        BASE
        | {
            "0001_x": "ALTER TABLE a ADD COLUMN y text DEFAULT 'a';--> statement-breakpoint\n"
            "CREATE INDEX CONCURRENTLY a_x ON a (x);"
        },
    )
    shown = run("up", "--database", url, "--dry-run", code=0)
    assert "1. one transaction · ACCESS EXCLUSIVE on public.a" in shown
    assert "2. by itself · SHARE UPDATE EXCLUSIVE on public.a" in shown
    assert "public.a: 1" in shown and "pg_dump --table=public.a" in shown
    assert "nobody is here to ask" in run("up", "--database", url, code=2)
    assert connection.value("SELECT to_regclass('a_x')") is None
    assert "1 migration applied (2 steps): 0001_x" in run("up", "--database", url, "--yes", code=0)
    assert connection.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_x'::regclass") == "t"
    assert "Nothing to do" in run("up", "--database", url, code=0)


def test_lost_data_and_failures_have_to_be_allowed(project: Path, url: str, connection: Connection) -> None:
    drizzle(project, BASE | {"0001_x": "ALTER TABLE a DROP COLUMN x;"})
    assert "dropped-column (loses-data)" in run("up", "--database", url, "--dry-run", code=1)
    assert "say that this is meant: --allow dropped-column" in run("up", "--database", url, "--yes", code=2)
    assert "no such rule" in run("up", "--database", url, "--yes", "--allow", "dropped-colum", code=2)
    assert connection.value("SELECT count(x) FROM a") == "1"
    run("up", "--database", url, "--yes", "--allow", "dropped-column", code=0)
    drizzle(project, BASE | {"0001_x": "ALTER TABLE a DROP COLUMN x;", "0002_y": "ALTER TABLE nowhere ADD y int;"})
    refused = run("up", "--database", url, "--yes", code=2)
    assert "drizzle/0002_y.sql:1: failing-statement (fails): table public.nowhere is not in this database" in refused


def test_the_rehearsal_begins_with_the_database_as_it_is(project: Path, url: str, connection: Connection) -> None:
    """A column that somebody added by hand: only the database knows it."""
    connection.run("ALTER TABLE a ADD COLUMN z int")
    drizzle(project, BASE | {"0001_z": "ALTER TABLE a ADD COLUMN z int;"})
    assert "(fails)" in run("up", "--database", url, "--dry-run", code=1)


def test_status_and_an_edited_file(project: Path, url: str) -> None:
    assert "Next: nothing to do" in run("status", "--database", url, code=0)
    drizzle(project, {"0000_base": "CREATE TABLE a (id bigint PRIMARY KEY);", "0001_b": "CREATE TABLE b (id int);"})
    shown = run("status", "--database", url, code=1)
    assert "applied   0000_base  (edited since)" in shown and "pending   0001_b" in shown
    assert "Next: set drizzle/0000_base.sql right" in shown
    assert "edited-migration" in run("up", "--database", url, "--yes", code=2)
    run("up", "--database", url, "--yes", "--allow", "edited-migration", code=0)


def test_half_a_migration_is_shown_and_finished(project: Path, url: str, connection: Connection) -> None:
    last = "INSERT INTO a VALUES (2, 10 / (SELECT x - 2 FROM a WHERE id = 1));"
    text = f"SELECT 1;--> statement-breakpoint\nVACUUM a;--> statement-breakpoint\n{last}"
    drizzle(project, BASE | {"0001_half": text})
    stopped = run("up", "--database", url, "--yes", "--allow", "fails", code=2)
    assert "drizzle/0001_half.sql:3: 0001_half, step 3 of 3: division by zero" in stopped
    assert "Next: pgassay migrate up . --database URL --allow fails" in stopped
    shown = run("status", "--database", url, code=1)
    assert "half-applied: 2 of 3 steps forth; step 3 failed: division by zero" in shown
    connection.run("UPDATE a SET x = 3")
    assert "(1 step, 2 done before)" in run("up", "--database", url, "--yes", "--allow", "fails", code=0)


def test_back_again(project: Path, url: str, connection: Connection) -> None:
    assert "has no way back" in run("down", "--database", url, "--yes", code=2)
    write(project, {"drizzle/down/0000_base.sql": "DROP TABLE a;"})
    assert "loses-data" in run("down", "--database", url, "--yes", code=2)
    run("down", "--database", url, "--yes", "--allow", "loses-data", code=0)
    assert connection.value("SELECT count(*) FROM drizzle.__drizzle_migrations") == "0"


def test_a_database_that_has_it_all_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, connection: Connection
) -> None:
    monkeypatch.chdir(tmp_path)
    connection.run("CREATE TABLE a (id int)")
    write(
        tmp_path, {"migrations/0001_a.sql": "CREATE TABLE a (id int);", "migrations/0002_b.sql": "CREATE TABLE b ();"}
    )
    assert "(fails)" in run("up", "--database", url, "--yes", code=2)
    assert "--baseline" in run("up", "--database", url, "--yes", "--allow", "fails", code=2)
    assert "without being run: 0001_a\n" in run("up", "--database", url, "--yes", "--baseline", "0001", code=0)
    assert "1 migration applied (1 step): 0002_b" in run("up", "--database", url, "--yes", code=0)


@pytest.mark.usefixtures("project")
def test_our_record_is_no_drift(url: str) -> None:
    done = CliRunner().invoke(main, ["diff", ".", url])
    assert done.exit_code == 0, done.output


def test_bad_words(tmp_path: Path, url: str) -> None:
    write(tmp_path, {"one.sql": "SELECT 1;"})
    assert "from a folder, not from one file" in run("status", str(tmp_path / "one.sql"), "--database", url, code=2)
    assert "Missing option '--database'" in run("up", code=2)
    assert "need --database URL" in run("down", "--yes", code=2)
    assert "must begin with postgresql://" in run("status", ".", "--database", "mysql://x", code=2)


def test_it_asks_on_a_terminal(project: Path, url: str, connection: Connection) -> None:
    import pty

    drizzle(project, BASE | {"0001_b": "CREATE TABLE b (id int);"})
    for answer, made in (("n", None), ("y", "b")):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [PGASSAY, "migrate", "up", "--database", url],
            stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            os.close(theirs)
            os.write(ours, f"{answer}\n".encode())
            _, words = process.communicate(timeout=60)
            os.close(ours)
        assert "Run 1 steps on database" in words
        assert connection.value("SELECT to_regclass('b')") == made
