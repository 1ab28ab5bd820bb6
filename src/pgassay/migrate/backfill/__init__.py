"""A large UPDATE, DELETE or INSERT … SELECT in small transactions, each of a range of keys: nothing waits for long, and
a kill at any moment loses nothing and does nothing twice."""

from pgassay.migrate.backfill.model import BackfillOptions, BackfillResult, Felt, Progress
from pgassay.migrate.backfill.plan import Plan
from pgassay.migrate.backfill.record import BackfillRunning
from pgassay.migrate.backfill.run import backfill, check, foresee

__all__ = [
    "BackfillOptions",
    "BackfillResult",
    "BackfillRunning",
    "Felt",
    "Plan",
    "Progress",
    "backfill",
    "check",
    "foresee",
]
