"""Statements that no transaction can hold: announced, run by themselves, looked after, recorded."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pgassay.errors import PgassayError
from pgassay.migrate.runner import effects
from pgassay.migrate.runner.problems import MigrationStopped
from pgassay.model import Statement
from pgassay.server import StatementError

if TYPE_CHECKING:
    from pgassay.migrate.runner.model import Course, Recorded, Step
    from pgassay.migrate.runner.run import Run


def run_alone(run: Run, course: Course, step: Step, where: str, known: Recorded | None) -> None:
    """Run it, or find that it has run to its end already. Raises StatementError, MigrationStopped."""
    (statement,) = step.statements
    run.current = statement
    connection, record = run.connection, run.record
    if known is not None and known.state == "started":
        before, began = known.detail, known.began
        _clear(run, statement, before)
        over = effects.done(connection, statement, before)
        if over:
            run.ran.notes.append(f"{where}: had run to its end before it could be recorded")
    else:
        before, began, over = effects.look(connection, statement), record.now(connection), False
        record.write(connection, course, step, "started", began=began, detail=before)
        _clear(run, statement, before)
    if not over:
        try:
            run.retried(where, lambda: _by_itself(run, statement, before))
        except (StatementError, MigrationStopped) as error:
            with contextlib.suppress(StatementError, PgassayError):
                detail = before | run.kept_of_step()
                record.write(connection, course, step, "failed", began=began, error=str(error)[:1000], detail=detail)
            raise
    connection.run("BEGIN")
    run.finish(course, step, began, before)
    connection.run("COMMIT")


def _by_itself(run: Run, statement: Statement, before: effects.Look) -> None:
    limit = 0 if effects.unhurried(statement) else max(int(run.settings.lock_timeout * 1000), 1)
    run.connection.run(f"SET lock_timeout = {limit}")
    try:
        with run.watch.over(f"{statement.path}:{statement.line}"):
            run.connection.run(statement.text)
    except StatementError:
        _clear(run, statement, before)
        raise


def _clear(run: Run, statement: Statement, before: effects.Look) -> None:
    run.connection.run("SET lock_timeout = 0")
    run.ran.notes.extend(effects.clear(run.connection, statement, before))
