"""Which of the candidates together: greedy by gain and by gain a byte, then polished, then run; until nothing is new.

A gain is work saved (``effects``), less what the indexes cost in space and in writes.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from pgassay.advisor.asks import Ask
from pgassay.advisor.candidates import World, candidates, stem, unkeyed
from pgassay.advisor.clock import Limits
from pgassay.advisor.effects import ALIKE, MANY, Effects, Form, Progress
from pgassay.advisor.ground import Ground
from pgassay.advisor.model import Candidate, Query, Refused
from pgassay.advisor.screening import screened
from pgassay.model import Name, quote

_SCREENING = 0.4  # of the time, the most for planning with candidates on a ghost
_TURNS = 40  # of choosing and running
_BETTER = 0.002  # of gain, for which one index takes the place of another: less is chance
_ROOM = 3.0  # times that a gain may be larger than the planner says
_LONG = 4_000.0  # milliseconds of all queries together, from which on few candidates of each are built
_KEPT = 3
_RUNS = 6  # of each query that the search is likely to need


class Search:
    """One search on one ground. ``chosen`` grows and shrinks; ``refused`` says what was tried in vain."""

    def __init__(
        self, ground: Ground, world: World, queries: Sequence[Query], limits: Limits, progress: Progress
    ) -> None:
        self.ground, self.world, self.queries, self.say = ground, world, queries, progress
        self.effects = Effects(ground, world, queries, limits, progress)
        self.refused: list[Refused] = []
        self.chosen: frozenset[str] = frozenset()
        self.meant: dict[str, set[int]] = {}  # queries that it was thought of for
        self.readers: dict[Name, set[int]] = defaultdict(set)
        self.asked: dict[Name, list[Ask]] = defaultdict(list)
        self.moves: dict[frozenset[str], float] = {}  # and the gain that the planner promises
        self.began = self.ground.now()
        self.wanted: dict[int, list[Candidate]] = {}  # of each query, all candidates,
        self.kept: dict[int, list[Candidate]] = {}  # and those that deserve to be built
        self.banned: set[str] = set()
        self.tried = 0

    def begin(self) -> None:
        """Plan and run every query as things are; beside that, find the candidates that deserve to be built.

        What cannot be planned is skipped, by name.
        """
        self.effects.plan_all()
        self.wanted = {q.number: self._wanted(q) for q in self.queries}
        until, stopped = self.ground.now() + self.effects.limits.left * _SCREENING, Event()
        with ThreadPoolExecutor(1) as beside:
            screening = beside.submit(
                screened, self.ground, self.world, self.queries, self.wanted, until, stopped.is_set
            )
            try:
                self.effects.measure_all()
            except BaseException:
                stopped.set()
                raise
            self.say("planning with the candidates on a ghost")
            self.kept = screening.result()
        for query in self.queries:
            for block in query.blocks:
                for position, ref in enumerate(block.tables):
                    known = self.world.table(ref.name)
                    if known is not None:
                        self.readers[known.name].add(query.number)
                        self.asked[known.name].append(Ask.of(query.number, block, position))

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
        if sum(f.base.cpu_ms for f in self.effects.forms if f.base) > _LONG:
            kept = {n: found[:_KEPT] for n, found in kept.items()}
        heavy: dict[int, float] = defaultdict(float)
        for form in self.effects.forms:
            heavy[form.query.number] += form.weight
        # What takes most is served first: there may not be time for all.
        lists = [
            (q, kept[q.number]) for q in sorted(self.queries, key=lambda q: (-round(heavy[q.number], 2), q.number))
        ]
        left = self.effects.limits.left
        # Where queries take long, so does finding out what an index does to them.
        runs = _RUNS * sum(f.base.cpu_ms / 1_000 for f in self.effects.forms if f.base and not f.base.over)
        share = min(max(1 - runs / left, 0.4), 0.7) if left else 0.0
        until = self.ground.now() + max(left * share, self.effects.limits.least)
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
        kinds = self.effects.limits.kinds
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
            self.effects.names[made.name] = made
            self.meant.setdefault(made.name, set()).update(order[candidate])
            able = {ask.query for ask in self.asked[candidate.table] if ask.could_use(candidate)}
            self.effects.serves[made.name] = able | self.meant[made.name]
            self.effects.ordered.update((number, made.name) for number in steady.get(candidate, ()))
            if any("(" in key for key in candidate.keys):
                fresh.add(candidate.table)
        for table in sorted(fresh):
            self.say(f"analysing {table}")
            self.ground.analyse(table)

    def explore(self, numbers: Collection[int] | None = None) -> None:
        """For each query: what the planner takes with all candidates, with each alone, and without the best ones."""
        for n, form in enumerate(self.effects.forms):
            if self.effects.limits.over and n >= MANY:
                return
            mine = frozenset(name for name, meant in self.meant.items() if form.query.number in meant) - self.banned
            if not mine or (numbers is not None and form.query.number not in numbers):
                continue
            self.say(f"query {n + 1} of {len(self.effects.forms)}: {len(mine)} candidates")
            left = mine
            for _ in range(6):
                used, planned = self.effects.planned(form, left)
                if not used or planned > form.base_cost * 0.999:
                    break
                self._promise(form, used, planned)
                left -= used
            for name in sorted(mine):
                if self.effects.limits.over:
                    break
                used, planned = self.effects.planned(form, frozenset({name}))
                if used and planned < form.base_cost * 0.98:
                    self._promise(form, used, planned)

    def _promise(self, form: Form, used: frozenset[str], planned: float) -> None:
        gain = form.weight * math.log(max(form.base_cost, 0.01) / max(planned, 0.01))
        self.moves[used] = self.moves.get(used, 0.0) + gain

    def choose(self, start: frozenset[str] = frozenset()) -> frozenset[str]:
        """The best set found within budget and time: greedy by gain and by gain a byte, then polished."""
        best, value = start, 0.0
        for _ in range(_TURNS):
            found = self._best(start)
            fresh = self.effects.settle(found)
            if self.effects.limits.over:  # the best of what was measured; if there is none, the proof decides
                best = best if value > 0 else found
                break
            gained = self.effects.gain(start, found)
            if gained > value:
                best, value = found, gained
            if not fresh:
                break
            self._mend()
        self.chosen = self._narrowed(self._merged(best))
        self.effects.settle(self.chosen)
        return self.chosen

    def _best(self, start: frozenset[str]) -> frozenset[str]:
        best, value = start, 0.0
        ways = [False, True] if self.effects.limits.budget is not None else [False]
        for by_size in ways:
            found = self._polished(self._greedy(start, by_size=by_size))
            gained = self.effects.gain(start, found)
            # Where the time is up much of this is the planner's word: the proof decides.
            if gained > value or (best == start and self.effects.limits.over):
                best, value = found, gained
        return best

    def _merged(self, on: frozenset[str]) -> frozenset[str]:
        """One index in the place of two that differ but in what they carry along, where it does nearly the same."""
        for one, other in itertools.combinations(sorted(on), 2):
            if self.effects.limits.over or not {one, other} <= on:
                continue
            a, b = self.effects.names[one].candidate, self.effects.names[other].candidate
            if _bare(a) != _bare(b) or a.method != "btree":
                continue
            include = tuple(sorted({*a.include, *b.include}))
            union = replace(a, include=include, columns=tuple(dict.fromkeys((*a.columns, *b.columns))), kind=b.kind)
            held = next((n for n in (one, other) if self.effects.names[n].candidate.include == include), None)
            if held is None:
                self.say(f"merging two indexes of {a.table}")
                self._build(
                    {union: self.meant.get(one, set()) | self.meant.get(other, set())}, {}, self.effects.limits.deadline
                )
                held = self.ground.built[union].name if union in self.ground.built else None
            if held is None or held not in self.effects.names:
                continue
            changed = (on - {one, other}) | {held}
            forms, work = self.effects.concerned((one, other)), self.effects.work
            if self.effects.fits(changed) and all(work(f, changed) - work(f, on) < ALIKE for f in forms):
                on = changed
        return on

    def _narrowed(self, on: frozenset[str]) -> frozenset[str]:
        """Indexes that carry nothing along, where those that do save little."""
        for name in sorted(on):
            wide = self.effects.names[name].candidate
            built = ((n, made.candidate) for n, made in self.effects.names.items())
            plain = next((n for n, c in built if _bare(c) == _bare(wide) and not c.include), None)
            if not wide.include or plain is None or plain in on or plain in self.banned or self.effects.limits.over:
                continue
            changed = (on - {name}) | {plain}
            if not any(self.effects.saved(f, changed, on) for f in self.effects.concerned((name,))):
                on = changed
        return on

    def ban(self, name: str) -> None:
        """Never choose this one again."""
        self.banned.add(name)
        self.moves = {move: gain for move, gain in self.moves.items() if name not in move}

    def instead(self, name: str, until: float) -> None:
        """Build what else could serve the queries of an index that was refused: the likeliest that are like it."""
        lost = self.effects.names[name].candidate
        order: dict[Candidate, set[int]] = {}
        for number in sorted(self.meant.get(name, set())):
            like = self._like(lost, number)
            for candidate in sorted(like, key=lambda c: abs(len(c.keys) - len(lost.keys)) != 1)[:2]:
                order.setdefault(candidate, set()).add(number)
        if order:
            self._build(order, {}, until)
            self.explore({n for numbers in order.values() for n in numbers})

    def _mend(self) -> list[frozenset[str]]:
        """Where a set made a query slower, build what that query itself would want of such indexes: it may be content,
        and the others served as well. The new moves."""
        made = []
        for form, used in self.effects.harmed:
            order: dict[Candidate, set[int]] = {}
            for name in sorted(used):
                harmful = self.effects.names[name].candidate
                like = sorted(self._like(harmful, form.query.number), key=lambda c: not c.include)
                for candidate in like[:1]:
                    order.setdefault(candidate, set()).update({form.query.number, *self.meant.get(name, ())})
            self._build(order, {}, self.effects.limits.deadline)
            for candidate in order:  # what the harmful one promised, this one does
                if candidate in self.ground.built:
                    gain = max((g for move, g in self.moves.items() if used & move), default=0.0)
                    made.append(frozenset({self.ground.built[candidate].name}))
                    self.moves[made[-1]] = gain
        self.effects.harmed.clear()
        return made

    def _like(self, candidate: Candidate, number: int) -> list[Candidate]:
        """A query's candidates on the same table with the same first key that have not been built."""
        return [
            c
            for c in self.wanted.get(number, ())
            if (c.table, stem(c.keys[0])) == (candidate.table, stem(candidate.keys[0])) and c not in self.ground.built
        ]

    def _greedy(self, start: frozenset[str], *, by_size: bool) -> frozenset[str]:
        on = start
        # Gains by the planner's word, and room for those that it underrates.
        stale = {move: gain * _ROOM + 0.02 for move, gain in self.moves.items()}
        seen: set[frozenset[str]] = set()
        while stale:
            # Gains only shrink as the set grows (nearly), so an old gain is an upper bound.
            if self.effects.limits.over:
                return self._hurried(on, {m: g if m in seen else self.moves[m] for m, g in stale.items()})
            best: tuple[float, frozenset[str]] | None = None
            for move in sorted(stale, key=lambda m: (-stale[m], sorted(m))):
                size = (self.effects.bytes(move - on) or 1) if by_size else 1
                bound = stale[move] if move in seen else stale[move] / size
                if best is not None and bound <= best[0]:
                    if by_size:
                        continue
                    break
                after = on | move
                if not self.effects.limits.left:
                    break
                if after == on or not self.effects.fits(after):
                    stale[move] = -1.0
                    continue
                gained = self.effects.gain(on, after)
                seen.add(move)
                stale[move] = gained / size
                if gained > 0 and (best is None or stale[move] > best[0]) and self.effects.worth(on, after):
                    best = (stale[move], move)
            if best is None:
                if not self.effects.limits.left:
                    continue  # to what was promised
                return on
            if self.effects.settle(on | best[1]):  # what was promised may not be what is so: compare again
                stale |= {move: gain for move in self._mend() if (gain := self.moves[move]) > 0}
                size = (self.effects.bytes(best[1] - on) or 1) if by_size else 1
                stale[best[1]] = self.effects.gain(on, on | best[1]) / size
                continue
            on |= best[1]
            stale = {m: g for m, g in stale.items() if g > 0 and not m <= on}
        return on

    def _hurried(self, on: frozenset[str], gains: dict[frozenset[str], float]) -> frozenset[str]:
        """The time is up: what promised a gain when last looked at, the best first, one for each query's table."""
        done = {(q, self.effects.table(n)) for n in on for q in self.meant.get(n, ())}
        for move in sorted(gains, key=lambda m: (-gains[m], sorted(m))):
            wanting = {(q, self.effects.table(n)) for n in move for q in self.meant.get(n, ())}
            if gains[move] > 0 and not wanting <= done and self.effects.fits(on | move):
                on |= move
                done |= wanting
        return on

    def _polished(self, on: frozenset[str]) -> frozenset[str]:
        """Leave out what is not missed; put one in another's place where that is better."""
        for _ in range(4):
            before = on
            for name in sorted(on, key=lambda n: -self.effects.names[n].bytes):
                if self.effects.limits.over:
                    return on
                without = on - {name}
                if self.effects.gain(on, without) >= 0 or not self.effects.worth(without, on):
                    on = without
            for other in sorted({n for move in self.moves for n in move} - on):
                if self.effects.limits.over:
                    return on
                mine = {n for n in on if self.effects.table(n) == self.effects.table(other)}
                changed = on | {other}
                for name in sorted(mine, key=lambda n: -self.effects.names[n].bytes):
                    if self.effects.gain(changed, changed - {name}) >= 0:
                        changed -= {name}
                if self.effects.fits(changed) and changed != on | {other} and self.effects.gain(on, changed) > _BETTER:
                    on = changed
            if on == before:
                break
        return on


def _bare(candidate: Candidate) -> tuple[object, ...]:
    """What it is but for what it carries along."""
    return candidate.table, candidate.keys, candidate.method, candidate.where
