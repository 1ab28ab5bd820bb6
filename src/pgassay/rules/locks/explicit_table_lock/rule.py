"""Table locked by LOCK TABLE

LOCK TABLE in SHARE mode or stronger makes writes of the table (and reads, in ACCESS EXCLUSIVE mode, its default) wait
from here to the end of the transaction, whatever else the transaction does.

**Seen by:** the lock on a table with rows that stood before.

**Instead:** PostgreSQL takes the locks that a statement needs by itself. Where two steps must see the same rows, lock
the rows (SELECT … FOR UPDATE), use an advisory lock between runners, or SHARE UPDATE EXCLUSIVE mode, which lets reads
and writes pass.

Source: PostgreSQL manual, LOCK; chapter 13.3.1, Table-Level Locks.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict
from pgassay.model.actions import LockTable
from pgassay.rules.locks.advice import written
from pgassay.rules.locks.expected import blocking
from pgassay.rules.step import Step, duration, lock_evidence

VERDICT = Verdict.BLOCKS
LOOKS_AT = (LockTable,)


def find(step: Step) -> Iterator[Finding]:
    """Report explicit locks for which traffic waits."""
    for action in step.statement.of(LockTable):
        if not blocking(action.mode):
            continue
        for name in action.tables:
            table = step.full(name)
            lock = step.seen.lock(table) if step.seen else None
            if step.fresh(name) or (step.seen is not None and (lock is None or not step.rows.get(table))):
                continue
            who = "reads and writes" if action.mode == "ACCESS EXCLUSIVE" else "writes"
            time = f" {duration(lock, [w for o in step.observations for w in o.work])}" if lock else ""
            yield step.finding(
                VERDICT,
                f"LOCK TABLE makes {who} on {table} wait to the end of the transaction{time}",
                subject=name,
                evidence=[lock_evidence(lock)] if lock else (),
                remedy=written(f"LOCK TABLE {name} IN SHARE UPDATE EXCLUSIVE MODE"),
            )
