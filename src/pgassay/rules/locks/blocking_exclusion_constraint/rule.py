"""Exclusion constraint added to a table with rows

ADD EXCLUDE builds an index under an ACCESS EXCLUSIVE lock and compares the rows with each other: reads and writes of
the table wait for it. PostgreSQL can neither build it CONCURRENTLY nor add it NOT VALID.

**Seen by:** the lock and the build on a table that stood before.

**Instead:** there is no way without the wait on the same table. Add it in a quiet hour with a `lock_timeout`, or make a
new table that has the constraint from the start, copy the rows in batches while a trigger carries the new ones over,
and swap the names.

Source: PostgreSQL manual, CREATE TABLE, "EXCLUDE"; ALTER TABLE, "ADD table_constraint [ NOT VALID ]".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Remedy, Verdict, quote
from pgassay.model.actions import AddColumn, AddConstraint
from pgassay.rules.locks.advice import added, patiently
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddColumn, AddConstraint)


def find(step: Step) -> Iterator[Finding]:
    """Report exclusion constraints whose index is built under the lock."""
    for constraint in added(step, "exclude"):
        wait = step.wait(constraint.table, "ACCESS EXCLUSIVE")
        if wait is None:
            continue
        yield step.finding(
            VERDICT,
            f"adding the exclusion constraint {quote(constraint.name)} builds its index on {wait.table}:"
            f" {wait.who} wait {wait.duration}".rstrip(),
            subject=constraint.table,
            evidence=wait.evidence,
            remedy=Remedy(sql=patiently(step.statement.text), note="PostgreSQL cannot add it without this wait."),
        )
