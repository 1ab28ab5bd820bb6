"""On made-up rows a value that the workload told is often found nowhere, and a query that returns nothing says little.

Such a query gets a further form, with a value in its place that some row has and that is no common one.
"""

from __future__ import annotations

from dataclasses import replace

from pgassay.advisor.candidates import World
from pgassay.advisor.ground import Ground
from pgassay.advisor.model import Query
from pgassay.catalog import Table
from pgassay.model import literal
from pgassay.sql.predicates import Use, blocks

_FORMS = 2  # of a query that are looked at
_SHORTEST = 4  # characters of a literal, below which it may be something else's text too


def with_echoes(query: Query, ground: Ground, world: World) -> Query:
    """The query, and forms of it with values that are there. Only where the rows are made up."""
    if ground.kind != "synthetic" or query.kind == "insert":
        return query
    more: list[str] = []
    for form in query.forms[:_FORMS]:
        text = _echo(form, ground, world)
        if text not in (*query.forms, *more):
            more.append(text)
    return replace(query, forms=(*query.forms, *more))


def _echo(form: str, ground: Ground, world: World) -> str:
    text = form
    for block in blocks(form, world.columns, world.view):
        for position, ref in enumerate(block.tables):
            table = world.table(ref.name)
            told = [u for u in block.uses if u.table == position and u.kind == "equal" and u.text and _quoted(u)]
            if table is None or world.tiny(table) or not told:
                continue
            there = [u for u in told if ground.rows(f"SELECT 1 FROM {table.name} WHERE {u.text} LIMIT 1")]
            missing = [u for u in told if u not in there]
            row = _row(table, missing, [str(u.text) for u in there], ground, world) if missing else None
            for use, value in zip(missing, row or (), strict=False):
                text = text.replace(_quoted(use), literal(value))
    return text


def _quoted(use: Use) -> str:
    """The literal that is compared with, as the text has it; empty where it is none, or too short to be sure."""
    value = (use.value or "").partition("::")[0]
    return value if value.startswith("'") and value.endswith("'") and len(value) >= _SHORTEST + 2 else ""


def _row(table: Table, uses: list[Use], conditions: list[str], ground: Ground, world: World) -> list[str] | None:
    """The values of a row that meets the conditions, and whose own are none of the most common."""
    keys = [f"({u.key.text})" for u in uses]
    where = [*conditions, *(f"{k} IS NOT NULL" for k in keys)]
    for use, key in zip(uses, keys, strict=True):
        known = world.statistics.get(table.name, {}).get(use.key.column or "")
        if known and known.most_common_vals:
            where.append(f"{key}::text <> ALL (ARRAY[{', '.join(map(literal, known.most_common_vals))}])")
    listed = ", ".join(f"{k}::text" for k in keys)
    for wanted in (where, where[len(conditions) :], [f"{k} IS NOT NULL" for k in keys]):
        found = ground.rows(f"SELECT {listed} FROM {table.name} WHERE {' AND '.join(wanted)} LIMIT 1")
        if found:
            return [str(v) for v in found[0]]
    return None
