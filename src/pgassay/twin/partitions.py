"""The bounds of a partitioned table's partitions as a condition that its rows must meet."""

from __future__ import annotations

import re

from pgassay.catalog.model import Catalog, Table
from pgassay.sql.expressions import (
    And,
    ColumnOf,
    Compare,
    Constant,
    Expression,
    InList,
    IsNull,
    Or,
    columns_of,
    parse_expression,
)


def partition_condition(catalog: Catalog, table: Table) -> Expression | None:
    """True for rows that fall into a partition; None where every row does, or nothing is known."""
    if table.partition_key is None:
        return None
    strategy, _, inside = table.partition_key.partition("(")
    keys = [_column(text) for text in _split(inside.rstrip().removesuffix(")"))]
    children = [t for t in catalog.tables if t.partition_of == table.name and t.partition_bound]
    found: list[tuple[Expression, Expression | None]] = []
    ranges: list[tuple[str, str]] = []
    for child in children:
        below = partition_condition(catalog, child)
        bound = child.partition_bound or ""
        if bound == "DEFAULT":
            if below is None and len(children) == 1:
                return None
            continue
        if strategy.strip().upper() == "RANGE":
            ends = re.fullmatch(r"FOR VALUES FROM \((.*)\) TO \((.*)\)", bound, re.DOTALL)
            if ends is None:
                continue
            if len(keys) == 1 and below is None:
                ranges.append((ends[1], ends[2]))
            else:
                found.append((_between(keys, _split(ends[1]), _split(ends[2])), below))
        elif strategy.strip().upper() == "LIST" and (
            values := re.fullmatch(r"FOR VALUES IN \((.*)\)", bound, re.DOTALL)
        ):
            found.append((_listed(keys[0], _split(values[1])), below))
        elif below is not None:
            found.append((And(()), below))
    found = [(_between(keys, [low], [high]), None) for low, high in _merged(ranges)] + found
    if not found:
        return None
    simple = [condition for condition, below in found if below is None]
    if strategy.strip().upper() == "LIST" and simple and all(isinstance(c, InList) for c in simple):
        choices = tuple(choice for c in simple if isinstance(c, InList) for choice in c.choices)
        found = [(InList(ColumnOf(keys[0]), choices), None)] + [pair for pair in found if pair[1] is not None]
    return Or(tuple(condition if below is None else And((condition, below)) for condition, below in found))


def _column(text: str) -> str:
    mentioned = columns_of(parse_expression(re.sub(r"\s+COLLATE\s+.*$", "", text.strip())))
    return mentioned[0] if mentioned else ""


def _split(text: str) -> list[str]:
    """The items of a list of literals or keys, split at commas outside of quotes and brackets."""
    items, depth, quoted, start = [], 0, False, 0
    for at, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character in "([") - (character in ")]")
            if character == "," and depth == 0:
                items.append(text[start:at].strip())
                start = at + 1
    return [*items, text[start:].strip()]


def _merged(ranges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours made one, those of most partitions first."""
    following = dict(ranges)
    starts = [low for low, _ in ranges if low not in set(following.values())]
    chains: list[tuple[int, str, str]] = []
    for start in starts:
        end, count = following[start], 1
        while end in following and count < len(ranges):
            end, count = following[end], count + 1
        chains.append((count, start, end))
    return [(low, high) for _, low, high in sorted(chains, key=lambda chain: -chain[0])]


def _between(keys: list[str], low: list[str], high: list[str]) -> Expression:
    """Row comparison, as far as its first key goes; a first key with equal ends is fixed and the next one decides."""
    conditions: list[Expression] = []
    for key, start, end in zip(keys, low, high, strict=False):
        if start == end and start not in {"MINVALUE", "MAXVALUE"}:
            conditions.append(Compare("=", ColumnOf(key), parse_expression(start)))
            continue
        if start != "MINVALUE":
            conditions.append(Compare(">=", ColumnOf(key), parse_expression(start)))
        if end != "MAXVALUE":
            conditions.append(Compare("<", ColumnOf(key), parse_expression(end)))
        break
    return And(tuple(conditions))


def _listed(key: str, values: list[str]) -> Expression:
    choices = tuple(parse_expression(value) for value in values if value != "NULL")
    if not choices:
        return IsNull(ColumnOf(key))
    return InList(ColumnOf(key), tuple(c for c in choices if isinstance(c, Constant)))
