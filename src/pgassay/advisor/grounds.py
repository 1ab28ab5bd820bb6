"""Grounds made from a live database: its rows copied, or made up after its statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pgassay.advisor.ground import Ground
from pgassay.model import Name
from pgassay.server import LiveConnection, Server
from pgassay.twin.copy import copy_rows
from pgassay.twin.export_file import Export
from pgassay.twin.stage import Parts, finish, stage
from pgassay.twin.synthetic import MOST, known_rows
from pgassay.twin.synthetic import synthetic as made_up

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
    known = known_rows(export)
    return {n: known[n] / count for n, count in rows.items() if count and known.get(n, 0.0) > count}


def synthetic(
    server: Server, export: Export, progress: Progress, *, most: int = MOST
) -> tuple[Ground, tuple[str, ...]]:
    """A ground with made-up rows that follow the statistics: at most ``most`` a table, in production's proportions."""
    made = made_up(server, export, most=most, progress=progress)
    ground, noted = _finished(server, made.database, export, None, "synthetic", list(made.remarks), progress)
    ground.scales = _scales(export, made.rows)
    return ground, noted


def _finished(
    server: Server,
    database: str,
    export: Export,
    parts: Parts | None,
    kind: str,
    remarks: list[str],
    progress: Progress,
) -> tuple[Ground, tuple[str, ...]]:
    if parts is not None:
        progress("building the indexes that there are")
        remarks += finish(server, database, export, parts)
    ground = Ground(server, database, kind=kind, settings=export.settings, path=export.search_path)
    progress("analysing")
    ground.settle()
    return ground, tuple(remarks)
