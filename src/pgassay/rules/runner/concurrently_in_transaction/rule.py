"""Statement that PostgreSQL refuses inside the runner's transaction

CREATE, DROP and REINDEX INDEX CONCURRENTLY, DETACH PARTITION CONCURRENTLY, VACUUM, and a few others begin and end
transactions of their own. Inside a transaction block, or in a query that holds other statements too, they fail
(SQLSTATE 25001) and take the whole migration with them.

**Seen by:** the error, when the statement is sent as the runner sends it.

**Instead:** the way in which the runner sends a file without a transaction. drizzle-kit has none: build or drop the
index by hand before the migration is deployed, and leave IF NOT EXISTS (IF EXISTS) in the file.

Source: PostgreSQL manual, CREATE INDEX, "Building Indexes Concurrently".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict
from pgassay.model.actions import Action, CreateIndex, DetachPartition, Drop, Maintain, Other, Reindex
from pgassay.rules.locks.advice import outside
from pgassay.rules.step import Step, failure_evidence
from pgassay.sql.alone import stands_alone

VERDICT = Verdict.FAILS
LOOKS_AT = (CreateIndex, DetachPartition, Drop, Maintain, Reindex, Other)


def find(step: Step) -> Iterator[Finding]:
    """Report statements that must stand alone and do not."""
    if step.seen is None:
        fails = stands_alone(step.statement) and (step.in_transaction or bool(step.together))
    else:
        fails = step.seen.failure is not None and step.seen.failure.sqlstate == "25001"
    if not fails:
        return
    action = step.statement.actions[0]
    where = f"the transaction of {step.runner.name}" if step.in_transaction else "the file's own transaction"
    yield step.finding(
        VERDICT,
        f"{_word(action)} cannot run inside a transaction block, and {where} is one",
        subject=_subject(action),
        evidence=failure_evidence(step.seen) if step.seen else (),
        remedy=_remedy(step),
    )


def _remedy(step: Step) -> Remedy:
    text = f"{step.statement.text};"
    if not step.in_transaction:
        return Remedy(sql=f"-- before BEGIN, or after COMMIT:\n{text}")
    return outside(step, text)


def _word(action: Action) -> str:
    match action:
        case CreateIndex():
            return "CREATE INDEX CONCURRENTLY"
        case Drop():
            return "DROP INDEX CONCURRENTLY"
        case Reindex():
            return "REINDEX CONCURRENTLY" if action.concurrently else f"REINDEX {action.kind.upper()}"
        case DetachPartition():
            return "DETACH PARTITION CONCURRENTLY"
        case Maintain():
            return action.kind.upper()
    return "this statement"


def _subject(action: Action) -> Name | str:
    match action:
        case CreateIndex() | DetachPartition():
            return action.table
        case Drop():
            return str(action.names[0])
        case Maintain() if action.tables:
            return action.tables[0]
    return ""
