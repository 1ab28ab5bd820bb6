"""`pgassay migrate up`, `status` and `backfill` for machines; and statements that run in batches, as up and review see
them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from pgassay.cli import main
from pgassay.errors import PgassayError
from pgassay.migrate.runner.guard import KEY
from pgassay.report.migrate_backfill import BackfillDocument
from pgassay.report.migrate_run import RunDocument
from pgassay.report.migrate_status import StatusDocument
from pgassay.server import OWNER, Connection, Server
from tests.migrating import migrate, write

FILL = "-- pgassay: batch trigger\nUPDATE a SET x = id * 2 WHERE x IS NULL;"


@pytest.fixture
def url(server: Server, database: str) -> str:
    return f"postgresql://{OWNER}:secret-word@/{database}?host={server.sockets}"


@pytest.fixture
def table(connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.chdir(tmp_path)
    connection.run(
        "CREATE TABLE a (id bigint PRIMARY KEY, x bigint); INSERT INTO a SELECT generate_series(1, 500); ANALYZE a"
    )
    yield connection


def ran(*words: str, code: int) -> str:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == code, done.output
    assert "secret-word" not in done.output
    return done.stdout


def up(url: str, *words: str, code: int = 0) -> RunDocument:
    out = ran("migrate", "up", "migrations", "--database", url, "--format", "json", *words, code=code)
    return msgspec.json.decode(out, type=RunDocument)


def status(url: str, code: int) -> StatusDocument:
    out = ran("migrate", "status", "migrations", "--database", url, "--format", "json", code=code)
    return msgspec.json.decode(out, type=StatusDocument)


def test_a_step_in_batches_is_planned_run_and_reported(url: str, table: Connection, tmp_path: Path) -> None:
    write(tmp_path, {"migrations/0001_fill.sql": FILL})
    shown = ran("migrate", "up", "migrations", "--database", url, "--dry-run", code=0)
    assert "1. in batches by id of public.a, about 500 rows; new rows by a trigger" in shown
    assert "updated-rows" not in shown
    done = up(url, "--yes")
    (step,) = done.migrations[0].steps
    assert not done.findings
    assert step.batches is not None and step.batches.key == ("id",) and step.batches.new_rows == "trigger"
    assert (done.outcome, done.steps, step.status, done.next) == ("done", 1, "done", None)
    assert step.result is not None
    assert (step.result.changed, step.result.proof, step.result.new_rows) == (500, "where", "trigger")
    assert step.result.application.why == "pg_stat_statements is not in this database"
    assert table.value("SELECT count(*) FROM a WHERE x = id * 2") == "500"
    assert up(url, "--yes").outcome == "nothing-to-do"


def test_what_cannot_be_sliced_is_refused_before_anything_runs(url: str, table: Connection, tmp_path: Path) -> None:
    text = "CREATE TABLE b (x int);\n-- pgassay: batch\nUPDATE a SET x = (SELECT max(id) FROM a);"
    write(tmp_path, {"migrations/0001_bad.sql": text})
    found = up(url, "--yes", code=2)
    assert found.outcome == "refused"
    (stop,) = (f for f in found.findings if f.stops)
    assert (stop.rule, stop.line) == ("failing-statement", 3)
    assert "cannot be run in batches: it reads a, which it changes" in stop.message
    assert found.hint is not None and "Nothing was done" in found.hint
    assert table.value("SELECT to_regclass('b')") is None


@pytest.mark.usefixtures("table")
def test_who_blocks_and_how_often_is_told_now_and_by_status(
    url: str, tmp_path: Path, server: Server, database: str
) -> None:
    write(tmp_path, {"migrations/0001_y.sql": "ALTER TABLE a ADD y int;"})
    with server.connect(database) as other:
        other.run("SET application_name = 'the holder'; BEGIN; SELECT FROM a")
        found = up(url, "--yes", "--lock-timeout", "0.4", "--retries", "1", code=2)
        other.run("ROLLBACK")
    (step,) = found.migrations[0].steps
    assert (found.outcome, found.retries, step.status, step.retries) == ("stopped", 1, "failed", 1)
    assert len(step.blocked_by) == 1 and '"the holder"' in step.blocked_by[0]
    assert found.error is not None and "no lock after 2 attempts" in found.error
    stands = status(url, code=1)
    (recorded,) = stands.migrations[0].steps
    assert (stands.migrations[0].status, recorded.state, recorded.retries) == ("pending", "failed", 1)
    assert recorded.blocked_by == step.blocked_by
    assert stands.next == "pgassay migrate up migrations --database URL"
    assert "it was blocked by process" in ran("migrate", "status", "migrations", "--database", url, code=1)
    migrate(tmp_path / "migrations", url)
    stands = status(url, code=0)
    assert (stands.migrations[0].status, stands.migrations[0].steps[0].state, stands.next) == ("applied", "done", None)


def test_a_run_under_way_is_seen_from_outside(url: str, table: Connection, tmp_path: Path) -> None:
    write(tmp_path, {"migrations/0001_fill.sql": FILL.replace("id * 2", "id * 2 / (id - 300)")})
    with pytest.raises(PgassayError, match="division by zero") as stopped:
        migrate(tmp_path / "migrations", url)
    assert "the trigger zzz_pgassay_" in str(stopped.value)
    table.run("UPDATE pgassay.step SET state = 'started'")
    table.run(f"SELECT pg_advisory_lock({KEY})")
    stands = status(url, code=1)
    assert stands.at_work is not None and stands.at_work.startswith(f"process {table.pid}, ")
    (step,) = stands.migrations[0].steps
    assert (stands.migrations[0].half, step.state) == ("up", "started")
    assert step.place is not None and step.place.position is None
    shown = ran("migrate", "status", "migrations", "--database", url, code=1)
    assert "step 1 is under way" in shown and "A runner is at work: process" in shown
    assert "Next: wait for it, then pgassay migrate status" in shown


def test_baselines(url: str, table: Connection, tmp_path: Path) -> None:
    write(tmp_path, {"migrations/0001_a.sql": "CREATE TABLE a (id int);"})
    planned = up(url, "--dry-run", "--baseline", "0001")
    (step,) = planned.migrations[0].steps
    assert (planned.outcome, planned.migrations[0].status, step.status) == ("planned", "pending", "pending")
    noted = up(url, "--yes", "--baseline", "0001")
    assert (noted.outcome, noted.migrations[0].status) == ("noted", "noted")
    assert up(url, "--yes", "--baseline", "0001").outcome == "nothing-to-do"
    assert table.value("SELECT count(*) FROM a") == "500"


def test_a_backfill_for_machines(url: str, table: Connection, tmp_path: Path) -> None:
    write(tmp_path, {"fill.sql": "UPDATE a SET x = 1000 / (id - 400) WHERE x IS NULL;\nDELETE FROM a WHERE id = 3;"})

    def fill(*words: str, code: int) -> BackfillDocument:
        out = ran("migrate", "backfill", "fill.sql", "--database", url, "--format", "json", *words, code=code)
        return msgspec.json.decode(out, type=BackfillDocument)

    planned = fill("--dry-run", code=0)
    assert [(s.kind, s.key, s.rows, s.status) for s in planned.statements] == [
        ("update", ("id",), 500, "planned"),
        ("delete", ("id",), 500, "planned"),
    ]
    stopped = fill("--yes", "--new-rows", "trigger", code=2)
    assert (stopped.outcome, [s.status for s in stopped.statements]) == ("stopped", ["stopped", "planned"])
    assert stopped.error is not None and "division by zero" in stopped.error
    assert stopped.next == "pgassay migrate backfill fill.sql --database URL --new-rows trigger"
    table.run("DELETE FROM a WHERE id = 400")
    done = fill("--yes", "--new-rows", "trigger", code=0)
    first, second = done.statements
    assert (done.outcome, done.next, first.status) == ("done", None, "done")
    assert first.result is not None and (first.result.new_rows, first.result.left) == ("trigger", 0)
    assert second.result is not None and (second.result.changed, second.result.new_rows) == (1, "pass")


@pytest.mark.parametrize("static", [True, False])
def test_a_review_says_to_whom_the_mark_is_a_comment(tmp_path: Path, static: bool) -> None:
    text = "CREATE TABLE a (id int PRIMARY KEY, x int);"
    write(tmp_path, {"m/V1__a.sql": text, "m/V2__fill.sql": "-- pgassay: batch\nUPDATE a SET x = 1;"})
    words = ["--static"] if static else []
    done = CliRunner().invoke(main, ["review", str(tmp_path / "m"), "--kind", "flyway", *words])
    said = "".join(done.stdout.split())
    assert "`--pgassay:batch`isacommenttoFlyway;`pgassaymigrateup`runsitinbatches" in said, done.output


@pytest.mark.usefixtures("table")
def test_the_way_back_for_machines(url: str, tmp_path: Path) -> None:
    write(tmp_path, {"migrations/0001_v.sql": "CREATE VIEW v AS SELECT 1 AS one;"})
    write(tmp_path, {"migrations/down/0001_v.sql": "DROP VIEW v;"})
    migrate(tmp_path / "migrations", url)
    words = ("migrate", "down", "migrations", "--database", url, "--yes", "--format", "json", "--allow", "breaks-app")
    done = msgspec.json.decode(ran(*words, code=0), type=RunDocument)
    assert (done.way, done.outcome, done.migrations[0].status) == ("down", "done", "taken-back")
    said = CliRunner().invoke(main, ["migrate", "down", "migrations", "--database", url, "--format", "handoff"])
    assert said.exit_code == 2 and "goes without --database" in said.output
