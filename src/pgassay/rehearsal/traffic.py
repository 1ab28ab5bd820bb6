"""A migration under traffic: readers and writers of the old application run while it is played, and their waits are
measured. What a lock means is then seen and not computed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pgassay.catalog import Catalog
from pgassay.errors import InputError
from pgassay.model import Name, Statement, Transaction
from pgassay.model.observations import Break, Lock, Rehearsed
from pgassay.rehearsal.filling import fill_watched
from pgassay.rehearsal.play import play
from pgassay.rehearsal.probe import Probe, catalog_probes, try_probes, workload_probes
from pgassay.rehearsal.rehearse import Conditions
from pgassay.rehearsal.touched import reached, touched
from pgassay.rehearsal.traffic_load import Call, Load, Request, quantile
from pgassay.server import Server
from pgassay.sql.single import single

_MOST_TABLES = 4  # each with a reader and a writer
_LEAD = 0.6  # seconds of traffic before the migration begins, and
_TAIL = 0.15  # after its end
_PASSING = {"40P01", "40001", "57014"}  # a deadlock, a serialization failure, a timeout: another try may pass
_LEAST_MS = 2.0  # locks held more briefly say nothing of how well a wait was foreseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """What the application's statements on one table met while one statement of the migration ran, or because of it.

    The longest that a reader and a writer took, and the 99th percentile of both before the migration began and while
    the statement ran, in milliseconds. A call counts for the statement whose lock it waited for. ``held_ms``: how
    long the rehearsal without traffic held a lock that stops them, None where none does. ``errors``: SQLSTATEs of what
    another try may pass.
    """

    statement: Statement
    table: Name
    reader_ms: float
    writer_ms: float
    before_ms: float
    during_ms: float
    calls: int
    held_ms: float | None = None
    errors: tuple[str, ...] = ()

    @property
    def longest_ms(self) -> float:
        """Of readers and writers."""
        return max(self.reader_ms, self.writer_ms)

    @property
    def ratio(self) -> float | None:
        """The stall that was observed, as a multiple of the time that the rehearsal measured without traffic."""
        return self.longest_ms / self.held_ms if self.held_ms and self.held_ms >= _LEAST_MS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """``stalls`` by statement and table; ``breaks``: statements of the application that stopped working, by ``id`` of
    the statement that did it; ``calls``: statements sent; ``note``: why nothing could be sent."""

    stalls: tuple[Stall, ...] = ()
    breaks: Mapping[int, tuple[Break, ...]] = field(default_factory=dict)
    calls: int = 0
    note: str | None = None


@dataclass(slots=True)
class _Window:
    statement: Statement
    began: float
    ended: float


def under_traffic(
    server: Server,
    database: str,
    transaction: Transaction,
    conditions: Conditions,
    *,
    before: Catalog,
    after: Catalog,
    rehearsed: Rehearsed,
) -> Traffic:
    """Play the transaction once more, on rows and with a reader and a writer for each table. ``database`` holds the
    schema before it and is left as it is; ``rehearsed`` is what was seen without traffic."""
    tables = sorted(touched(transaction, before, after) & {t.name for t in before.tables})[:_MOST_TABLES]
    if not tables:
        return Traffic()
    with server.database(database) as name:
        with server.connect(name) as session:
            wanted = reached(transaction, before, after) | set(tables)
            filled = fill_watched(
                server,
                session,
                before,
                rows=conditions.rows,
                seed=conditions.seed,
                obey=after,
                tables=wanted,
                statistics=conditions.statistics,  # type: ignore[arg-type]
            )
            probes = [
                *catalog_probes(before, filled.spare, [t for t in before.tables if t.name in tables]),
                *(p for p in workload_probes(conditions.workload) if not p.prepared),
            ]
            failing = try_probes(server, session, probes)
        requests = list(_requests((p for p in probes if p not in failing), tables))
        if not requests:
            return Traffic(note="no statement of the application could be sent to the tables concerned")
        windows: list[_Window] = []
        with Load(lambda: server.connect(name), requests, limit=conditions.limit, seed=conditions.seed) as load:
            time.sleep(_LEAD)
            try:
                play(
                    server, name, transaction, limit=conditions.limit, heal=True, look=False, cut=conditions.cut,
                    before_each=lambda _, s: windows.append(_Window(s, time.perf_counter(), float("inf"))),
                    after_each=lambda _, __: _close(windows),
                )  # fmt: skip
            except InputError as error:
                return Traffic(note=f"under traffic it could not be played to its end: {error.problem}")
            ended = time.perf_counter()
            time.sleep(_TAIL)
        for window in windows:
            window.ended = min(window.ended, ended)
        calls = load.calls()
    return Traffic(
        stalls=tuple(_stalls(windows, ended, calls, tables, rehearsed)),
        breaks=_breaks(windows, calls, rehearsed),
        calls=len(calls),
    )


def _close(windows: list[_Window]) -> None:
    windows[-1].ended = time.perf_counter()


def _requests(probes: Iterable[Probe], tables: Sequence[Name]) -> Iterator[Request]:
    for probe in probes:
        try:
            read = single(probe.sql)
        except InputError:
            continue
        table = probe.table
        if table is None:  # of the workload: the first of the tables that it names
            table = next((t for t in tables if t.name in probe.sql), None)
        if table in tables:
            yield Request(sql=probe.sql, table=table, writes=read.kind != "select", undone=read.kind != "select")


# What was seen


def _stalls(
    windows: Sequence[_Window], ended: float, calls: Sequence[Call], tables: Sequence[Name], rehearsed: Rehearsed
) -> Iterator[Stall]:
    """Each statement's share of the calls."""
    if not windows:
        return
    spans = list(_spans(windows, rehearsed))
    held = {(id(span.window.statement), span.lock.table): span.lock.held_ms for span in spans}
    charged: dict[tuple[int, Name], list[Call]] = defaultdict(list)
    base: dict[Name, list[float]] = defaultdict(list)
    for call in calls:
        table = call.request.table
        if table is None or call.began > ended:
            continue
        if call.ended < windows[0].began:
            base[table].append(call.seconds)
            continue
        window = _behind(spans, call, table) or _meanwhile(windows, call)
        charged[id(window.statement), table].append(call)
    for window in windows:
        for table in tables:
            mine = charged.get((id(window.statement), table), ())
            if not mine:
                continue
            yield Stall(
                statement=window.statement,
                table=table,
                reader_ms=1000 * max((c.seconds for c in mine if not c.request.writes), default=0.0),
                writer_ms=1000 * max((c.seconds for c in mine if c.request.writes), default=0.0),
                before_ms=1000 * quantile(base[table], 0.99),
                during_ms=1000 * quantile((c.seconds for c in mine), 0.99),
                calls=len(mine),
                held_ms=held.get((id(window.statement), table)),
                errors=tuple(sorted({c.error.sqlstate for c in mine if c.error and c.error.sqlstate in _PASSING})),
            )


