"""``pgassay migrate backfill``: the statements of a file in batches, on a database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pgassay.errors import InputError
from pgassay.migrate.backfill import BackfillOptions, BackfillResult, Plan, Progress, backfill, check
from pgassay.migrate.runner.guard import check_writable
from pgassay.model import Statement
from pgassay.server import Connection
from pgassay.server.live import connect_writing
from pgassay.server.targets import parse_target
from pgassay.sql import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One statement of the file, how it would be done, and the name of its record."""

    statement: Statement
    plan: Plan
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """What a file holds for a database; ``target`` says which, without a password."""

    target: str
    tasks: tuple[Task, ...]


def look(path: str, database: str) -> Tasks:
    """Read the file and look at the tables; nothing is changed.

    Raises InputError where a statement cannot be run in batches, ConnectionProblem, SyntaxProblem.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path=path) from None
    statements = parse(text, path)
    if not statements:
        raise InputError("there is no statement in it", path=path)
    with connect_writing(database) as session:
        check_writable(session)
        tasks = tuple(_task(session, statement, number) for number, statement in enumerate(statements, 1))
    return Tasks(target=str(parse_target(database)), tasks=tasks)


def _task(session: Connection, statement: Statement, number: int) -> Task:
    plan = check(session, statement.text, path=statement.path, line=statement.line)
    digest = hashlib.sha256(" ".join(statement.text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Task(statement=statement, plan=plan, record=f"{Path(statement.path).name} {number} {digest}")


def run(
    tasks: Tasks, database: str, options: BackfillOptions, progress: Callable[[Progress], None]
) -> Iterator[tuple[Task, BackfillResult]]:
    """One statement after the other, each from where its record stands. Raises PgassayError as ``backfill`` does."""
    for task in tasks.tasks:
        statement = task.statement
        result = backfill(
            lambda: connect_writing(database),
            statement.text,
            options=options,
            record=task.record,
            progress=progress,
            path=statement.path,
            line=statement.line,
        )
        yield task, result
        if not result.proved:
            return
