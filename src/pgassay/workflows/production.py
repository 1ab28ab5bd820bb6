"""What is known of production: sizes, statistics, statements and version, from its database or from the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pgassay.catalog import column_statistics, sizes
from pgassay.model import Name
from pgassay.server import Connection, closest_binaries, find_binaries
from pgassay.server.binaries import Binaries
from pgassay.workflows.options import ReviewOptions
from pgassay.workload import read_file, read_statistics


@dataclass(frozen=True, slots=True)
class Production:
    """``version`` is the major; ``rows`` are counts by table; ``statistics`` those of ``pg_stats`` by column."""

    version: int | None = None
    rows: Mapping[Name, int] = field(default_factory=dict)
    statistics: Mapping[Name, Mapping[str, object]] | None = None
    workload: tuple[str, ...] = ()


def production(live: Connection | None, options: ReviewOptions) -> Production:
    """What the database, the options and the workload file tell."""
    named = {_table_name(word): rows for word, rows in options.table_rows.items()}
    workload = read_file(options.workload) if options.workload else ()
    if live is None:
        return Production(rows=named, workload=workload)
    counted = {name: size.rows for name, size in sizes(live).items() if size.rows is not None}
    return Production(
        version=int(live.value("SHOW server_version_num") or 0) // 10000,
        rows=counted | named,
        statistics=column_statistics(live),
        workload=workload or read_statistics(live),
    )


def _table_name(word: str) -> Name:
    schema, _, name = word.rpartition(".")
    return Name(schema or "public", name)


def binaries_like(options: ReviewOptions, major: int | None) -> tuple[Binaries, str | None]:
    """The server to rehearse on: as the user says, else of production's major, else the embedded one with a note."""
    directory = Path(options.postgres_bin) if options.postgres_bin else None
    if options.postgres_version or directory or major is None:
        return find_binaries(options.postgres_version, directory), None
    binaries = closest_binaries(major)
    if binaries.major == major:
        return binaries, None
    return binaries, f"production runs PostgreSQL {major}, which is not installed here: used {binaries.version}"
