"""A course of steps on a scratch database with rows: what each locks and for how long, and whether both versions of
the application go on working."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pgassay.catalog import Catalog, read
from pgassay.errors import InputError
from pgassay.migrate.plan import PlanStep, Twins
from pgassay.model import Migration, Name, Statement, Transaction, quote
from pgassay.model.observations import LOCK_MODES, Work
from pgassay.rehearsal.play import Play, play
from pgassay.rehearsal.probe import TIMED_OUT, Probe, try_probes
from pgassay.rehearsal.rehearse import held
from pgassay.rehearsal.snapshot import work
from pgassay.server import SUPERUSER, ConnectionLost, Server, ServerMessage, StatementError
from pgassay.sql import parse

_SHARE = LOCK_MODES.index("SHARE")
_OWN = LOCK_MODES.index("SHARE UPDATE EXCLUSIVE")  # the weakest that conflicts with itself


@dataclass(frozen=True, slots=True)
class Hold:
    """The strongest lock on a table, and how long (milliseconds) it was held at most."""

    table: Name
    mode: str
    ms: float

    @property
    def blocks(self) -> bool:
        """Whether writers wait for it."""
        return LOCK_MODES.index(self.mode) >= _SHARE

    def worse(self, other: Hold | None) -> Hold:
        """The stronger of two; of equal ones the longer."""
        if other is None:
            return self
        return max(self, other, key=lambda h: (LOCK_MODES.index(h.mode), h.ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A step as it ran. ``work``: what grows with rows; ``old`` and ``new``: statements of either application that fail
    once it is done; ``apart``: twins that were not equal; ``error``: its own."""

    holds: tuple[Hold, ...] = ()
    work: tuple[Work, ...] = ()
    ms: float = 0.0
    error: str | None = None
    old: tuple[tuple[Probe, str], ...] = ()
    new: tuple[tuple[Probe, str], ...] = ()
    apart: tuple[str, ...] = ()

    @property
    def stops(self) -> tuple[Work, ...]:
        """Work on rows of a table that writers wait for."""
        strong = {h.table for h in self.holds if h.blocks}
        return tuple(w for w in self.work if w.table in strong and w.kind != "rows changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All steps as they ran, the schema at the end, and a fingerprint of each table's columns."""

    ran: tuple[Ran, ...]
    after: Catalog
    rows: Mapping[Name, Mapping[str, str]] = field(default_factory=dict)
    start: tuple[tuple[Probe, str], ...] = ()  # what of the new application fails where no step comes before it

    @property
    def holds(self) -> dict[Name, Hold]:
        """The strongest lock on each table, and its longest hold."""
        found: dict[Name, Hold] = {}
        for ran in self.ran:
            for hold in ran.holds:
                found[hold.table] = hold.worse(found.get(hold.table))
        return found


@dataclass(slots=True, kw_only=True)
class Ground:
    """Where steps are tried: a template with rows, and what both applications send."""

    server: Server
    template: str
    limit: float
    old: Sequence[Probe] = ()
    new: Sequence[Probe] = ()
    spare: Mapping[Name, Mapping[str, str | None]] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _: None

    def original(self, units: Sequence[Transaction]) -> tuple[Trial, list[Probe]]:
        """The migrations as their runner sends them, and which of the new application's statements then work."""
        with self.server.database(self.template) as name:
            ran = [self._ran(name, unit) for unit in units]
            with self.server.connect(name) as session:
                failing = try_probes(self.server, session, self.new)
            after, rows = self._outcome(name)
            trial = Trial(ran=tuple(ran), after=after, rows=rows)
        return trial, [p for p in self.new if p not in failing]

    def planned(self, steps: Sequence[PlanStep], twins: Sequence[Twins], deploy: int) -> Trial:
        """A plan's steps, with the old application's statements tried after each that comes before its end, the new
        one's after each from its deployment on."""
        with self.server.database(self.template) as name:
            found: list[Ran] = []
            start: tuple[tuple[Probe, str], ...] = ()
            if deploy == 0 and steps:
                with self.server.connect(name) as session:
                    start = _failing(try_probes(self.server, session, self.new))
            for number, step in enumerate(steps):
                self.progress(f"step {number + 1} of {len(steps)}: {step.name}")
                ran = self._ran(name, unit_of(step))
                with self.server.connect(name) as session:
                    old = try_probes(self.server, session, self.old) if number < deploy else {}
                    new = try_probes(self.server, session, self.new) if number >= deploy - 1 else {}
                apart = self._apart(name, twins) if number == deploy - 1 else ()
                found.append(
                    Ran(
                        holds=ran.holds, work=ran.work, ms=ran.ms, error=ran.error, apart=apart,
                        old=_failing(old),
                        new=_failing(new),
                    )
                )  # fmt: skip
            after, rows = self._outcome(name)
            return Trial(ran=tuple(found), after=after, rows=rows, start=start)

    def _ran(self, database: str, unit: Transaction) -> Ran:
        with self.server.connect(database) as session:
            tables, rows = held(session)
        seen: list[Hold] = []
        try:
            with contextlib.ExitStack() as stack:
                if unit.mode != "block":
                    seen = stack.enter_context(_watched(self.server, database, tables))
                plays = play(self.server, database, unit, limit=self.limit, heal=True)
        except InputError as problem:
            return Ran(error=str(problem))
        error = next((p.error or p.skipped for p in plays if p.error or p.skipped), None)
        return Ran(
            holds=tuple(_holds(plays, tables, seen)),
            work=tuple(
                w
                for p in plays
                if not p.error or p.retried
                for w in work(p.statement, p.before, p.after, tables, rows, p.ms)
            ),
            ms=sum(p.ms for p in plays),
            error=None if error is None else str(error),
        )

    def _outcome(self, database: str) -> tuple[Catalog, dict[Name, dict[str, str]]]:
        """The schema, and a fingerprint of each column of each table: the same values in the same number, in whatever
        order."""
        found: dict[Name, dict[str, str]] = {}
        with self.server.connect(database) as session:
            after = read(session)
            for table in after.tables:
                if table.kind == "foreign table":
                    continue
                columns = [c.name for c in table.columns]
                prints = [
                    f"coalesce(sum(pg_catalog.hashtextextended({quote(c)}::text, 0)::numeric), 0)::text"
                    f" || ' ' || count({quote(c)})"
                    for c in columns
                ]
                words = ", ".join([*prints, "count(*)::text"])
                try:
                    (row,) = session.run(f"SELECT {words} FROM ONLY {table.name}" if table.kind == "table"
                                         else f"SELECT {words} FROM {table.name}")  # fmt: skip
                except StatementError:
                    continue
                found[table.name] = dict(zip([*columns, ""], map(str, row), strict=True))
        return after, found

    def _apart(self, database: str, twins: Sequence[Twins]) -> tuple[str, ...]:
        """Write either of two twins, and look whether the other follows."""
        found: list[str] = []
        with self.server.connect(database) as session:
            for pair in twins:
                spare = self.spare.get(pair.table, {})
                value = spare.get(pair.old)
                first, second = (pair.old, pair.kept) if pair.kept else (pair.old, pair.new)
                assert second is not None
                same = f"{quote(second)} IS DISTINCT FROM {quote(first)}"
                if pair.kept:  # the old values are kept as far as their type holds them
                    same = f"{quote(second)}::text IS DISTINCT FROM {quote(first)}::text AND {quote(second)} IS NULL"
                for written in (first,) if pair.kept else (first, second):
                    if value is None:
                        continue
                    literal = "'" + value.replace("'", "''") + "'"
                    write = f"UPDATE {pair.table} SET {quote(written)} = {literal} WHERE ctid = (SELECT min(ctid) FROM {pair.table})"  # noqa: E501
                    try:
                        with session.rolled_back():
                            session.run(write)
                            bad = session.value(f"SELECT count(*) FROM {pair.table} WHERE {same}")
                    except StatementError:
                        continue
                    if bad != "0":
                        found.append(f"{pair.table}: {bad} rows where {second} did not follow {first}")
        return tuple(dict.fromkeys(found))


def _failing(tried: Mapping[Probe, ServerMessage]) -> tuple[tuple[Probe, str], ...]:
    return tuple((p, e.message) for p, e in tried.items() if e.sqlstate != TIMED_OUT)


def unit_of(step: PlanStep) -> Transaction:
    """A step as a transaction of its own."""
    statements = tuple(s for text in step.sql for s in parse(text, step.path))
    mode = "block" if step.mode == "transaction" else "autocommit"
    migration = Migration(
        name=step.name, path=step.path, text=";\n".join(step.sql), statements=statements, mode=mode  # type: ignore[arg-type]
    )  # fmt: skip
    return Transaction(migrations=(migration,), mode=migration.mode)


def splits(statements: Sequence[Statement]) -> Transaction:
    """Statements each by itself, to see what each does."""
    first = statements[0]
    migration = Migration(
        name="pending", path=first.path, text="", statements=tuple(statements), mode="autocommit"
    )  # fmt: skip
    return Transaction(migrations=(migration,), mode="autocommit")


@contextlib.contextmanager
def _watched(server: Server, database: str, tables: Mapping[int, Name]) -> Iterator[list[Hold]]:
    """Locks seen from outside while a statement runs that no transaction can hold: afterwards none is left to be
    looked at. What is held for less than a look (about a millisecond) may go unseen."""
    found: list[Hold] = []
    done = threading.Event()
    first: dict[tuple[int, str], float] = {}
    last: dict[tuple[int, str], float] = {}

    def look() -> None:
        with contextlib.suppress(ConnectionLost), server.connect("postgres", role=SUPERUSER) as guard:
            oid = guard.value("SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", [database])
            while not done.is_set():
                rows = guard.run(f"SELECT relation, mode FROM pg_catalog.pg_locks WHERE database = {oid} AND granted"
                                 " AND locktype = 'relation' AND relation >= 16384")  # fmt: skip
                now = time.perf_counter()
                for relation, mode in rows:
                    first.setdefault((int(relation), mode), now)
                    last[int(relation), mode] = now

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        modes = {mode.title().replace(" ", "") + "Lock": mode for mode in LOCK_MODES}
        for (relation, mode), began in first.items():
            if relation in tables and mode in modes:
                found.append(Hold(tables[relation], modes[mode], (last[relation, mode] - began) * 1000))


def _holds(plays: Sequence[Play], tables: Mapping[int, Name], seen: Sequence[Hold]) -> list[Hold]:
    """The strongest lock of each transaction on each table that stood before it, to the transaction's end."""
    found: dict[tuple[int, int], Hold] = {}
    for number, played in enumerate(plays):
        rest = [p for p in plays[number:] if p.unit == played.unit]
        until = sum(p.ms for p in rest)
        for oid, mode in played.after.locks.items():
            table = tables.get(oid)
            if table is None or LOCK_MODES.index(mode) < _OWN:
                continue
            hold = Hold(table, mode, until)
            known = found.get((played.unit, oid))
            if known is None or LOCK_MODES.index(mode) > LOCK_MODES.index(known.mode):
                found[played.unit, oid] = hold
    best: dict[Name, Hold] = {}
    for hold in (*found.values(), *(h for h in seen if LOCK_MODES.index(h.mode) >= _OWN)):
        best[hold.table] = hold.worse(best.get(hold.table))
    return list(best.values())
