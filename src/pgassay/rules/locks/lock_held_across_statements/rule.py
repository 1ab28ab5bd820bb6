"""Lock kept while a later statement of the transaction works

A lock is held to the end of its transaction. ALTER TABLE needs its ACCESS EXCLUSIVE lock for a moment only, but where
an UPDATE of all rows, a scan or an index build follows in the same transaction, everybody waits for that too.

**Seen by:** a lock that an earlier statement of the same transaction gained on a table that stood before, and work that
grows with the rows while it is still held. An UPDATE of a few rows is no such work.

**Instead:** two migrations, and so two transactions: the short one first, then the long one.

Source: PostgreSQL manual, chapter 13.3, Explicit Locking ("Once acquired, a lock is normally held until the end of the
transaction").
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict
from pgassay.rules.locks.holding import find_held
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS


def find(step: Step) -> Iterator[Finding]:
    """Report work during which a lock of the same file is held."""
    yield from find_held(step, VERDICT, lambda held: held.statement.path == step.statement.path)
