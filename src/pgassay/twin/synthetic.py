"""A synthetic twin: a database of production's schema with made-up rows that follow its statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pgassay.catalog import Catalog, ColumnStats, read
from pgassay.model import Name
from pgassay.server import Server
from pgassay.twin.export_file import Export
from pgassay.twin.fill import fill
from pgassay.twin.stage import stage
from pgassay.workload.arrays import read_array

MOST = 200_000  # rows of the largest table
_SMALL = 1_000  # rows of a table that is made whole

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """A database with made-up rows, not analysed yet; ``remarks`` say in words what it does without."""

    database: str
    rows: dict[Name, int]
    remarks: tuple[str, ...]


def synthetic(
    server: Server, export: Export, *, most: int = MOST, seed: int = 1, progress: Progress = lambda _: None
) -> Synthetic:
    """Make rows: at most ``most`` a table, in production's proportions. Raises ConnectionLost, DiskFull."""
    database, remarks, _ = stage(server, export, whole=True)
    with server.connect(database) as session:
        catalog = read(session)
        rows = _scaled(export, catalog, most)
        statistics = column_stats(export, catalog)
        made = fill(
            session, catalog, rows=rows, seed=seed, statistics=statistics, analyze=False, progress=progress
        )  # fmt: skip
        remarks += [f"{u.table} has fewer rows than it should: {u.reason}" for u in made.unfilled]
    return Synthetic(database=database, rows=dict(made.rows), remarks=tuple(remarks))


def column_stats(export: Export, catalog: Catalog) -> Mapping[Name, Mapping[str, ColumnStats]]:
    """The statistics of an export as those of a live database are read; of a whole tree where there are such."""
    found: dict[Name, dict[str, ColumnStats]] = {}
    for each in export.attributes:
        table = Name(each.schema, each.relation)
        known = catalog.table(table)
        if each.index or known is None or known.column(each.name) is None:
            continue
        found.setdefault(table, {})[each.name] = ColumnStats(
            null_frac=each.null_frac,
            avg_width=each.avg_width,
            n_distinct=each.n_distinct,
            most_common_vals=_listed(each.most_common_vals),
            most_common_freqs=list(each.most_common_freqs) if each.most_common_freqs else None,
            histogram_bounds=_listed(each.histogram_bounds),
            correlation=each.correlation,
        )
    return found


def known_rows(export: Export) -> dict[Name, float]:
    """What ``pg_class`` says of each table."""
    return {Name(r.schema, r.name): max(r.tuples, 0.0) for r in export.relations if r.table is None}


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [value for value in read_array(text) if value is not None]


def _scaled(export: Export, catalog: Catalog, most: int) -> dict[Name, int]:
    known = known_rows(export)
    largest = max(known.values(), default=0.0)
    scale = min(1.0, most / largest) if largest else 1.0
    rows = {t.name: known.get(t.name, float(_SMALL)) for t in catalog.tables}
    # What is small stays as it is: a list of countries, of states.
    return {name: max(round(n * scale), round(min(n, _SMALL)), 1) for name, n in rows.items()}
