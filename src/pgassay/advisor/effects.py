"""What sets of indexes do to the queries: planned by PostgreSQL's planner, run on the ground, priced.

What a set does to a query is known by the plan: the indexes that it uses. Each such plan is run once and remembered, so
that a step of the search costs one EXPLAIN and few runs. Work is a logarithm, so that differences are ratios; queries
are weighted half by query and half by time.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from pgassay.advisor.candidates import World, stem
from pgassay.advisor.clock import Limits
from pgassay.advisor.ground import Ground, cost
from pgassay.advisor.model import Built, Candidate, Change, Measure, Query, loss
from pgassay.model import Name
from pgassay.server import StatementError

Progress = Callable[[str], None]

_WORTH = 0.12  # a set must make some query at least so much better (logarithm): 13 %
_SPACE = 4.0  # an index as large as all heaps must make one average query so much better (logarithm)
_STEADY = 0.15  # bonus of an index that stays as quick however many rows match before the LIMIT
_NARROW = 0.15  # price of an index for one value of many like it: other values are asked for, too
_SLOWER, _SURELY = 0.06, 0.2  # logarithms: what may be noise is left to the proof
_DOUBTED = 0.02, 0.4  # losses that are measured again
_DOUBTFUL, _FINE = 0.3, 5.0
_SHORTEST = 100.0  # milliseconds for a run, at least
_LEAST = 500.0  # milliseconds for a query as it is, at least
_WORSE, _BARELY_WORSE = 1.4, 1.2  # times as long as without any index, from which on nothing more need be known
_DEAR = 20.0  # milliseconds: a query that takes longer is run only with what is about to be chosen
_RUNS = 12  # of a query, that it may have in any case
_SEVERAL = 30  # sets of parameters, above which each is run twice, not up to five times, as it is
_ONE_OF_ALL = 0.3  # of the time that is left for all queries as they are, the most for one
ALIKE = 0.15  # logarithm: so much worse a query may get by an index that does the work of two
_CLEAR_CPU, _CLEAR_MS, _CLEAR_SHARE, _CLEAR_PAGES = 0.2, 0.3, 0.3, 8  # what an index-only scan must save
MANY = 200  # queries, above which not all of them are run before the search
_SMALL = 64 * 2**20  # bytes of heap below which space is no matter
_HOPEFUL = 0.5  # of its cost a query that was cut off must lose before it is run again
_TRUST = 0.1  # weight of the planner's word beside a measurement: it decides between what measures alike
_UPKEEP = {"brin": 0.05, "gin": 0.8, "gist": 0.8, "hash": 0.3, "btree": 0.25}  # share of an INSERT's own work


@dataclass(slots=True)
class Form:
    """One query with one set of parameters. ``known``: what a plan, named by its indexes, took.

    ``broken``: by how much plans with such indexes fell short of the planner's promise.
    """

    query: Query
    number: int
    sql: str
    weight: float = 0.0
    base: Measure | None = None
    base_cost: float = 1.0
    known: dict[frozenset[str], float] = field(default_factory=dict)
    runs: dict[frozenset[str], Measure] = field(default_factory=dict)
    broken: dict[frozenset[tuple[Name, str]], float] = field(default_factory=dict)
    plans: dict[frozenset[str], tuple[frozenset[str], float]] = field(default_factory=dict)
    spent: float = 0.0  # seconds of runs


class Effects:
    """What the candidates ``names`` do to ``forms``, and what they cost. ``serves``: queries that could use each."""

    def __init__(
        self, ground: Ground, world: World, queries: Sequence[Query], limits: Limits, progress: Progress
    ) -> None:
        self.ground, self.world, self.queries, self.limits, self.say = ground, world, queries, limits, progress
        self.forms: list[Form] = []
        self.skipped: list[tuple[str, str]] = []
        self.names: dict[str, Built] = {}
        self.serves: dict[str, set[int]] = {}
        self.ordered: set[tuple[int, str]] = set()  # queries whose LIMIT an index serves in order
        self.heap = max(ground.heap_bytes(world), _SMALL)
        self.harmed: list[tuple[Form, frozenset[str]]] = []  # and by what, as ``settle`` found
        self.allowance = 1.0  # seconds that the runs of one query may take

    def plan_all(self) -> None:
        """Plan every query as things are. What cannot be planned is skipped, by name."""
        for query in self.queries:
            for number, sql in enumerate(query.forms):
                form = Form(query, number, sql)
                try:
                    form.base_cost = cost(self.ground.plan(sql))
                    self.forms.append(form)
                except StatementError as error:
                    self.skipped.append((query.text, error.report.message))

    def measure_all(self) -> None:
        """Run every query as things are, and weigh it."""
        until = self.ground.now() + self.limits.left * (0.25 if len(self.forms) > MANY else 0.6)
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
        self.allowance = self.limits.left / max(len(self.forms), 1)
        self._weigh()
        for form in self.forms:
            form.known[frozenset()] = form.base.work if form.base else math.log(max(form.base_cost, 0.01))

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

    def serving(self, name: str) -> set[int]:
        """The queries that could use an index: any, of one that another search has built."""
        return self.serves[name] if name in self.serves else {form.query.number for form in self.forms}

    def concerned(self, names: Collection[str]) -> list[Form]:
        """The queries that could use one of these, by their sets of parameters."""
        numbers = {number for name in names for number in self.serving(name)}
        return [form for form in self.forms if form.query.number in numbers]

    def fits(self, on: Collection[str]) -> bool:
        """Whether a set is within the budget."""
        return self.limits.budget is None or self.bytes(on) <= self.limits.budget

    def bytes(self, on: Collection[str]) -> int:
        """The size of a set."""
        return sum(self.names[n].bytes for n in on)

    def table(self, name: str) -> Name:
        """The table of an index."""
        return self.names[name].candidate.table

    def planned(self, form: Form, on: frozenset[str]) -> tuple[frozenset[str], float]:
        """The candidates that a plan uses where these are there, and its cost."""
        relevant = frozenset(n for n in on if form.query.number in self.serving(n))
        if relevant not in form.plans:
            # What is best among more and still there is best among less.
            for more, (used, planned) in form.plans.items():
                if used <= relevant <= more:
                    form.plans[relevant] = used, planned
                    return used, planned
            self.ground.only(relevant)
            try:
                plan = self.ground.plan(form.sql)
                form.plans[relevant] = (self.ground.used(plan), cost(plan))
            except StatementError:
                form.plans[relevant] = (frozenset(), form.base_cost)
        return form.plans[relevant]

    def work(self, form: Form, on: frozenset[str]) -> float:
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
            # After a broken promise no gain is believed, nor a loss: it may be the one that does better.
            short = form.broken.get(self._sort(used), 0.0)
            found = max(promised, min(promised + short, form.known[frozenset()]))
        if any(self.names[name].candidate.narrow for name in used):
            found = min(found + _NARROW, form.known[frozenset()])
        return found - (_STEADY if any((form.query.number, name) in self.ordered for name in used) else 0.0)

    def _dear(self, form: Form) -> bool:
        return form.base is not None and form.base.cpu_ms > _DEAR

    def _sort(self, used: frozenset[str]) -> frozenset[tuple[Name, str]]:
        """Which sort of indexes a plan uses, whatever else they hold: by table and first key."""
        candidates = (self.names[name].candidate for name in used)
        return frozenset((c.table, stem(c.keys[0])) for c in candidates)

    def settle(self, on: frozenset[str]) -> bool:
        """Run what has not been run with a set that is about to be chosen; whether there was any such query.

        What falls short of the planner's promise lessens the promises of plans like it.
        """
        fresh = [(form, *self.planned(form, on)) for form in self.forms]
        fresh = [(form, used, planned) for form, used, planned in fresh if used and used not in form.known]
        # Where least is promised a loss is likeliest, and ends the matter.
        fresh.sort(key=lambda each: (-each[2] / max(each[0].base_cost, 0.01), each[0].query.number, each[0].number))
        for n, (form, used, planned) in enumerate(fresh):
            if self.limits.over:
                break
            self.say(f"running what was chosen: {n + 1} of {len(fresh)}")
            form.known[used] = self._run(form, used, planned)
            short = form.known[used] - self._promised(form, planned)
            sort = self._sort(used)
            form.broken[sort] = max(short, form.broken.get(sort, short))
            harm = self._harm(form, on)
            if harm >= _DOUBTFUL:
                self.harmed.append((form, used))
            if harm >= _FINE:
                break
        return bool(fresh)

    def _promised(self, form: Form, planned: float) -> float:
        """The work that the planner promises, on the scale of the measured one."""
        return form.known[frozenset()] + math.log(max(planned, 0.01) / max(form.base_cost, 0.01))

    def _run(self, form: Form, used: frozenset[str], planned: float) -> float:
        base = form.known[frozenset()]
        promised = self._promised(form, planned)
        if form.base is None or (form.query.writes and planned > 10_000):
            return promised
        if self.limits.over or form.spent > max(self.allowance, _RUNS * form.base.cpu_ms / 1_000):
            return promised
        if form.base.over and planned > form.base_cost * _HOPEFUL:
            return promised
        self.ground.only(used)
        began = self.ground.now()
        worse = 1.0 if form.base.over else _WORSE if form.base.cpu_ms < _SHORTEST else _BARELY_WORSE
        limit = max(form.base.cpu_ms * worse, _SHORTEST)
        try:
            found = self.ground.measure(form.sql, limit_ms=limit)
            if not found.over and _DOUBTED[0] < loss(form.base, found) < _DOUBTED[1]:  # it decides, so it must be sure
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

    def _total(self, on: frozenset[str], forms: Collection[Form]) -> float:
        """The weighted work of some queries, and the price of making any of them slower."""
        return sum(f.weight * self.work(f, on) + self._harm(f, on) for f in forms)

    def _harm(self, form: Form, on: frozenset[str]) -> float:
        """The price of making a query slower than it was: so high that only another set of indexes will do."""
        lost = self.work(form, on) - form.known[frozenset()]
        run = form.runs.get(self.planned(form, on)[0])
        if run is not None and form.base is not None and not run.over and not form.base.over:
            lost = max(lost, loss(form.base, run))
        if lost <= _SLOWER:
            return 0.0
        return (_FINE if lost > _SURELY else _DOUBTFUL) + 2.0 * lost

    def price(self, on: Collection[str]) -> float:
        """What indexes cost: space, and upkeep by the workload's writes."""
        space = self.bytes(on) / self.heap * _SPACE / max(len(self.queries), 1)
        return space + sum(self._upkeep(table, on) for table in set(map(self.table, on)))

    def _upkeep(self, table: Name, on: Collection[str]) -> float:
        mine = [self.names[n].candidate for n in on if self.names[n].candidate.table == table]
        known = self.world.catalog.table(table)
        there = len(known.indexes) if known else 0
        found = 0.0
        for form in self.forms:
            if not form.query.writes or (not form.query.blocks and form.query.kind != "insert"):
                continue
            if self.target(form.query) != table:
                continue
            load = 0.0
            for each in mine:
                share = 0.3 if each.where else 1.0
                load += _UPKEEP[each.method] * share * self._touches(form.query, each)
            found += form.weight * math.log1p(load / (1 + 0.25 * there))
        return found

    def target(self, query: Query) -> Name | None:
        """The table that a statement writes."""
        known = self.world.table(query.target) if query.target else None
        return known.name if known else None

    def _touches(self, query: Query, candidate: Candidate) -> float:
        """How much of the upkeep a statement causes: an UPDATE of no indexed column may stay on its page (HOT)."""
        if query.kind == "update" and query.blocks and query.blocks[0].written:
            held = {*candidate.columns, *candidate.include}
            return 2.0 if held & set(query.blocks[0].written) else 0.1
        return 1.0 if query.kind != "delete" else 0.2

    def saved(self, form: Form, without: frozenset[str], on: frozenset[str]) -> bool:
        """Whether a query takes clearly more CPU or pages with the one set than with the other, as far as is known."""
        self.work(form, without), self.work(form, on)
        found = []
        for each in (without, on):
            used, _ = self.planned(form, each)
            found.append(form.runs.get(used) if used else form.base)
        if found[0] is None or found[1] is None or found[0].over:
            return self.work(form, without) - self.work(form, on) > ALIKE
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

    def gain(self, before: frozenset[str], after: frozenset[str]) -> float:
        """How much better a set is than another, priced."""
        forms = self.concerned(before ^ after)
        work = self._total(before, forms) - self._total(after, forms)
        return work - (self.price(after) - self.price(before))

    def worth(self, before: frozenset[str], after: frozenset[str]) -> bool:
        """Whether some query gets noticeably better."""
        return any(self.work(f, before) - self.work(f, after) >= _WORTH for f in self.concerned(before ^ after))


def _runs(first: Measure) -> int:
    """How often to run a query again: what is quick is easily disturbed, and costs nothing to repeat."""
    return 4 if first.cpu_ms < 5 else 2
