"""Hash as text of any length

A transaction or block hash has 32 bytes: 0x and 64 hexadecimal digits. Text without a length or CHECK takes a hash that
was cut off, an address, or an empty string, and the row is never found again.

**Seen by:** a hash that is too short put into a copy of the table.

**Instead:** a CHECK, or `bytea` with a CHECK on its length, which takes half of the space in heap and indexes.

Source: PostgreSQL manual, chapter 8.3 "Character Types"; Ethereum JSON-RPC (DATA, 32 bytes).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.chain import chain, type_of
from pgassay.rules.schema.columns import tables
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_SHORT = "0x12"


def survey(state: State) -> Iterator[Finding]:
    """Report hashes whose length nothing checks: one finding a table."""
    about = chain(state.catalog)
    for table in tables(state) if about.on_chain else ():
        names = []
        for column in table.columns:
            kind = type_of(state.catalog, column)
            if not kind.text or (kind.length or 1000) <= 66 or column.generated or not about.hash(column):
                continue
            trial = state.put(table, {column.name: _SHORT})
            if trial is not None and trial.taken:
                names.append(column.name)
        if names:
            checks = ", ".join(
                f"ADD CONSTRAINT {quote(f'{table.name.name}_{name}_check')}"
                f" CHECK ({quote(name)} ~ '^0x[0-9a-f]{{64}}$') NOT VALID"
                for name in names
            )
            yield state.finding(
                VERDICT,
                f"{table.name} takes hashes of any length ({', '.join(names)})",
                subject=(table.name, names[0]) if len(names) == 1 else table.name,
                certainty=Certainty.PROVED,
                evidence=(Evidence(kind="rows", text=f"the value {_SHORT!r} was taken"),),
                remedy=f"ALTER TABLE {table.name} {checks};",
            )
