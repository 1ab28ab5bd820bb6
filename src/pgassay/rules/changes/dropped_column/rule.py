"""Column dropped

Its values cannot be read any more, and there is no way back but a backup. Statements of the running application that
name the column fail from then on: ORMs name every column of a table in every SELECT.

**Seen by:** the column that is gone from a table with rows, and the old application's statements, tried after the
change. Columns that the same change adds, or that never existed (IF EXISTS), are not reported. A generated column holds
nothing of its own, and one that an UPDATE of the same change copied elsewhere is not lost.

**Instead:** deploy an application that does not name the column, and drop it in a later migration, with the reason as a
comment: `-- pgassay: allow dropped-column, unused since version 2.3`.

Source: PostgreSQL manual, ALTER TABLE, "DROP COLUMN"; chapter 5.7.2 "Removing a Column".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Finding, Name, Verdict, quote
from pgassay.model.actions import DropColumn
from pgassay.rules.changes.rows import column_copied
from pgassay.rules.step import Step, break_evidence, loss_evidence

VERDICT = Verdict.LOSES_DATA
LOOKS_AT = (DropColumn,)


def find(step: Step) -> Iterator[Finding]:
    """Report columns that are gone with their values."""
    for dropped in step.statement.of(DropColumn):
        table, column = dropped.table, dropped.column
        if step.fresh_column(table, column):
            continue
        losses = step.losses(table, column)
        breaks = [b for b in step.breaks(table, column) if b.column or quote(column) in b.error or column in b.error]
        if not (step.static or losses or breaks):
            continue
        was = step.column(table, column)
        empty = step.known.get(step.full(table)) == 0 or bool(was and was.generated)
        copied = column_copied(step, table, column)
        kept = Verdict.BREAKS_APP if breaks or not copied else Verdict.STYLE
        yield step.finding(
            kept if copied or (empty and not step.static) else VERDICT,
            f"{quote(column)} of {table} is dropped"
            + (", its values copied before" if copied else "" if empty else " with its values")
            + (", and the running application's statements that name it fail" if breaks else ""),
            subject=(table, column),
            certainty=Certainty.COMPUTED if kept is Verdict.STYLE and not step.static else None,
            evidence=(*loss_evidence(losses), *break_evidence(breaks)),
            remedy=_remedy(step, table, column),
        )


def _remedy(step: Step, table: Name, column: str) -> str:
    was = step.column(table, column)
    name = quote(column)
    optional = ""
    if was and was.required:
        optional = f"""\
-- 1. let INSERTs leave it out
ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL;
"""
    steps = (2, 3) if optional else (1, 2)
    before = step.table(table)
    keys = before.primary_key.columns if before and before.primary_key else ()
    key = "".join(f"{quote(c)}, " for c in keys if c != column)
    kept = table.named(f"{table.name}_{column}_kept")
    return f"""\
{optional}-- {steps[0]}. deploy an application that does not name {name}
-- {steps[1]}. in a later migration; the copy is the way back
CREATE TABLE {kept} AS SELECT {key}{name} FROM {table};
ALTER TABLE {table} DROP COLUMN {name};"""
