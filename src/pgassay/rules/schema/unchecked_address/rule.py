"""Address column that takes anything

Whatever a bug, a form or an import brings is stored as an address: an empty string, a name, a hash cut off at 42
characters. It is found when a payment goes nowhere.

**Seen by:** neither the column nor its domain refuses a text that is no address, which is put into a copy of the table.
Keys over addresses in any case are told by `address-in-mixed-case`.

**Instead:** one domain with a CHECK, for all address columns. Checksums (EIP-55) are validated where addresses come in,
and stored in lower case.

Source: EIP-55; PostgreSQL manual, chapter 8.18 "Domain Types".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.rules.schema.addresses import SHAPE, addresses, both_cases, key_with
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_NONE = "no address"


def survey(state: State) -> Iterator[Finding]:
    """Report tables whose addresses are not checked: one finding a table."""
    found: dict[str, list[str]] = {}
    for table, column, _ in addresses(state):
        trial = state.put(table, {column.name: _NONE})
        key = key_with(table, column.name)
        if key and both_cases(state, table, column, key):  # reported as address-in-mixed-case, which adds the CHECK
            continue
        if trial is not None and trial.taken:
            found.setdefault(str(table.name), []).append(column.name)
    for table in state.tables:
        if names := found.get(str(table.name)):
            columns = ", ".join(names)
            checks = ", ".join(
                f"ADD CONSTRAINT {quote(f'{table.name.name}_{name}_check')} CHECK ({quote(name)} ~ '{SHAPE}') NOT VALID"
                for name in names
            )
            yield state.finding(
                VERDICT,
                f"{table.name} takes anything for an address ({columns})",
                subject=(table.name, names[0]) if len(names) == 1 else table.name,
                certainty=Certainty.PROVED,
                evidence=(Evidence(kind="rows", text=f"the value {_NONE!r} was taken"),),
                remedy=Remedy(
                    sql=f"ALTER TABLE {table.name} {checks};",
                    note="an application that writes checksummed addresses must write them in lower case first",
                ),
            )
