"""Grounds made from a live database: its rows copied, or made up after its statistics."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, cast

from pgassay.advisor.ground import Ground
from pgassay.catalog import Catalog, ColumnStats, read
from pgassay.model import Name, Statement, quote
from pgassay.model.actions import AddConstraint, AttachPartition, CreateIndex, CreateTrigger, RowSecurity
from pgassay.server import LiveConnection, Server, StatementError
from pgassay.sql import parse
from pgassay.twin import fill
from pgassay.twin.export_file import Export
from pgassay.twin.ghost_schema import Unmade, create_database, create_schema

_IN_MEMORY = 64 * 2**20
_LARGEST = 2 * 2**30  # bytes of heaps that are copied whole

Progress = Callable[[str], None]


def copied(server: Server, live: LiveConnection, export: Export, progress: Progress) -> tuple[Ground, tuple[str, ...]]:
    """A ground with every row that the role may read. Remarks say what is missing. Raises ConnectionLost."""
    database, remarks, later = _schema(server, export)
    with server.connect(database) as session:
        for table in read(session).tables:
            if table.kind == "foreign table" or table.kind == "partitioned table":
                continue
            progress(f"copying {table.name}")
            columns = ", ".join(quote(c.name) for c in table.columns if c.generated is None)
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as rows:
                stream = cast(IO[bytes], rows)
                try:
                    live.copy_out(f"COPY (SELECT {columns} FROM ONLY {table.name}) TO STDOUT", stream)
                    rows.seek(0)
                    session.copy_in(f"COPY {table.name} ({columns}) FROM STDIN", stream)
                except StatementError as error:
                    remarks.append(f"{table.name} was not copied: {error.report.message}")
    return _finished(server, database, export, later, "copied", remarks, progress)


def small_enough(export: Export) -> bool:
    """Whether a database is copied whole."""
    heaps = sum(r.blocks + r.toast_blocks for r in export.relations if r.method is None or r.kind in "rm")
    return heaps * export.server.block_size <= _LARGEST


def synthetic(
    server: Server, export: Export, progress: Progress, *, most: int = 200_000
) -> tuple[Ground, tuple[str, ...]]:
    """A ground with made-up rows that follow the statistics: at most ``most`` a table, in production's proportions."""
    database, remarks, _ = _schema(server, export, whole=True)
    with server.connect(database) as session:
        catalog = read(session)
        rows = _scaled(export, catalog, most)
        statistics = _statistics(session_json(session.json), export, catalog)
        made = fill(session, catalog, rows=rows, statistics=statistics, progress=progress)
        remarks += [f"{u.table} has fewer rows than it should: {u.reason}" for u in made.unfilled]
    ground, noted = _finished(server, database, export, "", "synthetic", remarks, progress)
    known = _known(export)
    ground.scales = {n: known[n] / count for n, count in made.rows.items() if count and known.get(n, 0.0) > count}
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


def _schema(server: Server, export: Export, *, whole: bool = False) -> tuple[str, list[str], str]:
    """Tables now; keys, indexes and triggers once rows are there, or all of it for rows that obey them."""
    database = f"ground_{server.create()}"
    remarks = []
    odd = create_database(server, database, export.server)
    if odd:
        remarks.append(odd)
    # Policies are not dumped; where row security is on, the owner himself might see nothing.
    statements = [s for s in parse(export.schema, "schema") if not any(s.of(RowSecurity))]
    later = [s for s in statements if not whole and _waits(s)]
    sooner = [s for s in statements if s not in later]
    unmade = create_schema(server, database, replace(export, schema=_text(sooner)))
    remarks += _told(unmade)
    return database, remarks, _text(later)


def _waits(statement: Statement) -> bool:
    if any(isinstance(a, CreateTrigger | CreateIndex) for a in statement.actions):
        return True
    if any(isinstance(a, AttachPartition) for a in statement.actions):
        return False
    return any(isinstance(a, AddConstraint) and a.constraint.kind != "check" for a in statement.actions) or (
        statement.text.startswith("ALTER INDEX")
    )


def _text(statements: list[Statement]) -> str:
    return ";\n".join(s.text for s in statements) + ";"


def _told(unmade: tuple[Unmade, ...]) -> list[str]:
    return [f"left out: {u.statement[:80]} ({u.reason})" for u in unmade]


def _finished(
    server: Server, database: str, export: Export, later: str, kind: str, remarks: list[str], progress: Progress
) -> tuple[Ground, tuple[str, ...]]:
    progress("building the indexes that there are")
    if later:
        remarks += _told(create_schema(server, database, replace(export, schema=later)))
    ground = Ground(server, database, kind=kind, settings=export.settings, path=export.search_path)
    progress("analysing")
    ground.settle()
    return ground, tuple(remarks)
