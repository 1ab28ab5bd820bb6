"""View dropped

Statements of the running application that read the view fail. No data is lost: a view holds none, and what a
materialised view holds can be computed again.

**Seen by:** a read of the view, tried after the change. A view that the change creates again is not reported.

**Instead:** drop it once nothing reads it. To change a view, CREATE OR REPLACE VIEW can add columns at its end;
else drop and create it in one transaction.

Source: PostgreSQL manual, DROP VIEW; CREATE VIEW.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict
from pgassay.model.actions import CreateView, Drop
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (CreateView, Drop)


def find(step: Step) -> Iterator[Finding]:
    """Report views that are gone at the end of the change."""
    again = {view.name.within("public") for s in step.later for view in s.of(CreateView)}
    for drop in step.statement.of(Drop):
        if drop.kind not in {"view", "materialized view"}:
            continue
        for name in drop.names:
            breaks = [b for b in step.breaks() if b.table in {step.full(name), None}]
            if step.fresh(name) or (not breaks and not step.static) or name.within("public") in again:
                continue
            yield step.finding(
                VERDICT,
                f"{drop.kind} {name} is dropped, and statements of the running application that read it fail",
                subject=name,
                evidence=break_evidence(breaks),
                remedy=f"-- in a later migration, once no application reads {name}\n{step.statement.text};",
            )
