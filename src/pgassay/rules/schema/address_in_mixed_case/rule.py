"""Key over addresses in any case

An address in lower case and the same one with EIP-55's checksum are two values to a unique key. One account gets two
rows, its balance is split over them, and lookups find one or the other.

**Seen by:** one address put into a copy of the table in lower case and with its checksum: the unique key takes both.

**Instead:** addresses in lower case, behind a CHECK or a domain; the checksum is made for display.

Source: EIP-55 "Mixed-case checksum address encoding".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Index
from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.rules.schema.addresses import CHECKSUMMED, LOWER, SHAPE, addresses, both_cases, key_with
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS


def survey(state: State) -> Iterator[Finding]:
    """Report keys that take one address twice."""
    for table, column, _ in addresses(state):
        key = key_with(table, column.name)
        if key is None or _lowered(table.indexes, column.name) or not both_cases(state, table, column, key):
            continue
        name = quote(column.name)
        check = quote(f"{table.name.name}_{column.name}_lower_check")
        yield state.finding(
            VERDICT,
            f"one address can stand twice in {table.name}: its key ({', '.join(key.keys)}) tells upper and lower case"
            " apart",
            subject=(table.name, column.name),
            certainty=Certainty.PROVED,
            evidence=(Evidence(kind="rows", text=f"{LOWER} and {CHECKSUMMED} were both taken"),),
            remedy=Remedy(
                sql=f"UPDATE {table.name} SET {name} = lower({name}) WHERE {name} <> lower({name});\n"
                f"ALTER TABLE {table.name} ADD CONSTRAINT {check} CHECK ({name} ~ '{SHAPE}') NOT VALID;\n"
                f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {check};",
                note="the UPDATE fails where an address stands twice already: those rows must be merged first",
            ),
        )


def _lowered(indexes: tuple[Index, ...], column: str) -> bool:
    """Whether another unique index is over the address in lower case."""
    return any(i.unique and any("lower(" in k and column in k for k in i.keys) for i in indexes)
