"""Whose rows are whose: the design's tables as the tenancy's rules want them, and the rights of its functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pgassay.chain.design.layout import Shape
from pgassay.chain.design.tables import Meant
from pgassay.chain.model import Part
from pgassay.chain.names import joined
from pgassay.chain.tenancy import Roles, Secured, Tenancy, foundation, row_security
from pgassay.model import Name, quote

_FUNCTION = re.compile(r"DROP FUNCTION (.+\))$")
_WRITES = {"registry": "all", "event": "all", "entity": "all", "chain": "append", "dictionary": "none"}


def tenancy(shape: Shape, tables: Sequence[Meant], views: Iterable[Name]) -> Tenancy | None:
    """The design's tables for ``pgassay.chain.tenancy``, or None where nobody owns rows."""
    settings = shape.settings
    if settings.tenancy == "none":
        return None
    return Tenancy(
        mode=settings.tenancy,
        roles=Roles(settings.owner_role, settings.writer_role, settings.reader_role),
        tables=tuple(_secured(t) for t in tables),
        views=tuple(views),
    )


def _secured(table: Meant) -> Secured:
    writes = _WRITES.get(table.role, "none")
    return Secured(
        name=table.name,
        column=table.tenant_column,
        writes="all" if writes == "all" else "append" if writes == "append" else "none",
        indexed=True,  # every key and index of the design begins with it
        partitions=(table.name.named(joined(table.name.name, "p0")),) if table.first else (),
    )


def first(found: Tenancy) -> Part:
    """Roles and the function that reads the session: before any table."""
    return foundation(found)


def last(shape: Shape, found: Tenancy, undone: Iterable[str]) -> Part:
    """Policies and privileges, behind every table. ``undone`` are statements that drop functions: those that the design
    made become the owner's too, so that triggers run with its rights and under its policies."""
    owner, writer = quote(shape.settings.owner_role), quote(shape.settings.writer_role)
    schema = quote(shape.settings.schema)
    part = row_security(found)
    functions = [m[1] for m in map(_FUNCTION.match, undone) if m]
    forward = [f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}", *part.forward]
    back = []
    for function in functions:
        forward.append(f"ALTER FUNCTION {function} OWNER TO {owner}")
        back.append(f"ALTER FUNCTION {function} OWNER TO CURRENT_USER")
        name = function.partition("(")[0].rpartition(".")[2]
        if name in ("chain_number", "address_number"):
            forward.append(f"GRANT EXECUTE ON FUNCTION {function} TO {writer}")
            back.append(f"REVOKE ALL ON FUNCTION {function} FROM {writer}")
    return Part(
        name=part.name,
        forward=tuple(forward),
        back=(*reversed(back), *part.back, f"REVOKE ALL ON SCHEMA {schema} FROM {owner}"),
    )
