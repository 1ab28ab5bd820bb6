"""Which statements of a workload PostgreSQL plans, and values for those parameters that nobody told."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice, product

from pgassay.errors import InputError
from pgassay.model import Name, Skipped, literal
from pgassay.server import Connection, StatementError
from pgassay.sql.normalise import UNREADABLE, typed
from pgassay.sql.normalise_repair import repair
from pgassay.sql.parameters import Slot, outputs, slots
from pgassay.sql.parameters_scope import Origin
from pgassay.sql.queries import queries
from pgassay.sql.single import Single, single
from pgassay.workload.model import Query, Workload
from pgassay.workload.types import TypeFacts, plain
from pgassay.workload.values import Statistics, choose

LIMIT = 10_000  # milliseconds for one plan
_NAME = "pgassay_workload"
_GUESSES = ("integer", "text", "numeric", "timestamptz", "interval")
_SET = "SELECT pg_catalog.set_config($1, $2, false)"
_MOST_GUESSED = 300
# Ambiguous function, undefined function, datatype mismatch, indeterminate datatype, cannot coerce, bad representation.
_UNTYPED = frozenset("42725 42883 42804 42P18 42846 22P02".split())


def settle(connection: Connection, queries: Sequence[Query], statistics: Statistics) -> Workload:
    """Every statement that can be planned, each with parameters that can; the others skipped, with PostgreSQL's reason.

    The connection is to a scratch server or twin (as OWNER, idle, its search path set as the application's); nothing is
    run but PREPARE and EXPLAIN. Values come from ``statistics`` (``catalog.column_statistics``): see ``values.choose``.
    Values that the workload told are kept, but for sets that PostgreSQL refuses.
    """
    settler = _Settler(connection, statistics)
    kept: list[Query] = []
    skipped: list[Skipped] = []
    with _guarded(connection):
        for query in queries:
            try:
                kept.append(settler.settle(query))
            except (InputError, StatementError) as error:
                reason = str(error).split("\n", 1)[0]
                skipped.append(Skipped(path=query.source, line=query.line, statement=query.text, reason=reason))
            except UNREADABLE:
                reason = "it nests too deeply"
                skipped.append(Skipped(path=query.source, line=query.line, statement=query.text, reason=reason))
    return Workload(queries=tuple(kept), skipped=tuple(skipped))


@contextlib.contextmanager
def _guarded(connection: Connection) -> Iterator[None]:
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(LIMIT),
        "plan_cache_mode": "force_custom_plan",
    }
    before = {name: connection.value("SELECT pg_catalog.current_setting($1)", [name]) for name in settings}
    try:
        for name, value in settings.items():
            connection.run(_SET, [name, value])
        yield
    finally:
        for name, was in before.items():
            connection.run(_SET, [name, was])


@dataclass(slots=True)
class _World:
    """What statements can refer to."""

    columns: dict[Name, list[str]] = field(default_factory=dict)
    views: dict[Name, str] = field(default_factory=dict)
    path: tuple[str, ...] = ("public",)


class _Settler:
    def __init__(self, connection: Connection, statistics: Statistics) -> None:
        self.connection = connection
        self.statistics = statistics
        self.sql = queries("pgassay.workload", "types.sql")
        self.types: dict[str, TypeFacts] = {}
        self.world = self._world()
        self._outputs: dict[Name, Mapping[str, Origin | None]] = {}

    def _world(self) -> _World:
        rows = self.connection.json(self.sql["columns"]) or []
        names = {Name(r["schema"], r["name"]): r for r in rows}
        return _World(
            {name: r["columns"] or [] for name, r in names.items()},
            {name: r["view"] for name, r in names.items() if r["view"]},
            tuple(self.connection.json(self.sql["path"]) or ["public"]),
        )

    def settle(self, query: Query) -> Query:
        """The query with parameters that PostgreSQL plans. Raises what stops it."""
        of = single(query.text)
        if of.parameters and not query.parameters:
            of = single(repair(of.text))
        if of.parameters == 0:
            self.connection.run(f"EXPLAIN {of.text}", ())
            return replace(query, text=of.text, parameters=())
        found = self._slots(of)
        text = self._prepare(of.text, found)
        try:
            kinds = self._types()
            sets = query.parameters or tuple(values for _, values in choose(found, kinds, self.statistics))
            good, error = self._planned(of, sets)
            if not good and not query.parameters:
                bare = tuple(plain(kind) for kind in kinds)
                good, error = self._planned(of, [bare, (None,) * len(kinds)])
        finally:
            self.connection.run(f"DEALLOCATE {_NAME}")
        if not good:
            raise error or InputError("no values for its parameters")
        return replace(query, text=text, parameters=good)

    def _slots(self, of: Single) -> list[Slot]:
        return [replace(s, origin=self._base(s.origin)) for s in slots(of.text, self.world.columns, self.world.path)]

    def _base(self, origin: Origin | None, depth: int = 0) -> Origin | None:
        """The column of a table behind a view's."""
        if origin is None or origin.table not in self.world.views or depth > 8:
            return origin
        if origin.table not in self._outputs:
            names = self.world.columns[origin.table]
            try:
                made = outputs(self.world.views[origin.table], self.world.columns, self.world.path)
            except UNREADABLE:
                made = {}
            self._outputs[origin.table] = made if set(made) <= set(names) else {}
        found = self._outputs[origin.table].get(origin.column)
        if found is None:
            return None
        return self._base(replace(found, function=origin.function or found.function, keys=origin.keys), depth + 1)

    def _prepare(self, text: str, found: Sequence[Slot]) -> str:
        """Prepare the statement. Where PostgreSQL cannot tell a parameter's type, a text with types that it takes."""
        try:
            self.connection.run(f"PREPARE {_NAME} AS {text}", ())
            return text
        except StatementError as error:
            if error.sqlstate in _UNTYPED:
                for kinds in _guesses(found):
                    helped = typed(text, kinds)
                    with contextlib.suppress(StatementError):
                        self.connection.run(f"PREPARE {_NAME} AS {helped}", ())
                        return helped
            raise

    def _types(self) -> list[TypeFacts]:
        text = self.connection.value(self.sql["parameters"], [_NAME]) or "{}"
        oids = [oid for oid in text.strip("{}").split(",") if oid]
        unknown = [oid for oid in oids if oid not in self.types]
        if unknown:
            for row in self.connection.json(self.sql["types"], ["{" + ",".join(unknown) + "}"]) or []:
                self.types[str(row["oid"])] = TypeFacts(
                    row["name"], row["base"], row["category"], row["element"], tuple(row["labels"] or ())
                )
        return [self.types[oid] for oid in oids]

    def _planned(
        self, of: Single, sets: Sequence[Sequence[str | None]]
    ) -> tuple[tuple[tuple[str | None, ...], ...], Exception | None]:
        """Those sets of values that PostgreSQL plans with, and what it said of the first that it refused."""
        good: list[tuple[str | None, ...]] = []
        first: Exception | None = None
        for values in sets:
            if len(values) != of.parameters:
                first = first or InputError(f"it has {of.parameters} parameters, {len(values)} values were given")
                continue
            listed = ", ".join("NULL" if value is None else literal(value) for value in values)
            try:
                self.connection.run(f"EXPLAIN EXECUTE {_NAME}({listed})", ())
                good.append(tuple(values))
            except StatementError as error:
                first = first or error
        return tuple(good), first


def _guesses(found: Sequence[Slot]) -> Iterator[dict[int, str]]:
    """Types for parameters of which nothing tells the type: all alike, then those of some functions or places."""
    known = {s.number for s in found if s.origin is not None or s.cast}
    groups: dict[str, set[int]] = defaultdict(set)
    for slot in found:
        if slot.number not in known:
            groups[slot.argument[0] if slot.argument else f"${slot.number}"].add(slot.number)
    for guess in _GUESSES:
        yield dict.fromkeys((number for group in groups.values() for number in sorted(group)), guess)
    yield from islice(_mixed(list(groups.values())), _MOST_GUESSED)


def _mixed(groups: list[set[int]]) -> Iterator[dict[int, str]]:
    for size in range(1, len(groups)):
        for chosen in combinations(groups, size):
            for kinds in product(_GUESSES, repeat=size):
                yield {n: kind for group, kind in zip(chosen, kinds, strict=True) for n in group}
