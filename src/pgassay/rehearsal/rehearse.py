"""Rehearse one transaction of a runner on populated tables, and say statement by statement what happened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pgassay.catalog import Catalog, read
from pgassay.errors import InputError
from pgassay.model import Name, Statement, Transaction
from pgassay.model.observations import LOCK_MODES, Break, Failure, Lock, Loss, Observation, Rehearsed, Work
from pgassay.rehearsal.filling import fill_watched
from pgassay.rehearsal.made_up import EXISTENCE, doubts, wants_production, wants_the_truth
from pgassay.rehearsal.play import Play, left_out, play
from pgassay.rehearsal.probe import TIMED_OUT, Probe, catalog_probes, try_probes, view_probes, workload_probes
from pgassay.rehearsal.snapshot import losses, snapshot, work
from pgassay.rehearsal.touched import background, code_changed, disturbed, reached, tables_of_types, with_relatives
from pgassay.rehearsal.values import Values, values_before, values_lost
from pgassay.server import Connection, Server, ServerMessage
from pgassay.sql.search_path import resolved, sets_path
from pgassay.twin import Fill

_FEW_ROWS = 100  # for others to point at
_ENTRIES = 3  # of a dictionary: much may hang on each, a chain's partitions of every table for one
_SECOND_SIZE = 5  # times the rows of the first run, for the tables whose work grows
_SECOND_ROWS = 5_000
_PATIENCE = 5.0  # seconds for a statement at the second size
# A row, in memory, on the fastest of machines: measurements of small tables are noise, and no slope at all would say
# that work on a billion rows takes no time.
_LEAST_MS = {"scan": 0.00005, "index build": 0.0002, "rewrite": 0.0002}
_MANY_ROWS = 200_000  # from here on the second size is a tenth instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under which a rehearsal takes place. ``rows`` a table; ``production``: row counts known of the real database;
    ``assume_rows`` for every other table; ``limit``: seconds a statement may take; ``workload``: the application's
    statements; ``statistics``: production's column statistics; ``cut``: earlier statements that could not be run;
    ``guessed``: names of what was inferred from its use, so that its types are guesses; ``partial``: an earlier
    migration could not be read to its end, so that things may exist or not exist for that reason alone."""

    rows: int = 1000
    seed: int = 1
    limit: float = 60.0
    production: Mapping[Name, int] = field(default_factory=dict)
    assume_rows: int = 1_000_000
    workload: Sequence[str] = ()
    statistics: Mapping[Name, Mapping[str, object]] | None = None
    cut: tuple[Statement, ...] = ()
    guessed: frozenset[str] = frozenset()
    partial: bool = False

    def production_rows(self, table: Name) -> int:
        """Rows of a table in production: known or assumed."""
        return self.production.get(table, self.assume_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A rehearsal, the catalogs around it, and the database (empty tables) in which the next one begins."""

    rehearsed: Rehearsed
    before: Catalog
    after: Catalog
    database: str


def rehearse(
    server: Server,
    database: str,
    transaction: Transaction,
    conditions: Conditions,
    *,
    before: Catalog | None = None,
    progress: Callable[[str], None] | None = None,
) -> Outcome:
    """Play the transaction on empty tables and on populated ones. ``database`` holds the schema before (``before``,
    where the caller knows it already); it is left as it is. The outcome's database holds the schema after, and is the
    caller's to drop."""
    if before is None:
        with server.connect(database) as session:
            before = read(session)
    if sets_path(transaction):
        transaction = resolved(transaction, {*(t.name for t in before.tables), *(v.name for v in before.views)})
    following = server.create(database)
    limit, cut = conditions.limit, conditions.cut
    bare = play(server, following, transaction, limit=limit, heal=True, look=False, cut=cut, progress=progress)
    with server.connect(following) as session:
        after = read(session)
    wanted = reached(transaction, before, after)
    scene = _Scene(server, database, transaction, conditions, before, after, wanted, progress)
    rehearsed = scene.rehearse(bare) if wanted or conditions.workload else scene.unreached(bare)
    rehearsed = replace(rehearsed, left_out=left_out(bare))
    return Outcome(rehearsed=rehearsed, before=before, after=after, database=following)


@dataclass(slots=True)
class _Scene:
    server: Server
    database: str
    transaction: Transaction
    conditions: Conditions
    before: Catalog
    after: Catalog
    reached: frozenset[Name]  # the tables that are filled
    progress: Callable[[str], None] | None
    endless: set[Name] = field(default_factory=set)  # tables whose filling was cut short: not tried again

    def unreached(self, bare: list[Play]) -> Rehearsed:
        """No table that stood before is concerned: what the run on empty tables showed is all there is to see."""
        return Rehearsed(
            transaction=self.transaction,
            observations=tuple(
                Observation(statement=p.statement, ms=p.ms, failure=self._failure(p, p), skipped=p.skipped)
                for p in bare
            ),
            rows={},
            ms=sum(p.ms for p in bare),
        )

    def rehearse(self, bare: list[Play]) -> Rehearsed:
        with self._populated(self.conditions.rows) as (name, filled):
            with self.server.connect(name) as session:
                probes, already = self._probes(session, filled)
                tables, rows = held(session)
                first = snapshot(session)
            noted: dict[int, tuple[Values, ...]] = {}
            changed: dict[int, tuple[Loss, ...]] = {}
            plays = play(
                self.server,
                name,
                self.transaction,
                limit=self.conditions.limit,
                heal=True,
                before_each=lambda s, statement: noted.update(
                    {id(statement): values_before(s, statement, self.before)}
                ),
                after_each=lambda s, statement: changed.update({id(statement): values_lost(s, noted[id(statement)])}),
                refill=self._refill,
                cut=self.conditions.cut,
                progress=self.progress,
            )
            with self.server.connect(name) as session:
                broken = self._broken(session, [p for p in probes if p not in already])
        breaks = self._attribute(broken) if broken else {}
        observations = []
        for number, played in enumerate(plays):
            statement = played.statement
            grown = work(statement, played.before, played.after, tables, rows, played.ms)
            lost = losses(statement, first, played.before, played.after, tables, rows)
            observations.append(
                Observation(
                    statement=statement,
                    ms=played.ms,
                    failure=self._failure(played, bare[number]),
                    work=grown if not played.error or played.retried else (),
                    losses=(*lost, *(changed.get(id(statement), ()) if not played.error else ())),
                    breaks=breaks.get(id(statement), ()),
                    skipped=played.skipped,
                )
            )
        observations = self._estimated(observations, rows)
        observations = _locked(observations, plays, tables)
        notes = tuple(f"{u.table}: no rows ({u.constraint or 'table'}: {u.reason})" for u in filled.unfilled)
        return Rehearsed(
            transaction=self.transaction,
            observations=tuple(observations),
            rows={table: rows.get(table, 0) for table in tables.values()},
            ms=sum(p.ms for p in plays),
            probed=len(probes),
            notes=notes,
        )

    @contextlib.contextmanager
    def _populated(self, rows: int | Mapping[Name, int]) -> Iterator[tuple[str, Fill]]:
        if isinstance(rows, int):
            few = background(self.transaction, self.before, self.after, self.reached)
            rows = {name: min(rows, _FEW_ROWS) if name in few else rows for name in self.reached}
            rows |= {name: min(rows[name], _ENTRIES) for name in rows if _dictionary(self.before, name)}
        with self.server.database(self.database) as name:
            with self.server.connect(name) as session:
                filled = fill_watched(
                    self.server,
                    session,
                    self.before,
                    rows=rows,
                    seed=self.conditions.seed,
                    obey=self.after,
                    statistics=self.conditions.statistics,  # type: ignore[arg-type]
                    tables=self.reached - self.endless,
                    empty=[name for name, known in self.conditions.production.items() if known == 0],
                )
            self.endless.update(u.table for u in filled.unfilled if TIMED_OUT in u.reason)
            yield name, filled

    def _refill(self, session: Connection) -> None:
        """Give the tables rows again that an error's cure has emptied, so that later statements meet some."""
        catalog = read(session)
        standing = [t.name for t in catalog.tables if t.name in self.reached]
        empty = [t for t in standing if session.value(f"SELECT EXISTS (SELECT FROM {t})") == "f"]
        if empty:
            fill_watched(
                self.server,
                session,
                catalog,
                rows=self.conditions.rows,
                seed=self.conditions.seed,
                obey=self.after,
                tables=empty,
            )

    # The old application

    def _probes(self, session: Connection, filled: Fill) -> tuple[list[Probe], set[Probe]]:
        """The statements to try, and those of them that fail already before the migration."""
        same = {t.name: t for t in self.after.tables}
        retyped = tables_of_types(self.before, self.after)
        every = code_changed(self.before, self.after)
        concerned = [t for t in self.before.tables if every or t.name in retyped or same.get(t.name) != t]
        probes = [
            *catalog_probes(self.before, filled.spare, concerned),
            *(view_probes(self.before) if self.before.views != self.after.views or concerned else ()),
            *workload_probes(self.conditions.workload),
        ]
        already = set(try_probes(self.server, session, probes))
        return [p for p in probes if p not in already], already

    def _broken(self, session: Connection, probes: Sequence[Probe]) -> dict[Probe, ServerMessage]:
        """Those that fail; one that only takes long is not broken, nor one that meets what we guessed."""
        tried = try_probes(self.server, session, probes)
        return {
            probe: error
            for probe, error in tried.items()
            if error.sqlstate != TIMED_OUT and not doubts(probe, error, self.before, self.conditions.guessed)
        }

    def _attribute(self, broken: Mapping[Probe, ServerMessage]) -> dict[int, tuple[Break, ...]]:
        """Play once more and try the broken statements after each step: the first step that breaks one is its cause."""
        if len(self.transaction.statements) == 1:
            return {id(self.transaction.statements[0]): tuple(_break(p, error) for p, error in broken.items())}
        found: dict[int, list[Break]] = {}
        waiting = list(broken)

        def check(session: Connection, statement: Statement) -> None:
            for probe, error in self._broken(session, waiting).items():
                waiting.remove(probe)
                found.setdefault(id(statement), []).append(_break(probe, error))

        with self._populated(self.conditions.rows) as (name, _):
            play(
                self.server, name, self.transaction,
                limit=self.conditions.limit, heal=True, look=False, after_each=check,
            )  # fmt: skip
        return {key: tuple(breaks) for key, breaks in found.items()}

    # Errors

    def _failure(self, played: Play, bare: Play) -> Failure | None:
        error = played.error or bare.error
        if error is None:
            return None
        failure = Failure(
            sqlstate=error.sqlstate,
            message=error.message,
            detail=error.detail,
            hint=error.hint,
            table=str(Name(error.schema, error.table)) if error.table else None,
            column=error.column,
            constraint=error.constraint,
            left_invalid=played.left_invalid,
        )
        # Without rows there is nothing made up that a row could be the duplicate of.
        duplicate = bare.error is not None and bare.error.sqlstate == error.sqlstate == "23505"
        made_up = not duplicate and wants_production(
            played.statement, error.sqlstate, self.before, empty=bare.error is not None
        )
        guess = wants_the_truth(played.statement, self.transaction.statements, error, self.conditions.guessed)
        unread = self.conditions.partial and error.sqlstate in EXISTENCE
        if made_up or guess or unread or played.missing or (bare.missing and not played.error):
            return replace(failure, cause="missing")
        if bare.error is not None:
            return failure
        return replace(failure, cause="values" if self._depends_on_values(error) else "rows")

    def _depends_on_values(self, error: ServerMessage) -> bool:
        """Whether rows with other values would have passed: the error concerns columns that stood before."""
        if error.sqlstate[:2] not in {"23", "22"}:
            return False
        table = self.before.table(Name(error.schema, error.table)) if error.table else None
        if table is None:
            return error.sqlstate[:2] == "22"
        if error.column:
            return table.column(error.column) is not None
        later = self.after.table(table.name)
        constraint = next((c for c in later.constraints if c.name == error.constraint), None) if later else None
        index = next((i for i in later.indexes if i.name == error.constraint), None) if later else None
        columns = constraint.columns if constraint else tuple(c for c in index.columns if c) if index else ()
        return not columns or any(table.column(c) for c in columns)

    # Time

    def _estimated(self, observations: list[Observation], rows: Mapping[Name, int]) -> list[Observation]:
        """Measure the work that grows at a second size, and extrapolate to production's."""
        growing = {w.table for o in observations for w in o.work}
        if not growing:
            return observations
        first = self.conditions.rows
        second = first // 10 if first >= _MANY_ROWS else max(first * _SECOND_SIZE, _SECOND_ROWS)
        moved = disturbed(self.transaction, self.before, self.after)
        few = background(self.transaction, self.before, self.after, self.reached) - growing
        sizes = {
            t: second if t in growing else min(first, second, _FEW_ROWS if t in few else first)
            for t in with_relatives(growing, self.before, moved)
        }
        with self._populated(sizes) as (name, _):
            with self.server.connect(name) as session:
                _, other_rows = held(session)
            try:
                others = play(self.server, name, self.transaction, limit=self._patience(), heal=True, look=False)
            except InputError:  # what grows faster than its rows: then there is no estimate
                return observations
        return [
            replace(o, work=tuple(self._extrapolate(w, other.ms, rows, other_rows) for w in o.work))
            for o, other in zip(observations, others, strict=True)
        ]

    def _patience(self) -> float:
        """Seconds that a statement may take for the sake of an estimate."""
        return min(self.conditions.limit, _PATIENCE)

    def _extrapolate(self, done: Work, other_ms: float, rows: Mapping[Name, int], others: Mapping[Name, int]) -> Work:
        here, there = rows.get(done.table, 0), others.get(done.table, 0)
        if here == there:
            return done
        slope = max((other_ms - done.ms) / (there - here), _LEAST_MS.get(done.kind, 0.0))
        if slope <= 0:  # more noise than work: there is nothing to go by
            return done
        target = self.conditions.production_rows(done.table)
        # From the measurement that a busy machine disturbed less.
        estimate = min(ms + slope * (target - count) for ms, count in ((done.ms, here), (other_ms, there)))
        return replace(done, estimated_ms=max(estimate, slope * target), at_rows=target)


def held(session: Connection) -> tuple[dict[int, Name], dict[Name, int]]:
    """The tables that stand, by OID, and how many rows each holds (from the ANALYZE that ended the filling)."""
    seen = snapshot(session)
    tables = {oid: r.name for oid, r in seen.relations.items() if r.kind in {"r", "p", "m"}}
    counts = session.run("SELECT oid, greatest(reltuples, 0)::bigint FROM pg_catalog.pg_class WHERE oid >= 16384")
    return tables, {tables[int(oid)]: int(count) for oid, count in counts if int(oid) in tables}


def _locked(observations: list[Observation], plays: list[Play], tables: Mapping[int, Name]) -> list[Observation]:
    """Which locks each statement gained, and how long its transaction held them."""
    found = []
    for number, (seen, played) in enumerate(zip(observations, plays, strict=True)):
        rest = [(o, p) for o, p in zip(observations[number:], plays[number:], strict=True) if p.unit == played.unit]
        held = sum(p.ms for _, p in rest)
        grows = any(w.estimated_ms is not None for o, _ in rest for w in o.work)
        estimate = sum(max((w.estimated_ms or p.ms for w in o.work), default=p.ms) for o, p in rest)
        gained = []
        for oid, mode in played.after.locks.items():
            table = tables.get(oid)
            earlier = played.before.locks.get(oid)
            if table is None or (earlier and LOCK_MODES.index(earlier) >= LOCK_MODES.index(mode)):
                continue
            gained.append(
                Lock(
                    table=table,
                    mode=mode,
                    held_ms=held,
                    held_until=rest[-1][1].statement,
                    estimated_ms=estimate if grows else None,
                )
            )
        found.append(replace(seen, locks=tuple(sorted(gained, key=lambda lock: lock.table))))
    return found


def _dictionary(catalog: Catalog, name: Name) -> bool:
    """Whether a table numbers what there is little of, by a smallint."""
    table = next((t for t in catalog.tables if t.name == name), None)
    key = table.primary_key.columns if table is not None and table.primary_key is not None else ()
    column = table.column(key[0]) if table is not None and len(key) == 1 else None
    return column is not None and column.type == "smallint" and column.identity is not None


def _break(probe: Probe, error: ServerMessage) -> Break:
    return Break(
        sql=probe.sql,
        error=error.message,
        sqlstate=error.sqlstate,
        table=probe.table,
        column=probe.column,
        source=probe.source,
    )
