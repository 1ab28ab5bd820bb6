"""The advice: gather, explore, choose, prove, and say why."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pgassay.advisor.candidates import stem
from pgassay.advisor.clock import Limits
from pgassay.advisor.drops import droppable
from pgassay.advisor.echo import with_echoes
from pgassay.advisor.foreign import with_lookups
from pgassay.advisor.ground import Ground
from pgassay.advisor.model import Advice, Candidate, Change, Query, Recommendation, Refused, Rewrite
from pgassay.advisor.proof import Case, prove, slower, surely_slower
from pgassay.advisor.proof import again as measured_again
from pgassay.advisor.rewriting import rewrites
from pgassay.advisor.search import Search
from pgassay.advisor.statistics import statistics
from pgassay.advisor.writes import write_costs
from pgassay.model import Certainty, Name
from pgassay.sql.predicates import blocks

_FEW = 200  # cases that are all proved, even if that takes half as long again
_AGAIN = 0.08  # of all time, for what takes the place of something refused
_SHARE = 0.5  # of all time, for one run of each query
_ROUNDS = 6  # of refusing what slows a query


def advise(
    ground: Ground,
    queries: Sequence[Query],
    *,
    seconds: float = 60.0,
    budget: Callable[[int], int] | None = None,
    kinds: frozenset[str] = frozenset(),
    keep_slower: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Advice:
    """Advice for a workload, proved on the ground. ``budget`` is told the heap's bytes and answers in bytes.

    The same ground and workload give the same advice, as far as measured times agree; the order of everything is fixed.
    """
    begun, began = time.monotonic(), ground.now()
    world = ground.world()
    opened = (replace(q, blocks=blocks(q.text, world.columns, world.view)) for q in queries)
    read = tuple(with_echoes(with_lookups(query, ground, world), ground, world) for query in opened)
    heap = ground.heap_bytes(world)
    allowed = budget(heap) if budget else None
    limits = Limits(deadline=began + seconds * 0.6, budget=allowed, kinds=kinds, now=ground.now)
    # Of few queries each may take long; of many, one that does is known well enough when it is cut off.
    forms = max(sum(len(q.forms) for q in read), 1)
    ground.patience = min(max(seconds * _SHARE * 1_000 / forms, 1_000.0), 10_000.0)
    search = Search(ground, world, read, limits, progress)
    search.begin()
    # Some of what the proof will take is kept for it; a small workload's may take half as long again.
    proof = sum(min(3 * f.base.cpu_ms, 1_500.0) for f in search.effects.forms if f.base and not f.base.over) / 1_000
    search.effects.limits = replace(
        limits, deadline=began + seconds * 0.8 - min(proof, seconds * 0.15), least=seconds * 0.2
    )
    if not kinds or kinds - {"drop", "rewrite", "statistics"}:
        search.gather()
        search.explore()
        progress("choosing")
        search.choose()
    cases = [Case(f.query, f.number, f.sql, f.base, f.base_cost, f.runs) for f in search.effects.forms]
    changes, recommendations, refused = _proved(
        search,
        cases,
        keep_slower,
        began + seconds * 1.05,
        began + seconds * (1.3 if len(cases) <= _FEW else 1.0),
        progress,
    )
    more: tuple[Recommendation, ...] = ()
    if not kinds or "statistics" in kinds:
        now = ground.now()
        more = statistics(search, world, cases, changes, min(began + seconds, now + seconds * 0.1), progress)
    drops: tuple[Recommendation, ...] = ()
    if not kinds or "drop" in kinds:
        progress("looking for indexes that nobody needs")
        drops = droppable(ground, world, cases, search.chosen)
    rewritten: tuple[Rewrite, ...] = ()
    if not kinds or "rewrite" in kinds:
        progress("trying other ways to ask")
        rewritten = rewrites(search, world, changes, max(began + seconds * 0.95, ground.now() + seconds * 0.15))
    progress("measuring writes")
    tables = sorted({b.candidate.table for n, b in search.effects.names.items() if n in search.chosen})
    written = write_costs(ground, world, search, tables, max(began + seconds, ground.now() + seconds * 0.05))
    return Advice(
        ground=ground.kind,
        server=ground.server.binaries.version,
        rows={str(n): s.rows or 0 for n, s in world.sizes.items()},
        queries=read,
        recommendations=(*recommendations, *more, *drops),
        changes=changes,
        refused=(*refused, *search.refused),
        rewrites=rewritten,
        writes=written,
        skipped=tuple(search.effects.skipped),
        heap_bytes=heap,
        budget=allowed,
        candidates=search.tried,
        seconds=time.monotonic() - begun,
    )


def _proved(
    search: Search,
    cases: Sequence[Case],
    keep_slower: bool,
    again_until: float,
    deadline: float,
    progress: Callable[[str], None],
) -> tuple[tuple[Change, ...], list[Recommendation], list[Refused]]:
    """Measure the chosen set; take out what slows a query, and what does not earn its keep.

    Something else is tried in the place of what went until ``again_until``.
    """
    ground, refused = search.ground, list[Refused]()
    concerned = {q for name in search.chosen for q in search.readers[search.effects.names[name].candidate.table]}
    if search.world.catalog.views:  # which tables they read is not known here
        concerned = {q.number for q in search.queries}
    changes = prove(ground, cases, search.chosen, concerned if search.chosen else (), deadline, progress)
    sure: set[tuple[int, int]] = set()
    for turn in range(_ROUNDS * 4):
        slowed = [c for c in changes if slower(c)]
        guilty = {n for c in slowed for n in c.used if n in search.chosen}
        if not guilty or keep_slower:
            break
        of = {(c.query.number, c.form): c for c in cases}
        name = min(guilty, key=lambda n: (_gains(changes, n), n))
        doubted = [c for c in slowed if name in c.used and (c.query, c.form) not in sure and not surely_slower(c)]
        sure |= {(c.query, c.form) for c in doubted}
        changes = _put(changes, [measured_again(ground, of[c.query, c.form], c, search.chosen) for c in doubted])
        slowed = [c for c in changes if slower(c) and name in c.used]
        if not slowed:
            continue
        worst = max(slowed, key=lambda c: (_loss(c), c.query, c.form))
        refused.append(
            Refused(sql=_ddl(search, name), reason=f"query {worst.query} takes {_percent(worst)} longer with it")
        )
        before = search.chosen
        search.effects.learn(worst)
        search.ban(name)
        search.chosen -= {name}
        if turn < _ROUNDS and ground.now() < again_until:
            progress("choosing again")
            soon = min(
                again_until, max(ground.now() + (again_until - search.began) * _AGAIN, search.effects.limits.deadline)
            )
            search.effects.limits = replace(search.effects.limits, deadline=soon)
            search.instead(name, soon)
            search.choose(search.chosen)
        touched = {search.effects.names[n].candidate.table for n in before ^ search.chosen}
        numbers = {q for table in touched for q in search.readers[table]}
        sure -= {(c.query, c.form) for c in changes if c.query in numbers and name in c.used}
        again = [c for c in cases if c.query.number in numbers]
        changes = _put(changes, prove(ground, again, search.chosen, concerned, deadline, progress, changes))
    for name in sorted(search.chosen):
        if not any(name in c.used for c in changes):
            refused.append(Refused(sql=_ddl(search, name), reason="measured, no query uses it"))
            search.chosen -= {name}
    built = [_recommendation(search, changes, name) for name in sorted(search.chosen)]
    recommendations = _named(search, built)
    names = {r.name: n.name for r, n in zip(built, recommendations, strict=True)}
    changes = tuple(replace(c, used=tuple(sorted(names.get(n, n) for n in c.used))) for c in changes)
    weight = {f.query.number: f.weight for f in search.effects.forms}
    recommendations.sort(key=lambda r: (-sum((g - 1) * weight.get(q, 0) for q, g in r.queries), r.sql))
    return changes, recommendations, refused


def _put(changes: Sequence[Change], fresh: Sequence[Change]) -> tuple[Change, ...]:
    """The changes, those of the same query and form replaced."""
    new = {(c.query, c.form): c for c in fresh}
    return tuple(new.get((c.query, c.form), c) for c in changes)


def _named(search: Search, found: Sequence[Recommendation]) -> list[Recommendation]:
    """Names without the numbers that told apart what was tried."""
    taken = {i.name for t in search.world.catalog.tables for i in t.indexes}
    taken |= {t.name.name for t in search.world.catalog.tables}
    named = []
    for each in found:
        candidate = search.effects.names[each.name].candidate
        name = candidate.name(taken)
        taken.add(name)
        concurrently = " CONCURRENTLY " in each.sql
        undo = each.undo.removesuffix(str(Name(each.table.schema, each.name))) + str(Name(each.table.schema, name))
        candidate = replace(candidate, unique=" UNIQUE " in each.sql[:15])
        named.append(replace(each, sql=candidate.ddl(name, concurrently=concurrently), undo=undo, name=name))
    return named


def _is_unique(search: Search, candidate: Candidate) -> bool:
    """Whether the rows, all of production's, have no key twice, and some query looks up by the whole key."""
    ground = search.ground
    if ground.kind != "copied" or candidate.method != "btree" or len(candidate.keys) > 2:
        return False
    keys = {stem(k) for k in candidate.keys}
    looked = False
    for query in search.queries:
        for block in query.blocks:
            for n, ref in enumerate(block.tables):
                known = search.world.table(ref.name)
                if known is not None and known.name == candidate.table:
                    equal = {stem(u.key.text) for u in block.uses if u.table == n and u.kind in ("equal", "in")}
                    looked = looked or keys <= equal
    if not looked:
        return False
    listed, where = ", ".join(stem(k) for k in candidate.keys), f" WHERE {candidate.where}" if candidate.where else ""
    rows = ground.rows(f"SELECT count(*), count(DISTINCT ({listed})) FROM {candidate.table}{where}")
    return bool(rows and rows[0][0] == rows[0][1] and int(rows[0][0]) > 1)


