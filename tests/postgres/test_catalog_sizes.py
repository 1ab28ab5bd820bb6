"""Sizes and statistics, against what the server itself says."""

from __future__ import annotations

import pytest

from pgassay.catalog import ColumnStats, TableSize, column_statistics, sizes
from pgassay.model import Name
from pgassay.server import Connection

T = Name("public", "t")


def test_never_analysed(connection: Connection) -> None:
    connection.run("CREATE TABLE t (a int)")
    assert sizes(connection) == {T: TableSize(rows=None, pages=0, heap_bytes=0, index_bytes=0)}


def test_analysed_and_empty(connection: Connection) -> None:
    connection.run("CREATE TABLE t (a int)")
    connection.run("VACUUM ANALYZE t")
    assert sizes(connection)[T].rows == 0


def test_analysed(connection: Connection) -> None:
    connection.run(
        "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT g, 'x' FROM generate_series(1, 5000) g"
    )
    connection.run("ANALYZE t")
    size = sizes(connection)[T]
    assert (size.rows, size.pages) == (
        5000,
        int(connection.value("SELECT relpages FROM pg_class WHERE relname = 't'") or 0),
    )
    assert size.bytes == int(connection.value("SELECT pg_total_relation_size('t')") or 0)
    assert size.index_bytes == int(connection.value("SELECT pg_relation_size('t_pkey')") or 0)


def test_partitions_add_up(connection: Connection) -> None:
    connection.run(
        "CREATE TABLE t (a int) PARTITION BY RANGE (a); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)"
        " PARTITION BY RANGE (a); CREATE TABLE t1a PARTITION OF t1 FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE t2 PARTITION OF t DEFAULT; INSERT INTO t SELECT generate_series(1, 100); ANALYZE t1a"
    )
    found = sizes(connection)
    assert (found[Name("public", "t1")].rows, found[T].rows) == (9, None)
    connection.run("ANALYZE t2")
    assert sizes(connection)[T] == TableSize(
        rows=100, pages=2, heap_bytes=sizes(connection)[T].heap_bytes, index_bytes=0
    )


def test_materialized_views_have_sizes(connection: Connection) -> None:
    connection.run("CREATE MATERIALIZED VIEW m AS SELECT 1; ANALYZE m")
    assert sizes(connection)[Name("public", "m")].rows == 1


def test_common_values(connection: Connection) -> None:
    connection.run(
        "CREATE TABLE t (a text); INSERT INTO t SELECT CASE WHEN g % 4 > 0 THEN 'say \"hi\", {you}' END"
        " FROM generate_series(1, 400) g; ANALYZE t"
    )
    assert column_statistics(connection) == {
        T: {
            "a": ColumnStats(
                null_frac=0.25, avg_width=16, n_distinct=1, most_common_vals=['say "hi", {you}'],
                most_common_freqs=[0.75], correlation=1,
            )
        }
    }  # fmt: skip


def test_histogram(connection: Connection) -> None:
    connection.run("CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t")
    stats = column_statistics(connection)[T]["a"]
    assert stats.histogram_bounds is not None and stats.most_common_vals is None
    assert (stats.histogram_bounds[0], stats.histogram_bounds[-1], stats.n_distinct) == ("1", "1000", -1)


@pytest.mark.parametrize("value", ["ARRAY['a,b', NULL]", "'{\"k\": [1]}'::jsonb", "'2024-01-01'::date"])
def test_values_of_other_types(connection: Connection, value: str) -> None:
    connection.run(f"CREATE TABLE t AS SELECT {value} AS a FROM generate_series(1, 50); ANALYZE t")
    assert column_statistics(connection)[T]["a"].most_common_vals == [connection.value("SELECT a::text FROM t")]


def test_only_what_the_role_may_read(connection: Connection) -> None:
    connection.run("CREATE TABLE t AS SELECT 1 AS a, 2 AS b; ANALYZE t; REVOKE SELECT ON t FROM app_owner")
    connection.run("GRANT SELECT (b) ON t TO app_owner")
    assert set(column_statistics(connection)[T]) == {"b"}


def test_nothing(connection: Connection) -> None:
    assert (sizes(connection), column_statistics(connection)) == ({}, {})
