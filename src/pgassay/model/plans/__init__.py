"""Reading a plan of PostgreSQL: the typed tree, whose time it is, and what to do about its bad nodes."""

from pgassay.model.plans.advice import advice
from pgassay.model.plans.shares import Buffers
from pgassay.model.plans.tree import Node, Plan, read_plan
from pgassay.model.plans.words import Advice

__all__ = ["Advice", "Buffers", "Node", "Plan", "advice", "read_plan"]
