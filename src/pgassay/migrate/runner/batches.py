"""Statements marked ``-- pgassay: batch``: the backfill runs them, and keeps their place in a record of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pgassay.migrate.runner.guard import prepare
from pgassay.migrate.runner.problems import MigrationStopped
from pgassay.server import Connection
from pgassay.sources.marks import new_rows

if TYPE_CHECKING:
    from pgassay.migrate.runner.model import Course, Recorded, Step
    from pgassay.migrate.runner.run import Run


def place(project: str, migration: str, way: str, number: int) -> str:
    """The name of a step's record in ``pgassay.backfill``."""
    return f"{project}: {migration} {way} {number}"


def run_batch(run: Run, course: Course, step: Step, where: str, known: Recorded | None) -> None:
    """Run a statement by ranges of keys, or go on with it; then its step is done.

    Raises MigrationStopped where rows are left, PgassayError as ``backfill`` does.
    """
    from pgassay.migrate.backfill import BackfillOptions, backfill
    from pgassay.migrate.backfill.record import Record as Place

    (statement,) = step.statements
    name = place(run.record.project, course.migration.name, course.way, step.number)
    connection = run.connection
    if known is None or known.state != "started":
        connection.run("BEGIN")
        began = run.record.now(connection)
        if known is None:  # what an earlier life of this migration has left
            Place(name).forget(connection)
        run.record.write(connection, course, step, "started", began=began)
        connection.run("COMMIT")
    else:
        began = known.began
    run.current = statement
    result = backfill(
        _like(run, step),
        statement.text,
        options=BackfillOptions(new_rows=new_rows(statement)),
        record=name,
        progress=lambda progress: run.say(f"{where}: {progress}"),
        path=statement.path,
        line=statement.line,
    )
    run.trace.batch = result
    run.trace.retries, run.trace.stall = result.retries, result.waited
    run.ran.notes.extend(f"{where}: {note}" for note in result.notes)
    if not result.proved:
        raise MigrationStopped(
            f"{statement.path}:{statement.line}: {where}: {result.left} rows are left that the statement should reach",
            hint=f"What was done stays. Next: {run.command}",
        )
    run.ran.notes.append(f"{where}: {result.changed:,} rows changed in {result.batches:,} batches")
    connection.run("BEGIN")
    run.finish(course, step, began)
    connection.run("COMMIT")


def _like(run: Run, step: Step) -> Callable[[], Connection]:
    """Sessions as the file's earlier steps have left theirs."""

    def connect() -> Connection:
        session = run.connect()
        prepare(session)
        for sql in step.before:
            session.run(sql)
        return session

    return connect
