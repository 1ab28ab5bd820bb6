"""Check constraint added with a scan of the table

ADD CHECK reads every existing row under an ACCESS EXCLUSIVE lock: reads and writes wait until the last row is checked.

**Seen by:** the lock and the scan on a table that stood before.

**Instead:** NOT VALID, which checks new rows only and needs the lock for a moment; then VALIDATE CONSTRAINT in another
transaction, which lets reads and writes pass.

Source: PostgreSQL manual, ALTER TABLE, "ADD table_constraint [ NOT VALID ]" and "VALIDATE CONSTRAINT".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict, quote
from pgassay.model.actions import AddColumn, AddConstraint
from pgassay.rules.locks.advice import added, later_validated
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddColumn, AddConstraint)


def find(step: Step) -> Iterator[Finding]:
    """Report checks of the existing rows."""
    checks = [a for a in added(step, "check") if a.constraint.validated]
    wait = step.wait(checks[0].table, "ACCESS EXCLUSIVE") if checks else None
    if wait is None:
        return
    names = " and ".join(quote(c.name) for c in checks)
    yield step.finding(
        VERDICT,
        f"adding the check {names} reads every row of {wait.table}: {wait.who} wait {wait.duration}".rstrip(),
        subject=checks[0].table,
        evidence=wait.evidence,
        remedy=later_validated(step, checks),
    )
