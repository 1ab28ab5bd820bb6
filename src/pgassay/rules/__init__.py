"""The rules: units of knowledge, one folder each, that turn what was observed into findings."""

from pgassay.rules.judge import Judgement, judge, order
from pgassay.rules.registry import Rule, registry
from pgassay.rules.step import Step, Wait
from pgassay.rules.steps import live_steps, static_steps

__all__ = ["Judgement", "Rule", "Step", "Wait", "judge", "live_steps", "order", "registry", "static_steps"]
