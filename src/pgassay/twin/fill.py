"""Fill a database with made-up rows that obey every constraint of its catalog."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from pgassay.catalog import Catalog, ColumnStats
from pgassay.model import Name, literal, quote
from pgassay.server import Connection, ServerMessage, StatementError
from pgassay.twin import insert as write
from pgassay.twin.order import groups
from pgassay.twin.plans import RowPlan, Unfillable
from pgassay.twin.rows import Planner
from pgassay.twin.targets import Target, targets_of

_TIMED_OUT = "57014"  # query_canceled: a trigger or function that never ends
_AT_ONCE = 20  # spare rows asked for in one query
_LONGEST = 200_000  # characters of a script
_SLOWLY = 300  # rows tried one by one where no set of them goes in


@dataclass(frozen=True, slots=True)
class Unfilled:
    """A table with fewer rows than it should have, and what stopped it."""

    table: Name
    constraint: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """``rows`` a table; ``spare``: for each table the texts of one further row that was not inserted."""

    rows: dict[Name, int]
    unfilled: tuple[Unfilled, ...] = ()
    spare: dict[Name, dict[str, str | None]] = field(default_factory=dict)


def fill(
    connection: Connection,
    catalog: Catalog,
    *,
    rows: int | Mapping[Name, int] = 1000,
    seed: int = 1,
    obey: Catalog | None = None,
    statistics: Mapping[Name, Mapping[str, ColumnStats]] | None = None,
    tables: Collection[Name] | None = None,
    analyze: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Fill:
    """Fill tables with rows: the same seed gives the same rows.

    ``rows`` a table, or a number for each (0 for those not named). ``obey`` is a later catalog whose keys and checks
    are obeyed in advance; ``statistics`` are production's, by table and column; ``tables`` those to fill (all).
    What cannot be filled is named in the result: no schema raises. Works inside the caller's transaction or makes
    its own. Raises ConnectionLost.
    """
    everything = targets_of(catalog, obey)
    chosen = {name: t for name, t in everything.items() if tables is None or name in tables}
    wanted = {
        name: (rows if isinstance(rows, int) else rows.get(name, 0)) if name in chosen else 0 for name in everything
    }
    planner = Planner(catalog=catalog, seed=seed, wanted=wanted, statistics=statistics or {})
    work = _Work(connection, planner, progress or (lambda _message: None))
    outside = connection.transaction == "idle"
    if outside:
        connection.run("BEGIN")
    try:
        work.known({link.references for t in chosen.values() for link in t.links if link.references} - set(chosen))
        forced = work.unforce(catalog)
        work.all({name: target for name, target in chosen.items() if wanted[name] > 0})
        found = work.finish(catalog, analyze)
        work.force(forced)
        if outside:
            connection.run("COMMIT")
        foreign = [t.name for t in catalog.tables if t.kind == "foreign table" and (tables is None or t.name in tables)]
        more = tuple(Unfilled(name, None, "a foreign table's rows are another server's") for name in foreign)
        return Fill(rows=found.rows, unfilled=found.unfilled + more, spare=found.spare)
    finally:
        if outside and connection.transaction != "idle":
            connection.run("ROLLBACK")


class _Work:
    def __init__(self, connection: Connection, planner: Planner, progress: Callable[[str], None]) -> None:
        self.connection, self.planner, self.progress = connection, planner, progress
        self.pending: list[tuple[list[Target], str]] = []
        self.rows: dict[Name, int] = {}
        self.unfilled: dict[Name, Unfilled] = {}
        self.filtered: set[Name] = set()

    def unforce(self, catalog: Catalog) -> list[Name]:
        """Row security that binds the owner too would hide and refuse rows: it is lifted until the end."""
        bound = [t.name for t in catalog.tables if t.row_security and t.force_row_security]
        return [n for n in bound if self._attempt(f"ALTER TABLE {n} NO FORCE ROW LEVEL SECURITY") is None]

    def force(self, names: Collection[Name]) -> None:
        """Put it back."""
        for name in names:
            self.connection.run(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")

    def known(self, names: Collection[Name]) -> None:
        """Parents that we do not fill: their rows are what they are."""
        listed = sorted(name for name in names if self.planner.catalog.table(name))
        for name, number in zip(listed, self._counts(listed), strict=True):
            self.planner.filled[name] = number

    def all(self, targets: Mapping[Name, Target]) -> None:
        for group in groups(targets):
            self.group(group)
        self.flush()

    def group(self, group: list[Target]) -> None:
        plans = self._plans(group)
        if plans is None:
            return
        if len(plans) > 1 and not all(plan.exact for plan in plans):
            self.flush()
            self._apart(group)
            return
        for plan in plans:
            self.rows[plan.target.name] = plan.rows
        if all(plan.exact for plan in plans):
            try:
                statement = write.insert(plans[0]) if len(plans) == 1 else write.together(plans)
            except RecursionError:
                for target in group:
                    link = next((k.name for k in target.links), None)
                    self._nothing(target, link, "keys that are foreign keys to each other")
                return
            self.pending.append((group, statement))
            # The server keeps what it parsed until the end of a script: not too much of it at once.
            if sum(plan.rows for plan in plans) > 50_000 or sum(len(s) for _, s in self.pending) > _LONGEST:
                self.flush()
        else:
            self.flush()
            self._carefully(plans[0], filtered=plans[0].filtered)

    def _plans(self, group: list[Target]) -> list[RowPlan] | None:
        planner = self.planner
        planner.together = frozenset(t.name for t in group) if len(group) > 1 else frozenset()
        try:
            needs = {link.references for t in group for link in t.links} & {n for n, _ in self._deviant()}
            if needs:
                self.flush()
            for _ in range(1 if len(group) == 1 else 3):
                for target in group:
                    planner.plans[target.name] = planner.plan(target)
            return [planner.plans[t.name] for t in group]
        except Unfillable as problem:
            for target in group:
                planner.plans.pop(target.name, None)
                self._nothing(target, problem.constraint, problem.reason)
            return None
        finally:
            planner.together = frozenset()

    def _deviant(self) -> list[tuple[Name, RowPlan]]:
        return [(n, p) for n, p in self.planner.plans.items() if not p.exact and n not in self.planner.filled]

    def _nothing(self, target: Target, constraint: str | None, reason: str) -> None:
        self.rows[target.name] = 0
        self.planner.filled[target.name] = 0
        self.unfilled[target.name] = Unfilled(target.name, constraint, reason)

    def flush(self) -> None:
        """Run what is pending: all of it in one round trip or, where that fails, one table after the other."""
        pending, self.pending = self.pending, []
        if not pending:
            return
        script = "; ".join(statement for _, statement in pending)
        self.progress(f"rows for {', '.join(str(t.name) for group, _ in pending for t in group)}")
        error = self._attempt(script)
        if error is None:
            self._watch([t for group, _ in pending for t in group])
            return
        if error.sqlstate == _TIMED_OUT and len(pending) == 1:
            for target in pending[0][0]:
                self._nothing(target, None, str(error))
            return
        for group, _ in pending:
            self._again(group)

    def _again(self, group: list[Target]) -> None:
        plans = self._plans(group)
        if plans is None:
            return
        if len(plans) == 1:
            self._carefully(plans[0], filtered=False)
            return
        statement = write.together(plans)
        if self._attempt(statement) is None:
            self._watch(group)
        else:
            self._apart(group)

    def _watch(self, targets: list[Target]) -> None:
        """Triggers and rules may have changed or dropped rows."""
        odd = [t.name for t in targets if t.table.triggers or t.table.rules]
        for name, number in zip(odd, self._counts(odd), strict=True):
            if number != self.rows[name]:
                self.unfilled[name] = Unfilled(name, None, "a trigger or rule turned rows away")
            self.rows[name] = self.planner.filled[name] = number

    def _apart(self, group: list[Target]) -> None:
        """A circle of tables, opened where foreign keys may be empty."""
        inside = {t.name for t in group}
        unlinked: dict[Name, frozenset[str]] = {}
        for target in group:
            loose = {
                column
                for link in target.links
                if link.references in inside and link.references != target.name
                for column in link.columns
                if (known := target.table.column(column)) is not None and not known.not_null
            }
            unlinked[target.name] = frozenset(loose - target.primary)
            self.planner.plans.pop(target.name, None)
        for part in groups({t.name: t for t in group}, unlinked):
            for target in part:
                try:
                    plan = self.planner.plan(target, unlinked=unlinked[target.name])
                except Unfillable as problem:
                    self._nothing(target, problem.constraint, problem.reason)
                    continue
                if len(part) > 1:
                    link = next(k for k in target.links if k.references in inside)
                    self._nothing(target, link.name, "a circle of foreign keys that may not be empty")
                    continue
                self.planner.plans[target.name] = plan
                self._carefully(plan, filtered=plan.filtered, unlinked=unlinked[target.name])

    def _carefully(self, plan: RowPlan, *, filtered: bool, unlinked: frozenset[str] = frozenset()) -> None:
        """One table alone, with what the server objects to left out."""
        target = plan.target
        conflict = pool = False
        first: ServerMessage | None = None
        for _ in range(6):
            error = self._attempt(write.insert(plan, filtered=filtered, conflict=conflict))
            if error is None:
                break
            first = first or error
            if error.sqlstate == _TIMED_OUT:
                break
            if error.sqlstate == "23503" and not pool:
                pool = True
            elif error.sqlstate in {"23514", "23502"} and not filtered:
                filtered = True
            elif error.sqlstate in {"23505", "23P01"} and not conflict:
                conflict = True
            elif (odd := self._odd(target)) - unlinked:
                unlinked |= odd
            else:
                break
            plan = self._replanned(target, pool, unlinked) or plan
        else:
            error = first
        if error is not None and error.sqlstate != _TIMED_OUT:
            most = min(plan.rows, _SLOWLY)
            self._attempt(write.one_by_one(plan, most))
        (number,) = self._counts([target.name])
        self.rows[target.name] = self.planner.filled[target.name] = number
        if filtered:
            self.filtered.add(target.name)
        self.planner.plans[target.name] = plan
        if number == 0 and first is None:
            first = self._attempt(write.insert(plan))  # without the filter: the server says which check it is
        if number < plan.rows:
            reason = str(first) if first is not None else "too few rows meet its checks"
            self.unfilled[target.name] = Unfilled(target.name, first.constraint if first else None, reason)

    def _odd(self, target: Target) -> frozenset[str]:
        """Columns that may be empty and whose types are the likeliest to trouble a server (xml without libxml …)."""
        plain = {"N", "D", "T", "S", "B", "E"}
        kept = target.primary | target.referenced
        return frozenset(c.name for c in target.columns if not c.not_null and c.category not in plain) - kept

    def _replanned(self, target: Target, pool: bool, unlinked: frozenset[str]) -> RowPlan | None:
        try:
            return self.planner.plan(target, pool=pool, unlinked=unlinked)
        except Unfillable:
            return None

    def _attempt(self, script: str) -> ServerMessage | None:
        """Run statements in a subtransaction; the server's objection, or None."""
        try:
            self.connection.run(f"SAVEPOINT fill; {script}; SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT fill")
        except StatementError as error:
            self.connection.run("ROLLBACK TO SAVEPOINT fill; RELEASE SAVEPOINT fill")
            return error.report
        return None

    def _counts(self, names: list[Name]) -> list[int]:
        if not names:
            return []
        found = self.connection.json(write.count([t for t in self.planner.catalog.tables if t.name in names], names))
        return [int(number) for number in found]

    def finish(self, catalog: Catalog, analyze: bool) -> Fill:
        """Sequences, statistics, spare rows."""
        done = [t for t in catalog.tables if self.rows.get(t.name)]
        scripts = write.sequences(catalog, done)
        if analyze and done:
            scripts.append(f"ANALYZE {', '.join(str(t.name) for t in done)}")
        if scripts and self._attempt("; ".join(scripts)) is not None:
            for script in scripts:
                self._attempt(script)
        return Fill(
            rows=dict(self.rows), unfilled=tuple(self.unfilled.values()), spare=self._spare([t.name for t in done])
        )

    def _spare(self, names: list[Name]) -> dict[Name, dict[str, str | None]]:
        queries: dict[Name, str] = {}
        for name in names:
            plan = self.planner.plans.get(name)
            if plan is not None and (query := write.spare(plan, filtered=name in self.filtered)) is not None:
                queries[name] = query
        asked = list(queries.values())
        texts = [text for n in range(0, len(asked), _AT_ONCE) for text in self._texts(asked[n : n + _AT_ONCE])]
        found = {name: json.loads(text) for name, text in zip(queries, texts, strict=True) if text}
        return {n: row for n, row in found.items() if n not in self.planner.filled or self._goes_in(n, row)}

    def _goes_in(self, name: Name, row: dict[str, str | None]) -> bool:
        """Whether a table whose rows are not what its plan says takes one more."""
        values = ", ".join("NULL" if value is None else literal(value) for value in row.values())
        columns = ", ".join(quote(column) for column in row)
        self.connection.run("SAVEPOINT spare")
        try:
            self.connection.run(f"INSERT INTO {name} ({columns}) VALUES ({values}); SET CONSTRAINTS ALL IMMEDIATE")
        except StatementError:
            return False
        finally:
            self.connection.run("ROLLBACK TO SAVEPOINT spare; RELEASE SAVEPOINT spare")
        return True

    def _texts(self, queries: list[str]) -> list[str | None]:
        if not queries:
            return []
        try:
            self.connection.run("SAVEPOINT spare")
            found = self.connection.run("SELECT " + ", ".join(f"({query})" for query in queries))[0]
            self.connection.run("RELEASE SAVEPOINT spare")
            return list(found)
        except StatementError:
            self.connection.run("ROLLBACK TO SAVEPOINT spare; RELEASE SAVEPOINT spare")
        if len(queries) == 1:
            return [None]
        return [text for query in queries for text in self._texts([query])]
