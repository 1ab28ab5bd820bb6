"""The scratch database on which candidates are built, switched on and off, and measured.

Rows and queries run as the database's owner. A superuser's session changes ``pg_index.indisvalid`` of our own
candidates and reads ``pg_catalog``; it runs nothing of the user's.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

from pgassay.advisor.candidates import World
from pgassay.advisor.clock import Clock
from pgassay.advisor.model import Built, Candidate, Measure, Usage
from pgassay.catalog import Catalog, column_statistics, read, sizes
from pgassay.model import Name
from pgassay.server import SUPERUSER, Connection, ConnectionLost, Server, StatementError, install

_BUILD_LIMIT = 60_000  # milliseconds for one index
_SAMPLE = 20_000  # rows
_BUILDERS = 2  # that work at a time
_PATIENCE = 10_000.0  # milliseconds of CPU for one run of a query
_BUSY, _PATIENT = 0.8, 4.0  # share of the time that was CPU, below which a run is given up to so many times as long


class Ground:
    """A database with rows. ``kind``: synthetic or copied. ``taken`` are the names of all its relations."""

    def __init__(
        self,
        server: Server,
        database: str,
        *,
        kind: str,
        settings: Mapping[str, str] | None = None,
        path: str | None = None,
    ) -> None:
        self.server, self.database, self.kind = server, database, kind
        self.settings = dict(settings or {})
        self.search_path = path
        self.patience = _PATIENCE
        self.usage: Usage | None = None  # of production's indexes
        self.scales: dict[Name, float] = {}  # how many times more rows production has
        self.session = self._connect()
        self.admin = server.connect(database, role=SUPERUSER)
        self.now = Clock(self.session.pid, self.admin.pid).now  # on which every deadline is
        self.built: dict[Candidate, Built] = {}
        self._on: frozenset[str] = frozenset()
        self._stale = False
        self._counted: dict[tuple[Name, str], float | None] = {}
        self._oids: dict[str, int] = {}
        self._extensions: dict[str, bool] = {}
        self._whole: dict[str, str] = {}  # of a partition's index, the name of the partitioned one
        self.taken = {row[0] for row in self.admin.run("SELECT relname FROM pg_class")}

    def _connect(self) -> Connection:
        session = self.server.connect(self.database)
        for name, value in self.steer.items():
            with contextlib.suppress(StatementError):  # a setting that this version has not
                session.run("SELECT pg_catalog.set_config($1, $2, false)", [name, value])
        session.run("SET max_parallel_maintenance_workers = 2; SET maintenance_work_mem = '256MB'")
        return session

    @property
    def steer(self) -> dict[str, str]:
        """The settings under which queries are planned: the user's, on one processor, so that CPU can be measured."""
        path = {"search_path": self.search_path} if self.search_path else {}
        return {**self.settings, "max_parallel_workers_per_gather": "0", "jit": "off", **path}

    def settle(self) -> None:
        """Vacuum and analyse everything: index-only scans need the visibility map.

        What was committed asynchronously is visible to all only once its WAL is flushed: a checkpoint does that. What
        the command itself commits between two tables must be flushed too, for PostgreSQL remembers only the latest
        such place for 32 transactions together.
        """
        self.admin.run("CHECKPOINT")
        self.session.run("SET synchronous_commit = on")
        self.session.run("VACUUM (ANALYZE)")
        self.session.run("RESET synchronous_commit")
        self.session.notices()

    def world(self) -> World:
        """What candidates are derived from, read anew."""
        schemas = json.loads(self.session.value("SELECT to_json(current_schemas(false))") or "[]")
        return World(
            read(self.session), column_statistics(self.session), sizes(self.session), tuple(schemas), self._distinct
        )

    def _distinct(self, table: Name, expression: str) -> float | None:
        """Distinct values of an expression among some thousand rows; None where it cannot be told."""
        if (table, expression) not in self._counted:
            sample = f"SELECT ({expression}) AS x FROM {table} LIMIT {_SAMPLE}"
            found = self.rows(f"SELECT count(DISTINCT x::text) FROM ({sample}) s")
            self._counted[table, expression] = float(found[0][0]) if found else None
        return self._counted[table, expression]

    def catalog(self) -> Catalog:
        """The schema as it is now."""
        return read(self.session)

    # candidates

    def build(self, candidate: Candidate) -> Built | str:
        """Build a candidate and switch it off again; what the server said where it refuses."""
        (made,) = self.build_all([candidate])
        return made[1]

    def build_all(
        self, wanted: Sequence[Candidate], until: float = math.inf, say: Callable[[int], None] = lambda _: None
    ) -> list[tuple[Candidate, Built | str]]:
        """Build several, two at a time, and switch them off again; those begun after ``until`` (``now``) are left
        out. ``say`` is told how many are done."""
        found: dict[Candidate, Built | str] = {c: self.built[c] for c in wanted if c in self.built}
        names: dict[Candidate, str] = {}
        for candidate in wanted:
            lacking = [e for e in (candidate.extension or "").split(",") if e and not self._has(e)]
            if lacking:
                found[candidate] = f"this server does not have the extension {lacking[0]}"
            elif candidate not in found:
                names[candidate] = candidate.name(self.taken)
                self.taken.add(names[candidate])
        times: dict[Candidate, float | str] = {}
        waiting = deque(names)
        sessions = [self.session]
        try:
            sessions += [self._connect() for _ in range(min(_BUILDERS, len(names)) - 1)]
            for session in sessions:
                workers = _BUILDERS if len(sessions) == 1 else 0
                session.run(f"SET max_parallel_maintenance_workers = {workers}")
            failed: list[Exception] = []

            def beside(session: Connection) -> None:
                try:
                    self._builder(session, waiting, names, times, until)
                except Exception as error:
                    failed.append(error)

            others = [Thread(target=beside, args=(session,)) for session in sessions[1:]]
            for thread in others:
                thread.start()
            try:
                self._builder(self.session, waiting, names, times, until, lambda: say(len(times)))
            except BaseException:  # nobody waits for what the others are building
                for session in sessions[1:]:
                    with contextlib.suppress(ConnectionLost, StatementError):
                        self.admin.run("SELECT pg_catalog.pg_terminate_backend($1)", [session.pid])
                raise
            finally:
                waiting.clear()
                for thread in others:
                    thread.join()
            if failed:
                raise failed[0]
        finally:
            for session in sessions[1:]:
                session.close()
        for candidate, took in times.items():
            found[candidate] = took if isinstance(took, str) else self._known(candidate, names[candidate], took)
        self._switch(off={made.name for c in times if isinstance(made := found[c], Built)})
        return [(c, found[c]) for c in wanted if c in found]

    def _has(self, extension: str) -> bool:
        if extension not in self._extensions:
            self._extensions[extension] = install(self.server, self.database, extension) != "missing"
        return self._extensions[extension]

    def _builder(
        self,
        session: Connection,
        waiting: deque[Candidate],
        names: Mapping[Candidate, str],
        times: dict[Candidate, float | str],
        until: float,
        say: Callable[[], None] = lambda: None,
    ) -> None:
        """Build what waits, one after the other. Runs beside others of its kind."""
        while waiting and self.now() < until:
            try:
                candidate = waiting.popleft()
            except IndexError:
                return
            say()
            began = time.monotonic()
            try:
                session.run(f"SET statement_timeout = {_BUILD_LIMIT}")
                session.run(candidate.ddl(names[candidate]))
                times[candidate] = (time.monotonic() - began) * 1_000
            except StatementError as error:
                times[candidate] = error.report.message
            finally:
                session.run("SET statement_timeout = 0")

    def _known(self, candidate: Candidate, name: str, ms: float) -> Built:
        """What is built, as it is in the catalog."""
        index = Name(candidate.table.schema, name)
        (found,) = self.session.run("SELECT $1::regclass::oid, pg_catalog.pg_relation_size($1::regclass)", [str(index)])
        self._oids[name] = int(found[0])
        parts = self.admin.run(
            "SELECT c.relname FROM pg_catalog.pg_partition_tree($1::oid) t JOIN pg_class c ON c.oid = t.relid",
            [found[0]],
        )
        self._whole |= {part: name for (part,) in parts}
        made = Built(candidate=candidate, name=name, bytes=self._bytes(candidate.table, index, int(found[1])), ms=ms)
        self.built[candidate] = made
        return made

    def _bytes(self, table: Name, index: Name, own: int) -> int:
        """At production's size; of a partitioned index, its parts' sum."""
        scale = self.scales.get(table, 1.0)
        if own:
            return int(own * scale)
        text = (
            "SELECT coalesce(sum(pg_catalog.pg_relation_size(relid)), 0)"
            " FROM pg_catalog.pg_partition_tree($1::regclass) WHERE isleaf"
        )
        return int(int(self.session.value(text, [str(index)]) or 0) * scale)

    def heap_bytes(self, world: World) -> int:
        """All heaps, at production's size."""
        return int(sum(s.heap_bytes * self.scales.get(n, 1.0) for n, s in world.sizes.items()))

    def analyse(self, table: Name) -> None:
        """Statistics of a table and of the expressions that are indexed."""
        self.session.run(f"ANALYZE {table}")

    def drop(self, candidate: Candidate) -> None:
        """Remove a candidate for good."""
        made = self.built.pop(candidate)
        self.session.run(f"DROP INDEX {Name(candidate.table.schema, made.name)}")
        self._on -= {made.name}
        del self._oids[made.name]

    def clear(self) -> None:
        """Remove all candidates."""
        for candidate in list(self.built):
            self.drop(candidate)

    def only(self, names: Collection[str]) -> None:
        """Switch on just these candidates."""
        wanted = frozenset(names)
        if wanted == self._on:
            return
        self._switch(on=wanted - self._on, off=self._on - wanted)
        self._on = wanted

    def _switch(self, on: Collection[str] = (), off: Collection[str] = ()) -> None:
        if not on and not off:
            return
        oids = ["{" + ",".join(str(self._oids[n]) for n in sorted(names)) + "}" for names in (on, off)]
        # A partitioned index is switched with its parts, of which the planner takes one each.
        self.admin.run(
            "UPDATE pg_catalog.pg_index SET indisvalid = s.valid FROM ("
            "SELECT i.valid, t.relid FROM (SELECT unnest($1::oid[]), true UNION ALL SELECT unnest($2::oid[]), false)"
            " AS i(oid, valid), LATERAL (SELECT relid FROM pg_catalog.pg_partition_tree(i.oid)"
            " UNION SELECT i.oid) AS t) AS s WHERE indexrelid = s.relid",
            oids,
        )
        self._stale = True

    @contextlib.contextmanager
    def without(self, indexes: Collection[Name]) -> Iterator[None]:
        """As if these indexes of the schema itself were not there: dropped, and rolled back at the end."""
        with self.session.rolled_back():
            for index in indexes:
                self.session.run(f"DROP INDEX {index}")
            yield

    # planning and running

    def plan(self, sql: str) -> dict[str, Any]:
        """PostgreSQL's plan of one statement, the object under ``Plan``. Raises StatementError."""
        found = self.session.json(f"EXPLAIN (FORMAT JSON) {sql}")
        plan: dict[str, Any] = found[0]["Plan"]
        return plan

    def used(self, plan: Mapping[str, Any]) -> frozenset[str]:
        """The candidates in a plan, by name."""
        return frozenset(n for name in indexes_used(plan) if (n := self._whole.get(name, name)) in self._oids)

    def measure(self, sql: str, *, limit_ms: float | None = None, times: int = 1) -> Measure:
        """Run a statement and roll it back: the least CPU and buffers of ``times``. Raises StatementError."""
        limit_ms = self.patience if limit_ms is None else min(limit_ms, self.patience)
        best: Measure | None = None
        for _ in range(times):
            one = self._once(sql, limit_ms)
            if best is None or one.work < best.work:
                best = one
            if one.over:
                break
        assert best is not None
        return best

    def _once(self, sql: str, limit_ms: float) -> Measure:
        """Run once, for so many milliseconds of CPU: where the machine is busy, more may pass on the clock."""
        found = self._timed(sql, limit_ms)
        if isinstance(found, Measure):
            return found
        if found < limit_ms * _BUSY:  # of the time that it was given it had but a part
            found = self._timed(sql, min(limit_ms * limit_ms / max(found, 1.0) * 1.2, limit_ms * _PATIENT))
            if isinstance(found, Measure):
                return found
        return Measure(cpu_ms=limit_ms, buffers=0, rows=0, over=True)

    def _timed(self, sql: str, timeout_ms: float) -> Measure | float:
        """What a run took, or, where the timeout ended it, the milliseconds of CPU until then."""
        if self._stale:  # plans kept by functions and foreign keys do not notice what is switched
            self.session.run("DISCARD PLANS")
            self._stale = False
        nested = self.session.transaction == "open"
        self.session.run("SAVEPOINT measured" if nested else "BEGIN")
        try:
            self.session.run(f"SET LOCAL statement_timeout = {max(int(timeout_ms), 1)}")
            before = self._cpu()
            began = time.monotonic()
            found = None
            try:
                found = self.session.json(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}")
            except StatementError as error:
                if error.sqlstate != "57014":
                    raise
            after = self._cpu()
            cpu = (after - before) if before is not None and after is not None else (time.monotonic() - began) * 1_000
            if found is None:
                return cpu
            plan = found[0]["Plan"]
            return Measure(cpu_ms=cpu, buffers=buffers(plan), rows=int(plan.get("Actual Rows", 0)))
        finally:
            self._back(nested)

    def _back(self, nested: bool) -> None:
        """Roll back. The time limit may strike here too, where the machine is busy: then once more."""
        for _ in range(3):
            with contextlib.suppress(ConnectionLost, StatementError):
                self.session.run("ROLLBACK TO SAVEPOINT measured; RELEASE SAVEPOINT measured" if nested else "ROLLBACK")
                return

    def _cpu(self) -> float | None:
        """Milliseconds that our backend has been on a processor (Linux; the manual of proc, schedstat)."""
        try:
            return int(Path(f"/proc/{self.session.pid}/schedstat").read_text().split()[0]) / 1e6
        except (OSError, ValueError, IndexError):
            return None

    def rows(self, sql: str, limit_ms: float = _PATIENCE) -> list[list[Any]] | None:
        """What a SELECT returns; None where it takes too long."""
        with self.session.rolled_back():
            try:
                self.session.run(f"SET LOCAL statement_timeout = {int(limit_ms)}")
                return self.session.run(sql)
            except StatementError:
                return None

    def close(self) -> None:
        """End both sessions."""
        self.session.close()
        self.admin.close()

    def __enter__(self) -> Ground:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def buffers(plan: Mapping[str, Any]) -> int:
    """Pages that a plan touched, in shared and temporary buffers."""
    parts = ("Shared Hit Blocks", "Shared Read Blocks", "Temp Read Blocks", "Temp Written Blocks")
    return sum(int(plan.get(part, 0)) for part in parts)


def indexes_used(plan: Mapping[str, Any]) -> frozenset[str]:
    """The names of the indexes in a plan."""
    found = {str(plan["Index Name"])} if "Index Name" in plan else set()
    for part in plan.get("Plans", ()):
        found |= indexes_used(part)
    return frozenset(found)


def cost(plan: Mapping[str, Any]) -> float:
    """The planner's total cost."""
    return float(plan["Total Cost"])
