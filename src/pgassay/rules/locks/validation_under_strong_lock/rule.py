"""Constraint validated while a stronger lock on its table is still held

VALIDATE CONSTRAINT lets reads and writes pass while it reads the table. In the same transaction as ADD … NOT VALID, or
after any other ALTER TABLE, the lock of that earlier statement is still held: everybody waits for the whole scan, as if
the constraint had been added in one step.

**Seen by:** the scan, and the lock that an earlier statement of the same transaction gained on the table.

**Instead:** validate in a migration, and so a transaction, of its own.

Source: PostgreSQL manual, ALTER TABLE, "VALIDATE CONSTRAINT" and "Notes".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import ValidateConstraint
from pgassay.rules.locks import expected
from pgassay.rules.locks.advice import apart, written
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (ValidateConstraint,)


def find(step: Step) -> Iterator[Finding]:
    """Report validations during which everybody waits."""
    for action in step.statement.of(ValidateConstraint):
        mode = _held(step, action.table)
        wait = step.wait(action.table, mode) if mode else None
        if wait is None:
            continue
        yield step.finding(
            VERDICT,
            f"validating {quote(action.name)} reads every row of {wait.table} while the {mode} lock of an earlier"
            f" statement is held: {wait.who} wait {wait.duration}".rstrip(),
            subject=action.table,
            evidence=wait.evidence,
            remedy=Remedy(
                sql=written("-- in a migration (transaction) of its own, after this one:", step.statement.text),
                note=apart(step),
            ),
        )


def _held(step: Step, table: Name) -> str | None:
    if step.seen is not None:
        lock = step.held(table)
        return lock.mode if lock and lock.blocks_writes else None
    found = [mode for s in step.together for name, mode in expected.locks(s) if step.full(name) == step.full(table)]
    return found[-1] if found else None
