"""The runner on a database: what it does, records, refuses, and how it waits."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pgassay.errors import ConnectionProblem, PgassayError
from pgassay.migrate.runner import MigrationStopped, Settings, plan
from pgassay.migrate.runner.guard import KEY
from pgassay.server import OWNER, Connection, Server, StatementError
from tests.migrating import look, migrate, run_plan, write


@pytest.fixture
def url(server: Server, database: str) -> str:
    return f"postgresql://{OWNER}@/{database}?host={server.sockets}"


def states(connection: Connection) -> list[list[str]]:
    return connection.run("SELECT migration, number, state FROM pgassay.step ORDER BY migration, number")


TWO = {"0001_a.sql": "CREATE TABLE a (id int);", "0002_b.sql": "CREATE TABLE b (id int); INSERT INTO b VALUES (1);"}


def test_runs_records_and_has_nothing_left(tmp_path: Path, url: str, connection: Connection) -> None:
    write(tmp_path, TWO)
    assert migrate(tmp_path, url).migrations == ["0001_a", "0002_b"]
    assert states(connection) == [["0001_a", "1", "done"], ["0002_b", "1", "done"]]
    assert migrate(tmp_path, url).migrations == []


def test_to_a_name(tmp_path: Path, url: str) -> None:
    write(tmp_path, TWO)
    assert migrate(tmp_path, url, to="0001").migrations == ["0001_a"]
    with pytest.raises(PgassayError, match="names no migration"):
        migrate(tmp_path, url, to="0009")


def test_a_failing_transaction_keeps_what_came_before(tmp_path: Path, url: str, connection: Connection) -> None:
    text = "BEGIN; CREATE TABLE a (); COMMIT;\nBEGIN; CREATE TABLE b (); SELECT 1 / 0; COMMIT;"
    write(tmp_path, {"0001_a.sql": text})
    with pytest.raises(MigrationStopped, match=r"0001_a.sql:2: 0001_a, step 2 of 2: division by zero") as stopped:
        migrate(tmp_path, url)
    assert "Next: pgassay migrate up" in str(stopped.value)
    assert states(connection) == [["0001_a", "1", "done"], ["0001_a", "2", "failed"]]
    assert connection.value("SELECT to_regclass('b')") is None
    write(tmp_path, {"0001_a.sql": text.replace("TABLE a", "TABLE c")})
    with pytest.raises(MigrationStopped, match=r"was edited where it has run already \(1 of 2 steps\)"):
        migrate(tmp_path, url)
    write(tmp_path, {"0001_a.sql": text.replace("1 / 0", "1")})  # what has not run yet can be set right
    assert migrate(tmp_path, url).found_done == 1
    assert states(connection) == [["0001_a", "1", "done"], ["0001_a", "2", "done"]]


def test_a_failed_first_step_may_be_edited(tmp_path: Path, url: str, connection: Connection) -> None:
    write(tmp_path, {"0001_a.sql": "SELECT 1 / 0"})
    with pytest.raises(MigrationStopped, match="Nothing of this run was kept"):
        migrate(tmp_path, url)
    write(tmp_path, {"0001_a.sql": "SELECT 1"})
    assert migrate(tmp_path, url).steps == 1
    assert states(connection) == [["0001_a", "1", "done"]]


def test_an_edited_file_is_noticed(tmp_path: Path, url: str) -> None:
    write(tmp_path, TWO)
    migrate(tmp_path, url)
    write(tmp_path, {"0001_a.sql": "-- a comment is no change\nCREATE TABLE a (id int);"})
    assert look(tmp_path, url).oddities == ()
    write(tmp_path, {"0001_a.sql": "CREATE TABLE a (id bigint);"})
    assert [(o.rule, o.migration) for o in look(tmp_path, url).oddities] == [("edited-migration", "0001_a")]


def test_settings_end_with_their_file(tmp_path: Path, url: str, connection: Connection) -> None:
    connection.run("CREATE SCHEMA x")
    text = "SELECT set_config('search_path', 'x', false); SET check_function_bodies = off; CREATE TABLE inner_one ();"
    write(tmp_path, {"0001_a.sql": text, "0002_b.sql": "CREATE TABLE outer_one ();"})
    migrate(tmp_path, url)
    assert connection.value("SELECT to_regclass('x.inner_one')") and connection.value("SELECT to_regclass('outer_one')")


def test_a_role_that_the_file_takes_on_does_not_write_the_record(
    tmp_path: Path, url: str, connection: Connection
) -> None:
    connection.run("CREATE ROLE small")
    try:
        connection.run(f"GRANT small TO {OWNER}; CREATE SCHEMA s AUTHORIZATION small")
        write(tmp_path, {"0001_a.sql": "SET ROLE small; CREATE TABLE s.t ();"})
        migrate(tmp_path, url)
        assert connection.value("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == "small"
    finally:
        connection.run("DROP SCHEMA IF EXISTS s CASCADE; DROP ROLE small")


# Statements that no transaction holds


INDEX = {"0001_a.sql": "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (1);"}


def test_an_invalid_index_is_built_again(tmp_path: Path, url: str, connection: Connection) -> None:
    write(tmp_path, {**INDEX, "0002_b.sql": "CREATE UNIQUE INDEX CONCURRENTLY i ON t (x);"})
    with pytest.raises(MigrationStopped, match="could not create unique index"):
        migrate(tmp_path, url)
    assert connection.value("SELECT to_regclass('i')") is None  # what it left is gone
    with pytest.raises(StatementError):
        connection.run("CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)")  # and somebody's own attempt
    connection.run("DELETE FROM t")
    assert migrate(tmp_path, url).notes == ["dropped the INVALID index public.i"]
    assert connection.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == "t"


def started(connection: Connection, number: int) -> None:
    """As if the runner had been killed while this step ran."""
    connection.run(
        f"UPDATE pgassay.step SET state = 'started', ended = NULL WHERE number = {number};"
        f" DELETE FROM pgassay.step WHERE number > {number}"
    )


def test_what_ran_to_its_end_unrecorded_is_not_run_again(tmp_path: Path, url: str, connection: Connection) -> None:
    text = "CREATE TABLE t (x int);\nCREATE INDEX CONCURRENTLY i ON t (x);\nDROP INDEX CONCURRENTLY i;\n"
    write(tmp_path, {"0001_a.sql": text})
    connection.run("CREATE TABLE t (x int); CREATE INDEX i ON t (x)")
    oid = connection.value("SELECT 'i'::regclass::oid")
    connection.run("DROP TABLE t")
    migrate(tmp_path, url)
    assert oid is not None and connection.value("SELECT to_regclass('i')") is None
    started(connection, 3)
    assert any("had run to its end" in note for note in migrate(tmp_path, url).notes)
    connection.run("CREATE INDEX i ON t (x)")
    started(connection, 2)
    ran = migrate(tmp_path, url)
    assert ran.found_done == 1 and any("step 2 of 3: had run to its end" in note for note in ran.notes)
    assert connection.value("SELECT to_regclass('i')") is None


def test_a_half_detached_partition_is_detached(tmp_path: Path, url: str, connection: Connection) -> None:
    text = (
        "CREATE TABLE p (id int) PARTITION BY RANGE (id);\nCREATE TABLE q PARTITION OF p FOR VALUES FROM (0) TO (9);\n"
    )
    write(tmp_path, {"0001_a.sql": text + "ALTER TABLE p DETACH PARTITION q CONCURRENTLY;\n"})
    migrate(tmp_path, url)
    connection.run("ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (0) TO (9)")
    started(connection, 3)
    migrate(tmp_path, url)
    assert connection.value("SELECT count(*) FROM pg_inherits") == "0"


# Locks


@contextmanager
def held(server: Server, database: str, sql: str = "SELECT * FROM a") -> Iterator[threading.Event]:
    """Another session that reads a table (or does something else) in a transaction until the event is set."""
    over = threading.Event()
    with server.connect(database) as other:
        other.run(f"SET application_name = 'reports'; BEGIN; {sql}")

        def hold() -> None:
            over.wait(60)
            other.run("ROLLBACK")

        thread = threading.Thread(target=hold)
        thread.start()
        try:
            yield over
        finally:
            over.set()
            thread.join()


def test_who_blocks_is_named(tmp_path: Path, url: str, server: Server, database: str) -> None:
    write(tmp_path, {"0001_a.sql": "CREATE TABLE a (id int);"})
    migrate(tmp_path, url)
    write(tmp_path, {"0002_b.sql": "ALTER TABLE a ADD x int;"})
    said: list[str] = []
    stops = r'no lock after 2 attempts .*held by process \d+ \("reports"'
    with held(server, database), pytest.raises(MigrationStopped, match=stops):
        migrate(tmp_path, url, settings=Settings(lock_timeout=0.3, retries=1, pause=0.02), say=said.append)
    assert any("waiting for process" in words and "SELECT * FROM a" in words for words in said)
    assert migrate(tmp_path, url).migrations == ["0002_b"]


def test_an_index_is_built_however_long_others_take(tmp_path: Path, url: str, server: Server, database: str) -> None:
    write(tmp_path, {"0001_a.sql": "CREATE TABLE a (id int);"})
    migrate(tmp_path, url)
    write(tmp_path, {"0002_b.sql": "CREATE INDEX CONCURRENTLY a_id ON a (id);"})
    said: list[str] = []
    with held(server, database, "INSERT INTO a VALUES (1)") as over:

        def say(words: str) -> None:
            said.append(words)
            if sum("0002_b.sql:1: waiting for process" in each for each in said) >= 5:  # five looks take 0.5 s
                over.set()

        assert migrate(tmp_path, url, settings=Settings(lock_timeout=0.1, retries=0), say=say).retries == 0
    assert any("0002_b.sql:1: waiting for process" in words for words in said)


def test_how_far_an_index_is_gets_told(tmp_path: Path, url: str, connection: Connection) -> None:
    """The build goes on once that was said, or after half a minute."""
    slow = """CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
      FOR i IN 1..3000 LOOP
        EXIT WHEN pg_catalog.pg_try_advisory_xact_lock_shared(4711);
        PERFORM pg_catalog.pg_sleep(0.01);
      END LOOP;
      RETURN $1;
    END $$;"""
    write(tmp_path, {"0001_a.sql": f"{slow} CREATE TABLE a AS SELECT 1 AS i;"})
    write(tmp_path, {"0002_b.sql": "CREATE INDEX CONCURRENTLY a_x ON a (slow(i));"})
    connection.run("SELECT pg_advisory_lock(4711)")
    said: list[str] = []

    def say(words: str) -> None:
        said.append(words)
        if "0002_b.sql:1: building index" in words:
            connection.run("SELECT pg_advisory_unlock_all()")

    migrate(tmp_path, url, say=say)
    assert any("0002_b.sql:1: building index" in words for words in said)


def test_an_end_that_could_not_be_recorded_is_found(tmp_path: Path, url: str, connection: Connection) -> None:
    """A statement without a transaction that has run is found done, even where its end could not be recorded."""
    write(tmp_path, {"0001_a.sql": "CREATE TABLE a (id int);", "0002_b.sql": "CREATE INDEX CONCURRENTLY i ON a (id);"})
    migrate(tmp_path, url, to="0001")
    connection.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not now'; END$$;"
        "CREATE TRIGGER t BEFORE INSERT ON pgassay.step FOR EACH ROW WHEN (new.state = 'done')"
        " EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(MigrationStopped, match="not now"):
        migrate(tmp_path, url)
    assert states(connection)[-1] == ["0002_b", "1", "started"]
    connection.run("DROP TRIGGER t ON pgassay.step")
    assert any("had run to its end" in note for note in migrate(tmp_path, url).notes)


def test_nobody_waits_behind_us_longer_than_the_limit(tmp_path: Path, url: str, server: Server, database: str) -> None:
    """A lock held by another session: the application's statements on both tables pass within the limit + 0.1 s.

    What the machine itself adds is seen on a third table, which nobody locks. PGASSAY_HELD=30 holds the lock for 30 s.
    """
    limit, seconds = 0.2, float(os.environ.get("PGASSAY_HELD", "2"))
    write(tmp_path, {"0001_a.sql": "CREATE TABLE a (id int); CREATE TABLE first (id int); CREATE TABLE free (id int);"})
    migrate(tmp_path, url)
    write(tmp_path, {"0002_b.sql": "ALTER TABLE first ADD x int; ALTER TABLE a ADD x int;"})
    over = threading.Event()
    longest = {"a": 0.0, "first": 0.0, "free": 0.0}

    def application(table: str) -> None:
        with server.connect(database) as session:
            while not over.is_set():
                began = time.monotonic()
                session.run(f"INSERT INTO {table} (id) VALUES (1)")
                longest[table] = max(longest[table], time.monotonic() - began)
                time.sleep(0.002)

    clients = [threading.Thread(target=application, args=(table,)) for table in longest]
    with held(server, database) as done:
        timer = threading.Timer(seconds, done.set)
        for thread in (*clients, timer):
            thread.start()
        began = time.monotonic()
        try:
            ran = migrate(
                tmp_path, url, settings=Settings(lock_timeout=limit, retries=1000, pause=0.05, longest_pause=1.0)
            )
        finally:
            took = time.monotonic() - began
            over.set()
            for thread in (*clients, timer):
                thread.join()
    measured = f"longest waits {longest}, {ran.retries} retries in {took:.1f} s"
    assert ran.retries >= 2 and took > seconds - 0.5, measured
    assert max(longest["a"], longest["first"]) < limit + 0.1 + longest["free"], measured
    if "PGASSAY_HELD" in os.environ:
        Path(os.environ.get("PGASSAY_MEASURED", os.devnull)).write_text(measured)


# What is refused


def test_a_second_runner(
    tmp_path: Path, url: str, server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgassay.migrate.runner.guard._PATIENCE", 0.3)
    write(tmp_path, TWO)
    with server.connect(database) as other:
        other.run(f"SET application_name = 'the other'; SELECT pg_advisory_lock({KEY})")
        with pytest.raises(MigrationStopped, match=rf'another runner .*process {other.pid}, "the other"'):
            migrate(tmp_path, url)
    assert migrate(tmp_path, url).steps == 2


def test_a_plan_that_another_runner_has_carried_out_is_not_carried_out_again(
    tmp_path: Path, url: str, connection: Connection
) -> None:
    write(tmp_path, {"0001_a.sql": "CREATE TABLE IF NOT EXISTS a (id int); INSERT INTO a VALUES (1);"})
    found = look(tmp_path, url)
    stale = plan(found.project, found.pending, "up", deployed=found.deployed)
    migrate(tmp_path, url)
    with pytest.raises(MigrationStopped, match="meanwhile somebody has deployed or taken back 0001_a"):
        run_plan(stale, url)
    assert connection.value("SELECT count(*) FROM a") == "1"


@pytest.fixture
def read_only(server: Server, database: str) -> Iterator[None]:
    server.admin.run(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    yield
    server.admin.run(f"ALTER DATABASE {database} RESET default_transaction_read_only")


@pytest.mark.usefixtures("read_only")
def test_a_database_that_only_reads(tmp_path: Path, url: str) -> None:
    write(tmp_path, TWO)
    with pytest.raises(ConnectionProblem, match="is read-only"):
        migrate(tmp_path, url)


def test_missing_privileges(tmp_path: Path, url: str, connection: Connection, server: Server, database: str) -> None:
    connection.run("CREATE ROLE guest LOGIN")
    try:
        mine = url.replace(OWNER, "guest", 1)
        write(tmp_path, TWO)
        with pytest.raises(MigrationStopped, match="permission denied for database") as stopped:
            migrate(tmp_path, mine)
        assert "Grant what is missing" in str(stopped.value) and "Nothing was done" in str(stopped.value)
        connection.run("GRANT CREATE ON DATABASE " + database + " TO guest; CREATE TABLE theirs (id int)")
        write(tmp_path, {"0001_a.sql": "ALTER TABLE theirs ADD x int;"})
        with pytest.raises(MigrationStopped, match="must be owner of table theirs"):
            migrate(tmp_path, mine)
    finally:
        server.drop_roles(["guest"])


def test_a_connection_lost_midway(tmp_path: Path, url: str, server: Server, database: str) -> None:
    write(tmp_path, {"0001_a.sql": "CREATE TABLE a (id int);", "0002_b.sql": "SELECT pg_sleep(20);"})
    migrate(tmp_path, url, to="0001")

    def end() -> None:
        deadline = time.monotonic() + 20
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(20)'"
        with server.connect(database) as other:
            while not other.run(sql) and time.monotonic() < deadline:
                time.sleep(0.01)

    thread = threading.Thread(target=end)
    thread.start()
    with pytest.raises(MigrationStopped, match="the connection was lost") as stopped:
        migrate(tmp_path, url)
    thread.join()
    assert "Next: pgassay migrate up" in str(stopped.value)


# Back


def test_back_and_forth(tmp_path: Path, url: str, connection: Connection) -> None:
    write(tmp_path, TWO)
    write(tmp_path, {"down/0002_b.sql": "DROP TABLE b;", "down/0001_a.sql": "DROP TABLE a;"})
    migrate(tmp_path, url)
    assert migrate(tmp_path, url, "down").migrations == ["0002_b"]
    assert states(connection) == [["0001_a", "1", "done"]]
    migrate(tmp_path, url)
    assert migrate(tmp_path, url, "down", to="0001").migrations == ["0002_b"]
    assert migrate(tmp_path, url, "down").migrations == ["0001_a"]
    assert states(connection) == []


def test_half_the_way_back_is_finished_first(tmp_path: Path, url: str, connection: Connection) -> None:
    write(tmp_path, TWO)
    write(tmp_path, {"down/0002_b.sql": "BEGIN; DROP TABLE b; COMMIT; VACUUM; SELECT 1 / zero FROM nought;"})
    connection.run("CREATE TABLE nought AS SELECT 0 AS zero")
    migrate(tmp_path, url)
    with pytest.raises(MigrationStopped, match="division by zero"):
        migrate(tmp_path, url, "down")
    write(tmp_path, {"0003_c.sql": "SELECT 1;"})
    with pytest.raises(MigrationStopped, match="0002_b is halfway back"):
        migrate(tmp_path, url)
    connection.run("UPDATE nought SET zero = 1")
    assert migrate(tmp_path, url, "down").migrations == ["0002_b"]
    assert migrate(tmp_path, url).migrations == ["0002_b", "0003_c"]
