"""Plans that PostgreSQL made on a real server, each with something wrong: what is said of it."""

# ruff: noqa: E501 (a plan a line)

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from pgassay.model.plans import Advice, Plan, advice, read_plan
from pgassay.server import Connection, Server

SCHEMA = """
CREATE TABLE t (id int PRIMARY KEY, a int, b int, state text, name text, doc jsonb, at timestamptz, wide text);
INSERT INTO t SELECT i, i % 1000, i % 1000, CASE WHEN i % 200 = 0 THEN 'open' ELSE 'done' END, 'Name ' || md5(i::text),
  jsonb_build_object('k', i % 500), timestamptz '2024-01-01' + i * interval '1 minute', repeat('x', 100)
  FROM generate_series(1, 40000) i;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_state ON t (state);
CREATE TABLE child (id int, t_id int REFERENCES t ON DELETE CASCADE, n int);
INSERT INTO child SELECT i, i % 40000 + 1, i % 7 FROM generate_series(1, 5000) i;
CREATE FUNCTION many() RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT generate_series(1, 30000); END';
VACUUM ANALYZE;
UPDATE t SET wide = 'y' WHERE id > 20000;
"""


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Connection]:
    with server.database() as name, server.connect(name) as session:
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                session.run(statement)
        session.run("SET max_parallel_workers_per_gather = 0; SET jit = off")
        yield session


def explained(shop: Connection, query: str, *settings: str, analyze: bool = True) -> Plan:
    options = "ANALYZE, BUFFERS, FORMAT JSON" if analyze else "FORMAT JSON"
    with shop.rolled_back():
        for setting in settings:
            shop.run(f"SET LOCAL {setting}")
        return read_plan(shop.json(f"EXPLAIN ({options}) {query}"))


def said(plan: Plan, kind: str) -> Advice:
    found = [each for each in advice(plan) if each.kind == kind]
    assert found, [each.text for each in advice(plan)]
    return found[0]


NO_INDEX = ("enable_indexscan = off", "enable_bitmapscan = off", "enable_indexonlyscan = off")
LITTLE = ("work_mem = '64kB'", "hash_mem_multiplier = 1")


class Case(NamedTuple):
    query: str
    settings: tuple[str, ...]
    words: list[str]


