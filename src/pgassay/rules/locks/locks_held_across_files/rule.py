"""Lock of one file kept while a later file works, since the runner runs them in one transaction

Some runners (drizzle-kit, and Flyway with `group`) send all pending files in ONE transaction. The locks of the first
file are then held to the end of the last: what each file shows is harmless, and together they make everybody wait.

**Seen by:** a lock that an earlier file of the same transaction gained on a table that stood before, and work that
grows with the rows while it is still held.

**Instead:** deploy the files one after the other, so that only one is pending at a time.

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
    """Report work during which a lock of another file is held."""
    yield from find_held(step, VERDICT, lambda held: held.statement.path != step.statement.path)
