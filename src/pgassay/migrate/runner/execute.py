"""Carry a plan out, or note it as deployed without running it."""

from __future__ import annotations

from pgassay.errors import DiskFull
from pgassay.migrate.runner.guard import check_writable, only_runner
from pgassay.migrate.runner.model import Plan, Progress, Ran, Settings
from pgassay.migrate.runner.problems import stopped
from pgassay.migrate.runner.run import Connect, Run
from pgassay.migrate.runner.watch import Watch, watching
from pgassay.server import ConnectionLost, StatementError

_MARKED = {"marked": True}  # as deployed, without having been run by us


def mark(plan: Plan, connect: Connect, *, command: str) -> Ran:
    """Note a plan's migrations as deployed, in our record and the project's own books, and run nothing.

    Raises MigrationStopped and ConnectionProblem.
    """
    nobody = Watch(limit=0.0, say=lambda _: None)
    with connect() as connection:
        run = Run(plan, connection, nobody, Settings(), command, lambda _: None, connect)
        try:
            check_writable(connection)
            with only_runner(connection):
                run.begin()
                for course in plan.courses:
                    connection.run("BEGIN")
                    began = run.record.now(connection)
                    for step in course.steps[:-1]:
                        run.record.write(connection, course, step, "done", began=began, detail=_MARKED)
                    run.finish(course, course.steps[-1], began, _MARKED)
                    connection.run("COMMIT")
                    run.ran.migrations.append(course.migration.name)
        except (StatementError, ConnectionLost, DiskFull) as error:
            raise stopped(error, "marking", run.kept(), command) from None
    return run.ran


def execute(
    plan: Plan,
    connect: Connect,
    eye: Connect,
    *,
    settings: Settings,
    command: str,
    progress: Progress,
    ran: Ran | None = None,
) -> Ran:
    """Carry a plan out. ``connect`` opens a session that may write, ``eye`` one that only looks. ``ran`` is filled on
    the way, so that it tells what was done where this raises.

    Raises MigrationStopped (ConnectionProblem before anything was begun); the next call goes on where this one ended.
    """
    with connect() as connection:
        try:
            check_writable(connection)
            with (
                only_runner(connection),
                watching(eye, connection.pid, settings.lock_timeout, progress) as watch,
            ):
                run = Run(plan, connection, watch, settings, command, progress, connect, ran or Ran())
                run.begin()
                run.all()
                if plan.project.kind == "sqitch" and run.ran.migrations:
                    run.ran.notes.append("sqitch's own registry does not know of it yet: sqitch deploy --log-only")
                return run.ran
        except StatementError as error:
            raise stopped(error, "before the first step", "Nothing was done.", command) from None
