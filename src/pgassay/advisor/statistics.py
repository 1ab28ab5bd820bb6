"""CREATE STATISTICS where columns go together and the planner, not knowing it, takes a plan that costs more
(manual, chapter 14.2.2). Tried on the ground: created, analysed, planned, run, rolled back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from pgassay.advisor.candidates import World
from pgassay.advisor.model import Change, Measure, Query, Recommendation
from pgassay.advisor.proof import Case, shape
from pgassay.advisor.search import Search
from pgassay.catalog import Table
from pgassay.model import Certainty, Name, quote
from pgassay.server import StatementError

_MOST_COLUMNS = 4
_BETTER, _WORSE = math.log(1.3), math.log(1.05)
_LEAST = 1.0  # milliseconds, below which a better plan is no matter
_MOST = 500.0  # milliseconds, above which a query is not run for this
# A list of common combinations, where it is too short to have most of them, hides what dependencies would tell.
_KINDS = ("", " (ndistinct, dependencies)")
_COMPARED = frozenset({"equal", "in", "range", "null", "not null", "true", "false"})

_Wanted = tuple[Name, tuple[str, ...]]


def statistics(
    search: Search,
    world: World,
    cases: Sequence[Case],
    changes: Sequence[Change],
    deadline: float,
    say: Callable[[str], None],
) -> tuple[Recommendation, ...]:
    """Those extended statistics that make some query of the workload clearly quicker and none slower.

    ``changes`` say what the queries take with the chosen indexes.
    """
    wanted: dict[_Wanted, None] = {}
    quick = {c.query: c.after.cpu_ms < _LEAST for c in changes if c.after is not None}
    quick |= {c.query: False for c in changes if c.after is not None and c.after.cpu_ms >= _LEAST}
    for query in search.queries:
        if quick.get(query.number):
            continue
        for each in _together(query, world):
            wanted[each] = None
    known = {(s.table, _columns(s.definition)) for s in world.catalog.statistics}
    found = []
    taken = {s.name.name for s in world.catalog.statistics}
    search.ground.only(search.chosen)
    for table, columns in sorted(wanted, key=lambda w: (str(w[0]), w[1])):
        if search.ground.now() > deadline:
            break
        if (table, frozenset(columns)) in known:
            continue
        say(f"trying statistics on {table}")
        concerned = [c for c in cases if c.query.number in search.readers[table] and not _long(c)]
        for kinds in _KINDS:
            gains = _tried(search, table, columns, kinds, concerned)
            if gains and max(gains.values()) >= _BETTER and min(gains.values()) >= -_WORSE:
                served = {q: math.exp(g) for q, g in gains.items() if g > _WORSE}
                found.append(_recommended(table, columns, kinds, served, taken))
                break
    return tuple(found)


def _long(case: Case) -> bool:
    return case.base is None or case.base.over or case.base.cpu_ms > _MOST


def _together(query: Query, world: World) -> Iterator[_Wanted]:
    """Columns of one table that a query compares with constants, or groups by, together."""
    for block in query.blocks:
        for position, ref in enumerate(block.tables):
            table = world.table(ref.name)
            if table is None or world.tiny(table) or table.kind == "foreign table":
                continue
            uses = [u for u in block.uses if u.table == position and u.arm is None and u.other is None]
            compared = {u.key.column for u in uses if u.kind in _COMPARED and u.key.column}
            grouped = [{o.key.column for o in order if o.key.column} for order in block.orders if order[0].free]
            for columns in (compared, *(g for g in grouped)):
                plain = sorted(c for c in columns if c is not None and _fit(table, c))
                if 2 <= len(plain) <= _MOST_COLUMNS:
                    yield table.name, tuple(plain)


def _fit(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.generated != "virtual" and column.base not in ("json", "xml", "point")


def _columns(definition: str) -> frozenset[str]:
    listed = definition.partition(" ON ")[2].rpartition(" FROM ")[0]
    return frozenset(part.strip().strip('"') for part in listed.split(","))


def _tried(
    search: Search, table: Name, columns: tuple[str, ...], kinds: str, cases: Sequence[Case]
) -> dict[int, float] | None:
    """By query, the logarithm of how much better its worst set of parameters becomes; None where nothing changes."""
    ground = search.ground
    try:
        before = {id(c): ground.plan(c.sql) for c in cases}
        with ground.session.rolled_back():
            listed = ", ".join(map(quote, columns))
            ground.session.run(f"CREATE STATISTICS pgassay_statistics{kinds} ON {listed} FROM {table}; ANALYZE {table}")
            changed = [c for c in cases if shape(ground.plan(c.sql)) != shape(before[id(c)])]
            after = {id(c): ground.measure(c.sql, times=3) for c in changed}
        gains: dict[int, float] = {}
        for case in changed:
            was = ground.measure(case.sql, times=3)
            gain = _gain(was, after[id(case)])
            gains[case.query.number] = min(gains.get(case.query.number, gain), gain)
    except StatementError:
        return None
    return gains or None


def _gain(before: Measure, after: Measure) -> float:
    if max(before.cpu_ms, after.cpu_ms) < _LEAST:
        return 0.0
    return before.work - after.work


def _recommended(
    table: Name, columns: tuple[str, ...], kinds: str, served: dict[int, float], taken: set[str]
) -> Recommendation:
    stem = "_".join([table.name, *columns])[:58]
    name = next(n for n in (f"{stem}_stat", *(f"{stem}_st{k}" for k in range(2, 999))) if n not in taken)
    taken.add(name)
    whole = Name(table.schema, name)
    numbers = f"{'queries' if len(served) > 1 else 'query'} {', '.join(str(q) for q in sorted(served))}"
    return Recommendation(
        kind="create statistics",
        sql=f"CREATE STATISTICS {whole}{kinds} ON {', '.join(map(quote, columns))} FROM {table}",
        after=(f"ANALYZE {table}",),
        undo=f"DROP STATISTICS {whole}",
        table=table,
        certainty=Certainty.PROVED,
        reason=f"the columns go together, and {numbers} planned without knowing it",
        name=name,
        queries=tuple(sorted(served.items())),
        notes=("takes effect with the next ANALYZE",),
    )
