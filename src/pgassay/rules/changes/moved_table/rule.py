"""Table or view moved to another schema

Statements of the running application that find it under its old name fail, unless the new schema is on their search
path.

**Seen by:** the old application's statements, tried with the old schema's name after the change.

**Instead:** move it and, in the same transaction, create a view with the old name in the old schema; drop the view once
nothing uses it.

Source: PostgreSQL manual, ALTER TABLE, "SET SCHEMA"; chapter 5.10 "Schemas".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Verdict, quote
from pgassay.model.actions import CreateView, MoveSchema
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (CreateView, MoveSchema)


def find(step: Step) -> Iterator[Finding]:
    """Report relations that are not where they were."""
    again = {view.name.within("public") for s in step.later for view in s.of(CreateView)}
    for move in step.statement.of(MoveSchema):
        if move.kind not in {"table", "view", "materialized view"} or step.fresh(move.name):
            continue
        breaks = [b for b in step.breaks() if b.table in {step.full(move.name), None}]
        if breaks or (step.static and move.name.within("public") not in again):
            yield step.finding(
                VERDICT,
                f"statements on {move.name.within('public')} fail once it is in schema {quote(move.schema)}",
                subject=move.name,
                evidence=break_evidence(breaks),
                remedy=_remedy(step, move),
            )


def _remedy(step: Step, move: MoveSchema) -> str:
    old, new = move.name.within("public"), Name(move.schema, move.name.name)
    return f"""\
BEGIN;
{step.statement.text};
CREATE VIEW {old} WITH (security_invoker = true) AS SELECT * FROM {new};  -- and the GRANTs
COMMIT;
-- deploy the application that uses {new}; then, in a later migration
DROP VIEW {old};"""
