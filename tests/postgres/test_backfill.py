"""Batches against one statement, on a real server."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgassay.errors import InputError, PgassayError
from pgassay.migrate.backfill import BackfillOptions, Progress, backfill
from pgassay.migrate.backfill.model import NewRows
from pgassay.migrate.backfill.record import BackfillRunning
from pgassay.server import SUPERUSER, Connection, ConnectionLost, Server, scratch

SMALL = BackfillOptions(size=7, rest=0, largest=50)


@pytest.fixture
def connect(server: Server, database: str) -> Callable[[], Connection]:
    return lambda: server.connect(database)


def rows(session: Connection, table: str = "t", rows_: int = 200) -> None:
    session.run(
        f"CREATE TABLE {table} (id bigint PRIMARY KEY, x integer, n integer NOT NULL DEFAULT 0);"
        f"INSERT INTO {table} SELECT g * 3 FROM generate_series(1, {rows_}) AS g; ANALYZE {table}"
    )


def test_every_row_once(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    done = backfill(connect, "UPDATE t SET n = n + 1;", options=SMALL, record="a")
    assert (done.changed, done.proof, done.left) == (200, "ranges", 0)
    assert connection.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", "200"]]
    assert done.batches >= 4


def test_a_finished_record_does_nothing_again(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    for _ in range(2):
        done = backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a")
    assert done.resumed
    assert connection.value("SELECT max(n) FROM t") == "1"


def test_again_is_said_in_so_many_words(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a")
    backfill(connect, "UPDATE t SET n = n + 1", options=BackfillOptions(again=True), record="a")
    assert connection.value("SELECT min(n) FROM t") == "2"


def test_rows_that_come_meanwhile_are_covered(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    came = iter(range(1, 4))

    def meanwhile(_: Progress) -> None:
        for number in came:  # behind the place that is done already
            connection.run(f"INSERT INTO t VALUES ({number * 3 - 2})")
            return

    done = backfill(connect, "UPDATE t SET x = 1 WHERE x IS NULL", options=SMALL, record="a", progress=meanwhile)
    assert (done.proof, done.changed) == ("where", 203)
    assert done.passes > 1
    assert connection.value("SELECT count(*) FROM t WHERE x IS NULL") == "0"


def test_an_application_that_goes_on_writing_is_told(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection, rows_=10)
    number = iter(range(1000))

    def meanwhile(_: Progress) -> None:
        connection.run(f"INSERT INTO t VALUES ({-next(number)})")

    options = BackfillOptions(size=7, rest=0, passes=3)
    done = backfill(connect, "UPDATE t SET x = 1 WHERE x IS NULL", options=options, record="a", progress=meanwhile)
    assert not done.proved
    assert done.left > 0
    assert "goes on writing" in done.notes[-1]


def test_an_insert_is_proved_by_its_target(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    connection.run("CREATE TABLE copied (id bigint PRIMARY KEY, w text)")
    came = iter([1])

    def meanwhile(_: Progress) -> None:
        for number in came:
            connection.run(f"INSERT INTO t VALUES ({number})")

    sql = "INSERT INTO copied SELECT id, 'w' || n FROM t"
    done = backfill(connect, sql, options=SMALL, record="a", progress=meanwhile)
    assert done.proof == "target"
    assert connection.value("SELECT count(*) FROM copied") == "201"


def test_a_key_of_another_type_is_found_in_the_target(
    connect: Callable[[], Connection], connection: Connection
) -> None:
    rows(connection)
    connection.run("CREATE TABLE copied (g integer GENERATED ALWAYS AS (1) STORED, id text PRIMARY KEY)")
    done = backfill(connect, "INSERT INTO copied (id) SELECT id FROM t", options=SMALL, record="a")
    assert (done.proof, done.changed) == ("target", 200)


def test_days_are_read_alike_in_every_session(connect: Callable[[], Connection], connection: Connection) -> None:
    connection.run(
        "CREATE TABLE days (day date PRIMARY KEY, at timestamptz UNIQUE, n integer DEFAULT 0);"
        "INSERT INTO days SELECT date '2024-01-01' + g FROM generate_series(1, 60) AS g"
    )
    styles = iter(["SQL, DMY", "SQL, DMY", "ISO, MDY", "ISO, MDY", "German", "German"])

    def other() -> Connection:
        session = connect()
        session.run(f"SET DateStyle = '{next(styles)}'")
        return session

    def fail(_: Progress) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            backfill(other, "UPDATE days SET n = n + 1", options=SMALL, record="a", progress=fail)
    backfill(other, "UPDATE days SET n = n + 1", options=SMALL, record="a")
    assert connection.run("SELECT n, count(*) FROM days GROUP BY n") == [["1", "60"]]


def test_a_table_without_a_key_goes_by_pages(connect: Callable[[], Connection], connection: Connection) -> None:
    connection.run("CREATE TABLE p AS SELECT g AS x, repeat('w', 500) AS w FROM generate_series(1, 300) AS g")
    done = backfill(connect, "UPDATE p SET x = -x WHERE x > 0", options=SMALL, record="a")
    assert (done.key, done.changed, done.proof) == (("ctid",), 300, "where")
    done = backfill(connect, "DELETE FROM p WHERE x % 2 = 0", options=SMALL, record="b")
    assert (done.changed, done.proof) == (150, "where")
    with pytest.raises(PgassayError, match="would be changed again"):
        backfill(connect, "UPDATE p SET x = x - 1 WHERE x < 0", options=SMALL, record="c")
    assert connection.value("SELECT max(x) FROM p") == "-1"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE t SET id = id + 1", "sets the key of t"),
        ("UPDATE keyless SET x = 1", "keyless has no key"),
        ("INSERT INTO keyless SELECT x FROM keyless2", "keyless2 has no key"),
        ("INSERT INTO t SELECT max(id) FROM u", "aggregates"),
        ("INSERT INTO numbered (x) SELECT x FROM t ORDER BY x DESC", "ORDER BY decides"),
        ("UPDATE t SET x = 1 WHERE random() < 0.5", "volatile"),
        ("UPDATE t SET x = (SELECT max(n) FROM over_t)", "reads over_t"),
        ("UPDATE over_t SET x = 1", "a view"),
        ("UPDATE missing SET x = 1", "no table missing"),
    ],
)
def test_what_the_tables_forbid(connect: Callable[[], Connection], connection: Connection, sql: str, why: str) -> None:
    connection.run(
        "CREATE TABLE t (id bigint PRIMARY KEY, x integer, n integer); CREATE TABLE u (id bigint PRIMARY KEY);"
        "CREATE TABLE keyless (x integer); CREATE TABLE keyless2 (x integer);"
        "CREATE TABLE numbered (id serial PRIMARY KEY, x integer); CREATE VIEW over_t AS SELECT * FROM t"
    )
    with pytest.raises(InputError, match=why):
        backfill(connect, sql, record="a")


def test_a_failing_row_keeps_what_is_done(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    connection.run("ALTER TABLE t ADD CHECK (n < 1 OR id <> 300)")
    with pytest.raises(PgassayError, match="t_check"):
        backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a")
    assert 0 < int(connection.value("SELECT count(*) FROM t WHERE n = 1") or 0) < 100
    connection.run("ALTER TABLE t DROP CONSTRAINT t_check")
    done = backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a")
    assert (done.resumed, done.changed) == (True, 200)
    assert connection.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", "200"]]


def test_a_row_that_somebody_holds_is_waited_for(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    told: list[str] = []
    connection.run("BEGIN; UPDATE t SET x = 0 WHERE id = 300")

    def meanwhile(now: Progress) -> None:
        told.append(now.waiting or "")
        if len([w for w in told if "retry" in w]) == 3 and connection.transaction == "open":
            connection.run("COMMIT")

    options = BackfillOptions(size=100, rest=0, lock_timeout=0.05)
    done = backfill(connect, "UPDATE t SET n = n + 1", options=options, record="a", progress=meanwhile)
    assert done.retries >= 3
    assert any(f"held by pid {connection.pid}" in word for word in told)
    assert connection.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", "200"]]


def test_nobody_waits_long_behind_a_batch(connect: Callable[[], Connection], connection: Connection) -> None:
    """Rows that take 5 ms each, in a batch of two seconds: it is given up for the one who waits, and tried smaller."""
    rows(connection)
    connection.run(
        "CREATE FUNCTION slow(i integer) RETURNS integer LANGUAGE sql AS $$ SELECT i FROM pg_sleep(0.005) $$"
    )
    stalls: list[float] = []

    def write() -> None:
        with connect() as session:
            for number in (30, 60, 90):
                time.sleep(0.3)  # the batch has this row already
                began = time.perf_counter()
                session.run(f"UPDATE t SET x = 5 WHERE id = {number}")
                stalls.append(time.perf_counter() - began)

    thread = threading.Thread(target=write)
    thread.start()
    options = BackfillOptions(size=400, rest=0, max_wait=0.1)
    done = backfill(connect, "UPDATE t SET n = slow(n + 1)", options=options, record="a")
    thread.join()
    assert done.retries >= 1
    assert max(stalls) < 0.5
    assert connection.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", "200"]]


def test_pause_by_a_flag(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    told: list[str | None] = []

    def meanwhile(now: Progress) -> None:
        told.append(now.waiting)
        if len(told) == 1:
            connection.run("UPDATE pgassay.backfill SET paused = true")
        elif now.waiting == "paused":
            connection.run("UPDATE pgassay.backfill SET paused = false")

    done = backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a", progress=meanwhile)
    assert told.count("paused") == 1
    assert done.changed == 200


def test_one_at_a_time(
    connect: Callable[[], Connection], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows(connection)
    monkeypatch.setattr("pgassay.migrate.backfill.record._DYING", 0.1)
    tried: list[str] = []

    def meanwhile(_: Progress) -> None:
        if not tried:
            with pytest.raises(BackfillRunning, match="pid") as error:
                backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a")
            tried.append(str(error.value))

    backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a", progress=meanwhile)
    assert tried
    assert connection.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", "200"]]


def test_a_record_of_another_statement(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a")
    with pytest.raises(InputError, match="another statement"):
        backfill(connect, "UPDATE t SET n = n + 2", options=SMALL, record="a")


def test_a_lost_session_is_opened_again(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    ended: list[int] = []

    def meanwhile(now: Progress) -> None:
        if len(ended) < 3 and now.seen > 20 * (1 + len(ended)):
            ended.append(now.seen)
            connection.run(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1885823347"
            )

    done = backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a", progress=meanwhile)
    assert (len(ended), done.changed) == (3, 200)
    assert connection.run("SELECT n, count(*) FROM t GROUP BY n") == [["1", "200"]]


def test_a_server_that_stays_away(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    told: list[str] = []

    def sometimes() -> Connection:
        if told:
            raise ConnectionLost("there is no server any more")
        return connect()

    def meanwhile(now: Progress) -> None:
        if not told:
            connection.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE classid = 1885823347")
        told.append(now.waiting or "")

    options = BackfillOptions(size=7, rest=0, patience=0.5)
    with pytest.raises(ConnectionLost, match=r"is recorded and stays\. Run the same command again"):
        backfill(sometimes, "UPDATE t SET n = n + 1", options=options, record="a", progress=meanwhile)
    assert "the connection was lost, trying again: " in told[-1]
    assert "there is no server any more" in told[-1]
    assert connection.value("SELECT sum(n) FROM t") == "7"


def test_comments_may_change(connect: Callable[[], Connection], connection: Connection) -> None:
    rows(connection)
    backfill(connect, "UPDATE t SET n = n + 1", options=SMALL, record="a")
    done = backfill(connect, "-- for the report\nUPDATE t\n   SET n = n + 1;", options=SMALL, record="a")
    assert done.resumed


def test_an_application_at_work(connect: Callable[[], Connection], connection: Connection) -> None:
    """Rows are inserted, changed and deleted all the while: each row that stays is done exactly once."""
    rows(connection, rows_=2000)
    stop = threading.Event()

    def work(first: int) -> None:
        source = random.Random(first)
        with connect() as session:
            for number in range(10_000):
                if stop.is_set():
                    return
                there = source.randint(1, 2000) * 3
                session.run(f"INSERT INTO t VALUES ({(number * 2 + first) * 3 + 1}) ON CONFLICT DO NOTHING")
                session.run(f"UPDATE t SET id = id WHERE id BETWEEN {there} AND {there + 30}")
                session.run(f"DELETE FROM t WHERE id = {there}")

    threads = [threading.Thread(target=work, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    came = 0

    def meanwhile(now: Progress) -> None:
        nonlocal came
        came += 1
        if now.run > 1:
            stop.set()  # else it never ends: nothing gives new rows their value

    options = BackfillOptions(size=20, largest=60)
    sql = "UPDATE t SET x = id, n = n + 1 WHERE x IS NULL"
    done = backfill(connect, sql, options=options, record="a", progress=meanwhile)
    stop.set()
    for thread in threads:
        thread.join()
    done = backfill(connect, sql, options=options, record="a")
    assert done.proof == "where"
    assert connection.run("SELECT DISTINCT n, x = id FROM t") == [["1", "t"]]


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ("ALTER ROLE {0} SET default_transaction_read_only = on", "pgassay.backfill, which could not be made"),
        ("REVOKE CREATE ON DATABASE {1} FROM {0}", "permission denied for database"),
        ("CREATE SCHEMA pgassay", "permission denied for schema pgassay"),
    ],
)
def test_missing_rights(server: Server, database: str, connection: Connection, setup: str, words: str) -> None:
    rows(connection)
    role = f"filler_{database}"
    server.admin.run(f"CREATE ROLE {role} LOGIN")
    try:
        connection.run(f"GRANT ALL ON t TO {role}")
        with server.connect(database, role=SUPERUSER) as admin:
            admin.run(setup.format(role, database))
        with pytest.raises(PgassayError, match=words):
            backfill(lambda: server.connect(database, role=role), "UPDATE t SET n = n + 1", record="a")
        assert connection.value("SELECT max(n) FROM t") == "0"
    finally:
        server.drop_roles([role])


# Laws


@pytest.fixture(scope="module")
def yard() -> Iterator[tuple[Server, str]]:
    with scratch(memory=True) as server, server.database() as name:
        yield server, name


KEYS = {
    "bigint": ("id bigint PRIMARY KEY", "(v * 7919) % 1000003 - 5000"),
    "uuid": ("id uuid PRIMARY KEY", "md5(v::text)::uuid"),
    "text": ('id text COLLATE "C" PRIMARY KEY', "chr(65 + v % 50) || v"),
    "composite": ("id integer, day date, PRIMARY KEY (id, day)", "v % 4, date '2024-01-01' + v"),
    "numeric": ("id numeric(78,0) PRIMARY KEY", "v::numeric ^ 9"),
    "time": ("id timestamptz PRIMARY KEY", "timestamptz '2024-01-01' + v * interval '1.000001 second'"),
    "domain": ("id evm PRIMARY KEY", "'0x' || md5(v::text)"),
    "char": ("id char(8) PRIMARY KEY", "'k' || v"),
    "unique": ("id bigint NOT NULL UNIQUE, other integer", "v, v"),
    "none": ("id integer", "v"),
}
STATEMENTS = (
    "UPDATE {t} SET n = n + 1 WHERE n = {k}",
    "UPDATE {t} SET n = n + 1, x = coalesce(x, 0) + n WHERE x IS NULL OR n > {k}",
    "UPDATE {t} AS me SET n = n + 1",
    "UPDATE {t} SET x = o.w FROM others AS o WHERE o.k = {t}.n AND {t}.x IS NULL",
    "DELETE FROM {t} WHERE n >= {k} OR x = 3",
    "DELETE FROM {t} USING others AS o WHERE o.k = {t}.n AND o.w > {k}",
    "INSERT INTO target SELECT n, x FROM {t} WHERE n <> {k}",
    "INSERT INTO target (a, b) SELECT s.n, o.w FROM {t} AS s LEFT JOIN others AS o ON o.k = s.n",
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(sorted(KEYS)),
    statement=st.sampled_from(STATEMENTS),
    values=st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 4)), max_size=60),
    size=st.integers(1, 20),
    threshold=st.integers(0, 4),
    new_rows=st.sampled_from(["pass", "trigger"]),
)
def test_batches_equal_one_statement(
    yard: tuple[Server, str],
    key: str,
    statement: str,
    values: list[tuple[int, int | None]],
    size: int,
    threshold: int,
    new_rows: NewRows,
) -> None:
    server, database = yard
    columns, expression = KEYS[key]
    ways: dict[str, list[list[str]]] = {}
    listed = ", ".join(f"({v}, {n}, {'NULL::integer' if x is None else x})" for v, (n, x) in enumerate(values, 1))
    with server.connect(database) as session:
        for way in ("whole", "batches"):
            session.run(
                "DROP SCHEMA IF EXISTS public, pgassay CASCADE; CREATE SCHEMA public; CREATE DOMAIN evm AS varchar(42);"
                f"CREATE TABLE t ({columns}, n integer NOT NULL, x integer);"
                "CREATE TABLE others AS SELECT k, k + 1 AS w FROM generate_series(1, 3) AS k;"
                "CREATE TABLE target (a integer, b integer)"
            )
            if values:
                session.run(f"INSERT INTO t SELECT {expression}, n, x FROM (VALUES {listed}) AS v(v, n, x)")
            sql = statement.format(t="t", k=threshold)
            if way == "whole":
                session.run(sql)
            else:
                options = BackfillOptions(size=size, largest=size * 2, rest=0, new_rows=new_rows)
                try:
                    done = backfill(lambda: server.connect(database), sql, options=options, record="law")
                except (InputError, PgassayError) as error:
                    assert key == "none" and "no key" in str(error)
                    return
                assert done.proved
            ways[way] = [
                *session.run("SELECT t::text FROM t ORDER BY 1"),
                *session.run("SELECT target::text FROM target ORDER BY 1"),
            ]
    assert ways["whole"] == ways["batches"]
