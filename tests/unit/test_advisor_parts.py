"""The advisor's parts that need no server: what a query asks, other ways to ask, names, budgets."""

from __future__ import annotations

import pytest

from pgassay.advisor.coverage import covers
from pgassay.advisor.model import Candidate, Measure
from pgassay.catalog import Index
from pgassay.errors import UsageError
from pgassay.model import Name
from pgassay.sql.alternatives import alternatives
from pgassay.sql.predicates import Block, blocks
from pgassay.workflows.tune import parse_budget

_TABLES = {
    "t": ("id", "a", "b", "c", "ts", "d", "tags"),
    "u": ("id", "t_id", "x"),
}


_VIEWS = {
    "v": "SELECT t.id, t.a, t.ts AS day FROM t WHERE t.b IS NULL",
    "w": "SELECT v.day, u.x FROM v JOIN u ON u.t_id = v.id",
    "g": "SELECT t.a, count(*) AS n FROM t GROUP BY t.a",
    "either": "SELECT t.id, t.a FROM t UNION ALL SELECT u.id, u.x FROM u",
}


def read(sql: str) -> tuple[Block, ...]:
    return blocks(sql, lambda name: _TABLES.get(name.name), lambda name: _VIEWS.get(name.name))


def uses(sql: str) -> list[tuple[str, str]]:
    return [(u.kind, u.key.text) for block in read(sql) for u in block.uses]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("a = 1", [("equal", "a")]),
        ("1 = a", [("equal", "a")]),
        ("a > 1 AND b <= 2", [("range", "a"), ("range", "b")]),
        ("a BETWEEN 1 AND 2", [("range", "a")]),
        ("a IN (1, 2)", [("in", "a")]),
        ("a = ANY ($1)", [("in", "a")]),
        ("'x' = ANY (tags)", [("any", "tags")]),
        ("a IS NULL AND b IS NOT NULL", [("null", "a"), ("not null", "b")]),
        ("NOT a AND b", [("false", "a"), ("true", "b")]),
        ("lower(c) LIKE 'x%'", [("like", "lower(c)")]),
        ("c ILIKE $1", [("ilike", "c")]),
        ("d @> '{}'", [("contains", "d")]),
        ("d ->> 'k' = 'v'", [("equal", "d ->> 'k'")]),
        ("(a, b) > (1, 2)", [("range", "a")]),
        ("ts > now() - interval '1 day'", [("range", "ts")]),
        ("a = b", []),
        ("random() < 0.5", []),
        ("a <> 3", [("unequal", "a")]),
        ("starts_with(c, 'x')", [("like", "c")]),
        ("(d ->> 'k')::boolean", [("true", "(d ->> 'k')::boolean")]),
        ("c << inet '10.0.0.0/8'", [("contains", "c")]),
        ("position('x' IN c) > 0", []),
    ],
)
def test_predicates_are_read(condition: str, found: list[tuple[str, str]]) -> None:
    assert uses(f"SELECT id FROM t WHERE {condition}") == found


def test_joins_subqueries_and_orders_are_read() -> None:
    outer, inner = read(
        "SELECT t.a FROM t JOIN u ON u.t_id = t.id WHERE EXISTS (SELECT FROM u v WHERE v.t_id = t.id AND v.x > 1)"
        " ORDER BY t.ts DESC NULLS LAST, 1 LIMIT 5"
    )
    assert [(u.table, u.key.text, u.other is not None) for u in outer.uses] == [(1, "t_id", True), (0, "id", True)]
    assert [(o.key.text, o.descending, o.nulls_first) for o in outer.orders[0]] == [
        ("ts", True, False),
        ("a", False, False),
    ]
    assert outer.limited
    assert outer.columns == (frozenset({"a", "id", "ts"}), frozenset({"t_id"}))
    assert [(u.key.text, u.outer) for u in inner.uses] == [("t_id", True), ("x", False)]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT * FROM v WHERE day > $1", [("range", "ts"), ("null", "b")]),
        ("SELECT x FROM w WHERE day > $1", [("equal", "t_id"), ("equal", "id"), ("range", "ts"), ("null", "b")]),
        ("SELECT n FROM g WHERE a = 3", [("equal", "a")]),
        ("SELECT n FROM g WHERE n = 3", []),
        ("SELECT id FROM either WHERE a = 3", [("equal", "a"), ("equal", "x")]),
        ("WITH q AS (SELECT * FROM t WHERE a = 1) SELECT b FROM q WHERE c = 2", [("equal", "c"), ("equal", "a")]),
        ("SELECT * FROM (SELECT a, b FROM t LIMIT 5) s WHERE a = 1", []),
        ("SELECT * FROM (SELECT a AS z FROM t) s WHERE z = 1 ORDER BY s.z", [("equal", "a")]),
        ("SELECT s.a, u.x FROM (SELECT id, a FROM t) s JOIN u ON u.t_id = s.id", [("equal", "t_id"), ("equal", "id")]),
    ],
)
def test_what_the_planner_opens_is_opened(sql: str, found: list[tuple[str, str]]) -> None:
    assert uses(sql) == found


