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
    with busy.database() as name:
        install(busy, name, "pg_stat_statements")
        with busy.connect(name) as application, busy.connect(name) as session:

            def send(milliseconds: float) -> None:
                for _ in range(25):
                    application.run(f"SELECT pg_sleep({milliseconds / 1000})")

            send(2)
            felt = Pressure(rest=0.25, slower=1.4)
            felt.begin(session)
            felt.look(session)
            assert (felt.ratio, felt.rest) == (None, 0.25)
            send(10)
            felt.look(session)
            assert felt.ratio is not None
            assert felt.ratio > 1.4
            assert felt.rest == 0.5
            for _ in range(3):
                send(0.5)
                felt.look(session)
            assert felt.rest < 0.3
