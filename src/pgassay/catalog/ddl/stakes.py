"""What a statement destroys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog.ddl.model import Loss
from pgassay.catalog.ddl.states import States
from pgassay.catalog.model import Column, Composite, Object
from pgassay.model import quote

_WHOLE = {"smallint", "integer", "bigint"}
_EXACT = {"numeric", "real", "double precision"}


def losses(sql: str, side: str, key: Object, states: States) -> Iterator[Loss]:
    """The rows or values that are gone once it has run."""
    if side == "out":
        node = states.before.nodes[key]
        if key.kind == "table" and node.thing.kind == "table":
            yield Loss(table=key.name, what=f"every row of {key.name}")
        if key.kind == "column" and not node.thing.generated and states.states[key] != "parked":
            yield Loss(table=key.name, column=key.member, what=f"every value of {key.name}.{quote(key.member)}")
        return
    if key.kind == "column" and " TYPE " in sql and key in states.before.nodes:
        narrowed = _narrowed(states.before.nodes[key].thing, states.after.nodes[key].thing)
        if narrowed is not None:
            yield Loss(table=key.name, column=key.member, what=f"{key.name}.{quote(key.member)} {narrowed}")
    if key.kind == "type" and key in states.before.nodes and isinstance(states.before.nodes[key].thing, Composite):
        for attribute in states.before.nodes[key].thing.attributes:
            if f"DROP ATTRIBUTE {quote(attribute.name)} " in sql:
                what = f"every value of attribute {key.name}.{quote(attribute.name)}"
                yield Loss(table=key.name, column=attribute.name, what=what)


def _narrowed(before: Column, after: Column) -> str | None:
    if before.base in _EXACT and after.base in _WHOLE:
        return "is rounded to whole numbers"
    if before.base == after.base == "numeric":
        scales = [_scale(column.type) for column in (before, after)]
        if scales[1] is not None and (scales[0] is None or scales[0] > scales[1]):
            return f"is rounded to {scales[1]} decimals"
    if before.base == "numeric" and after.base in ("real", "double precision"):
        return f"becomes {after.base}, which holds some 6 to 15 digits"
    if before.base.startswith("timestamp") and after.base == "date":
        return "loses the time of day"
    return None


def _scale(type: str) -> int | None:
    found = re.fullmatch(r"numeric\(\d+,(-?\d+)\)", type)
    return int(found[1]) if found else None
