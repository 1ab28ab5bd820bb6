"""NOT NULL set with a scan of the table

SET NOT NULL reads every row under an ACCESS EXCLUSIVE lock, unless a valid CHECK constraint already proves that the
column holds no NULL: then it changes only the catalog.

**Seen by:** the lock and the scan on a table that stood before.

**Instead:** CHECK (column IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT in another transaction, which lets reads and
writes pass; then SET NOT NULL, and in another statement drop the CHECK. From PostgreSQL 18 on, ADD CONSTRAINT … NOT
NULL column NOT VALID, then VALIDATE, does it in two steps.

Source: PostgreSQL manual, ALTER TABLE, "SET NOT NULL".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import AddColumn, AddConstraint, DropConstraint, SetNotNull, ValidateConstraint
from pgassay.rules.locks.advice import NEXT, apart, written
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddColumn, AddConstraint, DropConstraint, SetNotNull, ValidateConstraint)


def find(step: Step) -> Iterator[Finding]:
    """Report columns whose every row is read."""
    named = [(a.table, a.column) for a in step.statement.of(SetNotNull) if not _proved(step, a)]
    for action in step.statement.of(AddConstraint):
        if action.constraint.kind == "not null" and action.constraint.validated:
            named += [(action.table, column) for column in action.constraint.columns]
    wait = step.wait(named[0][0], "ACCESS EXCLUSIVE") if named else None
    if wait is None:
        return
    table = named[0][0]
    columns = [column for _, column in named]
    words = " and ".join(map(quote, columns))
    yield step.finding(
        VERDICT,
        f"setting {words} of {wait.table} NOT NULL reads every row: {wait.who} wait {wait.duration}".rstrip(),
        subject=(table, columns[0]),
        evidence=wait.evidence,
        remedy=_remedy(step, table, columns),
    )


def _proved(step: Step, action: SetNotNull) -> bool:
    """Whether the file itself validated a check before that says so. In a rehearsal the scan decides."""
    if not step.static:
        return False
    names = {
        a.constraint.name
        for statement in step.earlier
        for a in statement.of(AddConstraint)
        if a.table == action.table and a.constraint.expression == f"{quote(action.column)} IS NOT NULL"
    }
    dropped = {d.name for d in step.statement.of(DropConstraint)}  # comes first, wherever it stands in the statement
    validated = {v.name for s in step.earlier for v in s.of(ValidateConstraint) if v.table == action.table}
    return bool(names & validated - dropped)


def _remedy(step: Step, table: Name, columns: list[str]) -> Remedy:
    for statement in step.together:
        for added in statement.of(AddColumn):
            if added.table == table and added.column.name in columns and added.column.default is not None:
                return Remedy(
                    sql=written(f"{statement.text} NOT NULL"),
                    note="In one step: a default that is there from the start needs no look at the rows.",
                )
    checks = {c: quote(f"{table.name}_{c}_present"[:63]) for c in columns}
    return Remedy(
        sql=written(
            *(
                f"ALTER TABLE {table} ADD CONSTRAINT {n} CHECK ({quote(c)} IS NOT NULL) NOT VALID"
                for c, n in checks.items()
            ),
            NEXT,
            *(f"ALTER TABLE {table} VALIDATE CONSTRAINT {n}" for n in checks.values()),
            NEXT,
            *(f"ALTER TABLE {table} ALTER COLUMN {quote(c)} SET NOT NULL" for c in columns),
            *(f"ALTER TABLE {table} DROP CONSTRAINT {n}" for n in checks.values()),
        ),
        note=apart(step),
    )
