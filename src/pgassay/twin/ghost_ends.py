"""The ends of production's B-trees, which the planner looks up for predicates beyond a histogram (selfuncs.c).

Values get their form on disk from PostgreSQL itself: they are inserted into one-column tables while the ghost is made,
and their bytes taken from there into the leaves of the ghost's indexes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgassay.model import literal
from pgassay.server import SUPERUSER, Server, StatementError
from pgassay.twin import ghost_files as files
from pgassay.twin.export_file import End
from pgassay.twin.ghost_schema import HELPER
from pgassay.twin.ghost_statistics import sql


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the values of ends were put: of each (schema, table, column) a helper table and a place in it."""

    places: dict[tuple[str, str, str], tuple[str, int]]


def insert_ends(server: Server, database: str, ends: Sequence[End]) -> Ends:
    """Put the values into helper tables, one a type, as the owner; those that a type refuses are left out."""
    places: dict[tuple[str, str, str], tuple[str, int]] = {}
    if not ends:
        return Ends(places)
    with server.connect(database, role=SUPERUSER) as admin:
        led = admin.json(sql("led").replace("{alone}", "")) or []
        types = {(row["table_schema"], row["table"], row["column"]): row["type"] for row in led}
    by_type: dict[str, list[End]] = defaultdict(list)
    for end in ends:
        kind = types.get((end.schema, end.table, end.column))
        if kind is not None:
            by_type[kind].append(end)
    with server.connect(database) as owner:
        owner.run(f"CREATE SCHEMA IF NOT EXISTS {HELPER}")
        for number, (kind, some) in enumerate(sorted(by_type.items())):
            table = f"end_{number}"
            rows = ", ".join(f"({literal(value)})" for end in some for value in (end.low, end.high))
            try:
                owner.run(f"CREATE TABLE {HELPER}.{table} (v {kind}); INSERT INTO {HELPER}.{table} VALUES {rows}")
            except StatementError:
                continue
            for place, end in enumerate(some):
                places[end.schema, end.table, end.column] = (table, 2 * place)
    return Ends(places)


def read_ends(
    ends: Ends, paths: dict[tuple[str, str], dict[str, Any]], folder: Path
) -> dict[tuple[str, str, str], tuple[bytes, bytes]]:
    """The bytes on disk of each column's ends, from a database whose pages are all in its files."""
    known: dict[str, list[bytes]] = {}
    found = {}
    for column, (table, place) in ends.places.items():
        if table not in known:
            known[table] = files.values(folder / paths[HELPER, table]["path"])
        if place + 1 < len(known[table]):
            found[column] = (known[table][place], known[table][place + 1])
    return found


def entries_of(
    led: dict[str, Any] | None, ends: dict[tuple[str, str, str], tuple[bytes, bytes]], folder: Path
) -> list[bytes]:
    """The index tuples for the leaf of an index, in its order; its table's first page is called visible for them."""
    if led is None:
        return []
    pair = ends.get((led["table_schema"], led["table"], led["column"]))
    if pair is None:
        return []
    heap = folder / led["heap"]
    if not heap.with_name(f"{heap.name}_vm").exists():
        files.mark_visible(heap)
    ordered = reversed(pair) if led["descending"] else iter(pair)
    return [files.entry(value, led["width"], row) for row, value in enumerate(ordered, 1)]
