"""The runner and the server killed at any moment: the next run ends as if nothing had happened, nothing done twice.

PGASSAY_KILLS=100 kills a hundred times instead of a few.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pgassay.catalog import Catalog, compare, read
from pgassay.cli import main
from pgassay.errors import ConnectionProblem, PgassayError
from pgassay.migrate.backfill import BackfillOptions, Progress, backfill
from pgassay.migrate.runner import MigrationStopped
from pgassay.server import OWNER, SUPERUSER
from tests.durable import Durable, durable
from tests.migrating import drizzle, look, migrate, write

KILLS = int(os.environ.get("PGASSAY_KILLS", "2"))
RUNNER = """
import sys
from pathlib import Path
from tests.migrating import migrate
import pgassay.migrate.backfill
print("ready", flush=True)
sys.stdin.readline()
migrate(Path(sys.argv[1]), sys.argv[2])
print("over", flush=True)
"""
FILES = {
    "0000_base": """CREATE TABLE seen (n int NOT NULL);--> statement-breakpoint
CREATE TABLE big (id bigint PRIMARY KEY, x int NOT NULL, y int);--> statement-breakpoint
INSERT INTO big SELECT i, i % 97 FROM generate_series(1, 30000) AS i;--> statement-breakpoint
INSERT INTO seen VALUES (0);""",
    "0001_indexes": """INSERT INTO seen VALUES (1);--> statement-breakpoint
CREATE INDEX CONCURRENTLY big_x ON big (x);--> statement-breakpoint
INSERT INTO seen VALUES (2);--> statement-breakpoint
CREATE UNIQUE INDEX CONCURRENTLY big_x_id ON big (x, id);--> statement-breakpoint
DROP INDEX CONCURRENTLY big_x;--> statement-breakpoint
VACUUM ANALYZE big;--> statement-breakpoint
INSERT INTO seen VALUES (3);""",
    "0002_change": """UPDATE big SET y = x + 1 WHERE id <= 10000;--> statement-breakpoint
ALTER TABLE big ADD z bigint DEFAULT 7 NOT NULL;--> statement-breakpoint
INSERT INTO seen VALUES (4);""",
    "0003_parts": """CREATE TABLE parts (id int NOT NULL) PARTITION BY RANGE (id);--> statement-breakpoint
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);--> statement-breakpoint
INSERT INTO parts VALUES (1);--> statement-breakpoint
ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY;--> statement-breakpoint
-- pgassay: batch
UPDATE big SET y = 0 WHERE y IS NULL;--> statement-breakpoint
REINDEX INDEX CONCURRENTLY big_x_id;--> statement-breakpoint
INSERT INTO seen VALUES (5);""",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Durable]:
    with durable() as running:
        yield running


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drizzle(tmp_path_factory.mktemp("faults"), FILES)


def fresh(server: Durable, name: str) -> str:
    server.sql(f"CREATE DATABASE {name} TEMPLATE template0 OWNER {OWNER}")
    return server.url(name)


def state(server: Durable, name: str) -> tuple[Catalog, list[list[str]]]:
    """The schema and every row, and what Drizzle's own table says."""
    with server.connect(name, role=SUPERUSER) as session:
        rows = [
            session.run(f"SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} AS t")[0]
            for table in ("public.big", "public.seen", "public.parts", "public.parts_1")
        ]
        rows += session.run("SELECT hash, created_at FROM drizzle.__drizzle_migrations ORDER BY created_at")
        return read(session), rows


@pytest.fixture(scope="module")
def expected(server: Durable, project: Path) -> tuple[Catalog, list[list[str]], float]:
    began = time.monotonic()
    migrate(project, fresh(server, "expected"))
    took = time.monotonic() - began
    return *state(server, "expected"), took


