"""Run migrations: step by step, alone, without keeping anybody waiting, and resumable after a kill at any moment."""

from pgassay.migrate.runner.execute import execute, mark
from pgassay.migrate.runner.model import Course, Plan, Ran, Recorded, Settings, Step, Trace
from pgassay.migrate.runner.outlook import Batched, Outlook, Strongest
from pgassay.migrate.runner.planning import course, plan
from pgassay.migrate.runner.problems import MigrationStopped
from pgassay.migrate.runner.waiting import Waiting, back, forth, waiting

__all__ = [
    "Batched",
    "Course",
    "MigrationStopped",
    "Outlook",
    "Plan",
    "Ran",
    "Recorded",
    "Settings",
    "Step",
    "Strongest",
    "Trace",
    "Waiting",
    "back",
    "course",
    "execute",
    "forth",
    "mark",
    "plan",
    "waiting",
]
