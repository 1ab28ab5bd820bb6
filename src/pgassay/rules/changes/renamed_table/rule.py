"""Table renamed

Statements of the running application on the old name fail from the moment the change commits.

**Seen by:** the old application's statements, tried after the change. A view under the old name, made by the same
change, lets them pass: then nothing is reported.

**Instead:** rename, and create a view with the old name in the same transaction. A simple view is updatable, so SELECT,
INSERT, UPDATE, DELETE and ON CONFLICT go on. Drop the view once no old version runs.

Source: PostgreSQL manual, ALTER TABLE, "RENAME"; CREATE VIEW, "Updatable Views".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Verdict, quote
from pgassay.model.actions import CreateView, Rename
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (CreateView, Rename)


def find(step: Step) -> Iterator[Finding]:
    """Report tables whose old name stopped working."""
    again = {view.name.within("public") for s in step.later for view in s.of(CreateView)}
    for rename in step.statement.of(Rename):
        if rename.kind != "table" or step.fresh(rename.old) or _is_view(step, rename.old):
            continue
        breaks = [b for b in step.breaks() if b.table in {step.full(rename.old), None}]
        if breaks or (step.static and rename.old.within("public") not in again):
            yield step.finding(
                VERDICT,
                f"statements on {rename.old} fail once it is called {quote(rename.new)}",
                subject=rename.old,
                evidence=break_evidence(breaks),
                remedy=_remedy(rename.old, rename.new),
            )


def _is_view(step: Step, name: Name) -> bool:
    return step.before is not None and any(v.name == step.full(name) for v in step.before.views)


def _remedy(old: Name, new: str) -> str:
    return f"""\
-- 1. in one transaction
BEGIN;
ALTER TABLE {old} RENAME TO {quote(new)};
CREATE VIEW {old} WITH (security_invoker = true) AS SELECT * FROM {old.named(new)};  -- and the table's GRANTs
COMMIT;
-- 2. deploy the application that uses {quote(new)}
-- 3. in a later migration
DROP VIEW {old};"""
