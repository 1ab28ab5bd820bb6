"""A table's checks → solutions: a few consistent sets of facts, among which the rows are divided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

from pgassay.sql.expressions import Expression, parse_expression
from pgassay.twin.axes import Axis, axis_of
from pgassay.twin.branches import branches
from pgassay.twin.facts import Facts, Order, Solution
from pgassay.twin.targets import Target
from pgassay.twin.typed import bounds

_MOST = 12


def solve(target: Target, fixed: Collection[str]) -> list[Solution]:
    """The solutions, at least one. Columns in ``fixed`` (keys) have the same facts, NULL apart, in all of them."""
    columns = {column.name: column for column in target.table.columns}
    found = [Solution(columns)]
    for expression in _conditions(target):
        choices = branches(expression)
        grown = [
            extended
            for solution in found
            for branch in choices
            if (extended := _extended(solution, branch)) is not None
        ]
        if grown:
            found = _agreeing(grown, fixed)
        else:
            for solution in found:
                solution.open.append(expression)
    for solution in found:
        _spread(solution, fixed, [end for unique in target.uniques for _, end in unique.spans])
    return found


def _conditions(target: Target) -> list[Expression]:
    partition = [target.partition] if target.partition is not None else []
    return [*partition, *(parse_expression(check) for check in target.checks)]


def _extended(solution: Solution, branch: tuple[Expression, ...]) -> Solution | None:
    copy = Solution(
        solution.columns,
        {name: replace(facts) for name, facts in solution.facts.items()},
        list(solution.orders),
        dict(solution.defined),
        list(solution.open),
    )
    return copy if all(copy.add(condition) for condition in branch) and copy.possible() else None


def _agreeing(solutions: list[Solution], fixed: Collection[str]) -> list[Solution]:
    def shown(solution: Solution) -> dict[str, Facts]:
        none = Facts()
        return {name: replace(solution.facts.get(name, none), null=None) for name in fixed}

    # The freest solutions are the likeliest to leave room for many rows.
    solutions = sorted(solutions, key=lambda s: len(s.open))
    first = shown(solutions[0])
    return [solution for solution in solutions if shown(solution) == first][:_MOST]


def _spread(solution: Solution, fixed: Collection[str], apart: Collection[str]) -> None:
    """Order between columns → disjoint stretches of their common range, one a step of the order.

    Columns in ``apart`` are not touched: they are computed from others.
    """
    relevant = [
        o
        for o in solution.orders
        if _axis(solution, o.left) and _axis(solution, o.right) and not {o.left, o.right} & set(apart)
    ]
    for group in _groups(relevant):
        levels = _levels(group)
        if levels is None:
            continue
        _divide(solution, levels, fixed)


def _axis(solution: Solution, name: str) -> Axis | None:
    column = solution.columns[name]
    return None if column.generated else axis_of(column.base, column.type)


def _groups(orders: list[Order]) -> list[list[Order]]:
    groups: list[tuple[set[str], list[Order]]] = []
    for order in orders:
        members, joined = {order.left, order.right}, [order]
        apart = []
        for other, inside in groups:
            if other & members:
                members |= other
                joined = inside + joined
            else:
                apart.append((other, inside))
        groups = [*apart, (members, joined)]
    return [joined for _, joined in groups]


def _levels(orders: list[Order]) -> dict[str, int] | None:
    """The length of the longest way to each column; None for a circle."""
    levels = {name: 0 for order in orders for name in (order.left, order.right)}
    for _ in range(len(levels) + 1):
        changed = False
        for order in orders:
            if levels[order.right] <= levels[order.left]:
                levels[order.right] = levels[order.left] + 1
                changed = True
        if not changed:
            return levels
    return None


def _divide(solution: Solution, levels: dict[str, int], fixed: Collection[str]) -> None:
    axes = {name: axis for name in levels if (axis := _axis(solution, name)) is not None}
    ranges = {
        name: tuple(Decimal(place) * axis.unit for place in bounds(axis, name, solution.of(name), dense=name in fixed))
        for name, axis in axes.items()
    }
    low, high = max(r[0] for r in ranges.values()), min(r[1] for r in ranges.values())
    steps = max(levels.values()) + 1
    if low >= high:
        return
    width = (high - low) / steps
    for name, level in levels.items():
        facts, axis = solution.of(name), axes[name]
        start = ranges[name][0] if level == 0 else low + width * level
        end = ranges[name][1] if level == steps - 1 else low + width * (level + 1)
        grain = axis.grain if (end - start) / axis.unit > axis.grain * 4 else 1
        facts.low = -(-axis.place(start) // grain) * grain
        facts.high = max(facts.low, axis.place(end, upwards=False) - (grain if level < steps - 1 else 0))
