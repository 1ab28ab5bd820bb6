"""Index rebuilt without CONCURRENTLY

REINDEX takes a SHARE lock on the table, so that writes wait, and an ACCESS EXCLUSIVE lock on each index while it is
rebuilt. The planner looks at every index of a table whatever the query is, so that almost all reads wait as well.

**Seen by:** the indexes that were built again, on tables that stood before.

**Instead:** REINDEX … CONCURRENTLY, outside a transaction block.

Source: PostgreSQL manual, REINDEX, "Notes" and "Rebuilding Indexes Concurrently".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Verdict
from pgassay.model.actions import Reindex
from pgassay.rules.locks.advice import outside
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (Reindex,)


def find(step: Step) -> Iterator[Finding]:
    """Report indexes rebuilt while writes wait."""
    for action in step.statement.of(Reindex):
        if action.concurrently or action.kind == "system":
            continue
        named = str(action.name) if action.name else "the database"
        remedy = outside(step, f"REINDEX {action.kind.upper()} CONCURRENTLY {action.name or ''}".rstrip())
        if step.static:
            if not (action.name and step.fresh(action.name)):
                yield step.finding(
                    VERDICT,
                    f"rebuilding {action.kind} {named} makes writes, and almost all reads, wait",
                    subject=named,
                    remedy=remedy,
                )
            continue
        for table in _rebuilt(step):
            wait = step.wait(table, "SHARE")
            if wait is not None:
                yield step.finding(
                    VERDICT,
                    f"rebuilding {action.kind} {named} makes writes, and almost all reads, of {wait.table} wait"
                    f" {wait.duration}".rstrip(),
                    subject=table,
                    evidence=wait.evidence,
                    remedy=remedy,
                )


def _rebuilt(step: Step) -> list[Name]:
    return list(dict.fromkeys(w.table for w in step.seen.work if w.kind == "index build")) if step.seen else []
