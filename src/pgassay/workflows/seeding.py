"""What ``pgassay seed`` does: fill a database, or write rows for a project's schema as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pgassay.catalog import Catalog, read
from pgassay.errors import InputError, UsageError
from pgassay.model import Name
from pgassay.rehearsal.play import play
from pgassay.rehearsal.stage import stage
from pgassay.server import find_binaries, scratch
from pgassay.server.live import connect_writing
from pgassay.sources import open_project, transactions
from pgassay.twin import Fill, fill
from pgassay.workflows.seed import seed_database, seed_files

Progress = Callable[[str], None]
_LIMIT = 60.0  # seconds for one statement of a migration


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """The rows made, the files written (if any), and the statements of the project that could not be run."""

    fill: Fill
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def seed_live(
    url: str, *, rows: int, table_rows: Mapping[str, int], seed: int, beside: bool = False, progress: Progress
) -> Seeded:
    """Fill the empty tables of a database, all or nothing. Raises ConnectionProblem, UsageError, ConnectionLost."""
    with connect_writing(url) as connection:
        wanted = _wanted(read(connection), rows, table_rows) if table_rows else rows
        return Seeded(fill=seed_database(connection, rows=wanted, seed=seed, progress=progress, beside=beside))


def seed_project(
    path: str,
    out: Path,
    *,
    kind: str | None,
    allow_code: bool,
    rows: int,
    table_rows: Mapping[str, int],
    seed: int,
    postgres_version: int | None,
    postgres_bin: str | None,
    progress: Progress,
) -> Seeded:
    """Run every migration of a project on a scratch server, fill its tables and write them as COPY files.

    Raises InputError, UsageError, ServerUnavailable, DiskFull.
    """
    project = open_project(path, kind=kind, allow_code=allow_code)
    if (out / "load.sql").exists():
        raise InputError("it holds a load.sql already", path=str(out), hint="Name another folder with --out.")
    with scratch(find_binaries(postgres_version, Path(postgres_bin) if postgres_bin else None)) as server:
        database = server.create()
        presumed = stage(server, database, [s for m in project.migrations for s in m.statements])
        notes = [f"assumed: {assumption.text}" for assumption in presumed.assumed]
        for unit in (unit for migration in project.migrations for unit in transactions(project, [migration])):
            progress(f"applying {unit.migrations[0].path}")
            for played in play(server, database, unit, limit=_LIMIT, look=False):
                if why := played.skipped or played.error:
                    notes.append(f"{played.statement.path}:{played.statement.line}: {why}")
        with server.connect(database) as connection:
            catalog = read(connection)
            wanted = _wanted(catalog, rows, table_rows)
            made = fill(connection, catalog, rows=wanted, seed=seed, progress=progress)
            return Seeded(fill=made, files=tuple(seed_files(connection, out, catalog=catalog)), notes=tuple(notes))


def _wanted(catalog: Catalog, rows: int, table_rows: Mapping[str, int]) -> dict[Name, int]:
    """How many rows each table gets. Raises UsageError for a table that is not there."""
    tables = [table.name for table in catalog.tables]
    wanted = dict.fromkeys(tables, rows)
    for word, number in table_rows.items():
        named = [name for name in tables if word in (str(name), name.name, f"{name.schema}.{name.name}")]
        if not named:
            raise UsageError(f"--table-rows: there is no table {word}")
        wanted |= dict.fromkeys(named, number)
    return wanted
