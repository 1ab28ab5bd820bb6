"""A project's schema with made-up rows on a scratch server, for whoever wants to try something on it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pgassay.catalog import Catalog, read
from pgassay.errors import UsageError
from pgassay.model import Name, Project
from pgassay.rehearsal.play import play
from pgassay.rehearsal.stage import stage
from pgassay.server import Server, find_binaries, scratch
from pgassay.sources import open_project, transactions
from pgassay.twin import fill

_LIMIT = 60.0  # seconds for one statement of a migration
SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "8GB", "wal_level": "replica"}


@dataclass(frozen=True, slots=True)
class Populated:
    """A running server, a database on it that is filled, and what could not be run or filled."""

    server: Server
    database: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """A project, and the rows that its tables get: ``rows`` each, but for those in ``table_rows``."""

    project: str
    kind: str | None = None
    allow_code: bool = False
    rows: int = 10_000
    table_rows: Mapping[str, int] = field(default_factory=dict)
    seed: int = 1
    postgres_version: int | None = None
    postgres_bin: str | None = None


def built(server: Server, project: Project, progress: Callable[[str], None]) -> tuple[str, list[str]]:
    """A new database with every migration of a project applied, and what was assumed or could not be run."""
    database = server.create()
    presumed = stage(server, database, [s for m in project.migrations for s in m.statements])
    remarks = [f"assumed: {assumption.text}" for assumption in presumed.assumed]
    for unit in (unit for migration in project.migrations for unit in transactions(project, [migration])):
        progress(f"applying {unit.migrations[0].path}")
        for played in play(server, database, unit, limit=_LIMIT, look=False):
            if why := played.skipped or played.error:
                remarks.append(f"{played.statement.path}:{played.statement.line}: {why}")
    return database, remarks


@contextlib.contextmanager
def populated(filling: Filling, progress: Callable[[str], None]) -> Iterator[Populated]:
    """Run every migration of a project and fill its tables.

    Raises InputError, UsageError, ServerUnavailable, DiskFull.
    """
    project = open_project(filling.project, kind=filling.kind, allow_code=filling.allow_code)
    own = Path(filling.postgres_bin) if filling.postgres_bin else None
    binaries = find_binaries(filling.postgres_version, own)
    with scratch(binaries, settings=SETTINGS) as server:
        database, remarks = built(server, project, progress)
        with server.connect(database) as session:
            catalog = read(session)
            wanted = wanted_rows(catalog, filling.rows, filling.table_rows)
            made = fill(session, catalog, rows=wanted, seed=filling.seed, progress=progress)
            remarks += [f"{u.table} has fewer rows than it should: {u.reason}" for u in made.unfilled]
        yield Populated(server, database, tuple(remarks))


def wanted_rows(catalog: Catalog, rows: int, table_rows: Mapping[str, int]) -> dict[Name, int]:
    """How many rows each table gets. Raises UsageError for a table that is not there."""
    tables = [table.name for table in catalog.tables]
    wanted = dict.fromkeys(tables, rows)
    for word, number in table_rows.items():
        named = [name for name in tables if word in (str(name), name.name, f"{name.schema}.{name.name}")]
        if not named:
            raise UsageError(f"--table-rows: there is no table {word}")
        wanted |= dict.fromkeys(named, number)
    return wanted
