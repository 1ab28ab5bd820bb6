"""Run a statement in batches, from where its record stands to the proof that nothing is left."""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace

from pgassay.errors import ConnectionProblem, PgassayError
from pgassay.migrate.backfill.model import BackfillOptions, BackfillResult, Progress, Proof
from pgassay.migrate.backfill.plan import Plan, planned
from pgassay.migrate.backfill.pressure import Pressure
from pgassay.migrate.backfill.ranges import Position
from pgassay.migrate.backfill.record import Record, State
from pgassay.migrate.backfill.watch import Watch
from pgassay.server import Connection, ConnectionLost, StatementError
from pgassay.sql.batching import batchable

_AIM = 0.4  # of the time that a batch may take
_RETRIED = {"55P03", "40P01", "40001", "57014"}  # lock timeout, deadlock, serialization failure, cancelled
_LONGEST_BACKOFF = 2.0
_LOOK = 0.5  # seconds between looks whether a pause is over
_LAG_EVERY = 1.0
# The server shuts down, crashed, starts up, is full; we were stopped (Ctrl-Z) within a batch.
_AWAY = {"57P01", "57P02", "57P03", "53300", "25P03"}
_DEAD_SHARE, _DEAD_LEAST = 0.2, 10_000  # dead rows that are worth a VACUUM
_MARK = re.compile(r"--[ \t]*pgassay:[ \t]*batch\b", re.I)


def marked(text: str) -> bool:
    """Whether a statement's text (with the comments before it) has ``-- pgassay: batch``."""
    return _MARK.search(text) is not None


def check(session: Connection, sql: str, *, path: str | None = None, line: int | None = None) -> Plan:
    """How it would be done. Nothing is changed. Raises InputError where it cannot be batched."""
    return planned(session, batchable(sql, path or "", line), path, line)


def backfill(
    connect: Callable[[], Connection],
    sql: str,
    *,
    options: BackfillOptions | None = None,
    record: str,
    progress: Callable[[Progress], None] | None = None,
    path: str | None = None,
    line: int | None = None,
) -> BackfillResult:
    """Run one UPDATE, DELETE or INSERT … SELECT in batches, or go on with it where ``record`` says that it stands.

    ``connect`` opens sessions that may write; two are used. ``record`` names the run in ``pgassay.backfill``: the same
    name goes on, and does nothing twice. ``path`` and ``line`` are for messages. A record that is finished does nothing
    but look for rows that came since, where the statement's WHERE (or its target) can tell them.

    Raises InputError where the statement cannot be batched, BackfillRunning where it runs already, PgassayError where a
    batch fails or ``options.patience`` is at its end: all that was done stays done, and the next call goes on there.
    """
    chosen = options or BackfillOptions()
    return _Backfill(connect, sql, chosen, Record(record), progress or (lambda _: None), path, line).run()


