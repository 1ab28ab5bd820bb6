"""Which candidates deserve to be built: where building all would take too long, a ghost of the ground plans with each.

A ghost creates an index in milliseconds. It has no statistics of expressions, so indexes of kinds that it cannot judge
are kept whatever it says.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from pgassay.advisor.candidates import World
from pgassay.advisor.ground import Ground, cost, indexes_used
from pgassay.advisor.model import Candidate, Query
from pgassay.errors import PgassayError
from pgassay.model import Name
from pgassay.server import OWNER, StatementError
from pgassay.twin.export import export
from pgassay.twin.ghost import Ghost, ghost

_QUICK = 12.0  # seconds of building, below which everything is built
_SECONDS = {"btree": 1.2, "hash": 1.5, "brin": 0.1, "gin": 3.0, "gist": 6.0}  # a million rows
_GHOSTLY = 0.025  # seconds that a ghost takes for an index
_ROUNDS = 4
_A_TABLE = 10  # candidates of a query on one table
_ALONE = 12  # candidates of a query that are planned with alone
_BETTER, _MUCH_BETTER = 0.98, 0.7
_BLIND = frozenset({"expression", "trigram", "gin", "gist"})
_KEPT = 2  # of the kinds that a ghost cannot judge

Lists = Mapping[int, Sequence[Candidate]]


def build_seconds(candidate: Candidate, world: World) -> float:
    """About how long CREATE INDEX takes."""
    table = world.catalog.table(candidate.table)
    rows = world.rows(table) if table else 0.0
    trigrams = 3.0 if candidate.kind == "trigram" else 1.0
    return rows / 1e6 * _SECONDS[candidate.method] * trigrams + 0.005


def screened(
    ground: Ground,
    world: World,
    queries: Sequence[Query],
    lists: Lists,
    deadline: float,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[int, list[Candidate]]:
    """The candidates of each query that are worth building, the best first.

    It does without the ground's sessions, and so may run beside what they do, until the deadline or until ``stopped``.
    """
    whole = {number: _some(found) for number, found in lists.items()}
    distinct = {c for found in whole.values() for c in found}
    if sum(build_seconds(c, world) for c in distinct) <= max(_QUICK, _GHOSTLY * len(distinct)):
        return whole
    url = f"postgresql://{OWNER}@/{ground.database}?host={ground.server.sockets}&port={ground.server.port}"
    try:
        with ghost(ground.server, export(url)) as made:
            try:
                return _Screen(made, ground, deadline, stopped).all(queries, whole)
            finally:
                made.close()
                ground.server.drop(made.database)
    except (PgassayError, StatementError):
        return {number: found[:_KEPT] for number, found in whole.items()}


def _some(found: Sequence[Candidate]) -> list[Candidate]:
    """The likeliest of each table."""
    counts: Counter[Name] = Counter()
    kept = []
    for candidate in found:
        counts[candidate.table] += 1
        if counts[candidate.table] <= _A_TABLE:
            kept.append(candidate)
    return kept


class _Screen:
    def __init__(self, made: Ghost, ground: Ground, deadline: float, stopped: Callable[[], bool]) -> None:
        self.ghost, self.ground, self.deadline, self.stopped = made, ground, deadline, stopped
        self.names: dict[Candidate, str] = {}

    def _over(self) -> bool:
        return self.stopped() or self.ground.now() > self.deadline

    def all(self, queries: Sequence[Query], lists: dict[int, list[Candidate]]) -> dict[int, list[Candidate]]:
        begun = self.ground.now()
        ranks = (found[n : n + 1] for n in range(max(map(len, lists.values()), default=0)) for found in lists.values())
        for candidate in dict.fromkeys(c for rank in ranks for c in rank):  # the likeliest of each query first
            late = self.stopped() or self.ground.now() > begun + (self.deadline - begun) * 0.6
            if candidate.kind not in _BLIND and not late:
                with contextlib.suppress(StatementError, PgassayError):
                    self.names[candidate] = self.ghost.create_index(candidate.ddl(f"candidate_{len(self.names)}"))
        for name, value in self.ground.steer.items():
            with contextlib.suppress(StatementError):
                self.ghost.session.run("SELECT pg_catalog.set_config($1, $2, false)", [name, value])
        kept: dict[int, list[Candidate]] = {}
        for query in queries:
            if query.number in lists:
                kept[query.number] = self._query(query, lists[query.number])
        return kept

    def _query(self, query: Query, found: list[Candidate]) -> list[Candidate]:
        if self._over():
            return found[:_KEPT]
        known = {self.names[c]: c for c in found if c in self.names}
        blind = [c for c in found if c not in self.names or c.kind in _BLIND]
        kept: dict[Candidate, None] = {}
        for sql in query.forms[:2]:
            try:
                _, base = self._plan(sql, [])
            except (StatementError, PgassayError):
                continue
            left = list(known)
            for _ in range(_ROUNDS):
                used, planned = self._plan(sql, left)
                if not used or planned > base * _BETTER or self._over():
                    break
                kept.update(dict.fromkeys(known[n] for n in sorted(used)))
                left = [n for n in left if n not in used]
            alone = []
            for name in left[:_ALONE]:
                if self._over():
                    break
                used, planned = self._plan(sql, [name])
                if used and planned < base * _MUCH_BETTER:
                    alone.append((planned, name))
            kept.update(dict.fromkeys(known[n] for _, n in sorted(alone)[:_KEPT]))
        kept.update(dict.fromkeys(blind[:_KEPT]))
        return list(kept)

    def _plan(self, sql: str, on: Sequence[str]) -> tuple[set[str], float]:
        off = set(self.names.values()) - set(on)
        plan = self.ghost.explain(sql, without=off)["Plan"]
        short = {name.rpartition(".")[2]: name for name in on}
        return {short[n] for n in indexes_used(plan) if n in short}, cost(plan)
