"""Column added as NOT NULL without a default

The rows that stand have no value for it, so PostgreSQL refuses (23502). On an empty table the column is added, but
every INSERT of the application that runs now, which does not know the column, fails from then on.

**Seen by:** the error on a table with rows; else the old application's INSERT, tried after the change.

**Instead:** add the column as nullable or with a default, fill it, then require it. A constant default is stored in the
catalog and rewrites nothing.

Source: PostgreSQL manual, ALTER TABLE, "ADD COLUMN"; chapter 5.7.1 "Adding a Column".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import AddColumn, ColumnDef
from pgassay.rules.changes.ways import FILL_NOTE, neutral, require
from pgassay.rules.step import Step, break_evidence, failure_evidence

VERDICT = Verdict.FAILS
LOOKS_AT = (AddColumn,)


def find(step: Step) -> Iterator[Finding]:
    """Report columns that rows, or the running application, have no value for."""
    for added in step.statement.of(AddColumn):
        table, column = added.table, added.column
        if step.fresh(table):
            continue
        subject = (table, column.name)
        if step.static:
            if _bare(column):
                yield step.finding(VERDICT, _fails(added), subject=subject, remedy=_remedy(step, table, column))
        elif _refused(step, added) and step.known.get(step.full(table)) != 0:
            yield step.finding(
                VERDICT, _fails(added), subject=subject, evidence=failure_evidence(step.seen),
                remedy=_remedy(step, table, column),
            )  # fmt: skip
        else:
            breaks = [b for b in step.breaks(table) if b.sqlstate == "23502" and f'"{column.name}"' in b.error]
            if breaks or _refused(step, added):
                yield step.finding(
                    Verdict.BREAKS_APP,
                    f"the running application's INSERTs into {table} fail: they leave out the new required column"
                    f" {quote(column.name)}",
                    subject=subject,
                    evidence=break_evidence(breaks),
                    remedy=_remedy(step, table, column),
                )


def _bare(column: ColumnDef) -> bool:
    nothing = column.default is None or column.default.upper() == "NULL"
    return column.not_null and nothing and column.generated is None and not column.serial


def _refused(step: Step, added: AddColumn) -> bool:
    failure = step.seen.failure if step.seen else None
    if failure is None or failure.sqlstate != "23502" or failure.cause == "values":
        return False
    if failure.column == added.column.name:
        return True
    # PostgreSQL names the first such column of a statement only.
    others = [o.column for o in step.statement.of(AddColumn)]
    return _bare(added.column) and any(o.name == failure.column for o in others)


def _fails(added: AddColumn) -> str:
    column = added.column
    return f"adding {quote(column.name)} to {added.table} fails once the table has rows: NOT NULL, and no default"


def _remedy(step: Step, table: Name, column: ColumnDef) -> Remedy:
    name = quote(column.name)
    later = step.after.table(step.full(table)) if step.after else None
    made = later.column(column.name) if later else None
    enum = step.after.enum(made.type) if step.after and made else None
    value = neutral(column.type, enum.labels if enum else ())
    sql = f"""\
-- 1. expand: rows and INSERTs of today go on without it
ALTER TABLE {table} ADD COLUMN {name} {column.type};
-- 2. deploy the application that writes {name}, then fill the older rows, in batches
UPDATE {table} SET {name} = {value} WHERE {name} IS NULL;
-- 3. require it
{require(table, column.name)}"""
    return Remedy(sql=sql, note=FILL_NOTE)
