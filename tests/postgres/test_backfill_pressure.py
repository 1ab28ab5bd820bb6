"""A backfill that feels what it does: to standbys, and to the application's statements."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.migrate.backfill import BackfillOptions, Progress, backfill
from pgassay.migrate.backfill import pressure as module
from pgassay.migrate.backfill.pressure import Pressure
from pgassay.server import SUPERUSER, Server, scratch
from pgassay.server.extensions import install


@pytest.fixture(scope="module")
def busy() -> Iterator[Server]:
    settings = {
        "wal_level": "replica",
        "max_wal_senders": "4",
        "shared_preload_libraries": "pg_stat_statements",
        "compute_query_id": "on",
    }
    with scratch(settings=settings) as server:
        yield server


def test_a_standby_that_lags_is_waited_for(busy: Server, tmp_path: Path) -> None:
    program = busy.binaries.program("pg_receivewal")
    words = [program, "-D", str(tmp_path), "-h", str(busy.sockets), "-U", SUPERUSER, "-s", "1", "--synchronous"]
    with busy.database() as name, busy.connect(name) as session:
        session.run(
            "CREATE TABLE t (id bigint PRIMARY KEY, n integer NOT NULL DEFAULT 0);"
            "INSERT INTO t SELECT g FROM generate_series(1, 500) AS g; ANALYZE t"
        )
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as standby:
            try:
                for _ in range(200):
                    if session.value("SELECT count(flush_lsn) FROM pg_stat_replication") == "1":
                        break
                    time.sleep(0.05)
                standby.send_signal(signal.SIGSTOP)
                session.run("UPDATE t SET n = 0 WHERE id = 1")
                time.sleep(1.0)
                told: list[str] = []

                def meanwhile(now: Progress) -> None:
                    if now.waiting:
                        told.append(now.waiting)
                        standby.send_signal(signal.SIGCONT)

                options = BackfillOptions(max_lag=0.8)
                sql = "UPDATE t SET n = n + 1"
                done = backfill(lambda: busy.connect(name), sql, options=options, record="a", progress=meanwhile)
            finally:
                standby.kill()
        assert told
        assert told[0].startswith("a standby lags")
        assert (done.changed, done.proved) == (500, True)


def test_slower_statements_of_the_application_make_it_rest(busy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY", 0.0)
    monkeypatch.setattr(module, "_FEWEST", 5)
    monkeypatch.setattr(module, "_ENOUGH", 5)
    with busy.database() as name, busy.connect(name) as application, busy.connect(name) as session:
        without = Pressure(rest=0.25, slower=1.4)
        without.begin(session)
        without.look(session)
        assert without.felt(session).why == "pg_stat_statements is not in this database"
        install(busy, name, "pg_stat_statements")

        def send(seconds: float) -> None:
            for _ in range(5):
                application.run(f"SELECT pg_sleep({seconds:.1f})")
                session.run("SELECT /* pgassay */ 1")

        send(0)
        felt = Pressure(rest=0.25, slower=1.4)
        felt.begin(session)
        felt.look(session)
        assert (felt.ratio, felt.rest) == (None, 0.25)
        send(0.2)
        felt.look(session)
        assert felt.ratio is not None and felt.ratio > 1.4
        assert felt.now is not None and felt.now >= 200
        assert felt.rest == 0.5
        seen = felt.felt(session)
        assert (seen.calls, seen.throttled, seen.why) == (5, 1, None)
        assert seen.p99 == pytest.approx(felt.now)
        assert "99th percentile of 5 calls about" in str(seen)
        felt.slower = 1e9
        send(0)
        felt.look(session)
        assert felt.rest == pytest.approx(0.4)
        with busy.connect(name, role=SUPERUSER) as admin:
            admin.run("SELECT public.pg_stat_statements_reset()")
        send(0)
        felt.look(session)
        assert felt.rest == pytest.approx(0.4)
        send(0)
        felt.look(session)
        assert felt.rest == pytest.approx(0.32)
        assert felt.felt(session).calls == 5
