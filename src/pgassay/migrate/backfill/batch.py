"""One batch after the other: how large, when to try again, when to wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pgassay.errors import DiskFull, PgassayError
from pgassay.migrate.backfill.model import BackfillOptions, Progress
from pgassay.migrate.backfill.plan import Plan
from pgassay.migrate.backfill.pressure import Pressure
from pgassay.migrate.backfill.ranges import Position
from pgassay.migrate.backfill.record import Record, State
from pgassay.migrate.backfill.watch import Watch
from pgassay.server import Connection, StatementError

_AIM = 0.4  # of the time that a batch may take
# Of the table: who writes a row chosen by chance meets a batch's locks in fewer cases than a 99th percentile shows.
_SHARE, _SHARE_LEAST = 0.005, 500
_RETRIED = {"55P03", "40P01", "40001", "57014"}  # lock timeout, deadlock, serialization failure, cancelled
_LONGEST_BACKOFF = 2.0
_LOOK = 0.5  # seconds between looks whether a pause is over
_LAG_EVERY = 1.0
# The server shuts down, crashed, starts up, is full; we were stopped (Ctrl-Z) within a batch.
AWAY = {"57P01", "57P02", "57P03", "53300", "25P03"}
_DEAD_SHARE, _DEAD_LEAST = 0.2, 10_000  # dead rows that are worth a VACUUM


@dataclass(slots=True)
class Batches:
    """What the batches of one call share. ``longest``, ``waited``, ``rested`` in seconds, as a result has them."""

    options: BackfillOptions
    record: Record
    progress: Callable[[Progress], None]
    pressure: Pressure
    began: float = field(default_factory=time.monotonic)
    alive: float = field(default_factory=time.monotonic)  # when the server last did something for us
    retries: int = 0
    longest: float = 0.0
    waited: float = 0.0
    rested: float = 0.0
    done_here: int = 0  # rows gone through in this call
    last: Progress | None = None
    _lagged: float = float("-inf")
    _hinted: int = 0  # rows changed when VACUUM was last named

    def next(self, session: Connection, watch: Watch, plan: Plan, state: State) -> State:
        """The next range, as often as it takes. Returns where it stands then."""
        self._wait(session, plan, state)
        assert state.finish is not None
        attempts = 0
        since = time.monotonic()
        while True:
            try:
                return self._attempt(session, watch, plan, state, state.finish)
            except DiskFull as error:
                raise self._full(plan, state, error) from None
            except StatementError as error:
                if session.transaction != "idle":
                    session.run("ROLLBACK")
                if error.sqlstate in AWAY:
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
            size=self._size(plan, state.size, took, watch.waited),
            paused=paused,
        )
        self.pressure.look(session)
        self._tell(plan, state, took, hint=self.dead(plan, state, self._hinted))
        self._rest(took * self.pressure.rest)
        return state

    def _size(self, plan: Plan, size: int, took: float, waited: float) -> int:
        """Rows of the next range, so that it takes less than half of what it may, and is a small part of the table."""
        factor = min(max(self.options.batch * _AIM / max(took, 1e-4), 0.5), 2.0)
        if waited > self.options.max_wait / 2:
            factor = min(factor, 0.5)
        largest = min(self.options.largest, max(int(plan.total * _SHARE), _SHARE_LEAST))
        return min(max(int(size * factor), 1), largest)

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
        if self.options.max_lag is None or time.monotonic() - self._lagged < _LAG_EVERY:
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
        self._lagged = time.monotonic()

    # Words

    def _tell(
        self, plan: Plan, state: State, took: float, *, waiting: str | None = None, hint: str | None = None
    ) -> None:
        rate = self.done_here / max(time.monotonic() - self.began, 1e-3)
        total = max(plan.total, state.seen)
        self.last = Progress(
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
            p99=self.pressure.ratio,
        )
        self.progress(self.last)

    def away(self, error: Exception) -> None:
        """The server is away for now."""
        if self.last is not None:
            why = str(error).splitlines()[0]
            self.progress(
                replace(self.last, took=0.0, hint=None, waiting=f"the connection was lost, trying again: {why}")
            )

    def dead(self, plan: Plan, state: State, before: int) -> str | None:
        if plan.statement.kind == "insert" or state.changed - before < max(_DEAD_SHARE * plan.total, _DEAD_LEAST):
            return None
        self._hinted = state.changed
        return f"VACUUM (ANALYZE) {plan.table}: about {state.changed - before:,} rows of it died"

    def _full(self, plan: Plan, state: State, error: DiskFull) -> PgassayError:
        return PgassayError(
            f"{plan.table}: the server's disk is full ({error.problem})",
            hint=f"{state.changed:,} rows are done and stay so. Make room on it (VACUUM {plan.table} lets dead rows be"
            " used again) and run the same command again.",
        )

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
