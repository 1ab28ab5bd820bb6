"""Other ways to ask, tried on the ground: kept where they return the same rows and take clearly less work.

A rewrite is judged with the chosen indexes, and with those that it could use itself; what it needs beyond is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pgassay.advisor.candidates import World
from pgassay.advisor.model import Change, Measure, Query, Rewrite
from pgassay.advisor.search import Search
from pgassay.server import StatementError
from pgassay.sql.alternatives import STAR, Alternative, alternatives
from pgassay.sql.normalise import fill
from pgassay.sql.predicates import blocks

_BETTER, _WORSE = math.log(1.3), math.log(1.1)
_LEAST = 2.0  # milliseconds or …
_LEAST_PAGES = 40  # … pages below which nobody rewrites a query
_COMPARED = 20_000  # rows


class _Types:
    """A column's base type by its bare name, where all tables of the query agree."""

    def __init__(self, bases: Mapping[str, str | None]) -> None:
        self.bases = bases

    def __call__(self, column: str) -> str | None:
        return self.bases.get(column)


def rewrites(search: Search, world: World, changes: Sequence[Change], deadline: float) -> tuple[Rewrite, ...]:
    """The rewrites worth telling. ``changes`` say what the queries take with the chosen indexes."""
    found = []
    known = {(c.query, c.form): c.after for c in changes if c.after is not None}
    left = {
        q.number: max((m.work for (n, _), m in known.items() if n == q.number), default=0.0) for q in search.queries
    }
    for query in sorted(search.queries, key=lambda q: (-left[q.number], q.number)):
        if query.writes or search.ground.now() > deadline:
            continue
        best: Rewrite | None = None
        for alternative in alternatives(query.text, _types(query, world)):
            if alternative.rule == STAR and best is not None:  # less is worth little beside the same
                continue
            one = _tried(search, world, query, alternative, known, deadline)
            if one is not None and (best is None or one.gain > best.gain):
                best = one
        if best is not None:
            found.append(best)
    return tuple(sorted(found, key=lambda r: r.query))


def _types(query: Query, world: World) -> _Types:
    bases: dict[str, str | None] = {}
    for block in query.blocks:
        for ref in block.tables:
            table = world.table(ref.name)
            for column in table.columns if table else ():
                bases[column.name] = column.base if bases.get(column.name, column.base) == column.base else None
    return _Types(bases)


def _tried(
    search: Search,
    world: World,
    query: Query,
    alternative: Alternative,
    known: Mapping[tuple[int, int], Measure],
    deadline: float,
) -> Rewrite | None:
    """The rewrite, where it takes clearly less for some parameters, more for none, and returns the same for all."""
    ground = search.ground
    pairs: list[tuple[str, str]] = []
    numbers: list[int] = []
    try:
        for number, original in enumerate(query.forms):
            ways = {a.rule: a for a in alternatives(original, _types(query, world))}
            form = ways.get(alternative.rule)
            sql = _filled(search, form) if form else None
            if sql is not None:
                pairs.append((original, sql))
                numbers.append(number)
        if not pairs:
            return None
        ground.only(search.chosen)
        before = [
            known.get((query.number, number)) or ground.measure(original, times=2)
            for number, (original, _) in zip(numbers, pairs, strict=True)
        ]
        heaviest = max(range(len(pairs)), key=lambda n: (before[n].work, -n))
        if before[heaviest].cpu_ms < _LEAST and before[heaviest].buffers < _LEAST_PAGES:
            return None
        on, needs = _indexes(search, world, query, pairs[heaviest][1], deadline)
        ground.only(on)
        limits = [max(one.cpu_ms * (1 if one.over else 2), 250.0) for one in before]
        after = [ground.measure(sql, limit_ms=m, times=2) for (_, sql), m in zip(pairs, limits, strict=True)]
        if after[heaviest].over or before[heaviest].work - after[heaviest].work < _BETTER:
            return None
        if any(a.over or a.work - b.work > _WORSE for a, b in zip(after, before, strict=True)):
            return None
        if alternative.rule == STAR:  # fewer columns cannot be the same rows
            same = None if all(a.rows == b.rows for a, b in zip(after, before, strict=True)) else False
        else:
            found = [_same(search, original, sql, b) for (original, sql), b in zip(pairs, before, strict=True)]
            same = False if False in found else None if None in found else True
    except StatementError:
        return None
    if same is False:
        return None
    return Rewrite(
        query=query.number,
        rule=alternative.rule,
        why=alternative.why,
        sql=alternative.sql,
        same=same,
        before=before[heaviest],
        after=after[heaviest],
        needs=needs,
    )


def _filled(search: Search, form: Alternative) -> str | None:
    """The rewritten text with the values that its probe finds."""
    if form.probe is None:
        return form.sql
    found = search.ground.rows(form.probe)
    return fill(form.sql, found[0]) if found else None


def _indexes(
    search: Search, world: World, query: Query, sql: str, deadline: float
) -> tuple[frozenset[str], tuple[str, ...]]:
    """The chosen indexes, and what the rewritten query wants beyond."""
    rewritten = replace(query, text=sql, forms=(sql,), blocks=blocks(sql, world.columns, world.view))
    limits = replace(
        search.effects.limits,
        deadline=deadline,
        budget=None,
        least=0.0,
        kinds=search.effects.limits.kinds - {"rewrite", "drop", "statistics"},
    )
    own = Search(search.ground, world, [rewritten], limits, lambda _: None)
    own.begin()
    own.gather()
    search.effects.names |= own.effects.names
    own.effects.names = {**search.effects.names, **own.effects.names}
    for name in search.chosen:
        own.effects.serves.setdefault(name, {query.number})
    own.explore()
    on = own.choose(frozenset(search.chosen))
    search.ground.only(on)
    used = search.ground.used(search.ground.plan(sql)) - search.chosen
    needs = tuple(own.effects.names[n].candidate.ddl(own.effects.names[n].candidate.name(())) for n in sorted(used))
    return frozenset(search.chosen | used), needs


def _same(search: Search, one: str, other: str, measured: Measure) -> bool | None:
    """Whether both return the same rows, in whatever order; None where there are too many to say."""
    if measured.rows > _COMPARED or measured.over:
        return None
    found = [search.ground.rows(sql, max(measured.cpu_ms * 5, 2_000.0)) for sql in (one, other)]
    if found[0] is None or found[1] is None:
        return None
    return _sorted(found[0]) == _sorted(found[1])


def _sorted(rows: Sequence[Sequence[object]]) -> list[str]:
    return sorted(map(repr, rows))
