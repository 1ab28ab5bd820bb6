"""What a database has of a project, and what is left to do: by the tool's own table and by our record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pgassay.errors import ConnectionProblem, InputError, UsageError
from pgassay.migrate.runner.books import keeps_books
from pgassay.migrate.runner.model import Course, Recorded, Way
from pgassay.migrate.runner.planning import course
from pgassay.migrate.runner.record import Record, Standing, key, standings
from pgassay.model import Migration, Oddity, Pending, Project, Runner
from pgassay.server import Connection, StatementError
from pgassay.sources import pending_database

_NODE = "pgmigrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """``deployed`` and ``pending`` are in the project's order; a migration that is half done counts as what it was
    before. ``standings`` is our record by name; ``oddities`` are what is wrong (an edited file, one skipped)."""

    project: Project
    deployed: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    why: str
    oddities: tuple[Oddity, ...] = ()
    standings: dict[str, Standing]
    rows: tuple[Recorded, ...] = ()

    def half(self, way: Way) -> tuple[Course, ...]:
        """The migrations that are half done on this way."""
        migrations = self.pending if way == "up" else self.deployed
        stands = self.standings
        return tuple(
            course(m, way)
            for m in migrations
            if m.name in stands and stands[m.name].way == way and stands[m.name].done and not stands[m.name].whole
        )

    def left(self, one: Course) -> Course:
        """A course without the steps that are done already."""
        standing = self.standings.get(one.migration.name)
        if standing is None or standing.way != one.way or standing.whole:
            return one
        return replace(one, steps=tuple(s for s in one.steps if s.number not in standing.done))


def as_kept(project: Project, connection: Connection) -> Project:
    """A folder of plain SQL whose database has node-pg-migrate's table is a project of node-pg-migrate."""
    if project.kind in ("stdin", "file"):
        raise UsageError(f"{project.path}: migrations are run from a folder, not from one file")
    if project.kind != "sql":
        return project
    marked = any("-- Up Migration" in m.text for m in project.migrations)
    kept = connection.value("SELECT pg_catalog.to_regclass('public.pgmigrations')") is not None
    if not marked and not kept:
        return project
    runner = Runner(name="node-pg-migrate", concurrently=project.runner.concurrently, table=_NODE)
    return replace(project, kind="node-pg-migrate", runner=runner)


def waiting(project: Project, connection: Connection) -> Waiting:
    """What is deployed and what is pending. The connection only reads. Raises ConnectionProblem, InputError."""
    project = as_kept(project, connection)
    try:
        rows = Record(key(project)).rows(connection)
    except StatementError as error:
        raise ConnectionProblem(
            f"pgassay.step cannot be read: {error}", hint="The role needs SELECT on it and USAGE on its schema."
        ) from None
    stands = standings(rows)
    found = pending_database(project, connection) if keeps_books(project) else _by_record(project, connection, stands)
    known = {o.migration for o in found.oddities}
    edited = [_edited(m) for m in found.deployed if m.name not in known and _differs(m, stands.get(m.name))]
    return Waiting(
        project=project,
        deployed=found.deployed,
        pending=found.pending,
        why=found.why,
        oddities=(*found.oddities, *edited),
        standings=stands,
        rows=rows,
    )


def _by_record(project: Project, connection: Connection, stands: dict[str, Standing]) -> Pending:
    names = {name for name, s in stands.items() if (s.way == "up" and s.whole) or s.way == "down"}
    if project.runner.table is not None:  # sqitch: both tables count
        names |= {m.name for m in pending_database(project, connection).deployed}
    deployed = tuple(m for m in project.migrations if m.name in names)
    pending = tuple(m for m in project.migrations if m.name not in names)
    gone = {m.name for m in deployed}
    return Pending(
        deployed=deployed,
        pending=pending,
        why=f"{len(pending)} of {len(project.migrations)} files are pending by the database's pgassay.step",
        oddities=tuple(o for o in project.oddities if o.migration not in gone),
    )


def _differs(migration: Migration, standing: Standing | None) -> bool:
    if standing is None or standing.way != "up" or not standing.whole:
        return False
    return standing.edited(course(migration, "up"))


def _edited(migration: Migration) -> Oddity:
    return Oddity(
        rule="edited-migration",
        path=migration.path,
        line=1,
        migration=migration.name,
        message=f"{migration.path} was edited after it was deployed here: this database keeps what it was, and new ones"
        " get something else. Restore the file and put the change into a new migration.",
    )


def chosen(migrations: Sequence[Migration], to: str) -> Migration:
    """The one migration that a word names: its name, its file, or the beginning of its name. Raises UsageError."""
    exact = [m for m in migrations if to in (m.name, m.path, m.name.removesuffix(".sql"))]
    found = exact or [m for m in migrations if m.name.startswith(to)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(m.name for m in (found or migrations)[-8:])
    what = "names several migrations" if found else "names no migration"
    raise UsageError(f"--to {to} {what}", hint=f"There are: {names}")


def forth(found: Waiting, to: str | None) -> tuple[Migration, ...]:
    """What is to be run: all that is pending, or that up to a name. Raises UsageError, InputError."""
    if to is None:
        return found.pending
    last = chosen(found.project.migrations, to)
    names = [m.name for m in found.pending]
    return found.pending[: names.index(last.name) + 1] if last.name in names else ()


def back(found: Waiting, to: str | None) -> tuple[Migration, ...]:
    """What is to be taken back, the newest first: the last one, or all after a name. Raises InputError."""
    order = tuple(reversed(found.deployed))
    if to is None:
        half = {c.migration.name for c in found.half("down")}
        taken = tuple(m for m in order if m.name in half)[:1] or order[:1]
    else:
        last = chosen(found.project.migrations, to)
        places = {m.name: i for i, m in enumerate(found.project.migrations)}
        taken = tuple(m for m in order if places[m.name] > places[last.name])
    for migration in taken:
        if migration.down is None:
            raise InputError(
                f"{migration.name} has no way back", path=migration.path,
                hint="Write one: beside the migration as its tool wants it, or as down/NAME.sql.",
            )  # fmt: skip
    return taken
