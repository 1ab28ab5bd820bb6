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


def secured(shape: Shape, part: Part, tables: Sequence[Meant], views: Iterable[Name]) -> Part:
    """The same part with policies and privileges on what it makes: rows are never there without them. Its functions
    become the owner's too, so that triggers run with its rights and under its policies."""
    found = tenancy(shape, tables, views)
    if found is None or not part.forward:
        return part
    owner, writer = quote(shape.settings.owner_role), quote(shape.settings.writer_role)
    schema = f"ON SCHEMA {quote(shape.settings.schema)}"
    added = row_security(found)
    forward = [s for s in added.forward if f" {schema} " not in s]
    back = [s for s in added.back if f" {schema} " not in s]
    if part.name == "foundation":
        everyone = f"{owner}, {writer}, {quote(shape.settings.reader_role)}"
        forward = [f"GRANT USAGE {schema} TO {everyone}", f"GRANT CREATE {schema} TO {owner}", *forward]
        back.append(f"REVOKE ALL {schema} FROM {everyone}")
    owned = []
    for function in (m[1] for m in map(_FUNCTION.match, part.back) if m):
        forward.append(f"ALTER FUNCTION {function} OWNER TO {owner}")
        owned.append(f"ALTER FUNCTION {function} OWNER TO CURRENT_USER")
        name = function.partition("(")[0].rpartition(".")[2]
        if name in ("chain_number", "address_number"):
            forward.append(f"GRANT EXECUTE ON FUNCTION {function} TO {writer}")
            owned.append(f"REVOKE ALL ON FUNCTION {function} FROM {writer}")
    return Part(name=part.name, forward=(*part.forward, *forward), back=(*reversed(owned), *back, *part.back))
