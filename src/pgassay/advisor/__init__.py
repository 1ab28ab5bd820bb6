"""Indexes, rewrites and statistics for a workload: found by kind, chosen by price, proved by running."""

from pgassay.advisor.advise import advise
from pgassay.advisor.ground import Ground
from pgassay.advisor.model import KINDS, Advice, Query

__all__ = ["KINDS", "Advice", "Ground", "Query", "advise"]
