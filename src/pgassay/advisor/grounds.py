"""Grounds made from a live database: its rows copied, or made up after its statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from pgassay.advisor.ground import Ground
from pgassay.catalog import Catalog, ColumnStats, read
from pgassay.model import Name
from pgassay.server import LiveConnection, Server
from pgassay.twin import fill
from pgassay.twin.copy import copy_rows
from pgassay.twin.export_file import Export
from pgassay.twin.stage import Parts, finish, stage

_LARGEST = 2 * 2**30  # bytes of heaps that are copied whole
_SAMPLED = 512 * 2**20  # bytes of a sample of larger ones
_LARGEST_SAMPLED = 64 * 2**30  # bytes, of those that are sampled

Progress = Callable[[str], None]


def copied(server: Server, live: LiveConnection, export: Export, progress: Progress) -> tuple[Ground, tuple[str, ...]]:
    """A ground with every row that the role may read or, of a large database, a sample whose foreign keys hold.

    Remarks say what is missing. Raises ConnectionLost.
    """
    size = _heaps(export)
    share = None if size <= _LARGEST else _SAMPLED / size
    database, remarks, parts = stage(server, export)
    with server.connect(database) as session:
        made = copy_rows(live, session, share=share, progress=progress)
    remarks += made.remarks
    if share is not None:
        remarks.append(f"copied a sample of about {100 * share:.1f} % of the rows, along foreign keys")
    ground, noted = _finished(server, database, export, parts, "copied", remarks, progress)
    if share is not None:
        ground.scales = _scales(export, made.rows)
    return ground, noted


def small_enough(export: Export) -> bool:
    """Whether rows of a database are copied, whole or sampled; of a larger one nothing is read but statistics."""
    return _heaps(export) <= _LARGEST_SAMPLED


def _heaps(export: Export) -> int:
    heaps = sum(r.blocks + r.toast_blocks for r in export.relations if r.method is None or r.kind in "rm")
    return heaps * export.server.block_size


def _scales(export: Export, rows: Mapping[Name, int]) -> dict[Name, float]:
    """How many times more rows production has, where it has more."""
    known = _known(export)
    return {n: known[n] / count for n, count in rows.items() if count and known.get(n, 0.0) > count}


def synthetic(
    server: Server, export: Export, progress: Progress, *, most: int = 200_000
) -> tuple[Ground, tuple[str, ...]]:
    """A ground with made-up rows that follow the statistics: at most ``most`` a table, in production's proportions."""
    database, remarks, parts = stage(server, export, whole=True)
    with server.connect(database) as session:
        catalog = read(session)
        rows = _scaled(export, catalog, most)
        statistics = _statistics(session_json(session.json), export, catalog)
        made = fill(session, catalog, rows=rows, statistics=statistics, progress=progress)
        remarks += [f"{u.table} has fewer rows than it should: {u.reason}" for u in made.unfilled]
    ground, noted = _finished(server, database, export, parts, "synthetic", remarks, progress)
    ground.scales = _scales(export, made.rows)
    return ground, noted


def session_json(json: Callable[..., object]) -> Callable[[str | None], list[str] | None]:
    """PostgreSQL's own reading of an array's text."""

    def listed(text: str | None) -> list[str] | None:
        return None if text is None else cast(list[str], json("SELECT to_json($1::text[])", [text]))

    return listed


def _statistics(
    listed: Callable[[str | None], list[str] | None], export: Export, catalog: Catalog
) -> Mapping[Name, Mapping[str, ColumnStats]]:
    found: dict[Name, dict[str, ColumnStats]] = {}
    for each in export.attributes:
        table = Name(each.schema, each.relation)
        known = catalog.table(table)
        column = known.column(each.name) if known else None
        if each.index or column is None or column.category == "A":  # values of arrays are no values of text
            continue
        found.setdefault(table, {})[each.name] = ColumnStats(
            null_frac=each.null_frac,
            avg_width=each.avg_width,
            n_distinct=each.n_distinct,
            most_common_vals=listed(each.most_common_vals),
            most_common_freqs=list(each.most_common_freqs) if each.most_common_freqs else None,
            histogram_bounds=listed(each.histogram_bounds),
            correlation=each.correlation,
        )
    return found


def _known(export: Export) -> dict[Name, float]:
    return {Name(r.schema, r.name): max(r.tuples, 0.0) for r in export.relations if r.table is None}


def _scaled(export: Export, catalog: Catalog, most: int) -> dict[Name, int]:
    known = _known(export)
    largest = max(known.values(), default=0.0)
    scale = min(1.0, most / largest) if largest else 1.0
    return {t.name: max(1, round(known.get(t.name, 1000.0) * scale)) for t in catalog.tables}


def _finished(
    server: Server, database: str, export: Export, parts: Parts, kind: str, remarks: list[str], progress: Progress
) -> tuple[Ground, tuple[str, ...]]:
    progress("building the indexes that there are")
    remarks += finish(server, database, export, parts)
    ground = Ground(server, database, kind=kind, settings=export.settings, path=export.search_path)
    progress("analysing")
    ground.settle()
    return ground, tuple(remarks)