def start(project: Path, url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(project), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()
    return process


def same(server: Durable, name: str, expected: tuple[Catalog, list[list[str]], float]) -> None:
    catalog, rows = state(server, name)
    assert rows == expected[1]
    assert not compare(expected[0], catalog)
    assert not [i.name for t in catalog.tables for i in t.indexes if not i.valid]


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_runner_is_resumed(
    server: Durable, project: Path, expected: tuple[Catalog, list[list[str]], float], number: int
) -> None:
    name = f"runner_{number}"
    url = fresh(server, name)
    moment = random.Random(number).uniform(0, expected[2] * 1.1)
    with start(project, url) as process:
        time.sleep(moment)
        process.kill()
    migrate(project, url)
    same(server, name, expected)
    assert look(project, url).pending == ()


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_server_is_resumed(
    server: Durable, project: Path, expected: tuple[Catalog, list[list[str]], float], number: int
) -> None:
    name = f"server_{number}"
    url = fresh(server, name)
    how = random.Random(number)
    with start(project, url) as process:
        time.sleep(how.uniform(0, expected[2] * 1.1))
        server.down(how.choice([signal.SIGKILL, signal.SIGQUIT]))
        server.up()
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()
    migrate(project, url)
    same(server, name, expected)
    assert look(project, url).pending == ()


def test_a_backfill_outlives_its_server(server: Durable) -> None:
    """The server's first process is killed within batches, again and again: the same call goes on, nothing twice."""
    fresh(server, "backfilled")
    with server.connect("backfilled") as session:
        session.run(
            "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);"
            f"INSERT INTO t SELECT generate_series(1, {100 * KILLS + 100}); ANALYZE t;"
            "CREATE FUNCTION slow(n int) RETURNS int LANGUAGE sql AS $$ SELECT n FROM pg_sleep(0.002) $$"
        )
    seen = 0
    moments = random.Random(5)

    def meanwhile(now: Progress) -> None:
        nonlocal seen
        seen = now.seen

    def kill() -> None:
        for number in range(KILLS):
            while seen < 50 + number * 100:
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.03))
            server.down(signal.SIGKILL)
            server.up()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    done = backfill(
        lambda: server.connect("backfilled"),
        "UPDATE t SET n = n + slow(1)",
        options=BackfillOptions(size=10, largest=10, rest=0),
        record="killed",
        progress=meanwhile,
    )
    killer.join()
    assert done.retries >= KILLS and done.proved
    with server.connect("backfilled") as session:
        assert session.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", str(100 * KILLS + 100)]]


def test_a_full_disk_is_one_message_and_the_run_goes_on_once_there_is_room(server: Durable, tmp_path: Path) -> None:
    write(tmp_path, {"0001_t.sql": "CREATE TABLE t (x int);", "0002_rows.sql": "SELECT 1;\nINSERT INTO t VALUES (1);"})
    url = fresh(server, "full_disk")
    migrate(tmp_path, url, to="0001")
    with server.connect("full_disk", role=SUPERUSER) as session:
        session.run("CHECKPOINT")
        file = server.data / str(session.value("SELECT pg_relation_filepath('public.t')"))
    kept = file.with_suffix(".kept")
    file.rename(kept)
    file.symlink_to("/dev/full")
    try:
        with pytest.raises(MigrationStopped, match=r"0002_rows.sql:2: .*the server's disk is full") as stopped:
            migrate(tmp_path, url)
    finally:
        file.unlink()
        kept.rename(file)
    assert "Make room on it" in str(stopped.value) and "Next: pgassay migrate up" in str(stopped.value)
    assert migrate(tmp_path, url).migrations == ["0002_rows"]


def test_a_full_disk_stops_a_backfill_where_it_is(server: Durable) -> None:
    fresh(server, "full_backfill")
    sql = "INSERT INTO copied SELECT id FROM t"
    with server.connect("full_backfill") as session:
        session.run(
            "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE copied (id int);"
            "INSERT INTO t SELECT generate_series(1, 20); ANALYZE t"
        )
    with server.connect("full_backfill", role=SUPERUSER) as session:
        session.run("CHECKPOINT")
        file = server.data / str(session.value("SELECT pg_relation_filepath('public.copied')"))
    kept = file.with_suffix(".kept")
    file.rename(kept)
    file.symlink_to("/dev/full")
    try:
        with pytest.raises(PgassayError, match="t: the server's disk is full") as stopped:
            backfill(lambda: server.connect("full_backfill"), sql, record="full")
    finally:
        file.unlink()
        kept.rename(file)
    assert "0 rows are done and stay so. Make room on it" in str(stopped.value)
    assert backfill(lambda: server.connect("full_backfill"), sql, record="full").changed == 20


def test_a_standby_is_no_place_to_migrate(server: Durable, project: Path, tmp_path: Path) -> None:
    url = fresh(server, "standby")
    signal_file = server.data / "standby.signal"
    server.down(signal.SIGQUIT)
    signal_file.touch()
    server.up()
    try:
        with pytest.raises(ConnectionProblem, match="is on a standby, which only reads") as refused:
            migrate(project, url)
        assert "Name the primary" in str(refused.value)
        done = CliRunner().invoke(main, ["migrate", "up", str(project), "--database", url, "--dry-run"])
        assert done.exit_code == 2 and "is on a standby" in done.output
        file = tmp_path / "fill.sql"
        file.write_text("UPDATE seen SET n = 1 WHERE n = 0;")
        done = CliRunner().invoke(main, ["migrate", "backfill", str(file), "--database", url, "--yes"])
        assert done.exit_code == 2 and "is on a standby" in done.output and "Name the primary" in done.output
    finally:
        server.down(signal.SIGQUIT)
        signal_file.unlink()
        server.up()
