"""A value for a column that must have one and whose own are gone: the plainest of its type."""

from __future__ import annotations

from pgassay.catalog import Catalog, Column
from pgassay.model import literal

_BY_BASE = {
    "uuid": "'00000000-0000-0000-0000-000000000000'", "json": "'{}'", "jsonb": "'{}'", "bytea": "''", "xml": "''",
    "date": "'epoch'", "timestamp without time zone": "'epoch'", "timestamp with time zone": "'epoch'",
    "time without time zone": "'00:00'", "time with time zone": "'00:00+00'", "interval": "'0'", "boolean": "false",
    "inet": "'0.0.0.0'", "cidr": "'0.0.0.0/32'", "macaddr": "'00:00:00:00:00:00'", "point": "'(0,0)'",
    "tsvector": "''", "bit": "'0'", "bit varying": "''",
}  # fmt: skip
_BY_CATEGORY = {"N": "0", "S": "''", "A": "'{}'", "R": "'empty'", "B": "false"}


def filler(column: Column, catalog: Catalog) -> str | None:
    """SQL of a value for a required column, or None where none is plain enough."""
    domain = catalog.domain(column.type)
    if domain is not None and domain.constraints:
        return None
    enum = catalog.enum(column.base)
    if enum is not None:
        return literal(enum.labels[0]) if enum.labels else None
    return _BY_BASE.get(column.base) or _BY_CATEGORY.get(column.category)
