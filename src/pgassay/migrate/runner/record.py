"""The runner's own record: which steps are done, in the table ``pgassay.step`` of the database itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pgassay.migrate.runner.model import Course, Recorded, State, Step
from pgassay.model import Project
from pgassay.server import Connection
from pgassay.sql.queries import queries

_SQL = queries("pgassay.migrate.runner", "record.sql")
_SHOWN = 500  # characters of a step's first statement that are kept


def key(project: Project) -> str:
    """What tells a project's rows from another's in the same database: the runner's table, else the kind."""
    return f"{project.kind} {project.runner.table}" if project.runner.table else project.kind


@dataclass(frozen=True, slots=True)
class Record:
    """The rows of one project. Whatever writes does so in the transaction that is open, if one is."""

    project: str

    def make(self, connection: Connection) -> None:
        """The schema and its table, where they are missing. Raises StatementError."""
        if connection.value(_SQL["exists"]) != "t":
            connection.run(f"BEGIN; {_SQL['schema']}; {_SQL['table']}; {_SQL['comment']}; COMMIT")

    def rows(self, connection: Connection) -> tuple[Recorded, ...]:
        """Everything recorded, in the order in which it began; nothing where there is no table."""
        if connection.value(_SQL["exists"]) != "t":
            return ()
        found: list[dict[str, Any]] = connection.json(_SQL["rows"], [self.project]) or []
        return tuple(Recorded(**row) for row in found)

    def write(
        self,
        connection: Connection,
        course: Course,
        step: Step,
        state: State,
        *,
        began: str,
        error: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """A step's state, in place of what was known of it."""
        statement = step.statements[0].text[:_SHOWN] if step.statements else ""
        name, digest = course.migration.name, digest_of(step)
        where: list[str | int | None] = [self.project, name, course.way, step.number, len(course.steps), digest]
        connection.run(_SQL["write"], [*where, step.kind, state, statement, error, json.dumps(detail or {}), began])

    def detail(self, connection: Connection, course: Course, step: Step, detail: dict[str, Any]) -> None:
        """How far a step has come that is under way."""
        connection.run(
            _SQL["detail"], [self.project, course.migration.name, course.way, step.number, json.dumps(detail)]
        )

    def forget(self, connection: Connection, migration: str) -> None:
        """Everything about a migration: it is as if it had never run."""
        connection.run(_SQL["forget"], [self.project, migration])

    @staticmethod
    def now(connection: Connection) -> str:
        """The server's clock."""
        return connection.value(_SQL["now"]) or ""


def digest_of(step: Step) -> str:
    """What shows that a step was edited since: of its statements, without the comments between them."""
    texts = (step.kind, *(s.text for s in step.statements))
    return sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one migration stands by the record: ``done`` are its steps, of ``steps`` in all, on the way ``way``;
    ``digests`` of those that were done or have begun."""

    way: str
    done: tuple[int, ...]
    steps: int
    digests: dict[int, str]
    under_way: tuple[Recorded, ...] = ()

    @property
    def whole(self) -> bool:
        """All of its steps are done."""
        return len(self.done) >= self.steps

    def edited(self, course: Course) -> bool:
        """Whether what has been run is not what the file says now."""
        now = {step.number: digest_of(step) for step in course.steps}
        if self.whole and len(now) != self.steps:
            return True
        return any(now.get(number) != digest for number, digest in self.digests.items())


def standings(rows: Iterable[Recorded]) -> dict[str, Standing]:
    """Each recorded migration; one whose way back has begun stands on the way down."""
    found: dict[str, dict[str, list[Recorded]]] = {}
    for row in rows:
        found.setdefault(row.migration, {}).setdefault(row.way, []).append(row)
    result = {}
    for name, ways in found.items():
        way = "down" if "down" in ways else "up"
        mine = ways[way]
        result[name] = Standing(
            way=way,
            done=tuple(r.number for r in mine if r.state == "done"),
            steps=mine[-1].steps,
            digests={r.number: r.digest for r in mine if r.state != "failed"},
            under_way=tuple(r for r in mine if r.state != "done"),
        )
    return result
