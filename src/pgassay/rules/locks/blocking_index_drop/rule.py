"""Index dropped without CONCURRENTLY on a table with rows

DROP INDEX takes an ACCESS EXCLUSIVE lock on the table. It is brief by itself, but it must first wait for every query
that runs on the table, and while it waits every later read and write of the table queues behind it: one long report is
enough to stop the application. Inside a transaction the lock stays until its end.

**Seen by:** the lock on a table with rows that stood before the change.

**Instead:** DROP INDEX CONCURRENTLY, outside a transaction block, one index a statement. It waits for the old queries
too, but nobody waits for it. (Not for the index of a constraint or of a partitioned table: there, a `lock_timeout`
makes the statement give up instead of holding everybody.)

Source: PostgreSQL manual, DROP INDEX.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict
from pgassay.model.actions import CreateIndex, Drop
from pgassay.rules.locks.advice import outside, patiently, written
from pgassay.rules.step import Step, lock_evidence

VERDICT = Verdict.BLOCKS
LOOKS_AT = (CreateIndex, Drop)
_SMALL = 10_000  # rows: on so small a table (where production's size is known) no query runs for long


def find(step: Step) -> Iterator[Finding]:
    """Report drops behind which reads and writes queue."""
    for drop in step.statement.of(Drop):
        if drop.kind != "index" or drop.concurrently:
            continue
        for index in drop.names:
            table = _table(step, index)
            if step.static and not _new(step, index):
                yield step.finding(
                    VERDICT,
                    f"dropping {index} waits for every query on its table, and all reads and writes queue behind it",
                    subject=str(index),
                    remedy=_remedy(step, drop, None),
                )
            elif table is not None and step.seen is not None:
                lock = step.seen.lock(table)
                if lock is None or not step.rows.get(table) or step.known.get(table, _SMALL) < _SMALL:
                    continue
                yield step.finding(
                    VERDICT,
                    f"dropping {index} waits for every query on {table}, and all its reads and writes queue behind it",
                    subject=table,
                    evidence=(lock_evidence(lock),),
                    remedy=_remedy(step, drop, table),
                )


def _table(step: Step, index: Name) -> Name | None:
    """The table of an index that stood before."""
    for table in step.before.tables if step.before else ():
        if table.name.schema == (index.schema or "public") and any(i.name == index.name for i in table.indexes):
            return table.name
    return None


def _new(step: Step, index: Name) -> bool:
    """Whether the file itself made the index earlier."""
    return any(c.name == index.name for s in step.earlier for c in s.of(CreateIndex))


def _remedy(step: Step, drop: Drop, table: Name | None) -> Remedy:
    shape = step.table(table) if table else None
    if shape is not None and (shape.kind == "partitioned table" or shape.partition_of is not None):
        return Remedy(sql=patiently(step.statement.text))
    word = "IF EXISTS " if drop.if_exists else ""
    return outside(step, written(*(f"DROP INDEX CONCURRENTLY {word}{name}" for name in drop.names)))
