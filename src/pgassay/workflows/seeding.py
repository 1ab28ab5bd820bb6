"""What ``pgassay seed`` does: fill a database, or write rows for a project's schema as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pgassay.catalog import read
from pgassay.errors import InputError
from pgassay.server import find_binaries, scratch
from pgassay.server.live import connect_writing
from pgassay.sources import open_project
from pgassay.twin import Fill
from pgassay.workflows.grounds import built, wanted_rows
from pgassay.workflows.seed import seed_database, seed_files
from pgassay.workflows.seed_chain import seed_rows

Progress = Callable[[str], None]


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
        wanted = wanted_rows(read(connection), rows, table_rows) if table_rows else rows
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
        database, notes = built(server, project, progress)
        with server.connect(database) as connection:
            catalog = read(connection)
            wanted = wanted_rows(catalog, rows, table_rows)
            made = seed_rows(connection, catalog, rows=wanted, seed=seed, progress=progress)
            return Seeded(fill=made, files=tuple(seed_files(connection, out, catalog=catalog)), notes=tuple(notes))
