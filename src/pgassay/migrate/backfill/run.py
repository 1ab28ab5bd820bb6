"""Run a statement in batches, from where its record stands to the proof that nothing is left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

from pgassay.errors import ConnectionProblem, PgassayError
from pgassay.migrate.backfill.batch import AWAY, Batches
from pgassay.migrate.backfill.model import BackfillOptions, BackfillResult, NewRows, Progress, Proof
from pgassay.migrate.backfill.plan import Plan, planned
from pgassay.migrate.backfill.pressure import Pressure
from pgassay.migrate.backfill.record import Record, State
from pgassay.migrate.backfill.trigger import OURS, Filler, filler
from pgassay.migrate.backfill.watch import Watch
from pgassay.server import Connection, ConnectionLost, StatementError
from pgassay.sql.batching import batchable


def check(session: Connection, sql: str, *, path: str | None = None, line: int | None = None) -> Plan:
    """How it would be done. Nothing is changed. Raises InputError where it cannot be batched."""
    return planned(session, batchable(sql, path or "", line), path, line)


def foresee(session: Connection, sql: str, *, path: str | None = None, line: int | None = None) -> Plan | None:
    """As ``check``, in a session whose search_path is not the one that it will run with: names without a schema are
    taken to be of ``public``. None where the table is not there yet. Raises InputError."""
    read = batchable(sql, path or "", line)
    there = replace(
        read,
        table=read.table.within("public"),
        target=read.target.within("public"),
        others=frozenset(name.within("public") for name in read.others),
    )
    if any(session.value("SELECT pg_catalog.to_regclass($1)", [str(t)]) is None for t in {there.table, there.target}):
        return None
    return planned(session, there, path, line)


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
        self.place = (path, line)
        self.resumed: bool | None = None
        self.filler: Filler | None = None
        self.new_rows: NewRows = "pass"
        self.pressure = Pressure(options.rest, options.slower)
        self.batches = Batches(options, record, progress, self.pressure)

    def run(self) -> BackfillResult:
        forget = self.options.again
        while True:
            try:
                with self.connect() as session:
                    self.batches.alive = time.monotonic()
                    if forget:
                        self.record.forget(session)
                        forget = False
                    with Watch(self.connect, session.pid, self.options.max_wait) as watch:
                        return self._from_the_record(session, watch)
            except (ConnectionLost, ConnectionProblem) as error:
                self._away(error)
            except StatementError as error:
                if error.sqlstate not in AWAY:
                    raise self._left_behind(PgassayError(f"{self.statement.table}: {error}")) from None
                self._away(error)
            except PgassayError as error:
                self._left_behind(error)
                raise

    def _away(self, error: Exception) -> None:
        """The server is gone: it may come back, and the record tells whether the last batch was committed."""
        if self.resumed is None or time.monotonic() - self.batches.alive > self.options.patience:
            lost = error if isinstance(error, PgassayError) else PgassayError(str(error))
            if self.resumed is not None:
                words = "What is done is recorded and stays. Run the same command again to go on there."
                lost.hint = f"{lost.hint} {words}" if lost.hint else words
            raise self._left_behind(lost) from None
        self.batches.retries += 1
        self.batches.away(error)
        time.sleep(0.2)

    def _left_behind(self, error: PgassayError) -> PgassayError:
        """The error, which says that a trigger stays."""
        if self.filler is not None:
            words = (
                f"Until then the trigger {self.filler.name} stays on {self.filler.table}: it does the rows that come."
            )
            error.hint = f"{error.hint} {words}" if error.hint else words
        return error

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
        notes: tuple[str, ...] = ()
        found = filler(session, plan, self.record.id) if self.options.new_rows == "trigger" else None
        if isinstance(found, str):
            notes = (f"rows that come meanwhile are gone after in passes, not done by a trigger: {found}",)
        changed: int | None = None  # in the last pass, where all of it was in this call
        if state.finished:
            left, proof, more = self._left(session, plan, state, None)
            if proof is not None:
                return self._result(session, plan, state, left, proof, (*notes, *more))
            self._fill(session, found)
            state = self._begin(session, plan, state, state.run + 1)
            changed = state.changed
        else:
            self._fill(session, found)
            if state.finish is None:
                state = self._begin(session, plan, state, state.run)
        while True:
            while state.finish is not None and state.position != state.finish:
                state = self.batches.next(session, watch, plan, state)
            made = None if changed is None else state.changed - changed
            left, proof, more = self._left(session, plan, state, made)
            if proof is not None or made == 0 or state.run >= self.options.passes:
                break
            changed = state.changed
            state = self._begin(session, plan, state, state.run + 1)
        if self.filler is not None:
            self.filler.drop(session, lock_timeout=self.options.lock_timeout, patience=self.options.patience)
            self.filler = None
        if proof is not None:
            self.record.finish(session)
        return self._result(session, plan, state, left, proof, (*notes, *more))

    def _fill(self, session: Connection, found: Filler | str | None) -> None:
        """From now on new rows are done as they are written."""
        if isinstance(found, Filler):
            session.run(OURS)
            found.make(session, lock_timeout=self.options.lock_timeout, patience=self.options.patience)
            self.filler = found
            self.new_rows = "trigger"

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
                "the application goes on writing rows that this is about: give the column a default first, or let a"
                " trigger do new rows (--new-rows trigger, -- pgassay: batch trigger)"
            )
            return left, None, (why,)
        return left, None, ()

    def _result(
        self, session: Connection, plan: Plan, state: State, left: int, proof: Proof | None, notes: tuple[str, ...]
    ) -> BackfillResult:
        batches = self.batches
        hint = batches.dead(plan, state, 0)
        return BackfillResult(
            table=plan.table,
            key=plan.ranges.columns,
            batches=state.batches,
            changed=state.changed,
            left=left,
            proof=proof,
            seconds=time.monotonic() - batches.began,
            passes=state.run,
            retries=batches.retries,
            longest=batches.longest,
            waited=batches.waited,
            rested=batches.rested,
            resumed=bool(self.resumed),
            new_rows=self.new_rows,
            application=self.pressure.felt(session),
            notes=(*plan.notes, *notes, *([hint] if hint else [])),
        )
