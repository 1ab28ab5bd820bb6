"""Rows deleted

A DELETE that takes all rows of a table leaves no way back but a backup. Foreign keys with ON DELETE CASCADE take rows
of other tables along.

**Seen by:** the rows that the statement deleted of tables that stood before. With a WHERE, how many rows it takes in
production depends on their values: it is reported as a loss where it took every made-up row, else as a remark.

**Instead:** keep a copy in the same transaction; and delete in batches, so that locks and dead rows stay few.
TRUNCATE is the quick way where all rows shall go.

Source: PostgreSQL manual, DELETE; chapter 13.3.2 "Row-Level Locks".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Finding, Name, Verdict
from pgassay.model.actions import Delete
from pgassay.rules.changes.rows import with_partitions
from pgassay.rules.step import Step, loss_evidence

VERDICT = Verdict.LOSES_DATA
LOOKS_AT = (Delete,)


def find(step: Step) -> Iterator[Finding]:
    """Report deleted rows."""
    for delete in step.statement.of(Delete):
        table = delete.table
        if step.fresh(table) or step.known.get(step.full(table)) == 0:
            continue
        if step.static:
            if delete.where is None:
                yield step.finding(VERDICT, f"all rows of {table} are deleted", subject=table, remedy=_remedy(delete))
            continue
        losses = [loss for loss in step.losses() if loss.kind == "rows"]
        tables = with_partitions(step, table)
        held = max(step.rows.get(step.full(table), 0), sum(step.rows.get(t, 0) for t in tables - {step.full(table)}))
        own = sum(loss.count for loss in losses if loss.table in tables)
        everything = own >= held > 0
        if own:
            others = sorted({str(loss.table) for loss in losses} - set(map(str, tables)))
            yield step.finding(
                VERDICT if everything else Verdict.STYLE,
                ("all rows" if delete.where is None else f"the rows WHERE {_short(delete.where)}")
                + f" of {table} are deleted"
                + (f", and rows of {', '.join(others)} with them" if others else ""),
                subject=table,
                certainty=None if delete.where is None else Certainty.COMPUTED,
                evidence=loss_evidence(losses),
                remedy=_remedy(delete),
            )


def _short(where: str) -> str:
    return where if len(where) <= 60 else where[:59] + "…"


def _remedy(delete: Delete) -> str:
    where = f" WHERE {delete.where}" if delete.where else ""
    kept: Name = delete.table.named(f"{delete.table.name}_deleted")
    return f"""\
-- in one transaction; the copy is the way back
CREATE TABLE {kept} AS SELECT * FROM {delete.table}{where};
DELETE FROM {delete.table}{where};"""
