"""Balance or supply summed over all transfers

The sum reads every transfer that the holder or token ever had, at every request, and takes longer with each block.

**Seen by:** `sum()` over an amount of a table of events in the workload, where no block, transaction or time bounds it.

**Instead:** a balance per holder and token that each transfer updates, in the same transaction; the sum is then a check
that runs once in a while.

Source: PostgreSQL manual, chapter 7.2.3 "The GROUP BY and HAVING Clauses"; ERC-20 (Transfer).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict
from pgassay.rules.schema.chain import chain, plain, words
from pgassay.rules.schema.queries import FEW
from pgassay.rules.state import State
from pgassay.sql.habits import habits

VERDICT = Verdict.SLOWS
_BOUNDS = {"block", "tx", "transaction", "time", "timestamp", "date", "day", "at", "log"}


def survey(state: State) -> Iterator[Finding]:
    """Report sums over the whole history."""
    about = chain(state.catalog) if state.workload else None
    for query in state.workload if about and about.on_chain else ():
        seen = habits(query.text)
        for _, column in seen.sums:
            table = next(
                (
                    t
                    for name in seen.tables
                    if (t := state.catalog.table(name)) and (c := t.column(column)) and about and about.appended(t)
                    and about.amount(t, c) and state.rows.get(t.name, FEW) >= FEW
                ),
                None,
            )  # fmt: skip
            if table is None or _bounded(state, query.text, table):
                continue
            yield state.finding(
                VERDICT,
                f"summing {table.name}.{column} reads the whole history at every request",
                subject=f"{query.source or 'workload'}:{query.line}",
                certainty=Certainty.COMPUTED,
                evidence=(Evidence(kind="text", text=f"sum({column}) without a bound on block, transaction or time"),),
                query=query,
            )
            break


def _bounded(state: State, text: str, table: Table) -> bool:
    """Whether the query looks at a part of the history only."""
    from pgassay.sql.predicates import blocks

    def columns(name: Name) -> tuple[str, ...] | None:
        found = state.catalog.table(name)
        return tuple(c.name for c in found.columns) if found else None

    return any(
        use.kind in {"equal", "in", "range"} and use.other is None and set(words(plain(c))) & _BOUNDS
        for block in blocks(text, columns)
        for use in block.uses
        if state.catalog.table(block.tables[use.table].name) is table
        for c in use.key.columns
    )