def test_a_common_table_expression_hides_a_table_of_its_name() -> None:
    assert [b.tables[0].name.name for b in read("WITH u AS (SELECT * FROM t WHERE a = 1) SELECT * FROM u")] == ["t"]


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "", "SELECT 1", "CREATE TABLE x (a int)", "SELECT * FROM nowhere WHERE a = 1"]
)
def test_what_asks_nothing_has_no_blocks(sql: str) -> None:
    assert read(sql) == ()


@pytest.mark.parametrize(
    ("sql", "rule", "words"),
    [
        ("SELECT * FROM t WHERE a NOT IN (SELECT x FROM u)", "not-in", "NOT EXISTS"),
        ("SELECT * FROM t WHERE ts::date = '2024-01-01'", "date-function", "ts < "),
        ("SELECT * FROM t WHERE extract(year FROM ts) = 2024", "date-function", "make_date"),
        ("SELECT * FROM t WHERE id::text = '5'", "cast-on-column", "'5'::bigint"),
        ("SELECT id FROM t WHERE a = 1 OR b = 2", "or-to-union", "IS NOT TRUE"),
        ("SELECT id FROM t ORDER BY id LIMIT 5 OFFSET 50", "offset-to-keyset", "id > $1"),
        ("SELECT * FROM t WHERE (SELECT count(*) FROM u WHERE u.t_id = t.id) = 0", "count-for-existence", "NOT EXISTS"),
    ],
)
def test_other_ways_to_ask(sql: str, rule: str, words: str) -> None:
    types = {"id": "bigint", "ts": "timestamp with time zone"}
    (found,) = [a for a in alternatives(sql, types.get) if a.rule == rule]
    assert words in found.sql


@pytest.mark.parametrize(
    "sql", ["SELECT 1", "DELETE FROM t WHERE a NOT IN (SELECT x FROM u)", "SELEC", "SELECT 1; SELECT 2"]
)
def test_what_has_no_other_way(sql: str) -> None:
    assert alternatives(sql, lambda _: None) == ()


@pytest.mark.parametrize(
    ("sql", "rule", "words"),
    [
        ("SELECT id FROM t WHERE position('a_b' IN c) > 0", "position-to-like", "LIKE E'%a\\\\_b%'"),
        ("SELECT id FROM t WHERE c ILIKE 'a@b.c'", "ilike-to-lower", "lower(c) = lower('a@b.c')"),
        ("SELECT id FROM t WHERE to_char(ts, 'YYYY-MM') = '2024-03'", "date-function", "'1 month'"),
        ("SELECT * FROM t WHERE a = 1 ORDER BY b", "select-star", "SELECT a, b FROM"),
    ],
)
def test_more_ways_to_ask(sql: str, rule: str, words: str) -> None:
    assert words in next(a.sql for a in alternatives(sql, lambda _: None) if a.rule == rule)


def test_names_fit_and_are_not_taken() -> None:
    one = Candidate(table=Name("public", "T" * 40), keys=("lower(email)", "made_at DESC"), columns=("email", "made_at"))
    name = one.name(())
    assert len(name.encode()) <= 63
    assert one.name({name}) != name


@pytest.mark.parametrize(("text", "size"), [("50%", 500), ("200MB", 200 * 2**20), ("1.5 kB", 1536), ("12", 12)])
def test_budgets(text: str, size: int) -> None:
    assert parse_budget(text)(1000) == size


@pytest.mark.parametrize("text", ["", "%", "many", "-5MB", "5 parsecs"])
def test_no_budgets(text: str) -> None:
    with pytest.raises(UsageError):
        parse_budget(text)


def test_a_run_that_was_cut_off_is_more_work_than_any_that_ended() -> None:
    slow = Measure(cpu_ms=1000, buffers=500_000, rows=1)
    assert Measure(cpu_ms=1000, buffers=0, rows=0, over=True).work > slow.work


def test_covering_is_reflexive_and_respects_uniqueness() -> None:
    plain = Index(
        name="x", method="btree", keys=("a",), columns=("a",), definition="CREATE INDEX x ON t USING btree (a)"
    )
    unique = Index(
        name="y",
        method="btree",
        keys=("a",),
        columns=("a",),
        unique=True,
        definition="CREATE UNIQUE INDEX y ON t USING btree (a)",
    )
    assert covers(plain, plain)
    assert covers(unique, plain)
    assert not covers(plain, unique)