def _gains(changes: Sequence[Change], name: str) -> float:
    return sum(c.gain for c in changes if name in c.used)


def _loss(change: Change) -> float:
    if change.before is None or change.after is None:
        return change.cost_after / max(change.cost_before, 1e-9)
    return change.after.cpu_ms / max(change.before.cpu_ms, 1e-6)


def _percent(change: Change) -> str:
    if change.before is None or change.after is None or change.after.over:
        return f"{100 * (change.cost_after / max(change.cost_before, 1e-9) - 1):.0f} % (by the planner)"
    ratio = max(
        change.after.cpu_ms / max(change.before.cpu_ms, 1e-6), change.after.buffers / max(change.before.buffers, 1)
    )
    return f"{100 * (ratio - 1):.0f} %"


def _ddl(search: Search, name: str) -> str:
    return search.effects.names[name].candidate.ddl(name)


def _recommendation(search: Search, changes: Sequence[Change], name: str) -> Recommendation:
    made = search.effects.names[name]
    candidate = made.candidate
    served: dict[int, float] = {}
    proved = True
    for change in changes:
        if name in change.used:
            served[change.query] = max(served.get(change.query, 0.0), change.gain)
            proved = proved and change.certainty is Certainty.PROVED
    numbers = ", ".join(str(q) for q in sorted(served))
    reason = f"{'queries' if len(served) > 1 else 'query'} {numbers}"
    notes = []
    if candidate.where:
        notes.append("serves only queries that repeat its condition with the same constants")
    if _is_unique(search, candidate):
        if "unique" in search.effects.limits.kinds:
            candidate = replace(candidate, unique=True)
            notes.append("unique: no two rows of the ground have the same key; writers that would make such rows fail")
        else:
            notes.append("no two rows of the ground have the same key: it could be a UNIQUE index")
    for extension in (candidate.extension or "").split(","):
        if extension:
            notes.append(f"needs the extension {extension}")
    before = tuple(f"CREATE EXTENSION IF NOT EXISTS {e}" for e in (candidate.extension or "").split(",") if e)
    known = {e.name for e in search.world.catalog.extensions}
    before = tuple(b for b in before if b.rsplit(" ", 1)[1] not in known)
    table = search.world.catalog.table(candidate.table)
    partitioned = table is not None and table.kind == "partitioned table"
    if partitioned:
        notes.append("on a partitioned table CONCURRENTLY is not possible: build it on each partition first")
    return Recommendation(
        kind="create index",
        sql=candidate.ddl(name, concurrently=not partitioned),
        undo=f"DROP INDEX {'' if partitioned else 'CONCURRENTLY '}{Name(candidate.table.schema, name)}",
        table=candidate.table,
        certainty=Certainty.PROVED if proved else Certainty.COMPUTED,
        reason=reason,
        index_kind=candidate.kind,
        name=name,
        bytes=made.bytes,
        build_ms=made.ms,
        before=before,
        after=(f"ANALYZE {candidate.table}",) if any("(" in key for key in candidate.keys) else (),
        queries=tuple(sorted(served.items())),
        notes=tuple(notes),
    )