class _Backfill:
    def __init__(
        self,
        connect: Callable[[], Connection],
        sql: str,
        options: BackfillOptions,
        record: Record,
        progress: Callable[[Progress], None],
        path: str | None,
        line: int | None,
    ) -> None:
        self.connect = connect
        self.statement = batchable(sql, path or "", line)
        self.sql = self.statement.text
        self.options = options
        self.record = record
        self.progress = progress
        self.place = (path, line)
        self.began = time.monotonic()
        self.retries = 0
        self.longest = self.waited = self.rested = 0.0
        self.resumed: bool | None = None
        self.done_here = 0  # rows gone through in this call
        self.lagged = float("-inf")
        self.hinted = 0  # rows changed when VACUUM was last named
        self.alive = time.monotonic()  # when the server last did something for us
        self.pressure = Pressure(options.rest, options.slower)

    def run(self) -> BackfillResult:
        forget = self.options.again
        while True:
            try:
                with self.connect() as session:
                    self.alive = time.monotonic()
                    if forget:
                        self.record.forget(session)
                        forget = False
                    with Watch(self.connect, session.pid, self.options.max_wait) as watch:
                        return self._from_the_record(session, watch)
            except (ConnectionLost, ConnectionProblem) as error:
                self._away(error)
            except StatementError as error:
                if error.sqlstate not in _AWAY:
                    raise PgassayError(f"{self.statement.table}: {error}") from None
                self._away(error)

    def _away(self, error: Exception) -> None:
        """The server is gone: it may come back, and the record tells whether the last batch was committed."""
        if self.resumed is None or time.monotonic() - self.alive > self.options.patience:
            if isinstance(error, PgassayError):
                raise error
            raise PgassayError(str(error)) from None
        self.retries += 1
        time.sleep(0.2)

    # Passes

    def _from_the_record(self, session: Connection, watch: Watch) -> BackfillResult:
        session.run("SET client_min_messages = warning; SET extra_float_digits = 1")
        with contextlib.suppress(StatementError):  # since PostgreSQL 14, and not on every system
            session.run("SET client_connection_check_interval = '1s'")
        plan = planned(session, self.statement, *self.place)
        state = self.record.open(session, self.sql, plan.table, plan.ranges.columns, self.options.size)
        if self.resumed is None:
            self.resumed = state.batches > 0
            self.pressure.begin(session)
        changed: int | None = None  # in the last pass, where all of it was in this call
        if state.finished:
            left, proof, notes = self._left(session, plan, state, None)
            if proof is not None:
                return self._result(plan, state, left, proof, notes)
            state = self._begin(session, plan, state, state.run + 1)
            changed = state.changed
        elif state.finish is None:
            state = self._begin(session, plan, state, state.run)
        while True:
            while state.finish is not None and state.position != state.finish:
                state = self._batch(session, watch, plan, state)
            made = None if changed is None else state.changed - changed
            left, proof, notes = self._left(session, plan, state, made)
            if proof is not None or made == 0 or state.run >= self.options.passes:
                break
            changed = state.changed
            state = self._begin(session, plan, state, state.run + 1)
        if proof is not None:
            self.record.finish(session)
        return self._result(plan, state, left, proof, notes)

    def _begin(self, session: Connection, plan: Plan, state: State, run: int) -> State:
        finish = plan.ranges.end(session)
        self.record.begin(session, run, finish)
        return replace(state, run=run, finish=finish, position=None, seen=0, finished=False)

    def _left(
        self, session: Connection, plan: Plan, state: State, made: int | None
    ) -> tuple[int, Proof | None, tuple[str, ...]]:
        """Rows that are left, how it is known that none is, and notes. ``made``: changes of a later pass."""
        if plan.left is None:
            return 0, "ranges", ()
        left = int(session.value(plan.left) or 0)
        if left == 0:
            return 0, "target" if self.statement.kind == "insert" else "where", ()
        if state.again:
            why = f"{left:,} rows meet WHERE, as {state.again:,} did that were just changed: each was changed once"
            return 0, "ranges", (why,)
        if made == 0 and self.statement.conflict:
            return 0, "ranges", (f"{left:,} rows stay away from their target by ON CONFLICT",)
        if made == 0:
            return left, None, (f"{left:,} rows meet WHERE and do not change: a trigger or row security keeps them",)
        if state.run >= self.options.passes:
            why = (
                "the application goes on writing rows that this is about: give the column a default or a trigger first"
            )
            return left, None, (why,)
        return left, None, ()

    def _result(
        self, plan: Plan, state: State, left: int, proof: Proof | None, notes: tuple[str, ...]
    ) -> BackfillResult:
        hint = self._dead(plan, state, 0)
        return BackfillResult(
            table=plan.table,
            key=plan.ranges.columns,
            batches=state.batches,
            changed=state.changed,
            left=left,
            proof=proof,
            seconds=time.monotonic() - self.began,
            passes=state.run,
            retries=self.retries,
            longest=self.longest,
            waited=self.waited,
            rested=self.rested,
            resumed=bool(self.resumed),
            notes=(*plan.notes, *notes, *([hint] if hint else [])),
        )

    # One batch

    def _batch(self, session: Connection, watch: Watch, plan: Plan, state: State) -> State:
        """The next range, as often as it takes. Returns where it stands then."""
        self._wait(session, plan, state)
        assert state.finish is not None
        attempts = 0
        since = time.monotonic()
        while True:
            try:
                return self._attempt(session, watch, plan, state, state.finish)
            except StatementError as error:
                if session.transaction != "idle":
                    session.run("ROLLBACK")
                if error.sqlstate in _AWAY:
                    raise
                asked = error.sqlstate == "57014" and "user request" in error.report.message
                ours = time.monotonic() - watch.cancelled_at < 2.0
                if error.sqlstate not in _RETRIED or (asked and not ours):
                    raise self._failed(plan, state, error) from None
                self.retries += 1
                attempts += 1
                state = replace(state, size=max(state.size // 2, 1))
                if time.monotonic() - since > self.options.patience:
                    raise self._stuck(plan, error, watch) from None
                self.waited = max(self.waited, watch.waited)
                waiting = f"retry {attempts}: {_why(error, watch)}"
                self._tell(plan, state, 0.0, waiting=waiting)
                self._rest(min(0.05 * 2 ** min(attempts - 1, 10), _LONGEST_BACKOFF) * random.uniform(0.5, 1.0))

    def _attempt(self, session: Connection, watch: Watch, plan: Plan, state: State, end: Position) -> State:
        low = state.position
        high = plan.ranges.following(session, low, end, state.size)
        sql = (plan.later if low else plan.first) if state.run == 1 else plan.catching[low is not None]
        began = time.perf_counter()
        limit = int(max(self.options.batch * 20, 5.0) * 1000)
        with watch.batch(small=state.size == 1):
            session.run(
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
                f" SET LOCAL lock_timeout = {int(self.options.lock_timeout * 1000)};"
                f" SET LOCAL statement_timeout = {limit}; SET LOCAL idle_in_transaction_session_timeout = '5s'"
            )
            rows = session.run(sql, plan.ranges.values(low, high))
            changed, again = int(rows[0][0]), int(rows[0][1])
            if again and plan.by_pages:
                session.run("ROLLBACK")
                raise self._met_again(plan, state)
            seen = plan.ranges.rows(low, high, end, state.size)
            paused = self.record.advance(session, state, high, seen, changed, again)
            session.run("COMMIT")
        took = time.perf_counter() - began
        self.alive = time.monotonic()
        self.longest = max(self.longest, took)
        self.waited = max(self.waited, watch.waited)
        self.done_here += seen
        state = replace(
            state,
            position=high,
            batches=state.batches + 1,
            seen=state.seen + seen,
            changed=state.changed + changed,
            again=state.again + again,
            size=self._size(state.size, took, watch.waited),
            paused=paused,
        )
        self.pressure.look(session)
        self._tell(plan, state, took, hint=self._dead(plan, state, self.hinted))
        self._rest(took * self.pressure.rest)
        return state

    def _size(self, size: int, took: float, waited: float) -> int:
        """Rows of the next range, so that it takes less than half of what it may."""
        factor = min(max(self.options.batch * _AIM / max(took, 1e-4), 0.5), 2.0)
        if waited > self.options.max_wait / 2:
            factor = min(factor, 0.5)
        return min(max(int(size * factor), 1), self.options.largest)

    def _rest(self, seconds: float) -> None:
        began = time.monotonic()
        time.sleep(seconds)
        self.rested += time.monotonic() - began

    # Pauses

    def _wait(self, session: Connection, plan: Plan, state: State) -> None:
        """As long as somebody asks for a pause, or a standby lags."""
        asked = state.paused
        while asked or (self.options.paused is not None and self.options.paused()):
            self._tell(plan, state, 0.0, waiting="paused")
            time.sleep(_LOOK)
            self.alive = time.monotonic()
            asked = self.record.paused(session)
        if self.options.max_lag is None or time.monotonic() - self.lagged < _LAG_EVERY:
            return
        since = time.monotonic()
        while (lag := self.pressure.lag(session)) is not None and lag > self.options.max_lag:
            self._tell(plan, state, 0.0, waiting=f"a standby lags {lag:.0f} s")
            if time.monotonic() - since > self.options.patience:
                raise PgassayError(
                    f"a standby has lagged more than {self.options.max_lag:g} s for {self.options.patience:g} s",
                    hint=f"{state.changed:,} rows of {plan.table} are done. Run the same command again to go on there.",
                )
            self._rest(_LOOK)
        self.lagged = time.monotonic()

    # Words

    def _tell(
        self, plan: Plan, state: State, took: float, *, waiting: str | None = None, hint: str | None = None
    ) -> None:
        rate = self.done_here / max(time.monotonic() - self.began, 1e-3)
        total = max(plan.total, state.seen)
        self.progress(
            Progress(
                table=plan.table,
                seen=state.seen,
                total=total,
                changed=state.changed,
                size=state.size,
                run=state.run,
                took=took,
                eta=(total - state.seen) / rate if rate else None,
                waiting=waiting,
                hint=hint,
            )
        )

    def _dead(self, plan: Plan, state: State, before: int) -> str | None:
        if self.statement.kind == "insert" or state.changed - before < max(_DEAD_SHARE * plan.total, _DEAD_LEAST):
            return None
        self.hinted = state.changed
        return f"VACUUM (ANALYZE) {plan.table}: about {state.changed - before:,} rows of it died"

    def _failed(self, plan: Plan, state: State, error: StatementError) -> PgassayError:
        low = ", ".join(state.position) if state.position else "the beginning"
        return PgassayError(
            f"a batch of {plan.table} failed after {'/'.join(plan.ranges.columns)} = {low}: {error.report}"
            + (f"\n{error.report.detail}" if error.report.detail else ""),
            hint=f"{state.changed:,} rows are done and stay so. Put this right and run the same command again.",
        )

    def _met_again(self, plan: Plan, state: State) -> PgassayError:
        return PgassayError(
            f"{plan.table} has no key, and a row that was changed still meets WHERE: it would be changed again",
            hint=f"{state.changed:,} rows are done once each. Give the table a primary key and begin a new record,"
            " or let WHERE tell what is done.",
        )

    def _stuck(self, plan: Plan, error: StatementError, watch: Watch) -> PgassayError:
        return PgassayError(
            f"no batch of {plan.table} got through in {self.options.patience:g} s: {_why(error, watch)}",
            hint="What is done stays done. Run the same command again to go on there.",
        )


def _why(error: StatementError, watch: Watch) -> str:
    if error.sqlstate == "57014":
        return "others waited behind it" if watch.cancelled else "it took too long"
    return f"{error.report.message}" + (f", held by {watch.blocker}" if watch.blocker else "")
