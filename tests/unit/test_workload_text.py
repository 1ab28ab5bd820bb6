"""The text of statements: values out and in again, what pg_stat_statements writes, which column each $n meets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgast import deparse, parse

from pgassay.model import Name
from pgassay.sql.normalise import UNREADABLE, Normalised, fill, normalise
from pgassay.sql.normalise_repair import repair
from pgassay.sql.parameters import outputs, slots
from pgassay.workload.forms import Form, Forms

COLUMNS = {Name("public", "t"): ["id", "a", "B", "doc", "ts", "tags"], Name("s", "u"): ["id", "t_id", "name"]}

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
integers = st.integers(-(2**70), 2**70)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


values = st.one_of(words.map(_quoted), integers.map(str), decimals.map(str), words.map(lambda w: f"{_quoted(w)}::text"))
conditions = st.builds(
    "{} {} {}".format,
    st.sampled_from(["a", '"B"', "t.ts", "lower(name)", "doc ->> 'Ключ'"]),
    st.sampled_from(["=", "<", ">=", "<>", "LIKE"]),
    values,
)
statements = st.builds(
    lambda where, listed, limit: (
        f"SELECT é, interval '1 day' FROM t /* ' */ WHERE {' AND '.join(where)} AND id IN ({', '.join(listed)})"
        f" -- $9 'x'\n LIMIT {limit}"
    ),
    st.lists(conditions, min_size=1, max_size=4),
    st.lists(values, min_size=1, max_size=3),
    st.integers(0, 99),
)


@given(statements)
def test_values_out_and_in_and_out_again_are_the_same(text: str) -> None:
    once = normalise(text)
    assert normalise(fill(once.text, once.values)) == once


plain_values = st.one_of(integers.map(str), words.map(_quoted), decimals.map(str), st.just("-7"), st.just("'a' 'b'"))
like = st.builds(
    lambda shape, one, two: shape.format(one, two),
    st.sampled_from(
        [
            "SELECT * FROM t1 WHERE a = {} AND b ->> 'k' = {}",
            "SELECT {}, a FROM t WHERE b = {} GROUP BY 1",
            'SELECT * FROM "T\'5" WHERE a = $1 AND b IN ({}, {})',
            "INSERT INTO t VALUES ({}, E'x', now() + {})",
            "UPDATE t SET a = a + {} WHERE id = {}",
            "SELECT * FROM t WHERE a = {} -- {}",
        ]
    ),
    plain_values,
    plain_values,
)


@given(st.lists(like, max_size=8))
def test_what_is_remembered_is_what_the_parser_says(texts: list[str]) -> None:
    forms = Forms()
    for text in texts:
        try:
            said = normalise(text)
        except UNREADABLE:
            said = Normalised(text, (), 1)
        assert forms.form(text) == Form(said.text, said.values, said.first)


@given(statements)
def test_a_second_time_there_is_nothing_left_to_take_out(text: str) -> None:
    once = normalise(text)
    assert normalise(once.text).values == ()
    assert normalise(once.text).text == once.text


@given(st.lists(words, min_size=1, max_size=4))
def test_text_values_put_back_make_the_same_statement(given_: list[str]) -> None:
    text = "UPDATE t SET " + ", ".join(f"c{i} = {_quoted(v)}" for i, v in enumerate(given_))
    once = normalise(text)
    assert list(once.values) == given_
    assert deparse(parse(fill(once.text, once.values))) == deparse(parse(text))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("SELECT 1 FROM t WHERE a IS NULL AND b = true ORDER BY 2", None),
        ("SELECT doc ->> 'k' FROM t WHERE doc ->> 'k' = 'v'", "SELECT doc ->> 'k' FROM t WHERE doc ->> 'k' = $1"),
        ("SELECT * FROM t WHERE a = $1 AND b = 2", "SELECT * FROM t WHERE a = $1 AND b = $2"),
        ("SELECT * FROM t WHERE a = 1.5", "SELECT * FROM t WHERE a = $1::numeric"),
        ("SELECT * FROM t WHERE a = 3000000000", "SELECT * FROM t WHERE a = $1::bigint"),
        ("SELECT * FROM t WHERE a = - 5 AND ts > '2020-01-01'::date", "SELECT * FROM t WHERE a = $1 AND ts > $2::date"),
        (
            "INSERT INTO t VALUES (1, 'x', now()), (2, DEFAULT, NULL)",
            "INSERT INTO t VALUES ($1, $2, now()), ($3, DEFAULT, NULL)",
        ),
        ("UPDATE t SET a = 1, b = b + 1 WHERE id = 2", "UPDATE t SET a = $1, b = b + 1 WHERE id = $2"),
        ("SELECT * FROM t WHERE ts > now() - interval '1 day'", None),
    ],
)
def test_what_is_a_value(text: str, left: str | None) -> None:
    assert normalise(text).text == (left or text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT now() - interval $1 * $2", "SELECT now() - CAST($1 AS interval) * $2"),
        ("SELECT interval $1 day to second, date $2", "SELECT CAST($1 AS interval day to second), CAST($2 AS date)"),
        ("SELECT extract($1 FROM ts) FROM t WHERE a = $2", "SELECT extract(day FROM ts) FROM t WHERE a = $1"),
        (
            "SELECT date_trunc($1, ts), count(*) FROM t WHERE a = $2 GROUP BY date_trunc($3, ts)",
            "SELECT date_trunc($1, ts), count(*) FROM t WHERE a = $2 GROUP BY date_trunc($1, ts)",
        ),
        (
            "SELECT DISTINCT coalesce(a, $1) FROM t ORDER BY coalesce(a, $2)",
            "SELECT DISTINCT coalesce(a, $1) FROM t ORDER BY coalesce(a, $1)",
        ),
        ('SELECT "A" FROM "Té" WHERE é = $1', 'SELECT "A" FROM "Té" WHERE é = $1'),
    ],
)
def test_repair(text: str, wanted: str) -> None:
    assert repair(text) == wanted
    assert repair(wanted) == wanted


def _seen(text: str) -> list[str]:
    found = []
    for slot in sorted(slots(text, COLUMNS, ("public", "s")), key=lambda s: s.number):
        origin = slot.origin
        place = "" if origin is None else f" {origin.table.name}.{origin.column}"
        found.append(f"{slot.use}{place}")
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('SELECT * FROM t WHERE "B" = $1 AND $2 < ts', ["equal t.B", "low t.ts"]),
        ("SELECT * FROM t x JOIN u y ON y.t_id = x.id AND y.id = $1 WHERE name = $2", ["equal u.id", "equal u.name"]),
        ("SELECT * FROM t WHERE ts BETWEEN $1 AND $2", ["low t.ts", "high t.ts"]),
        ("SELECT * FROM t WHERE id IN ($1, $2) OR id = ANY($3)", ["equal t.id", "equal t.id", "list t.id"]),
        ("SELECT * FROM u WHERE name LIKE $1 || '%' LIMIT $2 OFFSET $3", ["like u.name", "limit", "offset"]),
        (
            "SELECT * FROM t WHERE doc ->> 'k' = $1 AND doc @> $2 AND doc ? $3",
            ["equal t.doc", "contains t.doc", "has t.doc"],
        ),
        ("SELECT * FROM t WHERE $1 = ANY(tags) AND tags && $2", ["element t.tags", "overlaps t.tags"]),
        ("SELECT * FROM t WHERE (ts, id) < ($1, $2)", ["high t.ts", "high t.id"]),
        ("WITH q AS (SELECT id AS i FROM t) SELECT * FROM q WHERE i = $1", ["equal t.id"]),
        ("SELECT * FROM (SELECT x.* FROM t x) z WHERE z.a > $1", ["low t.a"]),
        (
            "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM s.u WHERE t_id = t.id AND lower(name) = lower($1))",
            ["equal u.name"],
        ),
        (
            "INSERT INTO t (a, ts) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET a = $3",
            ["value t.a", "value t.ts", "value t.a"],
        ),
        ("UPDATE t SET a = $1 WHERE id = $2", ["value t.a", "equal t.id"]),
        ("DELETE FROM t USING u WHERE t.id = u.t_id AND u.name = $1", ["equal u.name"]),
        ("SELECT count(*) FROM t GROUP BY a HAVING count(*) > $1", ["other"]),
        ("SELECT * FROM nowhere WHERE a = $1", ["other"]),
    ],
)
def test_each_parameter_meets_its_column(text: str, wanted: list[str]) -> None:
    assert _seen(text) == wanted


def test_a_view_leads_to_its_tables_columns() -> None:
    found = outputs("SELECT t.a AS x, u.name FROM t JOIN s.u ON u.t_id = t.id", COLUMNS)
    assert {name: origin.column for name, origin in found.items() if origin} == {"x": "a", "name": "name"}
