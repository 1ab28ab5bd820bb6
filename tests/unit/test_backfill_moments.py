"""What pg_stat_statements' means and deviations say of the slowest hundredth."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.migrate.backfill.moments import Moments, compared, percentile

_TIMES = st.lists(st.floats(0.01, 1e4), min_size=1, max_size=50)


def of(times: list[float]) -> Moments:
    return Moments.of(len(times), statistics.fmean(times), statistics.pstdev(times))


@given(_TIMES, _TIMES)
def test_what_came_between_two_looks_is_recovered(before: list[float], between: list[float]) -> None:
    found = of(before + between).since(of(before))
    assert found is not None
    assert found.calls == len(between)
    largest = max(before + between)
    assert found.mean == pytest.approx(statistics.fmean(between), abs=1e-9 * largest)
    spread = statistics.pvariance(between) * len(between)
    assert found.spread == pytest.approx(spread, abs=1e-6 * largest * largest)


def test_nothing_between_and_a_reset() -> None:
    assert of([1, 2]).since(of([1, 2])) is None
    assert of([1, 2]).since(of([1, 2, 3])) is None
    assert of([1, 2]).since(None) == of([1, 2])


@pytest.mark.parametrize("deviation", [0.1, 0.5, 1.0])
def test_a_log_normal_sample_has_the_percentile_that_is_estimated(deviation: float) -> None:
    source = random.Random(7)
    times = [source.lognormvariate(1.0, deviation) for _ in range(20_000)]
    true = math.exp(1.0 + 2.326 * deviation)
    assert percentile([(1.0, of(times))]) == pytest.approx(true, rel=0.08)


def test_a_mixture_is_that_of_all_calls() -> None:
    source = random.Random(8)
    short = [source.lognormvariate(0.0, 0.3) for _ in range(9000)]
    long = [source.lognormvariate(4.0, 0.3) for _ in range(1000)]
    true = sorted(short + long)[9900]
    assert percentile([(9000, of(short)), (1000, of(long))]) == pytest.approx(true, rel=0.08)


def test_the_same_statements_are_compared_with_the_same_weights() -> None:
    before = {"a": of([1.0] * 100), "b": of([50.0] * 100)}
    now = {"a": of([2.0] * 1000), "b": of([100.0] * 100), "new": of([9e9] * 10)}
    mine, other, calls = compared(now, before)
    assert mine / other == pytest.approx(2.0)
    assert calls == 1100
    assert compared({}, before) == (0.0, 0.0, 0)
