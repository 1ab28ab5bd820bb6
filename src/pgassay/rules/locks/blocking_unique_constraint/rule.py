"""Unique constraint added by building its index under a lock

ADD UNIQUE builds an index under an ACCESS EXCLUSIVE lock: reads and writes of the table wait until it is built.

**Seen by:** the lock and the build on a table that stood before. UNIQUE USING INDEX builds nothing and is not reported.

**Instead:** CREATE UNIQUE INDEX CONCURRENTLY, outside a transaction block; then ADD CONSTRAINT … UNIQUE USING INDEX.

Source: PostgreSQL manual, ALTER TABLE, "ADD table_constraint_using_index".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict, quote
from pgassay.model.actions import AddColumn, AddConstraint
from pgassay.rules.locks.advice import added, columns, index_first
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddColumn, AddConstraint)


def find(step: Step) -> Iterator[Finding]:
    """Report unique constraints whose index is built under the lock."""
    found = [a for a in added(step, "unique") if a.constraint.using_index is None]
    wait = step.wait(found[0].table, "ACCESS EXCLUSIVE") if found else None
    if wait is None:
        return
    names = " and ".join(f"{quote(u.name)} ({columns(u.constraint.columns)})" for u in found)
    yield step.finding(
        VERDICT,
        f"adding the unique constraint {names} builds its index on {wait.table}:"
        f" {wait.who} wait {wait.duration}".rstrip(),
        subject=found[0].table,
        evidence=wait.evidence,
        remedy=index_first(step, found[0]),
    )
