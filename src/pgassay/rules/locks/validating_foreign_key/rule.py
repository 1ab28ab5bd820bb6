"""Foreign key added with a scan of the table

ADD FOREIGN KEY looks up every existing row in the referenced table. Until that is done SHARE ROW EXCLUSIVE locks on
BOTH tables make their writes wait.

**Seen by:** the locks and the scan on tables that stood before. A key on a new table, or on a column that the same ADD
COLUMN adds without a default, checks nothing and is not reported.

**Instead:** NOT VALID, which checks new rows only and takes the locks for a moment; then VALIDATE CONSTRAINT in another
transaction, which lets reads and writes pass.

Source: PostgreSQL manual, ALTER TABLE, "ADD table_constraint [ NOT VALID ]" and "VALIDATE CONSTRAINT".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict
from pgassay.model.actions import AddColumn, AddConstraint
from pgassay.rules.locks.advice import Added, added, columns, later_validated
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddColumn, AddConstraint)


def find(step: Step) -> Iterator[Finding]:
    """Report keys whose existing rows are looked up."""
    keys = [a for a in added(step, "foreign key") if a.constraint.validated and not (step.static and _empty(step, a))]
    wait = step.wait(keys[0].table, "SHARE ROW EXCLUSIVE") if keys else None
    if wait is None:
        return
    referenced = {step.full(k.constraint.references): None for k in keys if k.constraint.references}
    others = [str(t) for t in referenced if t != wait.table and not step.fresh(t)]
    names = " and ".join(f"{k.name} ({columns(k.constraint.columns)})" for k in keys)
    yield step.finding(
        VERDICT,
        f"adding the foreign key {names} looks up every row of {wait.table}: {wait.who} on"
        f" {' and '.join([str(wait.table), *others])} wait {wait.duration}".rstrip(),
        subject=keys[0].table,
        evidence=wait.evidence,
        remedy=later_validated(step, keys),
    )


def _empty(step: Step, key: Added) -> bool:
    """Whether the column comes with the key, and every row has NULL in it."""
    if key.column is None:
        return False
    return all(a.column.default is None for a in step.statement.of(AddColumn) if a.column.name == key.column)
