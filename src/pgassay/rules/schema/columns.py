"""The columns that the rules of this family look at, and the SQL that changes one's type."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Column, Table
from pgassay.model import Remedy, quote
from pgassay.rules.schema.chain import Chain, Type, chain, type_of
from pgassay.rules.state import State

_MANY = 10_000  # rows, from which a rewrite is felt


def tables(state: State) -> Iterator[Table]:
    """The tables that are judged for themselves: partitions and heirs are with their parent."""
    return (t for t in state.tables if not t.partition_of and not t.inherits and t.kind != "foreign table")


def amounts(state: State) -> Iterator[tuple[Table, Column, Type, Chain]]:
    """The columns that hold amounts of tokens."""
    about = chain(state.catalog)
    if about.on_chain:
        for table in tables(state):
            for column in table.columns:
                if column.element is None and not column.generated and about.amount(table, column):
                    yield table, column, type_of(state.catalog, column), about


def retyped(state: State, table: Table, column: Column, type: str, using: str, note: str | None = None) -> Remedy:
    """``ALTER TABLE`` to another type; a default goes with it. The note says that a large table waits."""
    name = quote(column.name)
    default = column.default
    parts = [
        *([f"ALTER COLUMN {name} DROP DEFAULT"] if default else []),
        f"ALTER COLUMN {name} TYPE {type} USING {using}",
        *([f"ALTER COLUMN {name} SET DEFAULT ({default})::{type}"] if default else []),
    ]
    large = "it rewrites the table, and everything waits: see the rule rewriting-type-change for the way in steps"
    notes = [n for n in (note, large if state.rows.get(table.name, 0) >= _MANY else None) if n]
    return Remedy(sql=f"ALTER TABLE {table.name} " + ", ".join(parts) + ";", note="; ".join(notes) or None)
