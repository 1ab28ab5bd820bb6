"""How long the slowest hundredth of an application's calls take, from what pg_stat_statements keeps: an estimate.

The view has, of each statement, the number of its calls, their mean and their (population) standard deviation, since
the last reset. Two looks give the same of the calls in between, exactly (Chan, Golub and LeVeque 1979: moments of a
union of samples, solved for one of them). A percentile is more than moments tell. Assumed is that each statement's
times are log-normal, which is what latencies come near to: many short ones and a long tail. The 99th percentile is then
that of the mixture of the statements, each weighed by its calls. Very long calls that are rarer than one in a hundred
make it too high; a statement with two quite different kinds of calls is smoothed over. What is compared are two
estimates of the same statements with the same weights, so that what the assumption gets wrong is in both. The times are
the server's: from the beginning of a statement's execution to its end, without the way to the client and back.

Source: PostgreSQL manual, appendix F.32 "pg_stat_statements".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SLOWEST = 0.99


@dataclass(frozen=True, slots=True)
class Moments:
    """``calls``, their ``mean`` and the sum of their squared deviations from it, ``spread``. Milliseconds."""

    calls: int
    mean: float
    spread: float

    @classmethod
    def of(cls, calls: int, mean: float, deviation: float) -> Moments:
        """As pg_stat_statements gives them."""
        return cls(calls, mean, deviation * deviation * calls)

    def since(self, before: Moments | None) -> Moments | None:
        """Of the calls that came after ``before``; None where there are none, or the statistics were reset."""
        if before is None:
            return self if self.calls else None
        calls = self.calls - before.calls
        if calls <= 0:
            return None
        mean = (self.mean * self.calls - before.mean * before.calls) / calls
        apart = (mean - before.mean) ** 2 * before.calls * calls / self.calls
        return Moments(calls, max(mean, 0.0), max(self.spread - before.spread - apart, 0.0))

    @property
    def shape(self) -> tuple[float, float]:
        """The logarithm's mean and standard deviation of the log-normal distribution with these moments."""
        if self.mean <= 0:
            return float("-inf"), 0.0
        variance = math.log1p(self.spread / self.calls / (self.mean * self.mean))
        return math.log(self.mean) - variance / 2, math.sqrt(variance)

    def within(self, limit: float) -> float:
        """The share of calls that take no longer than ``limit``."""
        middle, deviation = self.shape
        if middle == float("-inf"):
            return 1.0
        if deviation < 1e-9:
            return 1.0 if limit >= self.mean * (1 - 1e-9) else 0.0
        return 0.5 * math.erfc(-(math.log(limit) - middle) / (deviation * math.sqrt(2)))


def percentile(parts: Sequence[tuple[float, Moments]]) -> float:
    """The 99th percentile of a mixture, each part with its weight; 0 of none. Milliseconds."""
    total = sum(weight for weight, _ in parts)
    if not total:
        return 0.0
    low, high = 1e-6, 1e9
    for _ in range(80):
        middle = math.sqrt(low * high)
        if sum(weight * part.within(middle) for weight, part in parts) >= _SLOWEST * total:
            high = middle
        else:
            low = middle
    return high


def compared(now: Mapping[str, Moments], before: Mapping[str, Moments]) -> tuple[float, float, int]:
    """The 99th percentiles of now and of before, for the statements of both, weighed by the calls of now; and how many
    calls those are."""
    both = [key for key in now if key in before]
    weights = [float(now[key].calls) for key in both]
    mine = percentile([(w, now[k]) for w, k in zip(weights, both, strict=True)])
    other = percentile([(w, before[k]) for w, k in zip(weights, both, strict=True)])
    return mine, other, sum(now[key].calls for key in both)
