"""The columns that the rules of this family look at, and the SQL that changes one's type."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Catalog, Column, Table
from pgassay.model import quote
from pgassay.rules.schema.chain import Chain, Type, chain, type_of


def tables(catalog: Catalog) -> Iterator[Table]:
    """The tables that are judged for themselves: partitions are with their parent, foreign tables by their server."""
    return (t for t in catalog.tables if not t.partition_of and t.kind != "foreign table")


def amounts(catalog: Catalog) -> Iterator[tuple[Table, Column, Type, Chain]]:
    """The columns that hold amounts of tokens."""
    about = chain(catalog)
    if about.on_chain:
        for table in tables(catalog):
            for column in table.columns:
                if column.element is None and not column.generated and about.amount(table, column):
                    yield table, column, type_of(catalog, column), about


def retyped(table: Table, column: Column, type: str, using: str) -> str:
    """``ALTER TABLE`` to another type; a default goes with it."""
    name = quote(column.name)
    default = column.default
    parts = [
        *([f"ALTER COLUMN {name} DROP DEFAULT"] if default else []),
        f"ALTER COLUMN {name} TYPE {type} USING {using}",
        *([f"ALTER COLUMN {name} SET DEFAULT ({default})::{type}"] if default else []),
    ]
    return f"ALTER TABLE {table.name} " + ", ".join(parts) + ";"
