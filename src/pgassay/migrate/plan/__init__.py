"""Pending migrations as safe steps: what each statement becomes, given what was seen of it.

Pure: catalogs and observations in, steps out. Whether the steps do what they promise is shown by running them.
"""

from pgassay.migrate.plan.model import PHASES, Choice, Mode, Phase, Plan, PlanStep, Seen, Twins
from pgassay.migrate.plan.rewrite import plan

__all__ = ["PHASES", "Choice", "Mode", "Phase", "Plan", "PlanStep", "Seen", "Twins", "plan"]