@dataclass(frozen=True, slots=True)
class _Span:
    """A lock of the rehearsal, in the time of this run: from its statement's beginning to the end of the last one."""

    window: _Window
    lock: Lock
    ended: float


def _spans(windows: Sequence[_Window], rehearsed: Rehearsed) -> Iterator[_Span]:
    of = {id(w.statement): w for w in windows}
    for seen in rehearsed.observations:
        for lock in seen.locks:
            window, last = of.get(id(seen.statement)), of.get(id(lock.held_until))
            if window and last and lock.blocks_writes:
                yield _Span(window, lock, last.ended)


def _behind(spans: Iterable[_Span], call: Call, table: Name) -> _Window | None:
    """The statement whose lock stopped a call: the first that held one on its table when it began, or while it ran."""
    for span in spans:
        stops = span.lock.table == table and (span.lock.blocks_reads or call.request.writes)
        if stops and call.began < span.ended and call.ended > span.window.began:
            return span.window
    return None


def _meanwhile(windows: Sequence[_Window], call: Call) -> _Window:
    """The statement during which a call began, else the first."""
    return next((w for w in reversed(windows) if w.began <= call.began), windows[0])


def _breaks(windows: Sequence[_Window], calls: Sequence[Call], rehearsed: Rehearsed) -> dict[int, tuple[Break, ...]]:
    """Statements that worked before the migration and failed from some statement on, and were not known to.

    The cause of all that say the same is the first statement with a lock on the table since the last success there.
    """
    if not windows:
        return {}
    known = {b.sql for seen in rehearsed.observations for b in seen.breaks}
    failed = {c.request.sql for c in calls if c.error and c.ended < windows[0].began}
    spans = list(_spans(windows, rehearsed))
    worked: dict[Name | None, float] = {}  # when a statement on the table last began that succeeded
    causes: dict[tuple[str, str], int] = {}
    found: dict[str, tuple[int, Break]] = {}
    for call in sorted(calls, key=lambda c: c.began):
        sql, error = call.request.sql, call.error
        if error is None:
            worked[call.request.table] = call.began
            continue
        if not isinstance(sql, str) or sql in known or sql in failed or error.sqlstate in _PASSING:
            continue
        since = worked.get(call.request.table, float("-inf"))
        locked = (s.window for s in spans if s.lock.table == call.request.table and since <= s.ended)
        window = next((w for w in locked if w.began <= call.ended), None) or _meanwhile(windows, call)
        cause = causes.setdefault((error.sqlstate, error.message), id(window.statement))
        found.setdefault(
            sql,
            (cause, Break(sql=sql, error=error.message, sqlstate=error.sqlstate, table=call.request.table)),
        )
    grouped: dict[int, list[Break]] = defaultdict(list)
    for cause, each in found.values():
        grouped[cause].append(each)
    return {cause: tuple(each) for cause, each in grouped.items()}
