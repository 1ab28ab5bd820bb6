"""What differences do to rows, and what they say of them; one line each against a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.catalog import Catalog, read
from pgassay.catalog.ddl import Decisions, Difference, difference, renaming, roles
from pgassay.server import Connection, Server


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Connection]:
    with server.database() as name, server.connect(name) as connection:
        yield connection


def made(session: Connection, sql: str) -> Catalog:
    with session.rolled_back():
        session.run(sql)
        return read(session)


def applied(session: Connection, before: str, after: str, rows: str = "SELECT") -> tuple[Difference, Catalog]:
    """The difference, and the catalog that it gives; the transaction is open still."""
    wanted = made(session, after)
    session.run("BEGIN")
    session.run(before)
    session.run(rows)
    found = difference(read(session), wanted)
    for step in found.steps:
        session.run(step.sql)
    assert read(session) == wanted
    return found, wanted


@pytest.fixture
def session(shared: Connection) -> Iterator[Connection]:
    yield shared
    if shared.transaction != "idle":
        shared.run("ROLLBACK")


@pytest.mark.parametrize(
    ("before", "after", "value", "kept"),
    [
        ("int", "bigint", "7", "7"),
        ("text", "int", "'7'", "7"),
        ("int", "varchar(4)", "7", "7"),
        ("date", "timestamptz", "'2024-05-01'", "2024-05-01 00:00:00+00"),
        ("boolean", "int", "true", "1"),
        ("json", "jsonb", """'{"a":1}'""", '{"a": 1}'),
        ("numeric(78,0)", "text", "7", "7"),
        ("text", "uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("text", "int[]", "'{1,2}'", "{1,2}"),
        ("int[]", "bigint[]", "'{1,2}'", "{1,2}"),
    ],
)
def test_values_survive_a_change_of_type(session: Connection, before: str, after: str, value: str, kept: str) -> None:
    session.run("SET timezone = 'UTC'")
    rows = f"INSERT INTO t VALUES ({value})"
    found, _ = applied(session, f"CREATE TABLE t (a {before})", f"CREATE TABLE t (a {after})", rows)
    assert session.value("SELECT a FROM t") == kept
    assert found.loses == ()


E = "CREATE TYPE e AS ENUM ({}); CREATE DOMAIN d AS e; CREATE TABLE t (a e DEFAULT 'b', l e[], d d, CHECK (a <> 'x')); "
V = "CREATE INDEX i ON t (a) WHERE a = 'b'; CREATE VIEW v AS SELECT a FROM t WHERE a = 'b'"


def test_an_enum_loses_a_label_and_no_row(session: Connection) -> None:
    text = E + V
    texts = [text.format(labels) for labels in ("'x', 'a', 'b', 'c'", "'b', 'x', 'c'")]
    applied(session, texts[0], texts[1], "INSERT INTO t VALUES ('b', '{c,b}', 'c')")
    assert session.run("SELECT * FROM t") == [["b", "{c,b}", "c"]]
    assert session.run("SELECT * FROM v") == [["b"]]


def test_a_new_enum_label_is_used_after_a_commit(session: Connection) -> None:
    before, after = (made(session, E.format(labels)) for labels in ("'x', 'b'", "'x', 'a', 'b'"))
    steps = difference(before, after).steps
    assert [(step.sql, step.alone) for step in steps] == [("ALTER TYPE public.e ADD VALUE 'a' AFTER 'x'", True)]


def test_a_composite_keeps_what_it_has_in_another_order(session: Connection) -> None:
    texts = [f"CREATE TYPE c AS ({fields}); CREATE TABLE t (a c)" for fields in ("x int, y text", "y text, x bigint")]
    applied(session, texts[0], texts[1], "INSERT INTO t VALUES (ROW(1, 'one')), (NULL), (ROW(NULL, NULL))")
    assert session.run("SELECT a::text FROM t") == [["(one,1)"], [None], ["(,)"]]


def test_a_range_over_another_type_keeps_its_values(session: Connection) -> None:
    texts = [f"CREATE TYPE r AS RANGE (SUBTYPE = {t}); CREATE TABLE t (a r); CREATE INDEX ON t USING gist (a)"
             for t in ("int", "numeric")]  # fmt: skip
    applied(session, texts[0], texts[1], "INSERT INTO t VALUES ('[1,3)')")
    assert session.value("SELECT a FROM t") == "[1,3)"


def test_a_domain_over_another_type(session: Connection) -> None:
    texts = [
        f"CREATE DOMAIN d AS {t} CHECK (VALUE > 0); CREATE TABLE t (a d DEFAULT 1)" for t in ("int", "numeric(78,0)")
    ]
    applied(session, texts[0], texts[1], "INSERT INTO t VALUES (7)")
    assert session.value("SELECT a FROM t") == "7"


def test_partitions_keep_their_rows_when_the_key_gets_another_type(session: Connection) -> None:
    text = ("CREATE TABLE p (block {0}, PRIMARY KEY (block)) PARTITION BY RANGE (block);"
            " CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")  # fmt: skip
    found, _ = applied(session, text.format("int"), text.format("bigint"), "INSERT INTO p VALUES (3)")
    assert session.run("SELECT tableoid::regclass, block FROM p") == [["p1", "3"]]
    assert found.loses == ()


def test_a_sequence_keeps_its_place(session: Connection) -> None:
    applied(session, "CREATE SEQUENCE s", "CREATE SEQUENCE s AS int MAXVALUE 900 INCREMENT 2", "SELECT setval('s', 40)")
    assert session.value("SELECT nextval('s')") == "42"


def test_a_check_is_validated_and_no_more(session: Connection) -> None:
    start = "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)"
    found, _ = applied(session, f"{start} NOT VALID", start)
    assert found.sql == ("ALTER TABLE public.t VALIDATE CONSTRAINT c",)


def test_a_view_that_gains_a_column_is_replaced(session: Connection) -> None:
    start = "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a"
    found, _ = applied(session, f"{start} FROM t; GRANT SELECT ON v TO pg_monitor",
                       f"{start}, b FROM t; GRANT SELECT ON v TO pg_monitor")  # fmt: skip
    assert len(found.steps) == 1 and found.sql[0].startswith("CREATE OR REPLACE VIEW public.v AS")


def test_views_in_the_way_are_made_again(session: Connection) -> None:
    text = "CREATE TABLE t (a {}); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v"
    found, _ = applied(session, text.format("int"), text.format("bigint"))
    words = [" ".join(sql.split()[:3]) for sql in found.sql]
    assert words == ["DROP VIEW public.w", "DROP VIEW public.v", "ALTER TABLE public.t", "CREATE VIEW public.v",
                     "CREATE VIEW public.w"]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("CREATE TABLE t (a int)", "SELECT", ["every row of public.t"]),
        ("CREATE TABLE t (a int, b int)", "CREATE TABLE t (b int)", ["every value of public.t.a"]),
        ("CREATE TABLE t (a numeric)", "CREATE TABLE t (a int)", ["public.t.a is rounded to whole numbers"]),
        ("CREATE TABLE t (a numeric(9,4))", "CREATE TABLE t (a numeric(9,2))", ["public.t.a is rounded to 2 decimals"]),
        ("CREATE TABLE t (a timestamptz)", "CREATE TABLE t (a date)", ["public.t.a loses the time of day"]),
        ("CREATE TYPE c AS (x int, y int)", "CREATE TYPE c AS (x int)", ["every value of attribute public.c.y"]),
        ("CREATE VIEW v AS SELECT 1; CREATE INDEX ON t (a)", "SELECT", []),
    ],
)  # fmt: skip
def test_what_is_lost_is_named(session: Connection, before: str, after: str, lost: list[str]) -> None:
    base = "CREATE TABLE t (a int);" if "INDEX" in before else ""
    found = difference(made(session, base + before), made(session, base + after))
    assert [str(loss) for loss in found.loses] == lost


def test_the_order_of_columns_is_said_to_be_unwritten(session: Connection) -> None:
    before, after = (made(session, f"CREATE TABLE t ({c})") for c in ("a int, c int", "a int, b int, c int"))
    assert difference(before, after).unwritten == ("table public.t: the order of its columns (a, b, c)",)


def test_a_partition_leaves_and_the_others_keep_their_indexes(session: Connection) -> None:
    both = (
        "CREATE TABLE p (id int NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE INDEX i ON p (id, id);"
        " CREATE TABLE p_0 PARTITION OF p FOR VALUES FROM (0) TO (9); CREATE TABLE p_1 (id int NOT NULL);"
    )
    hung = f"{both} ALTER TABLE p ATTACH PARTITION p_1 FOR VALUES FROM (9) TO (99)"
    found, _ = applied(session, hung, both)
    assert [sql for sql in found.sql if "p_1" not in sql] == []


@pytest.mark.parametrize("kind", ["serial", "int GENERATED BY DEFAULT AS IDENTITY"])
def test_new_numbers_go_on_behind_the_rows(session: Connection, kind: str) -> None:
    rows = "INSERT INTO t VALUES (7)"
    applied(session, "CREATE TABLE t (id int NOT NULL, b int)", f"CREATE TABLE t (id {kind} NOT NULL, b int)", rows)
    assert session.value("INSERT INTO t (b) VALUES (1) RETURNING id") == "8"


def test_renames_are_asked_about(session: Connection) -> None:
    before = made(session, "CREATE TABLE t (a int, b text); CREATE TABLE u (x int); CREATE TYPE e AS ENUM ('a', 'b')")
    after = made(session, "CREATE TABLE t (c int, b text); CREATE TABLE w (x int); CREATE TYPE e AS ENUM ('a', 'z')")
    asked = difference(before, after).decisions
    assert [(d.kind, d.old, d.new) for d in asked] == [
        ("column", "public.t.a", ("public.t.c",)),
        ("table", "public.u", ("public.w",)),
        ("enum label", "public.e.b", ("public.e.z",)),
    ]
    answers = Decisions(renames=(("t.a", "t.c"), ("public.u", "public.w")), drops=("e.b",))
    assert difference(before, after, decisions=answers).decisions == ()


def test_a_rename_keeps_the_rows(session: Connection) -> None:
    wanted = made(session, "CREATE TABLE w (b int); CREATE VIEW v AS SELECT b FROM w")
    session.run("BEGIN; CREATE TABLE t (a int); CREATE VIEW v AS SELECT a AS b FROM t; INSERT INTO t VALUES (7)")
    for sql in renaming(read(session), Decisions(renames=(("t", "w"), ("t.a", "w.b")))):
        session.run(sql)
    found = difference(read(session), wanted)
    assert (found.steps, found.decisions) == ((), ())
    assert session.value("SELECT b FROM v") == "7"


def test_roles_that_a_schema_names(session: Connection) -> None:
    sql = "CREATE TABLE t (a int); GRANT SELECT ON t TO pg_monitor; CREATE POLICY p ON t TO pg_read_all_data"
    assert roles(made(session, sql)) == ("pg_monitor", "pg_read_all_data")
