"""Token amount as integer

A bigint ends at 9.22 × 10^18. That is 9.2 tokens with 18 decimals, as most have: the INSERT of a greater amount fails,
and an indexer that retries stands still.

**Seen by:** the column's type, in a table of on-chain data. Ten tokens with 18 decimals are put into a copy of the
table. Collections of non-fungible tokens, which are counted in units, and amounts with a currency are left alone.

**Instead:** `numeric(78,0)`: it holds every uint256. Where all tokens have few decimals for sure, allow the rule.

Source: PostgreSQL manual, chapter 8.1.1 "Integer Types"; ERC-20 (uint256 amounts, decimals).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.columns import amounts, retyped
from pgassay.rules.state import State

VERDICT = Verdict.LOSES_DATA
_TEN = "10000000000000000000"


def survey(state: State) -> Iterator[Finding]:
    """Report amounts that ten tokens do not fit into."""
    for table, column, kind, about in amounts(state):
        if not kind.integer or about.collection(table) or about.fiat(table):
            continue
        trial = state.put(table, {column.name: _TEN})
        if trial is not None and trial.taken:
            continue
        name = quote(column.name)
        refusal = [Evidence(kind="error", text=f"{_TEN} → {trial.refusal}")] if trial else []
        yield state.finding(
            VERDICT,
            f"{table.name}.{column.name} cannot hold ten tokens of 18 decimals: it is a {kind.name}",
            subject=(table.name, column.name),
            certainty=Certainty.PROVED if trial else Certainty.COMPUTED,
            evidence=refusal,
            remedy=retyped(state, table, column, "numeric(78,0)", f"{name}::numeric(78,0)"),
        )
