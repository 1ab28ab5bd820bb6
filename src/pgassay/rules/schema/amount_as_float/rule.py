"""Token amount as floating-point number

A double keeps 15 to 17 significant digits, a real 6 to 9; one token with 18 decimals has 19. The digits beyond are gone
when the row is written, sums depend on the order of the rows, and a balance never comes to zero again.

**Seen by:** the column's type, in a table of on-chain data. An amount of 21 digits is put into a copy of the table, and
reported where it comes back as another. Prices, rates and sums in a currency are other things, and are left alone.

**Instead:** `numeric(78,0)`, in the token's smallest unit: it holds every uint256.

Source: PostgreSQL manual, chapter 8.1.3 "Floating-Point Types"; ERC-20 (uint256 amounts).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.columns import amounts, retyped
from pgassay.rules.state import State

VERDICT = Verdict.LOSES_DATA
_AMOUNT = "123456789012345678901"


def survey(state: State) -> Iterator[Finding]:
    """Report amounts that lose digits."""
    for table, column, kind, _ in amounts(state):
        if not kind.float:
            continue
        trial = state.put(table, {column.name: _AMOUNT})
        if trial is not None and not trial.taken:  # it is kept to small values, which a double holds
            continue
        back = trial.rows[0][0] if trial else None
        name = quote(column.name)
        yield state.finding(
            VERDICT,
            f"{table.name}.{column.name} loses digits of amounts: it is a {kind.name}",
            subject=(table.name, column.name),
            certainty=Certainty.PROVED if back else Certainty.COMPUTED,
            evidence=[Evidence(kind="lost", text=f"{_AMOUNT} was put in and came back as {back}")] if back else (),
            remedy=retyped(
                state,
                table,
                column,
                "numeric(78,0)",
                f"{name}::numeric(78,0)",
                "for amounts in the smallest unit; where fractions are stored, multiply by 10^decimals in USING",
            ),
        )
