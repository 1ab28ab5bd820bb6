"""From a migration to its steps: where transactions begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pgassay.errors import InputError
from pgassay.migrate.runner.model import Course, Kind, Plan, Step, Way
from pgassay.model import Migration, Project, Statement
from pgassay.model.actions import AddEnumValue, CreateType, Query, Setting, Transact
from pgassay.sources.marks import marked
from pgassay.sql.alone import stands_alone

_CONFIG = re.compile(r"\bset_config\s*\(", re.IGNORECASE)


def plan(project: Project, migrations: Sequence[Migration], way: Way, *, deployed: Sequence[Migration]) -> Plan:
    """The courses of these migrations, in the order given. Raises InputError for what cannot be run so."""
    return Plan(
        project=project,
        way=way,
        courses=tuple(course(m, way) for m in migrations),
        deployed=tuple(m.name for m in deployed),
    )


def course(migration: Migration, way: Way) -> Course:
    """A migration's steps. Its way back has the same transactions as a file of its kind would have.

    A migration is one transaction, but for statements that no transaction can hold (CREATE INDEX CONCURRENTLY, VACUUM),
    those marked ``-- pgassay: batch``, a value of an enum that the same file uses (PostgreSQL wants it committed
    first), and the borders that the file itself draws with BEGIN and COMMIT.
    """
    statements = migration.statements if way == "up" else migration.down
    if statements is None:
        raise InputError(
            f"{migration.name} has no way back",
            path=migration.path,
            hint="Write one with `pgassay migrate down PROJECT`, or by hand as your runner wants it.",
        )
    return Course(migration=migration, way=way, steps=_numbered(list(_groups(statements, migration.mode))))


def _groups(statements: Sequence[Statement], mode: str) -> Iterator[tuple[Kind, tuple[Statement, ...]]]:
    together = mode != "autocommit"
    inside = False
    current: list[Statement] = []

    def flush() -> Iterator[tuple[Kind, tuple[Statement, ...]]]:
        if current:
            yield "transaction", tuple(current)
            current.clear()

    for place, statement in enumerate(statements):
        control = next(statement.of(Transact), None)
        if control is not None and control.kind in ("begin", "commit"):
            yield from flush()
            inside = control.kind == "begin"
        elif control is not None and control.kind in ("savepoint", "release", "rollback to"):
            current.append(statement)
        elif control is not None:
            raise InputError(
                f"{statement.text.split(';')[0]} ends what came before it in a way that cannot be resumed",
                path=statement.path,
                line=statement.line,
                hint="Take it out of the file: each step is a transaction of its own.",
            )
        elif stands_alone(statement):
            yield from flush()
            yield "alone", (statement,)
        elif marked(statement):
            yield from flush()
            yield "batch", (statement,)
        elif together or inside:
            current.append(statement)
            if _used_later(statement, statements[:place], statements[place + 1 :]):
                yield from flush()
        else:
            yield "transaction", (statement,)
    yield from flush()


def _used_later(statement: Statement, earlier: Sequence[Statement], later: Sequence[Statement]) -> bool:
    """Whether a new value of an enum has to be committed first; not where its type is as new as the value."""
    for added in statement.of(AddEnumValue):
        made = any(made.name == added.type for s in earlier for made in s.of(CreateType))
        word = "'" + added.value.replace("'", "''") + "'"
        if not made and any(word in s.text and not any(s.of(AddEnumValue)) for s in later):
            return True
    return False


def _numbered(groups: list[tuple[Kind, tuple[Statement, ...]]]) -> tuple[Step, ...]:
    steps: list[Step] = []
    before: list[str] = []
    for kind, several in groups:
        steps.append(Step(number=len(steps) + 1, kind=kind, statements=several, before=tuple(before)))
        before += [s.text for s in several if _sets(s)]
    if not steps:  # nothing to run, and yet the runner's table has to name it
        steps.append(Step(number=1, kind="transaction"))
    return tuple(steps)


def _sets(statement: Statement) -> bool:
    """Whether a statement changes the session for those that follow it."""
    if any(True for _ in statement.of(Setting)):
        return True
    return any(True for _ in statement.of(Query)) and bool(_CONFIG.search(statement.text))
