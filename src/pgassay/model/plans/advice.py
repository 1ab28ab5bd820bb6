"""What to do about the bad nodes of a plan: each advice names the node, its table, its columns and the figures."""

from __future__ import annotations

from pgassay.model.plans import advice_joins, advice_memory, advice_scans
from pgassay.model.plans.tree import Plan
from pgassay.model.plans.words import Advice

_LEAST = 0.02  # of the time (or cost): what is cheaper needs no advice
_RULES = (*advice_scans.RULES, *advice_joins.RULES, *advice_memory.RULES)


def advice(plan: Plan) -> tuple[Advice, ...]:
    """What to do, that with most at stake first."""
    found = [each for rule in _RULES for each in rule(plan) if each.share >= _LEAST or each.kind == "planning"]
    return tuple(sorted(found, key=lambda a: (-round(a.share, 3), a.node, a.kind)))
