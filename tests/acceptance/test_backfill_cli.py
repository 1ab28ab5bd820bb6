"""``pgassay migrate backfill`` from the outside, killed at any moment. PGASSAY_KILLS says how often (default: few)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from pgassay.server import OWNER, Connection, Server
from tests.acceptance import commands
from tests.acceptance.commands import PGASSAY

KILLS = int(os.environ.get("PGASSAY_KILLS", "2"))
ROWS = 20_000


def url(server: Server, database: str) -> str:
    return f"postgresql://{OWNER}@/{database}?host={server.sockets}"


def command(file: Path, server: Server, database: str, *more: str) -> list[str]:
    return [PGASSAY, "migrate", "backfill", str(file), "--database", url(server, database), "--yes", *more]


def made(connection: Connection) -> None:
    connection.run(
        "CREATE TABLE t (id bigint PRIMARY KEY, n integer NOT NULL DEFAULT 0);"
        f"INSERT INTO t SELECT g FROM generate_series(1, {ROWS}) AS g; ANALYZE t"
    )


def test_kills_do_nothing_twice(server: Server, database: str, connection: Connection, tmp_path: Path) -> None:
    made(connection)
    file = tmp_path / "fill.sql"
    moments = random.Random(5)
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        file.write_text(f"UPDATE t SET n = n + 1 /* round {rounds} */;")
        words = command(file, server, database, "--batch-time", "10ms", "--rest", "1", "-q")
        while True:
            with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                try:
                    out, err = process.communicate(timeout=moments.uniform(0.4, 1.6) if kills < KILLS else 60)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.communicate()
                    kills += 1
                    continue
            assert process.returncode == 0, err
            assert "proved: every range of keys was done once" in out
            break
        assert connection.run("SELECT n, count(*) FROM t GROUP BY n") == [[str(rounds), str(ROWS)]]


def test_a_crash_of_the_server_is_survived(
    server: Server, database: str, connection: Connection, tmp_path: Path
) -> None:
    """One backend dies by SIGKILL: the server ends all sessions, recovers, and the backfill goes on by itself."""
    connection.run("SET synchronous_commit = on")  # or the crash may take the table along
    made(connection)
    file = tmp_path / "fill.sql"
    file.write_text("UPDATE t SET n = n + 1")
    words = command(file, server, database, "--batch-time", "10ms", "--rest", "1", "-q")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        pid = None
        for _ in range(400):
            pid = connection.value(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1885823347"
                " AND EXISTS (SELECT FROM pgassay.backfill WHERE batches > 2)"
                if connection.value("SELECT to_regclass('pgassay.backfill')")
                else "SELECT NULL"
            )
            if pid:
                break
            time.sleep(0.01)
        assert pid
        os.kill(int(pid), signal.SIGKILL)
        server.close()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"{ROWS:,} rows in" in out
    with server.connect(database) as session:
        assert session.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", str(ROWS)]]


def test_dry_run_and_bad_input(server: Server, database: str, connection: Connection, tmp_path: Path) -> None:
    made(connection)
    file = tmp_path / "fill.sql"
    file.write_text("-- the first\nUPDATE t SET n = 1 WHERE n = 0;\n\nDELETE FROM t USING t AS o WHERE o.id = t.n;")
    done = commands.run(*command(file, server, database)[1:])
    assert done.returncode == 2
    assert "fill.sql:4: this statement cannot be run in batches: it reads t, which it changes" in done.stderr
    file.write_text("UPDATE t SET n = 1 WHERE n = 0;")
    done = commands.run(*command(file, server, database, "--dry-run")[1:])
    assert done.returncode == 0
    assert "UPDATE by id of t (about 20,000 rows)" in done.stdout
    assert connection.value("SELECT max(n) FROM t") == "0"
    done = commands.run(*command(file, server, database, "--batch-time", "soon")[1:])
    assert done.returncode == 2


def test_pause_file(server: Server, database: str, connection: Connection, tmp_path: Path) -> None:
    made(connection)
    file, pause = tmp_path / "fill.sql", tmp_path / "pause"
    file.write_text("UPDATE t SET n = 1 WHERE n = 0;")
    pause.touch()
    words = command(file, server, database, "--pause-file", str(pause), "-v")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "paused" in process.stderr.readline()
        assert connection.value("SELECT max(n) FROM t") == "0"
        pause.unlink()
        out, _ = process.communicate(timeout=30)
    assert "proved: nothing meets WHERE any more" in out
