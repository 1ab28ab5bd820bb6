"""The rules: units of knowledge, one folder each, that turn what was observed into findings."""

from pgassay.rules.judge import Judgement, judge, judge_state, order
from pgassay.rules.registry import Rule, registry
from pgassay.rules.state import State
from pgassay.rules.step import Step, Wait
from pgassay.rules.steps import live_steps, static_steps

__all__ = [
    "Judgement",
    "Rule",
    "State",
    "Step",
    "Wait",
    "judge",
    "judge_state",
    "live_steps",
    "order",
    "registry",
    "static_steps",
]
