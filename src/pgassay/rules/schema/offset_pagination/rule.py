"""Pages by OFFSET

The server reads all rows of all pages before the one that is wanted and throws them away: page 1,000 costs a thousand
times page 1. Rows that come in meanwhile shift the pages, so that some are shown twice or never.

**Seen by:** an OFFSET in a statement of the workload, on tables that are not known to have few rows.

**Instead:** keyset pagination: the values of the last row shown say where the next page begins, in a unique order that
an index serves.

Source: PostgreSQL manual, chapter 7.6 "LIMIT and OFFSET".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict
from pgassay.rules.schema.queries import FEW
from pgassay.rules.state import State
from pgassay.sql.habits import habits

VERDICT = Verdict.SLOWS


def survey(state: State) -> Iterator[Finding]:
    """Report statements with an OFFSET."""
    from pgassay.sql.alternatives import alternatives

    for query in state.workload:
        seen = habits(query.text)
        tables = [t for name in seen.tables if (t := state.catalog.table(name))]
        if seen.offset is None or not tables or all(state.rows.get(t.name, FEW) < FEW for t in tables):
            continue
        keyset = next((a for a in alternatives(query.text, lambda _: None) if a.rule == "offset-to-keyset"), None)
        yield state.finding(
            VERDICT,
            f"page 1,000 of this listing of {tables[0].name} reads the 999 pages before it too",
            subject=f"{query.source or 'workload'}:{query.line}",
            certainty=Certainty.COMPUTED,
            evidence=(Evidence(kind="text", text=f"OFFSET {seen.offset}"),),
            remedy=Remedy(sql=f"{keyset.sql};", note="the parameters are the sort keys of the last row shown")
            if keyset
            else None,
            query=query,
        )
