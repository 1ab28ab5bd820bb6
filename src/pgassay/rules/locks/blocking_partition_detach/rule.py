"""Partition detached without CONCURRENTLY

DETACH PARTITION takes an ACCESS EXCLUSIVE lock on the whole partitioned table. It is brief by itself, but it must first
wait for every query that runs on the table, and while it waits every later read and write of ALL partitions queues
behind it.

**Seen by:** the lock on a partitioned table that stood before and has rows.

**Instead:** DETACH PARTITION … CONCURRENTLY, outside a transaction block (not where there is a default partition).

Source: PostgreSQL manual, ALTER TABLE, "DETACH PARTITION".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict
from pgassay.model.actions import DetachPartition
from pgassay.rules.locks.advice import outside, patiently
from pgassay.rules.step import Step, lock_evidence

VERDICT = Verdict.BLOCKS
LOOKS_AT = (DetachPartition,)


def find(step: Step) -> Iterator[Finding]:
    """Report detachments behind which a whole partitioned table queues."""
    for detach in step.statement.of(DetachPartition):
        if detach.concurrently or step.fresh(detach.table):
            continue
        table = step.full(detach.table)
        lock = step.seen.lock(table) if step.seen else None
        if step.seen is not None and (lock is None or not _rows(step, table)):
            continue
        yield step.finding(
            VERDICT,
            f"detaching {detach.partition} waits for every query on {table},"
            " and all its reads and writes queue behind it",
            subject=table,
            evidence=[lock_evidence(lock)] if lock else (),
            remedy=_remedy(step, detach),
        )


def _rows(step: Step, table: Name) -> int:
    """Rows of a partitioned table and its partitions."""
    parts = [t.name for t in step.before.tables if t.partition_of == table] if step.before else []
    return step.rows.get(table, 0) + sum(_rows(step, part) for part in parts)


def _remedy(step: Step, detach: DetachPartition) -> Remedy:
    parts = step.before.tables if step.before else ()
    if any(t.partition_of == step.full(detach.table) and t.partition_bound == "DEFAULT" for t in parts):
        return Remedy(sql=patiently(step.statement.text), note="A default partition rules CONCURRENTLY out.")
    return outside(step, f"ALTER TABLE {detach.table} DETACH PARTITION {detach.partition} CONCURRENTLY")
