"""The chosen set against things as they are: every query, every set of parameters, interleaved, best of several."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pgassay.advisor.ground import Ground, cost
from pgassay.advisor.model import Change, Measure, Query, loss
from pgassay.server import StatementError

_TIMES = 3
_SLOW = 100.0  # milliseconds, above which two runs of each must do
_TELLING = 20.0  # milliseconds
_CLEAR = 0.75  # of CPU and of pages: so much less is no chance
_SURELY = 0.25  # a loss's logarithm
_PLAIN, _LIKE = 0.93, 1.05  # and of what takes long, which chance disturbs less, so much of CPU and of pages


@dataclass(frozen=True, slots=True)
class Case:
    """A query with one set of parameters."""

    query: Query
    form: int
    sql: str
    base: Measure | None = None  # as it was measured before anything
    base_cost: float = 0.0
    runs: Mapping[frozenset[str], Measure] = field(default_factory=dict)  # by the candidates that a plan used


def prove(
    ground: Ground,
    cases: Sequence[Case],
    on: frozenset[str],
    concerned: Collection[int],
    deadline: float,
    progress: Callable[[str], None],
    known: Sequence[Change] = (),
) -> tuple[Change, ...]:
    """Each case without any candidate and with the set. After the deadline plans alone are compared.

    What is ``known`` of a plan that stays is not measured again.
    ``concerned`` are the queries that read a table with a new index: nothing changes for the others.
    """
    mine = [case for case in cases if case.query.number in concerned]
    ground.only(())
    before = {id(case): ground.plan(case.sql) for case in mine}
    ground.only(on)
    after = {id(case): ground.plan(case.sql) for case in mine}
    found: list[Change] = []
    old = {(c.query, c.form): c for c in known}
    for case in cases:
        same = old.get((case.query.number, case.form))
        if id(case) in before and same is not None and shape(same.plan_after) == shape(after[id(case)]):
            found.append(same)
        elif id(case) in before:
            progress(f"proof {len(found) + 1} of {len(cases)}")
            late = ground.now() > deadline
            found.append(_change(ground, case, on, before[id(case)], after[id(case)], late=late))
        else:
            found.append(_unchanged(case))
    return tuple(found)


def _unchanged(case: Case) -> Change:
    return Change(
        query=case.query.number,
        form=case.form,
        before=case.base,
        after=case.base,
        cost_before=case.base_cost,
        cost_after=case.base_cost,
    )


def _change(
    ground: Ground,
    case: Case,
    on: frozenset[str],
    before_plan: dict[str, object],
    after_plan: dict[str, object],
    *,
    late: bool,
) -> Change:
    used = tuple(sorted(ground.used(after_plan)))
    before: Measure | None = None
    after: Measure | None = None
    try:
        # The same plan is the same work: differences would be noise. Of a DELETE it does not show the foreign keys.
        if shape(before_plan) == shape(after_plan) and not case.query.lookups:
            before = after = case.base
        elif late and case.base is not None and (known := case.runs.get(frozenset(used))):
            before, after = case.base, known
        elif late and case.base is not None and not case.base.over and case.base.cpu_ms > _TELLING:
            # A query that takes long is not left to the planner's word: one run, cut off where it is slower.
            ground.only(on)
            before = case.base
            after = ground.measure(case.sql, limit_ms=max(before.cpu_ms * 1.5, 250.0))
        elif not late:
            before, after = _compared(ground, case, on, case.runs.get(frozenset(used)))
    except StatementError:
        before = after = None
    return Change(
        query=case.query.number,
        form=case.form,
        before=before,
        after=after,
        cost_before=cost(before_plan),
        cost_after=cost(after_plan),
        used=used,
        plan_before=before_plan,
        plan_after=after_plan,
    )


def _compared(ground: Ground, case: Case, on: frozenset[str], known: Measure | None) -> tuple[Measure, Measure]:
    """Before and after. What is clear from the runs that there were is not run again."""
    base = case.base
    if base is not None and base.over:  # it would take as long again
        ground.only(on)
        return base, known or ground.measure(case.sql, limit_ms=base.cpu_ms)
    if base is not None:
        ground.only(on)
        after = known or ground.measure(case.sql, limit_ms=max(base.cpu_ms * 2.5, 500.0))
        cpu, pages = (_PLAIN, _LIKE) if base.cpu_ms > _SLOW else (_CLEAR, _CLEAR)
        if after.cpu_ms < base.cpu_ms * cpu and after.buffers <= base.buffers * pages and not after.over:
            if after.cpu_ms < _SLOW:
                after = min(after, ground.measure(case.sql, times=2), key=lambda m: m.work)
            return base, after
    before, after = _interleaved(ground, case.sql, on)
    if base is not None:
        before = min(before, base, key=lambda m: m.work)
    if known is not None and not known.over:
        after = min(after, known, key=lambda m: m.work)
    return before, after


def _interleaved(ground: Ground, sql: str, on: frozenset[str], times: int = _TIMES) -> tuple[Measure, Measure]:
    best: dict[bool, Measure] = {}
    while times > 0:
        for new in (False, True):
            ground.only(on if new else ())
            one = ground.measure(sql)
            best[new] = one if new not in best else min(best[new], one, key=lambda m: m.work)
            if one.over:
                times = 0
        slow = max(best[False].cpu_ms, best[True].cpu_ms)
        times = 0 if slow > 4 * _SLOW and times == _TIMES else min(times - 1, 1) if slow > _SLOW else times - 1
    return best[False], best[True]


def again(ground: Ground, case: Case, change: Change, on: frozenset[str]) -> Change:
    """A change measured once more, longer: what is said to be slower must be so beyond chance."""
    if change.before is None or change.after is None or change.before.over or change.after.over:
        return change
    try:
        before, after = _interleaved(ground, case.sql, on, times=_TIMES * 2)
    except StatementError:
        return change
    return replace(
        change,
        before=min(change.before, before, key=lambda m: m.work),
        after=min(change.after, after, key=lambda m: m.work),
    )


def slower(change: Change, tolerance: float = 0.05) -> bool:
    """Whether a query takes more than 5 % longer or more pages, beyond what noise explains."""
    before, after = change.before, change.after
    if before is None or after is None:
        return change.cost_after > change.cost_before * (1 + tolerance)
    if after.over and not before.over:
        return True
    return loss(before, after) > math.log(1 + tolerance)


def surely_slower(change: Change) -> bool:
    """Whether so much slower that no noise explains it."""
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    return (after.over and not before.over) or loss(before, after) > _SURELY


def shape(plan: dict[str, object]) -> object:
    """A plan without its numbers."""
    parts = plan.get("Plans", ())
    kept = ("Node Type", "Index Name", "Relation Name", "Alias", "Join Type", "Strategy", "Scan Direction", "Sort Key")
    inner = tuple(shape(p) for p in parts) if isinstance(parts, list) else ()
    return (*(repr(plan.get(k)) for k in kept), inner)
