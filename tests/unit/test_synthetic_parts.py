"""The parts of synthetic rows that need no server."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.sql.expressions import (
    And,
    ColumnOf,
    Compare,
    Constant,
    InList,
    IsNull,
    Match,
    Not,
    Or,
    Unknown,
    columns_of,
    parse_expression,
    write,
)
from pgassay.twin.axes import axis_of, read_interval, read_value
from pgassay.twin.branches import branches
from pgassay.twin.keys import Digit, assign
from pgassay.twin.patterns import like_matches, like_shapes, regex_shapes
from pgassay.twin.shapes import sample


def test_lists_in_all_their_spellings() -> None:
    wanted = InList(ColumnOf("a"), (Constant("x", "text"), Constant("y", "text")))
    assert parse_expression("a = ANY (ARRAY['x'::text, 'y'::text])") == wanted
    assert parse_expression("a IN ('x'::text, 'y'::text)") == wanted


def test_what_is_not_understood_names_its_columns() -> None:
    assert parse_expression("CASE WHEN a THEN b END") == Unknown("case_expr", ("a", "b"))
    assert columns_of(parse_expression("f(a, b + 1) = c")) == ("a", "b", "c")
    assert parse_expression("1 +") == Unknown("syntax")


def test_patterns_and_null_tests() -> None:
    assert parse_expression("(a)::text !~ 'x'") == Not(Match(parse_expression("a::text"), "x", "regex"))
    assert parse_expression("a IS NOT NULL") == Not(IsNull(ColumnOf("a")))
    assert parse_expression("a BETWEEN 1 AND 2") == And(
        (Compare(">=", ColumnOf("a"), Constant(1)), Compare("<=", ColumnOf("a"), Constant(2)))
    )


@pytest.mark.parametrize("text", ["a + interval '1 day'", "lower(b)", "-a * 2", "(a)::text || 'x'"])
def test_simple_expressions_are_written_back(text: str) -> None:
    written = write(parse_expression(text))
    assert written is not None
    assert parse_expression(written) == parse_expression(text)


_BOOLEANS = st.recursive(
    st.sampled_from("abcd").map(lambda name: IsNull(ColumnOf(name))),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: Or(tuple(items))),
    ),
    max_leaves=5,
)


def holds(expression: object, nulls: set[str]) -> bool:
    match expression:
        case IsNull(ColumnOf(name)):
            return name in nulls
        case Not(item):
            return not holds(item, nulls)
        case And(items):
            return all(holds(item, nulls) for item in items)
        case Or(items):
            return any(holds(item, nulls) for item in items)
    raise AssertionError(expression)


@given(_BOOLEANS)
def test_branches_are_the_expression_in_another_form(expression: And) -> None:
    found = branches(expression)
    for size in range(5):
        for nulls in map(set, itertools.combinations("abcd", size)):
            assert holds(expression, nulls) == any(all(holds(c, nulls) for c in branch) for branch in found)


@given(
    st.lists(st.frozensets(st.integers(0, 5), min_size=1, max_size=3), min_size=1, max_size=5),
    st.integers(1, 300),
)
def test_keys_with_room_tell_all_rows_apart(keys: list[frozenset[int]], rows: int) -> None:
    assignment = assign(keys, [10**6] * 6, rows)
    assert assignment.capacity > rows

    def shown(digit: Digit, row: int) -> int:
        return row if digit.whole else row // digit.divisor % (digit.modulus or 1)

    for key in keys:
        seen = {tuple(shown(assignment.digits[m], row) for m in key if m in assignment.digits) for row in range(rows)}
        assert len(seen) == rows


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 300))
def test_small_keys_say_how_many_rows_they_allow(first: int, second: int, rows: int) -> None:
    assignment = assign([frozenset({0, 1})], [first, second], rows)
    assert assignment.capacity >= min(first * second, rows)
    if first * second <= rows:
        assert assignment.capacity == first * second


REGEXES = [
    r"^0x[0-9a-f]{40}$", r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$", r"^(a|bc)+$", r"^[A-Z]{3}(-[0-9]{2,4})?$",
    r"^\+?[1-9]\d{1,14}$",
    r"^(0|[1-9][0-9]*)(\.[0-9]+)?$", r"^[a-z0-9]+(?:-[a-z0-9]+)*$", r"colou?r", r"^\w+\.(png|jpe?g)$", r"^[!-~]{8,}$",
    r"^#([0-9a-f]{3}|[0-9a-f]{6})$", r"^v\d+\.\d+\.\d+$", r"^[\]\-a]{2}$",
]  # fmt: skip


@pytest.mark.parametrize("pattern", REGEXES)
def test_shapes_of_regular_expressions_match_them(pattern: str) -> None:
    shapes = regex_shapes(pattern, 0, 80)
    assert shapes
    for shape, seed in itertools.product(shapes, range(20)):
        assert re.search(pattern, sample(shape, seed)), sample(shape, seed)


@pytest.mark.parametrize("pattern", ["a(?=b)", r"(a)\1", r"\mword", "(unclosed", "a{x}", "*"])
def test_patterns_beyond_the_subset_have_no_shape(pattern: str) -> None:
    assert regex_shapes(pattern, 0, 80) == []


@given(st.text(alphabet="ab%_\\", max_size=8).filter(lambda text: not text.endswith("\\")))
def test_shapes_of_like_patterns_match_them(pattern: str) -> None:
    for shape in like_shapes(pattern, 0, 400):
        assert like_matches(sample(shape, 1), pattern, insensitive=False)


def test_axes_count_in_the_smallest_unit() -> None:
    hundredths = axis_of("numeric", "numeric(12,2)")
    assert hundredths is not None
    assert hundredths.place(5) == 500
    day = axis_of("date", "date")
    moment = read_value("1970-01-11", "date")
    assert day is not None and moment is not None
    assert day.place(moment) == 10
    assert read_value("not a date", "date") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1 day", 86400), ("01:30:00", 5400), ("2 days 00:00:01", 172801), ("1 mon", 30 * 86400), ("-00:01:00", -60)],
)
def test_intervals(text: str, seconds: int) -> None:
    assert read_interval(text) == seconds
