"""Address columns, what they take, and the keys that they are in."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Column, Index, Table
from pgassay.rules.schema.chain import Chain, chain, type_of
from pgassay.rules.schema.columns import tables
from pgassay.rules.state import State

LOWER = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # the same address, from EIP-55's examples
SHAPE = "^0x[0-9a-f]{40}$"
_SAMPLES = {
    "N": "1", "S": "x", "D": "2024-01-01", "B": "true", "U": "00000000-0000-4000-8000-000000000001", "T": "1 day",
}  # fmt: skip


def addresses(state: State) -> Iterator[tuple[Table, Column, Chain]]:
    """The columns that hold addresses as strings."""
    about = chain(state.catalog)
    if about.on_chain:
        for table in tables(state):
            for column in table.columns:
                if column.element is None and not column.generated and about.address(table, column):
                    yield table, column, about


def key_with(table: Table, column: str) -> Index | None:
    """The unique index over plain columns that this column is in."""
    return next(
        (i for i in table.indexes if i.unique and i.valid and i.where is None and column in i.columns and None not in
         i.columns),
        None,
    )  # fmt: skip


def sample(state: State, table: Table, column: str) -> str | None:
    """Some value of a key's other column."""
    found = table.column(column)
    if found is None:
        return None
    enum = state.catalog.enum(found.base)
    if enum is not None:
        return enum.labels[0] if enum.labels else None
    if type_of(state.catalog, found).name == "bytea":
        return "\\x00"
    return _SAMPLES.get(found.category)


def both_cases(state: State, table: Table, column: Column, key: Index | None) -> bool | None:
    """Whether one address can be stored in lower case and EIP-55 checksummed beside each other; None where unknown."""
    rest: dict[str, str] = {}
    for other in key.columns if key else ():
        if other is not None and other != column.name:
            value = sample(state, table, other)
            if value is None:
                return None
            rest[other] = value
    trial = state.put(table, {column.name: LOWER, **rest}, {column.name: CHECKSUMMED, **rest})
    return None if trial is None else trial.taken
