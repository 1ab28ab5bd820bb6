"""New rows done by a trigger for as long as a backfill runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pgassay.errors import PgassayError
from pgassay.migrate.backfill import BackfillOptions, Progress, backfill
from pgassay.server import Connection, Server

TRIGGER = BackfillOptions(size=7, rest=0, largest=50, new_rows="trigger")
FILL = "UPDATE t AS me SET kind = CASE WHEN me.x % 2 = 0 THEN 'mint' ELSE 'move' END, y = 100 / x WHERE kind IS NULL"


@pytest.fixture
def connect(server: Server, database: str) -> Callable[[], Connection]:
    return lambda: server.connect(database)


@pytest.fixture
def rows(connection: Connection) -> Connection:
    connection.run(
        "CREATE TABLE t (id bigint PRIMARY KEY, x integer NOT NULL, kind varchar(8), y smallint, found integer);"
        "INSERT INTO t SELECT g * 3, g FROM generate_series(1, 100) AS g; ANALYZE t"
    )
    return connection


def triggers(session: Connection) -> int:
    counted = session.value("SELECT count(*) FROM pg_trigger WHERE tgname ~ 'pgassay'")
    return int(counted or 0)


def test_new_rows_are_done_as_they_are_written(connect: Callable[[], Connection], rows: Connection) -> None:
    seen: list[str | None] = []

    def meanwhile(_: Progress) -> None:
        if not seen:
            rows.run(
                "INSERT INTO t VALUES (1, 4), (1001, 5); UPDATE t SET kind = NULL WHERE id = 3;"
                "INSERT INTO t VALUES (2, 7, 'burn')"
            )
            seen.extend(r[0] for r in rows.run("SELECT kind || y FROM t WHERE id IN (1, 3, 1001) ORDER BY id"))

    done = backfill(connect, FILL, options=TRIGGER, record="a", progress=meanwhile)
    assert seen == ["mint25", "move100", "move20"]
    assert (done.new_rows, done.passes, done.proof, done.left) == ("trigger", 1, "where", 0)
    assert rows.value("SELECT kind FROM t WHERE id = 2") == "burn"
    assert triggers(rows) == 0
    assert rows.value("SELECT count(*) FROM pg_proc WHERE proname ~ 'zzz_pgassay'") == "0"


def test_it_is_there_from_the_first_batch_on(connect: Callable[[], Connection], rows: Connection) -> None:
    rows.run("CREATE FUNCTION tell() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1'")
    counts: list[int] = []
    sql = "UPDATE t SET kind = 'x' || tell() WHERE kind IS NULL"
    backfill(connect, sql, options=TRIGGER, record="a", progress=lambda _: counts.append(triggers(rows)))
    assert set(counts) == {1}
    assert rows.run("SELECT DISTINCT kind FROM t") == [["x1"]]


def test_a_row_that_it_cannot_do_is_written_all_the_same(connect: Callable[[], Connection], rows: Connection) -> None:
    """Division by zero is the backfill's error, not the application's."""

    def meanwhile(_: Progress) -> None:
        rows.run("INSERT INTO t VALUES (1, 0) ON CONFLICT DO NOTHING")

    with pytest.raises(PgassayError, match="division by zero") as error:
        backfill(connect, FILL, options=TRIGGER, record="a", progress=meanwhile)
    assert "Until then the trigger zzz_pgassay_" in str(error.value)
    assert triggers(rows) == 1
    rows.run("UPDATE t SET x = 8 WHERE id = 1")
    done = backfill(connect, FILL, options=TRIGGER, record="a")
    assert (done.resumed, done.proof, triggers(rows)) == (True, "where", 0)


def test_who_writes_needs_no_right_on_what_it_calls(
    connect: Callable[[], Connection], rows: Connection, server: Server, database: str
) -> None:
    role = f"writer_{database}"
    server.admin.run(f"CREATE ROLE {role} LOGIN")
    try:
        rows.run(
            "CREATE SCHEMA hidden; CREATE FUNCTION hidden.kind(integer) RETURNS text IMMUTABLE LANGUAGE sql"
            f" AS $$ SELECT 'k' || $1 $$; GRANT INSERT ON t TO {role}"
        )
        came: list[str] = []

        def meanwhile(_: Progress) -> None:
            if not came:
                with server.connect(database, role=role) as other:
                    other.run("SET search_path = pg_catalog; INSERT INTO public.t VALUES (1, 4)")
                came.append(rows.value("SELECT kind FROM t WHERE id = 1") or "")

        sql = "UPDATE t SET kind = hidden.kind(x) WHERE kind IS NULL"
        backfill(connect, sql, options=TRIGGER, record="a", progress=meanwhile)
        assert came == ["k4"]
    finally:
        server.drop_roles([role])


def test_a_writer_at_work_is_waited_for(connect: Callable[[], Connection], rows: Connection) -> None:
    rows.run("BEGIN; UPDATE t SET y = 0 WHERE id = 3")
    options = BackfillOptions(new_rows="trigger", lock_timeout=0.02, patience=0.1)
    with pytest.raises(PgassayError, match="the trigger for new rows of t got no lock") as error:
        backfill(connect, FILL, options=options, record="a")
    assert "--new-rows pass" in str(error.value)
    rows.run("ROLLBACK")
    assert triggers(rows) == 0


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE t SET y = 1", "it has no WHERE"),
        ("UPDATE t SET y = y + 1 WHERE kind IS NULL", "it sets y from y itself"),
        ("UPDATE t SET y = random() WHERE y IS NULL", "random() is volatile"),
        ("UPDATE t SET y = double WHERE y IS NULL", "double is generated"),
        ("DELETE FROM t WHERE y IS NULL", "it is no UPDATE but DELETE"),
        ("UPDATE part SET y = x WHERE y IS NULL", "part has partitions or children"),
    ],
)
def test_what_no_trigger_can_do_goes_by_passes_and_says_so(
    connect: Callable[[], Connection], rows: Connection, sql: str, why: str
) -> None:
    rows.run(
        "ALTER TABLE t ADD double integer GENERATED ALWAYS AS (x * 2) STORED;"
        "CREATE TABLE part (id bigint PRIMARY KEY, x integer, y integer) PARTITION BY RANGE (id)"
    )
    done = backfill(connect, sql, options=BackfillOptions(rest=0, new_rows="trigger"), record="a")
    assert done.new_rows == "pass" and done.proved
    assert any(f"in passes, not done by a trigger: {why}" in note for note in done.notes)
