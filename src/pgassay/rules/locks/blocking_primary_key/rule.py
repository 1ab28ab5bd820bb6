"""Primary key added by building its index under a lock

ADD PRIMARY KEY builds an index under an ACCESS EXCLUSIVE lock, and reads every row once more where its columns may
still hold NULL: reads and writes of the table wait for both.

**Seen by:** the lock, the build and the scan on a table that stood before. A key USING INDEX on columns that are NOT
NULL already does no work and is not reported.

**Instead:** make the columns NOT NULL by a validated CHECK; CREATE UNIQUE INDEX CONCURRENTLY, outside a transaction
block; then ADD PRIMARY KEY USING INDEX.

Source: PostgreSQL manual, ALTER TABLE, "ADD table_constraint_using_index".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pgassay.model import Finding, Remedy, Verdict, quote
from pgassay.model.actions import AddColumn, AddConstraint
from pgassay.rules.locks.advice import NEXT, Added, added, columns, index_first, written
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddColumn, AddConstraint)


def find(step: Step) -> Iterator[Finding]:
    """Report keys for which an index is built, or NULL is looked for, under the lock."""
    for key in added(step, "primary key"):
        if step.static and key.constraint.using_index:
            continue
        wait = step.wait(key.table, "ACCESS EXCLUSIVE")
        if wait is None:
            continue
        what = "reads every row (its columns may hold NULL)" if key.constraint.using_index else "builds its index"
        yield step.finding(
            VERDICT,
            f"adding the primary key of {wait.table} {what}: {wait.who} wait {wait.duration}".rstrip(),
            subject=key.table,
            evidence=wait.evidence,
            remedy=_remedy(step, key),
        )


def _remedy(step: Step, key: Added) -> Remedy:
    nullable = [c for c in _columns(step, key) if (found := step.column(key.table, c)) and not found.not_null]
    then = Remedy(sql=written(step.statement.text)) if key.constraint.using_index else index_first(step, key)
    if not nullable:
        return then
    checks = {c: quote(f"{key.table.name}_{c}_present"[:63]) for c in nullable}
    first = written(
        *(
            f"ALTER TABLE {key.table} ADD CONSTRAINT {n} CHECK ({columns((c,))} IS NOT NULL) NOT VALID"
            for c, n in checks.items()
        ),
        NEXT,
        *(f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {n}" for n in checks.values()),
        NEXT,
        *(f"ALTER TABLE {key.table} ALTER COLUMN {columns((c,))} SET NOT NULL" for c in nullable),
        *(f"ALTER TABLE {key.table} DROP CONSTRAINT {n}" for n in checks.values()),
    )
    return replace(then, sql=f"{first}\n-- then:\n{then.sql}")


def _columns(step: Step, key: Added) -> tuple[str, ...]:
    if key.constraint.columns:
        return key.constraint.columns
    table = step.table(key.table)
    index = next((i for i in table.indexes if i.name == key.constraint.using_index), None) if table else None
    return tuple(c for c in index.columns if c) if index else ()
