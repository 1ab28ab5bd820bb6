"""Indexes that are missing, duplicate, overlapping, invalid, unused or bloated, one schema a line."""

from __future__ import annotations

import pytest

from pgassay.advisor.indexes import bloated, problems, prove_missing, usage
from pgassay.catalog import read
from pgassay.server import Connection, Server

_TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, a integer, b integer, c integer);"
_CHILD = "CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p);"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (_TABLE, []),
        (f"{_TABLE} CREATE INDEX x ON t (a); CREATE INDEX y ON t (a)", [("duplicate", "y")]),
        (f"{_TABLE} CREATE INDEX x ON t (a); CREATE INDEX y ON t (a, b)", [("overlapping", "x")]),
        (f"{_TABLE} CREATE INDEX x ON t (a); CREATE INDEX y ON t (b, a)", []),
        (f"{_TABLE} CREATE INDEX x ON t (a); CREATE INDEX y ON t (a) WHERE b > 0", []),
        (f"{_TABLE} CREATE INDEX x ON t (a DESC); CREATE INDEX y ON t (a, b)", [("overlapping", "x")]),
        (f"{_TABLE} CREATE INDEX x ON t (a DESC, b); CREATE INDEX y ON t (a, b, c)", []),
        (f"{_TABLE} CREATE INDEX x ON t (a DESC, b); CREATE INDEX y ON t (a, b DESC, c)", [("overlapping", "x")]),
        (f"{_TABLE} CREATE INDEX x ON t (a NULLS FIRST); CREATE INDEX y ON t (a, c)", []),
        ("CREATE TABLE s (a text); CREATE INDEX x ON s (a text_pattern_ops); CREATE INDEX y ON s (a)", []),
        ("CREATE TABLE s (a text); CREATE INDEX x ON s (left(a, 3)); CREATE INDEX y ON s (left(a, 4))", []),
        (f"{_TABLE} CREATE INDEX x ON t (a) INCLUDE (b); CREATE INDEX y ON t (a, c)", []),
        (f"{_TABLE} CREATE INDEX x ON t (a) INCLUDE (b); CREATE INDEX y ON t (a, b)", [("overlapping", "x")]),
        (f"{_TABLE} CREATE INDEX x ON t (id)", [("overlapping", "x")]),
        (f"{_TABLE} CREATE UNIQUE INDEX x ON t (a); CREATE INDEX y ON t (a, b)", []),
        (f"{_TABLE} CREATE UNIQUE INDEX x ON t (a); CREATE INDEX y ON t (a)", [("overlapping", "y")]),
        (f"{_TABLE} CREATE INDEX x ON t USING hash (a); CREATE INDEX y ON t (a)", []),
        (
            f"{_TABLE} ALTER TABLE t ALTER a SET NOT NULL; CREATE UNIQUE INDEX x ON t (a);"
            " CREATE UNIQUE INDEX y ON t (a); ALTER TABLE t REPLICA IDENTITY USING INDEX y",
            [("duplicate", "x")],
        ),
        (_CHILD, [("missing", None)]),
        (f"{_CHILD} CREATE INDEX x ON c (p)", []),
        (f"{_CHILD} CREATE INDEX x ON c (p, id)", []),
        (f"{_CHILD} CREATE INDEX x ON c (p) WHERE p IS NOT NULL", []),
        (f"{_CHILD} CREATE INDEX x ON c (p) WHERE id > 5", [("missing", None)]),
        (f"{_CHILD} CREATE INDEX x ON c USING hash (p)", []),
    ],
)
def test_what_is_wrong_with_indexes(connection: Connection, script: str, found: list[tuple[str, str | None]]) -> None:
    connection.run(script)
    assert [(p.problem, p.index) for p in problems(read(connection))] == found


def test_every_remedy_runs_and_mends(connection: Connection) -> None:
    connection.run(f"{_CHILD} {_TABLE} CREATE INDEX x ON t (a); CREATE INDEX y ON t (a); CREATE INDEX z ON t (a, b)")
    before = problems(read(connection))
    assert len(before) == 3
    for problem in before:
        connection.run(problem.sql)
    assert problems(read(connection)) == ()
    for problem in before:
        connection.run(problem.undo)
    assert problems(read(connection)) == before


def test_an_index_that_failed_to_build_is_invalid(connection: Connection) -> None:
    connection.run(f"{_TABLE} INSERT INTO t VALUES (1, 1), (2, 1)")
    with pytest.raises(Exception, match="could not create unique index"):
        connection.run("CREATE UNIQUE INDEX CONCURRENTLY x ON t (a)")
    assert [(p.problem, p.index) for p in problems(read(connection))] == [("invalid", "x")]


def test_unused_are_those_that_nobody_scans_and_nothing_needs(server: Server, database: str) -> None:
    with server.connect(database) as session:
        session.run(
            f"{_TABLE} CREATE INDEX used ON t (a); CREATE INDEX idle ON t (b); CREATE UNIQUE INDEX kept ON t (c)"
        )
        session.run("INSERT INTO t SELECT i, i, i, i FROM generate_series(1, 5000) i; ANALYZE t")
        session.run("SET enable_seqscan = off; SELECT * FROM t WHERE a = 5; SELECT pg_stat_force_next_flush()")
    with server.connect(database) as session:
        found = problems(read(session), usage(session), counted=True)
    assert [(p.problem, p.index) for p in found] == [("unused", "idle")]


def test_an_index_full_of_holes_is_bloated(connection: Connection) -> None:
    connection.run(f"{_TABLE} CREATE INDEX x ON t (a, id)")
    connection.run("INSERT INTO t SELECT i, i, i, i FROM generate_series(1, 300000) i; DELETE FROM t WHERE id % 10 > 0")
    connection.run("VACUUM ANALYZE t")
    (x, pkey) = sorted(bloated(connection, read(connection)), key=lambda p: p.index or "", reverse=True)
    assert (x.index, pkey.index) == ("x", "t_pkey")
    connection.run(x.sql)
    connection.run(pkey.sql)
    assert bloated(connection, read(connection)) == ()


def test_a_missing_index_is_proved_on_rows(connection: Connection) -> None:
    connection.run(f"{_CHILD} INSERT INTO p SELECT generate_series(1, 5000)")
    connection.run("INSERT INTO c SELECT i, i % 5000 + 1 FROM generate_series(1, 50000) i; ANALYZE")
    catalog = read(connection)
    (missing,) = problems(catalog)
    assert prove_missing(connection, missing, catalog).certainty == "proved"
