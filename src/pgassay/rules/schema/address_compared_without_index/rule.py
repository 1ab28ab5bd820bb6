"""Address compared in any case, without an index for it

`lower(address) = …` and `address ILIKE …` cannot use an index on the address: every lookup reads the whole table.

**Seen by:** a statement of the workload that the planner can answer by reading the whole table only, even where that is
forbidden to it, and that takes an index over `lower(address)` once it is there.

**Instead:** addresses in lower case, behind a CHECK, compared with `=`; until then an index over the expression.

Source: PostgreSQL manual, chapter 11.7 "Indexes on Expressions".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.rules.schema.addresses import addresses
from pgassay.rules.schema.queries import asked, same_key, served
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS


def survey(state: State) -> Iterator[Finding]:
    """Report lookups of addresses in any case that no index serves: one finding a column."""
    known = {(t.name, c.name) for t, c, _ in addresses(state)} if state.workload else set()
    told = set()
    for each in asked(state):
        key, table = each.use.key, each.table
        column = next((c for c in key.columns if (table.name, c) in known), None)
        folded = key.text.replace('"', "").lower().startswith(("lower(", "upper("))
        if column is None or (table.name, column) in told or not (folded or each.use.kind == "ilike"):
            continue
        expression = key.text if folded else f"lower({quote(column)})"
        name = f"{table.name.name}_{column}_lower_idx"
        ddl = f"CREATE INDEX {quote(name)} ON {table.name} ({expression})"
        if folded and any(same_key(i, expression) for i in table.indexes):
            continue
        sure = served(state, each.query, table, name, ddl) if folded else _reads_all(state, each.query.text)
        if sure is False:
            continue
        told.add((table.name, column))
        yield state.finding(
            VERDICT,
            f"looking up {table.name} by {column} in any case reads the whole table",
            subject=(table.name, column),
            certainty=Certainty.PROVED if sure else Certainty.COMPUTED,
            evidence=(Evidence(kind="text", text=each.use.text or f"{key.text} compared"),),
            remedy=Remedy(
                sql=f"-- outside a transaction block\n{ddl.replace('INDEX', 'INDEX CONCURRENTLY', 1)};",
                note=None if folded else f"and compare {expression} = lower(…) instead of ILIKE",
            ),
            query=each.query,
        )


def _reads_all(state: State, query: str) -> bool | None:
    plan = state.plan(query)
    return None if plan is None else "Seq Scan" in plan
