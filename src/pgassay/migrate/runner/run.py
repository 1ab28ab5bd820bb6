"""A plan being carried out: step by step, each recorded where a run that is cut off at any moment will look for it."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pgassay.errors import DiskFull, PgassayError
from pgassay.migrate.runner import effects
from pgassay.migrate.runner.alone import run_alone
from pgassay.migrate.runner.batches import run_batch
from pgassay.migrate.runner.books import Books, open_books
from pgassay.migrate.runner.guard import check_writable, prepare
from pgassay.migrate.runner.model import Course, Plan, Progress, Ran, Recorded, Settings, Step, Trace
from pgassay.migrate.runner.problems import (
    CANCELLED,
    DEADLOCK,
    LOCK_TIMEOUT,
    SERIALISATION,
    MigrationStopped,
    stopped,
)
from pgassay.migrate.runner.record import Record, key, standings
from pgassay.migrate.runner.waiting import waiting
from pgassay.migrate.runner.watch import Watch
from pgassay.model import Statement
from pgassay.model.actions import Setting
from pgassay.server import Connection, ConnectionLost, StatementError

Connect = Callable[[], Connection]
_LEAST = 0.05  # of the lock timeout: what a statement gets whose transaction has used up its time already


@dataclass(slots=True)
class Run:
    """A plan being carried out on one connection. ``command`` is what the user runs to go on."""

    plan: Plan
    connection: Connection
    watch: Watch
    settings: Settings
    command: str
    say: Progress
    connect: Connect
    ran: Ran = field(default_factory=Ran)
    books: Books | None = None
    deployed: list[str] = field(default_factory=list)
    rows: dict[tuple[str, str, int], Recorded] = field(default_factory=dict)
    current: Statement | None = None
    trace: Trace = field(default_factory=Trace)

    @property
    def record(self) -> Record:
        """The rows of this project."""
        return Record(key(self.plan.project))

    def begin(self) -> None:
        """The tables that are written to, and what they say."""
        try:
            prepare(self.connection)
            check_writable(self.connection)
            self.record.make(self.connection)
            self.books = open_books(self.plan.project, self.connection)
            found = waiting(self.plan.project, self.connection)
        except (StatementError, PgassayError) as error:
            if isinstance(error, PgassayError) and not isinstance(error, ConnectionLost):
                raise
            raise stopped(error, "before the first step", "Nothing was done.", self.command) from None
        deployed = tuple(m.name for m in found.deployed)
        if deployed != self.plan.deployed:
            names = ", ".join(sorted(set(deployed) ^ set(self.plan.deployed)))
            raise MigrationStopped(
                f"the plan was made for another state: meanwhile somebody has deployed or taken back {names}",
                hint=f"Nothing was done. Next: {self.command}",
            )
        recorded = found.rows
        self.rows = {(r.migration, r.way, r.number): r for r in recorded}
        self.deployed = list(self.plan.deployed)
        self._check(recorded)

    def _check(self, recorded: tuple[Recorded, ...]) -> None:
        """Half a migration must be finished as it began. What the runner's table contradicts is forgotten."""
        stands = standings(recorded)
        courses = {c.migration.name: c for c in self.plan.courses}
        for name, standing in stands.items():
            if self.plan.way == "up" and standing.way == "down" and standing.done:
                raise MigrationStopped(
                    f"{name} is halfway back: {len(standing.done)} of {standing.steps} steps are done",
                    hint="Finish that first: pgassay migrate down",
                )
            course = courses.get(name)
            if course is None:
                continue
            if standing.way == self.plan.way and standing.digests and not standing.whole:
                if standing.edited(course):
                    raise MigrationStopped(
                        f"{course.migration.path} was edited where it has run already ({len(standing.done)} of"
                        f" {standing.steps} steps)",
                        hint="Nothing was done. Restore that part of the file, then run the same command again;"
                        " what has not run yet may be edited.",
                    )
            elif self.plan.way == "up":
                self._forget(name)

    def _forget(self, name: str) -> None:
        self.record.forget(self.connection, name)
        self.rows = {place: row for place, row in self.rows.items() if place[0] != name}

    def all(self) -> None:
        """Every course."""
        for course in self.plan.courses:
            for step in course.steps:
                where = f"{course.migration.name}, step {step.number} of {len(course.steps)}"
                self.say(where)
                self.trace = Trace(migration=course.migration.name, number=step.number, kind=step.kind)
                self.ran.traces.append(self.trace)
                self.watch.begin()
                began = time.monotonic()
                try:
                    self._step(course, step, where)
                except (StatementError, PgassayError) as error:
                    self.trace.state, self.trace.error = "failed", str(error)
                    self._seen(began)
                    self._failed(course, step, error)
                    if type(error) not in (StatementError, ConnectionLost, DiskFull):
                        raise
                    raise stopped(error, self._place(where, step), self.kept(), self.command) from None
                self._seen(began)
            self.ran.migrations.append(course.migration.name)

    def _seen(self, began: float) -> None:
        trace, watch = self.trace, self.watch
        trace.seconds, trace.stall, trace.blockers = time.monotonic() - began, watch.stall, list(watch.met.values())

    def _place(self, where: str, step: Step) -> str:
        statement = self.current or (step.statements[0] if step.statements else None)
        return f"{statement.path}:{statement.line}: {where}" if statement else where

    def kept(self) -> str:
        done = sum(row.state == "done" for row in self.rows.values()) + self.ran.steps
        if not done:
            return "Nothing of this run was kept."
        return "What was done is recorded and stays; the run goes on from there."

    def _step(self, course: Course, step: Step, where: str) -> None:
        known = self.rows.get((course.migration.name, course.way, step.number))
        if known is not None and known.state == "done":
            self.ran.found_done += 1
            self.trace.state = "found done"
            return
        self.current = None
        self._fresh(step)
        match step.kind:
            case "transaction":
                self.retried(where, lambda: self._transaction(course, step))
            case "alone":
                run_alone(self, course, step, where, known)
            case "batch":
                run_batch(self, course, step, where, known)
        self.ran.steps += 1
        self.trace.state = "done"

    def kept_of_step(self) -> dict[str, Any]:
        """What the record keeps of how the step went, for `status`."""
        self.trace.stall, self.trace.blockers = self.watch.stall, list(self.watch.met.values())
        return self.trace.kept()

    def _fresh(self, step: Step) -> None:
        """The session as the file's earlier steps left it, and nothing else."""
        prepare(self.connection)
        for sql in step.before:
            self.connection.run(sql)

    # A transaction

    def _transaction(self, course: Course, step: Step) -> None:
        connection, began = self.connection, ""
        limit = self.settings.lock_timeout
        connection.run("BEGIN")
        try:
            began = self.record.now(connection)
            start = time.monotonic()
            for statement in step.statements:
                self.current = statement
                if not any(a.name == "lock_timeout" for a in statement.of(Setting)):
                    # Whoever waits for our first lock waits for all the others as well: they share one limit.
                    left = max(limit - (time.monotonic() - start), limit * _LEAST)
                    connection.run(f"SET LOCAL lock_timeout = {max(int(left * 1000), 1)}")
                with self.watch.over(f"{statement.path}:{statement.line}"):
                    connection.run(statement.text)
            self.finish(course, step, began)
            connection.run("COMMIT")
        except BaseException:
            if connection.transaction != "idle":
                with contextlib.suppress(StatementError, PgassayError):
                    connection.run("ROLLBACK")
            raise

    def finish(self, course: Course, step: Step, began: str, detail: effects.Look | None = None) -> None:
        """The record of a step, and after the last one the project's own books, in the transaction that is open."""
        detail = (detail or {}) | self.kept_of_step()
        connection = self.connection
        connection.run("RESET SESSION AUTHORIZATION; RESET ROLE; SET LOCAL search_path = pg_catalog, pg_temp")
        connection.run("SET LOCAL row_security = on; SET LOCAL lock_timeout = '10s'")
        last = step is course.steps[-1]
        if last:
            name = course.migration.name
            after = [n for n in self.deployed if n != name] + ([name] if course.way == "up" else [])
            if self.books is not None:
                self.books.write(connection, course, after)
            if course.way == "down":
                self.record.forget(connection, name)
            self.deployed = after
        if not last or course.way == "up":
            self.record.write(connection, course, step, "done", began=began, detail=detail)

    # Waiting

    def retried(self, where: str, attempt: Callable[[], None]) -> None:
        """Again and again, with longer and longer pauses in which nobody waits for us, until a lock can be had."""
        pause = self.settings.pause
        for left in range(self.settings.retries, -1, -1):
            try:
                return attempt()
            except StatementError as error:
                ours = error.sqlstate == CANCELLED and self.watch.cancelled
                if not ours and error.sqlstate not in (LOCK_TIMEOUT, DEADLOCK, SERIALISATION):
                    raise
                who = self.watch.blockers
                if not left:
                    raise self._blocked(where, error, who) from None
                wait = pause * random.uniform(0.5, 1.5)
                self.ran.retries += 1
                self.trace.retries += 1
                by = f", blocked by {who}" if who else ""
                self.say(f"{where}: {error.report.message}{by}; {left} more attempts, the next in {wait:.1f} s")
                time.sleep(wait)
                self.trace.paused += wait
                pause = min(pause * 2, self.settings.longest_pause)
        return None

    def _blocked(self, where: str, error: StatementError, who: str) -> MigrationStopped:
        attempts = self.settings.retries + 1
        return MigrationStopped(
            f"{self._where(where)}: no lock after {attempts} attempts ({error.report.message})"
            + (f"; it is held by {who}" if who else ""),
            hint=f"Wait for that to end, or end it. {self.kept()} Next: {self.command}",
        )

    def _where(self, where: str) -> str:
        return f"{self.current.path}:{self.current.line}: {where}" if self.current else where

    def _failed(self, course: Course, step: Step, error: Exception) -> None:
        """The error is kept for `status`, if the server still takes it; statements that run alone note their own."""
        if isinstance(error, ConnectionLost | DiskFull) or step.kind == "alone":
            return
        known = self.rows.get((course.migration.name, course.way, step.number))
        with contextlib.suppress(StatementError, PgassayError):
            prepare(self.connection)
            began = known.began if known else self.record.now(self.connection)
            detail = self.kept_of_step()
            self.record.write(
                self.connection, course, step, "failed", began=began, error=str(error)[:1000], detail=detail
            )
