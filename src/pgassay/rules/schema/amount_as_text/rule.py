"""Token amount as text

The digits are kept, but as letters: '9' is more than '10', so ORDER BY, max() and comparisons give wrong answers, every
sum needs a cast that no index serves, and anything may be stored.

**Seen by:** the column's type, in a table of on-chain data. 9, 10 and something that is no number are put into a copy
of the table; where a CHECK refuses 9, amounts are padded to one length and sort well, and nothing is reported.

**Instead:** `numeric(78,0)`: it holds every uint256, and drivers can still hand it out as a string.

Source: PostgreSQL manual, chapter 8.1.2 "Arbitrary Precision Numbers"; ERC-20 (uint256 amounts).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.columns import amounts, retyped
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS
_GARBAGE = "a lot"


def survey(state: State) -> Iterator[Finding]:
    """Report amounts that compare as letters."""
    for table, column, kind, _ in amounts(state):
        if not kind.text:
            continue
        numbers = state.put(table, {column.name: "9"}, {column.name: "10"})
        if numbers is not None and not numbers.taken:
            continue
        garbage = state.put(table, {column.name: _GARBAGE})
        name = quote(column.name)
        evidence = [Evidence(kind="catalog", text="as text 9 is more than 10: ORDER BY, max() and > go by the letters")]
        if garbage is not None and garbage.taken:
            evidence.append(Evidence(kind="rows", text=f"the value {_GARBAGE!r} was taken"))
        yield state.finding(
            VERDICT,
            f"{table.name}.{column.name} holds amounts as {kind.name}: they sort wrong, and every sum casts every row",
            subject=(table.name, column.name),
            certainty=Certainty.PROVED if numbers else Certainty.COMPUTED,
            evidence=evidence,
            remedy=retyped(state, table, column, "numeric(78,0)", f"{name}::numeric(78,0)"),
        )