CASES = {
    "missing-index": Case("SELECT * FROM t WHERE b = 5 AND at > '2024-01-10'", (), ["reads 40,000 rows of t to keep", "(b, at)"]),
    "missing-index, expression": Case("SELECT * FROM t WHERE lower(name) = 'name x'", (), ["t (lower(name))"]),
    "missing-index, document": Case("SELECT * FROM t WHERE doc @> '{\"k\": 5}'", (), ["GIN index on (doc)"]),
    "missing-index, key": Case("SELECT * FROM t WHERE doc ->> 'k' = '5'", (), ["t ((doc ->> 'k'))"]),
    "missing-index, prefix": Case("SELECT * FROM t WHERE name LIKE 'Name ab%'", (), ["name text_pattern_ops"]),
    "missing-index, part": Case("SELECT * FROM t WHERE name ILIKE '%abc%'", (), ["gin_trgm_ops", "(name)"]),
    "wide-index": Case("SELECT * FROM t WHERE state = 'done' AND b = 7", ("enable_seqscan = off",), ["t_state finds", "add b"]),
    "sort-spill": Case("SELECT * FROM t ORDER BY name", LITTLE, ["sorts by name on disk", "index on t (name)"]),
    "unsorted-limit": Case("SELECT * FROM t WHERE state = 'done' ORDER BY at DESC LIMIT 5", (), ["t (state, at DESC)"]),
    "hash-spill": Case("SELECT * FROM t x JOIN t y USING (name)", (*LITTLE, "enable_mergejoin = off", "enable_nestloop = off"), ["hashes t for", "batches"]),
    "hash-spill, groups": Case("SELECT name, count(*) FROM t GROUP BY name", (*LITTLE, "enable_sort = off"), ["groups by name"]),
    "misestimate": Case("SELECT * FROM t WHERE a < 100 AND b < 100 AND a + b < 300", (), ["CREATE STATISTICS", "FROM t"]),
    "repeated-scan": Case("SELECT * FROM t JOIN child ON child.t_id = t.id WHERE t.a < 5", (*NO_INDEX, "enable_hashjoin = off", "enable_mergejoin = off", "enable_material = off"), ["scans all of"]),
    "misestimated-loop": Case("SELECT * FROM t x JOIN t y ON y.id = x.b WHERE x.a + 0 < 900 AND x.a * 2 < 9000 AND x.b % 2 + 0 = 0", ("enable_hashjoin = off", "enable_mergejoin = off", "enable_memoize = off"), ["runs t_pkey on t", "hash join"]),
    "heap-fetches": Case("SELECT id FROM t WHERE id > 10000", ("enable_seqscan = off", "enable_bitmapscan = off"), ["VACUUM t"]),
    "lossy-bitmap": Case("SELECT count(wide) FROM t WHERE a < 900", ("enable_seqscan = off", "enable_indexscan = off", *LITTLE), ["bitmap of t", "work_mem"]),
    "function-rows": Case("SELECT count(*) FROM many()", (), ["many() gives 30,000 rows", "ALTER FUNCTION many ROWS 30000"]),
    "offset": Case("SELECT * FROM t ORDER BY id LIMIT 10 OFFSET 30000", (), ["makes 30,000 rows to throw them away"]),
    "correlated-subquery": Case("SELECT (SELECT max(n) FROM child WHERE child.id = t.a) FROM t WHERE id < 1200", ("enable_seqscan = on",), ["subquery on child ran 1,199 times"]),
    "not-in": Case("SELECT * FROM child WHERE id NOT IN (SELECT id FROM t WHERE a < 20) AND n = 3 AND id < 300", LITTLE, ["NOT EXISTS"]),
    "join-filter": Case("SELECT * FROM t JOIN child ON child.n + t.a = 1800 WHERE t.a > 985", ("enable_hashjoin = off", "enable_mergejoin = off"), ["pairs of rows"]),
    "trigger": Case("DELETE FROM t WHERE id > 39990", (), ["child_t_id_fkey"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_to_do(shop: Connection, case: str) -> None:
    query, settings, words = CASES[case]
    found = said(explained(shop, query, *settings), case.split(",")[0])
    for word in words:
        assert word in found.text


def test_a_good_plan_needs_no_advice(shop: Connection) -> None:
    for query in ("SELECT * FROM t WHERE id = 5", "SELECT count(*) FROM child", "INSERT INTO child VALUES (1, 1, 1)"):
        assert advice(explained(shop, query)) == ()


@pytest.mark.parametrize("case", ["missing-index", "missing-index, part", "offset", "repeated-scan"])
def test_some_is_known_without_running(shop: Connection, case: str) -> None:
    query, settings, _ = CASES[case]
    plan = explained(shop, query, *settings, analyze=False)
    assert not plan.analyzed
    assert said(plan, case.split(",")[0]).share > 0


def test_what_one_node_spends_adds_up_to_the_whole(shop: Connection) -> None:
    for query, settings, _ in CASES.values():
        plan = explained(shop, query, *settings)
        assert sum(n.own_ms or 0 for n in plan.walk()) == pytest.approx(plan.root.total_ms)
        assert sum(n.own_cost for n in plan.walk()) == pytest.approx(plan.total_cost)
        assert sum(n.share for n in plan.walk()) == pytest.approx(1)
        whole = plan.buffers
        assert whole is not None
        assert sum(n.own_buffers.touched for n in plan.walk() if n.own_buffers) == whole.touched


def test_parallel_workers_run_side_by_side(shop: Connection) -> None:
    settings = (
        "max_parallel_workers_per_gather = 2", "parallel_setup_cost = 0", "parallel_tuple_cost = 0",
        "min_parallel_table_scan_size = 0",
    )  # fmt: skip
    plan = explained(shop, "SELECT count(*) FROM t WHERE name LIKE '%a%'", *settings)
    scan = next(n for n in plan.walk() if n.kind == "Seq Scan")
    assert (scan.loops or 0) > 1
    assert (scan.total_ms or 0) <= (plan.root.total_ms or 0)


def test_a_with_query_is_paid_by_its_reader(shop: Connection) -> None:
    plan = explained(shop, "WITH q AS MATERIALIZED (SELECT * FROM t WHERE b < 10) SELECT count(*) FROM q")
    scan = next(n for n in plan.walk() if n.table == "t")
    reader = next(n for n in plan.walk() if n.kind == "CTE Scan")
    assert scan.share > reader.share
    assert sum(n.own_ms or 0 for n in plan.walk()) == pytest.approx(plan.root.total_ms)


def test_a_node_that_a_limit_stops_is_no_misestimate(shop: Connection) -> None:
    plan = explained(shop, "SELECT * FROM t LIMIT 3")
    assert [n.misestimate for n in plan.walk() if n.kind == "Seq Scan"] == [None]


def test_a_node_that_never_ran(shop: Connection) -> None:
    plan = explained(
        shop, "SELECT * FROM child JOIN t ON t.id = child.t_id WHERE child.id = -5", "enable_hashjoin = off"
    )
    assert [n.table for n in plan.walk() if n.never_run and n.table] == ["t"]
