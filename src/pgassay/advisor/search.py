"""Which of the candidates together: planned with PostgreSQL's planner, priced by runs on the ground.

What a set of indexes does to a query is known by the plan: the indexes that it uses. Each such plan is run once and
remembered, so that the search costs one EXPLAIN a step and few runs. Gains are logarithms of ratios, weighted half by
query and half by time, less what the index costs in space and in writes.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event

from pgassay.advisor.candidates import World, candidates, stem, unkeyed
from pgassay.advisor.ground import Ground, cost
from pgassay.advisor.model import Built, Candidate, Change, Measure, Query, Refused
from pgassay.advisor.screening import screened
from pgassay.model import Name, quote
from pgassay.server import StatementError
from pgassay.sql.predicates import Block

Progress = Callable[[str], None]

_WORTH = 0.12  # a set must make some query at least so much better (logarithm): 13 %
_SPACE = 4.0  # an index as large as all heaps must make one average query so much better (logarithm)
_STEADY = 0.15  # bonus of an index that stays as quick however many rows match before the LIMIT
_NARROW = 0.15  # price of an index for one value of many like it: other values are asked for, too
_SLOWER, _SURELY = 0.08, 0.2  # logarithms: what may be noise is left to the proof
_DOUBTFUL, _FINE = 0.3, 5.0
_SHORTEST = 100.0  # milliseconds for a run, at least
_LEAST = 500.0  # milliseconds for a query as it is, at least
_WORSE = 1.4  # times as long as without any index, from which on nothing more need be known
_DEAR = 20.0  # milliseconds: a query that takes longer is run only with what is about to be chosen
_SCREENING = 0.4  # of the time, the most for planning with candidates on a ghost
_TURNS = 40  # of choosing and running
_SEVERAL = 30  # sets of parameters, above which each is run twice, not up to five times, as it is
_ONE_OF_ALL = 0.3  # of the time that is left for all queries as they are, the most for one
_ALIKE = 0.15  # logarithm: so much worse a query may get by an index that does the work of two
_CLEAR_CPU, _CLEAR_MS, _CLEAR_SHARE, _CLEAR_PAGES = 0.2, 0.3, 0.3, 8  # what an index-only scan must save
_ROOM = 3.0  # times that a gain may be larger than the planner says
_LONG = 4_000.0  # milliseconds of all queries together, from which on few candidates of each are built
_KEPT = 4
_RUNS = 6  # of each query that the search is likely to need
_MANY = 200  # queries, above which not all of them are run before the search
_SMALL = 64 * 2**20  # bytes of heap below which space is no matter
_HOPEFUL = 0.5  # of its cost a query that was cut off must lose before it is run again
_TRUST = 0.1  # weight of the planner's word beside a measurement: it decides between what measures alike
_UPKEEP = {"brin": 0.05, "gin": 0.8, "gist": 0.8, "hash": 0.3, "btree": 0.25}  # share of an INSERT's own work


@dataclass(frozen=True, slots=True)
class Limits:
    """``deadline`` on the clock ``now``; ``budget`` in bytes of new indexes; ``kinds`` of indexes to try.

    ``least``: seconds for building candidates even where the deadline is near: without any there is no advice.
    """

    deadline: float
    budget: int | None = None
    kinds: frozenset[str] = frozenset()
    least: float = 0.0
    now: Callable[[], float] = time.monotonic

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.now() > self.deadline


@dataclass(frozen=True, slots=True)
class Ask:
    """What a query asks of a table, in short. ``keys`` it compares or sorts by; ``wanted`` columns, None for all."""

    query: int
    keys: frozenset[str]
    columns: frozenset[str]
    wanted: frozenset[str] | None

    @classmethod
    def of(cls, query: int, block: Block, position: int) -> Ask:
        """That of one table of a block."""
        keys = [u.key for u in block.uses if u.table == position]
        keys += [o.key for order in block.orders for o in order if o.table == position]
        columns = frozenset(c for key in keys for c in key.columns)
        return cls(query, frozenset(stem(k.text) for k in keys), columns, block.columns[position])

    def could_use(self, candidate: Candidate) -> bool:
        """Whether a plan of the query might use an index: to find or to order rows, or instead of the table."""
        if not set(candidate.conditions) <= self.columns:
            return False
        if any(stem(key) in self.keys for key in candidate.keys[:2]):
            return True
        return self.wanted is not None and self.wanted <= {*candidate.columns, *candidate.include}


@dataclass(slots=True)
class _Form:
    """One query with one set of parameters. ``known``: what a plan, named by its indexes, took."""

    query: Query
    number: int
    sql: str
    weight: float = 0.0
    base: Measure | None = None
    base_cost: float = 1.0
    known: dict[frozenset[str], float] = field(default_factory=dict)
    runs: dict[frozenset[str], Measure] = field(default_factory=dict)
    broken: dict[frozenset[tuple[Name, str]], float] = field(default_factory=dict)  # promises
    plans: dict[frozenset[str], tuple[frozenset[str], float]] = field(default_factory=dict)
    spent: float = 0.0  # seconds of runs


class Search:
    """One search on one ground. ``chosen`` grows and shrinks; ``refused`` says what was tried in vain."""

    def __init__(
        self, ground: Ground, world: World, queries: Sequence[Query], limits: Limits, progress: Progress
    ) -> None:
        self.ground, self.world, self.queries, self.limits, self.say = ground, world, queries, limits, progress
        self.forms: list[_Form] = []
        self.skipped: list[tuple[str, str]] = []
        self.refused: list[Refused] = []
        self.chosen: frozenset[str] = frozenset()
        self.names: dict[str, Built] = {}
        self.serves: dict[str, set[int]] = {}  # queries that could use it
        self.meant: dict[str, set[int]] = {}  # queries that it was thought of for
        self.ordered: set[tuple[int, str]] = set()  # queries whose LIMIT it serves in order
        self.readers: dict[Name, set[int]] = defaultdict(set)
        self.asked: dict[Name, list[Ask]] = defaultdict(list)
        self.moves: dict[frozenset[str], float] = {}  # and the gain that the planner promises
        self.heap = max(ground.heap_bytes(world), _SMALL)
        self.spare: dict[int, list[Candidate]] = {}  # candidates of a query that were not built
        self.began = self.ground.now()
        self.wanted: dict[int, list[Candidate]] = {}  # of each query, all candidates,
        self.kept: dict[int, list[Candidate]] = {}  # and those that deserve to be built
        self.banned: set[str] = set()
        self.tried = 0
        self.allowance = 1.0  # seconds that the runs of one query may take

    # before anything

    def begin(self) -> None:
        """Plan and run every query as things are; beside that, find the candidates that deserve to be built.

        What cannot be planned is skipped, by name.
        """
        self._plan_all()
        self.wanted = {q.number: self._wanted(q) for q in self.queries}
        until, stopped = self.ground.now() + self._left() * _SCREENING, Event()
        with ThreadPoolExecutor(1) as beside:
            screening = beside.submit(
                screened, self.ground, self.world, self.queries, self.wanted, until, stopped.is_set
            )
            try:
                self._measure_all()
            except BaseException:
                stopped.set()
                raise
            self.say("planning with the candidates on a ghost")
            self.kept = screening.result()
        self._weigh()
        for query in self.queries:
            for block in query.blocks:
                for position, ref in enumerate(block.tables):
                    known = self.world.table(ref.name)
                    if known is not None:
                        self.readers[known.name].add(query.number)
                        self.asked[known.name].append(Ask.of(query.number, block, position))
        for form in self.forms:
            form.known[frozenset()] = form.base.work if form.base else math.log(max(form.base_cost, 0.01))

    def _left(self) -> float:
        """Seconds until the deadline."""
        return max(self.limits.deadline - self.ground.now(), 0.0)

    def _plan_all(self) -> None:
        for query in self.queries:
            for number, sql in enumerate(query.forms):
                form = _Form(query, number, sql)
                try:
                    form.base_cost = cost(self.ground.plan(sql))
                    self.forms.append(form)
                except StatementError as error:
                    self.skipped.append((query.text, error.report.message))

    def _measure_all(self) -> None:
        until = self.ground.now() + self._left() * (0.25 if len(self.forms) > _MANY else 0.6)
        # The cheapest first: what a slow one takes is at nobody's expense.
        for n, form in enumerate(sorted(self.forms, key=lambda f: f.base_cost)):
            left = until - self.ground.now()
            if left < 0:  # the rest by the planner's word
                break
            self.say(f"measuring query {n + 1} of {len(self.forms)} as it is")
            try:
                form.base = self.ground.measure(form.sql, limit_ms=max(left * _ONE_OF_ALL * 1_000, _LEAST))
                if form.base.cpu_ms < 100 and not form.base.over:
                    again = self.ground.measure(form.sql, times=_runs(form.base) if len(self.forms) <= _SEVERAL else 1)
                    form.base = min(form.base, again, key=lambda m: m.work)
            except StatementError as error:
                self.skipped.append((form.query.text, f"it fails when run: {error.report.message}"))
        self.allowance = self._left() / max(len(self.forms), 1)

    def _weigh(self) -> None:
        counts: dict[int, int] = defaultdict(int)
        for form in self.forms:
            counts[form.query.number] += 1
        time_of = {
            id(f): f.query.calls * (f.base.cpu_ms if f.base else f.base_cost / 100) / counts[f.query.number]
            for f in self.forms
        }
        total = sum(time_of.values()) or 1.0
        for form in self.forms:
            form.weight = 0.5 / len(counts) / counts[form.query.number] + 0.5 * time_of[id(form)] / total

    # candidates

    def gather(self) -> None:
        """Build the candidates on the ground, the likeliest of every query first."""
        for table, column in sorted({each for q in self.queries for each in unkeyed(q, self.world)}):
            self.refused.append(
                Refused(
                    sql=f"CREATE INDEX ON {table} ({quote(column)})",
                    reason="its values are long: one of more than 2,704 bytes would make its INSERT fail",
                )
            )
        kept = self.kept
        self.spare = {n: [c for c in found if c not in kept[n][:_KEPT]] for n, found in self.wanted.items()}
        if sum(f.base.cpu_ms for f in self.forms if f.base) > _LONG:
            kept = {n: found[:_KEPT] for n, found in kept.items()}
        heavy: dict[int, float] = defaultdict(float)
        for form in self.forms:
            heavy[form.query.number] += form.weight
        # What takes most is served first: there may not be time for all.
        lists = [
            (q, kept[q.number]) for q in sorted(self.queries, key=lambda q: (-round(heavy[q.number], 2), q.number))
        ]
        left = self._left()
        # Where queries take long, so does finding out what an index does to them.
        runs = _RUNS * sum(f.base.cpu_ms / 1_000 for f in self.forms if f.base and not f.base.over)
        share = min(max(1 - runs / left, 0.4), 0.7) if left else 0.0
        until = self.ground.now() + max(left * share, self.limits.least)
        order: dict[Candidate, set[int]] = {}
        steady: dict[Candidate, set[int]] = defaultdict(set)
        for rank in range(max((len(found) for _, found in lists), default=0)):
            for query, found in lists:
                if rank < len(found):
                    order.setdefault(found[rank], set()).add(query.number)
                    if found[rank].ordered:
                        steady[found[rank]].add(query.number)
        self._build(order, steady, until)

    def _wanted(self, query: Query) -> list[Candidate]:
        kinds = self.limits.kinds
        return [c for c in candidates(query, self.world) if not kinds or c.kind in kinds]

    def _build(
        self, order: Mapping[Candidate, Collection[int]], steady: Mapping[Candidate, Collection[int]], until: float
    ) -> None:
        """Build candidates for the queries that they were thought of for, until the time is up."""
        fresh: set[Name] = set()
        many = len(order)
        for candidate, made in self.ground.build_all(
            list(order), until, lambda done: self.say(f"building candidate {done + 1} of {many}")
        ):
            self.tried += 1
            if isinstance(made, str):
                self.refused.append(Refused(sql=candidate.ddl("…"), reason=made))
                continue
            self.names[made.name] = made
            self.meant.setdefault(made.name, set()).update(order[candidate])
            able = {ask.query for ask in self.asked[candidate.table] if ask.could_use(candidate)}
            self.serves[made.name] = able | self.meant[made.name]
            self.ordered.update((number, made.name) for number in steady.get(candidate, ()))
            if any("(" in key for key in candidate.keys):
                fresh.add(candidate.table)
        for table in sorted(fresh):
            self.say(f"analysing {table}")
            self.ground.analyse(table)

    # what a set does

    def serving(self, name: str) -> set[int]:
        """The queries that could use an index: any, of one that another search has built."""
        return self.serves[name] if name in self.serves else {form.query.number for form in self.forms}

    def planned(self, form: _Form, on: frozenset[str]) -> tuple[frozenset[str], float]:
        """The candidates that a plan uses where these are there, and its cost."""
        relevant = frozenset(n for n in on if form.query.number in self.serving(n))
        if relevant not in form.plans:
            self.ground.only(relevant)
            try:
                plan = self.ground.plan(form.sql)
                form.plans[relevant] = (self.ground.used(plan), cost(plan))
            except StatementError:
                form.plans[relevant] = (frozenset(), form.base_cost)
        return form.plans[relevant]

    def work(self, form: _Form, on: frozenset[str]) -> float:
        """The logarithm of the work of a query where these candidates are there: measured, else by the planner.

        What runs long is measured only once it is about to be chosen (``settle``).
        """
        used, planned = self.planned(form, on)
        if not used:
            return form.known[frozenset()]
        if used not in form.known and not self._dear(form):
            form.known[used] = self._run(form, used, planned)
        promised = self._promised(form, planned)
        if used in form.known:
            found = (1 - _TRUST) * form.known[used] + _TRUST * promised
        else:
            found = promised + form.broken.get(self._sort(used), 0.0)
        if any(self.names[name].candidate.narrow for name in used):
            found = min(found + _NARROW, form.known[frozenset()])
        return found - (_STEADY if any((form.query.number, name) in self.ordered for name in used) else 0.0)

    def _dear(self, form: _Form) -> bool:
        return form.base is not None and form.base.cpu_ms > _DEAR

    def _sort(self, used: frozenset[str]) -> frozenset[tuple[Name, str]]:
        """Which sort of indexes a plan uses, whatever else they hold: by table and first key."""
        candidates = (self.names[name].candidate for name in used)
        return frozenset((c.table, stem(c.keys[0])) for c in candidates)

    def settle(self, on: frozenset[str]) -> bool:
        """Run what has not been run with a set that is about to be chosen; whether there was any such query.

        What falls short of the planner's promise lessens the promises of plans like it.
        """
        fresh = []
        for form in self.forms:
            used, planned = self.planned(form, on)
            if used and used not in form.known and not self.limits.over:
                fresh.append((form, used, planned))
        for n, (form, used, planned) in enumerate(fresh):
            if self.limits.over:
                break
            self.say(f"running what was chosen: {n + 1} of {len(fresh)}")
            form.known[used] = self._run(form, used, planned)
            short = form.known[used] - self._promised(form, planned)
            sort = self._sort(used)
            form.broken[sort] = max(short, form.broken.get(sort, short))
        return bool(fresh)

    def _promised(self, form: _Form, planned: float) -> float:
        """The work that the planner promises, on the scale of the measured one."""
        return form.known[frozenset()] + math.log(max(planned, 0.01) / max(form.base_cost, 0.01))

    def _run(self, form: _Form, used: frozenset[str], planned: float) -> float:
        base = form.known[frozenset()]
        promised = self._promised(form, planned)
        if form.base is None or (form.query.writes and planned > 10_000):
            return promised
        if self.limits.over or form.spent > self.allowance:
            return promised
        if form.base.over and planned > form.base_cost * _HOPEFUL:
            return promised
        self.ground.only(used)
        began = self.ground.now()
        limit = max(form.base.cpu_ms * (1 if form.base.over else _WORSE), _SHORTEST)
        try:
            found = self.ground.measure(form.sql, limit_ms=limit)
            if not found.over and _SLOWER / 2 < found.work - base < 5 * _SLOWER:  # it decides, so it must be sure
                again = self.ground.measure(form.sql, limit_ms=limit)
                found = min(found, again, key=lambda m: m.work)
            elif not found.over and found.cpu_ms < 50:
                found = self.ground.measure(form.sql, limit_ms=limit, times=_runs(found))
        except StatementError:
            return base + 1.0
        finally:
            form.spent += self.ground.now() - began
        form.runs[used] = found
        if found.over and form.base.over:
            return promised
        return base + 1.0 if found.over else found.work

    def total(self, on: frozenset[str], numbers: Collection[int] | None = None) -> float:
        """The weighted work of all queries (or of some), and the price of the indexes."""
        forms = [f for f in self.forms if numbers is None or f.query.number in numbers]
        return sum(f.weight * self.work(f, on) + self._harm(f, on) for f in forms)

    def _harm(self, form: _Form, on: frozenset[str]) -> float:
        """The price of making a query slower than it was: so high that only another set of indexes will do."""
        lost = self.work(form, on) - form.known[frozenset()]
        if lost <= _SLOWER:
            return 0.0
        return (_FINE if lost > _SURELY else _DOUBTFUL) + 2.0 * lost

    def price(self, on: Collection[str]) -> float:
        """What indexes cost: space, and upkeep by the workload's writes."""
        space = sum(self.names[n].bytes for n in on) / self.heap * _SPACE / max(len(self.queries), 1)
        return space + sum(self._upkeep(table, on) for table in {self.names[n].candidate.table for n in on})

    def _upkeep(self, table: Name, on: Collection[str]) -> float:
        mine = [self.names[n].candidate for n in on if self.names[n].candidate.table == table]
        known = self.world.catalog.table(table)
        there = len(known.indexes) if known else 0
        found = 0.0
        for form in self.forms:
            if not form.query.writes or (not form.query.blocks and form.query.kind != "insert"):
                continue
            if self._target(form.query) != table:
                continue
            load = 0.0
            for each in mine:
                share = 0.3 if each.where else 1.0
                load += _UPKEEP[each.method] * share * self._touches(form.query, each)
            found += form.weight * math.log1p(load / (1 + 0.25 * there))
        return found

    def _target(self, query: Query) -> Name | None:
        known = self.world.table(query.target) if query.target else None
        return known.name if known else None

    def _touches(self, query: Query, candidate: Candidate) -> float:
        """How much of the upkeep a statement causes: an UPDATE of no indexed column may stay on its page (HOT)."""
        if query.kind == "update" and query.blocks and query.blocks[0].written:
            held = {*candidate.columns, *candidate.include}
            return 2.0 if held & set(query.blocks[0].written) else 0.1
        return 1.0 if query.kind != "delete" else 0.2

    # the search

    def explore(self, numbers: Collection[int] | None = None) -> None:
        """For each query: what the planner takes with all candidates, with each alone, and without the best ones."""
        for n, form in enumerate(self.forms):
            if self.limits.over and n >= _MANY:
                return
            mine = frozenset(name for name, meant in self.meant.items() if form.query.number in meant) - self.banned
            if not mine or (numbers is not None and form.query.number not in numbers):
                continue
            self.say(f"query {n + 1} of {len(self.forms)}: {len(mine)} candidates")
            left = mine
            for _ in range(6):
                used, planned = self.planned(form, left)
                if not used or planned > form.base_cost * 0.999:
                    break
                self._promise(form, used, planned)
                left -= used
            for name in sorted(mine):
                if self.limits.over:
                    break
                used, planned = self.planned(form, frozenset({name}))
                if used and planned < form.base_cost * 0.98:
                    self._promise(form, used, planned)

    def _promise(self, form: _Form, used: frozenset[str], planned: float) -> None:
        gain = form.weight * math.log(max(form.base_cost, 0.01) / max(planned, 0.01))
        self.moves[used] = self.moves.get(used, 0.0) + gain

    def choose(self, start: frozenset[str] = frozenset()) -> frozenset[str]:
        """The best set found within budget and time: greedy by gain and by gain a byte, then polished."""
        best, value = start, 0.0
        for _ in range(_TURNS):
            found = self._best(start)
            fresh = self.settle(found)
            if self.limits.over:  # the best of what was measured; if there is none, the proof decides
                best = best if value > 0 else found
                break
            gained = self.gain(start, found)
            if gained > value:
                best, value = found, gained
            if not fresh:
                break
        self.chosen = self._narrowed(self._merged(best))
        self.settle(self.chosen)
        return self.chosen

    def _best(self, start: frozenset[str]) -> frozenset[str]:
        best, value = start, 0.0
        ways = [False, True] if self.limits.budget is not None else [False]
        for by_size in ways:
            found = self._polished(self._greedy(start, by_size=by_size))
            gained = self.gain(start, found)
            # Where the time is up much of this is the planner's word: the proof decides.
            if gained > value or (best == start and self.limits.over):
                best, value = found, gained
        return best

    def _merged(self, on: frozenset[str]) -> frozenset[str]:
        """One index in the place of two that differ but in what they carry along, where it does nearly the same."""
        for one, other in itertools.combinations(sorted(on), 2):
            if self.limits.over or not {one, other} <= on:
                continue
            a, b = self.names[one].candidate, self.names[other].candidate
            if _bare(a) != _bare(b) or a.method != "btree":
                continue
            include = tuple(sorted({*a.include, *b.include}))
            union = replace(a, include=include, columns=tuple(dict.fromkeys((*a.columns, *b.columns))), kind=b.kind)
            held = next((n for n in (one, other) if self.names[n].candidate.include == include), None)
            if held is None:
                self.say(f"merging two indexes of {a.table}")
                self._build(
                    {union: self.meant.get(one, set()) | self.meant.get(other, set())}, {}, self.limits.deadline
                )
                held = self.ground.built[union].name if union in self.ground.built else None
            if held is None or held not in self.names:
                continue
            changed = (on - {one, other}) | {held}
            forms = [f for f in self.forms if f.query.number in self.serving(one) | self.serving(other)]
            if self._fits(changed) and all(self.work(f, changed) - self.work(f, on) < _ALIKE for f in forms):
                on = changed
        return on

    def _narrowed(self, on: frozenset[str]) -> frozenset[str]:
        """Indexes that carry nothing along, where those that do save little."""
        for name in sorted(on):
            wide = self.names[name].candidate
            plain = next(
                (n for n, b in self.names.items() if _bare(b.candidate) == _bare(wide) and not b.candidate.include),
                None,
            )
            if not wide.include or plain is None or plain in on or plain in self.banned or self.limits.over:
                continue
            changed = (on - {name}) | {plain}
            if not any(self._saved(f, changed, on) for f in self.forms if f.query.number in self.serving(name)):
                on = changed
        return on

    def _saved(self, form: _Form, without: frozenset[str], on: frozenset[str]) -> bool:
        """Whether a query takes clearly more CPU or pages with the one set than with the other, as far as is known."""
        self.work(form, without), self.work(form, on)
        found = []
        for each in (without, on):
            used, _ = self.planned(form, each)
            found.append(form.runs.get(used) if used else form.base)
        if found[0] is None or found[1] is None or found[0].over:
            return self.work(form, without) - self.work(form, on) > _ALIKE
        cpu, pages = found[0].cpu_ms - found[1].cpu_ms, found[0].buffers - found[1].buffers
        return (cpu > _CLEAR_CPU * found[0].cpu_ms and cpu > _CLEAR_MS) or (
            pages > _CLEAR_SHARE * found[0].buffers and pages > _CLEAR_PAGES
        )

    def learn(self, change: Change) -> None:
        """What the proof showed of a plan counts from now on."""
        used = frozenset(change.used)
        for form in self.forms:
            if (form.query.number, form.number) == (change.query, change.form) and change.before and change.after:
                form.known[frozenset()] = change.before.work
                form.known[used] = change.after.work

    def ban(self, name: str) -> None:
        """Never choose this one again."""
        self.banned.add(name)
        self.moves = {move: gain for move, gain in self.moves.items() if name not in move}

    def instead(self, name: str, until: float) -> bool:
        """Build what else could serve the queries of an index that was refused: the likeliest that are like it."""
        lost = self.names[name].candidate
        order: dict[Candidate, set[int]] = {}
        for number in sorted(self.meant.get(name, set())):
            like = [
                c
                for c in self.spare.get(number, ())
                if c.table == lost.table and stem(c.keys[0]) == stem(lost.keys[0]) and c not in self.ground.built
            ]
            for candidate in sorted(like, key=lambda c: abs(len(c.keys) - len(lost.keys)) != 1)[:2]:
                order.setdefault(candidate, set()).add(number)
        if not order:
            return False
        self._build(order, {}, until)
        self.explore({n for numbers in order.values() for n in numbers})
        return True

    def gain(self, before: frozenset[str], after: frozenset[str]) -> float:
        """How much better a set is than another, priced."""
        numbers = {q for n in before ^ after for q in self.serving(n)}
        work = self.total(before, numbers) - self.total(after, numbers)
        return work - (self.price(after) - self.price(before))

    def worth(self, before: frozenset[str], after: frozenset[str]) -> bool:
        """Whether some query gets noticeably better."""
        numbers = {q for n in before ^ after for q in self.serving(n)}
        forms = [f for f in self.forms if f.query.number in numbers]
        return any(self.work(f, before) - self.work(f, after) >= _WORTH for f in forms)

    def _fits(self, on: Collection[str]) -> bool:
        return self.limits.budget is None or sum(self.names[n].bytes for n in on) <= self.limits.budget

    def _greedy(self, start: frozenset[str], *, by_size: bool) -> frozenset[str]:
        on = start
        # Gains by the planner's word, and room for those that it underrates.
        stale = {move: gain * _ROOM + 0.02 for move, gain in self.moves.items()}
        seen: set[frozenset[str]] = set()
        while stale:
            # Gains only shrink as the set grows (nearly), so an old gain is an upper bound.
            if self.limits.over:
                return self._hurried(on, {m: g if m in seen else self.moves[m] for m, g in stale.items()})
            best: tuple[float, frozenset[str]] | None = None
            for move in sorted(stale, key=lambda m: (-stale[m], sorted(m))):
                size = sum(self.names[n].bytes for n in move - on) or 1
                bound = stale[move] / size if by_size and move not in seen else stale[move]
                if best is not None and bound <= best[0]:
                    if by_size:
                        continue
                    break
                after = on | move
                if self.ground.now() > self.limits.deadline:
                    break
                if after == on or not self._fits(after):
                    stale[move] = -1.0
                    continue
                gained = self.gain(on, after)
                seen.add(move)
                stale[move] = gained / size if by_size else gained
                if gained > 0 and (best is None or stale[move] > best[0]) and self.worth(on, after):
                    best = (stale[move], move)
            if best is None:
                if self.ground.now() > self.limits.deadline:
                    continue  # to what was promised
                return on
            on |= best[1]
            stale = {m: g for m, g in stale.items() if g > 0 and not m <= on}
        return on

    def _hurried(self, on: frozenset[str], gains: dict[frozenset[str], float]) -> frozenset[str]:
        """The time is up: what promised a gain when last looked at, the best first, one for each query's table."""
        done = {(q, self.names[n].candidate.table) for n in on for q in self.meant.get(n, ())}
        for move in sorted(gains, key=lambda m: (-gains[m], sorted(m))):
            wanting = {(q, self.names[n].candidate.table) for n in move for q in self.meant.get(n, ())}
            if gains[move] > 0 and not wanting <= done and self._fits(on | move):
                on |= move
                done |= wanting
        return on

    def _polished(self, on: frozenset[str]) -> frozenset[str]:
        """Leave out what is not missed; put one in another's place where that is better."""
        for _ in range(4):
            before = on
            for name in sorted(on, key=lambda n: -self.names[n].bytes):
                if self.limits.over:
                    return on
                without = on - {name}
                if self.gain(on, without) >= 0 or not self.worth(without, on):
                    on = without
            for other in sorted({n for move in self.moves for n in move} - on):
                if self.limits.over:
                    return on
                mine = {n for n in on if self.names[n].candidate.table == self.names[other].candidate.table}
                changed = on | {other}
                for name in sorted(mine, key=lambda n: -self.names[n].bytes):
                    if self.gain(changed, changed - {name}) >= 0:
                        changed -= {name}
                if self._fits(changed) and changed != on | {other} and self.gain(on, changed) > 0.0005:
                    on = changed
            if on == before:
                break
        return on


def _bare(candidate: Candidate) -> tuple[object, ...]:
    """What it is but for what it carries along."""
    return candidate.table, candidate.keys, candidate.method, candidate.where


def _runs(first: Measure) -> int:
    """How often to run a query again: what is quick is easily disturbed, and costs nothing to repeat."""
    return 4 if first.cpu_ms < 5 else 2


def summary(names: Mapping[str, Built], on: Collection[str]) -> int:
    """Bytes of a set."""
    return sum(names[n].bytes for n in on)
