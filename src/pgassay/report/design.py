"""What ``pgassay design`` says: tables and why they are there, bytes a row, what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from pgassay import __version__
from pgassay.catalog import Catalog
from pgassay.chain.model import Design, DesignedTable
from pgassay.report.machine import Wire, indented
from pgassay.report.plans import PlannedQuery
from pgassay.report.words import count, encodable, one_line, size

_SHOWN = 15
_ROLES = {
    "registry": "Registry",
    "chain": "Chain",
    "dictionary": "Dictionaries",
    "event": "Events",
    "rollup": "Rollups",
    "compliance": "Compliance",
    "entity": "Entities",
    "tenancy": "Tenancy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexBytes:
    """Bytes a row of one index, as rows came in (``row``) and after a rebuild; ``purpose`` is its comment."""

    name: str
    row: float
    rebuilt: float
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBytes:
    """Bytes a row of one table, measured with so many ``rows``."""

    table: str
    rows: int
    heap: float
    indexes: tuple[IndexBytes, ...]

    @property
    def loaded(self) -> float:
        """Heap and indexes as rows came in."""
        return self.heap + sum(i.row for i in self.indexes)

    @property
    def rebuilt(self) -> float:
        """Heap and indexes after REINDEX, as a partition that gets no more rows can be had."""
        return self.heap + sum(i.rebuilt for i in self.indexes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Designed:
    """A design with what its proof on a scratch server showed. ``first``: there were no migrations before; ``changes``
    since the last run; ``events``: for the forecast; ``written``: migrations, by path and lines; ``rendered``:
    paths of all else that was made of it."""

    design: Design
    catalog: Catalog
    storage: tuple[TableBytes, ...]
    events: int
    changes: tuple[str, ...]
    first: bool
    server: str
    written: tuple[tuple[str, int], ...]
    seconds: float
    rendered: tuple[str, ...] = ()
    plans: tuple[PlannedQuery, ...] = ()


def design_text(designed: Designed) -> str:
    """The report for people."""
    design = designed.design
    settings = design.settings
    tables = [t for t in designed.catalog.tables if t.partition_of is None]
    indexes = sum(len(t.indexes) for t in tables)
    lines = [
        f"{count(len(tables), 'table')}, {count(indexes, 'index', 'indexes')}, "
        f"{count(len(design.listings), 'listing')}; layout {settings.layout}, tenancy {settings.tenancy}",
        f"Proved on PostgreSQL {one_line(designed.server)}: applied, taken back without a trace, applied again.",
    ]
    for role, title in _ROLES.items():
        names = [t for t in design.tables if t.role == role]
        if names:
            lines += ["", f"{title} ({len(names)})"]
            wide = min(max(len(t.name) for t in names), 40)
            lines += [f"  {t.name:<{wide}}  {_said(t)}" for t in names]
    lines += ["", *_storage(designed)]
    if design.notes:
        lines += ["", "Notes", *(f"  {one_line(n)}" for n in design.notes)]
    lines += ["", *_done(designed)]
    return "\n".join(lines) + "\n"


def _said(table: DesignedTable) -> str:
    if table.role == "event":
        return one_line(table.source.removeprefix("event "))
    return one_line(table.purpose).split(". ")[0].removesuffix(".")


def _storage(designed: Designed) -> Iterable[str]:
    if not designed.storage:
        return
    yield f"Bytes a row (heap + indexes = total; after REINDEX), and {designed.events:,} rows of it"
    wide = min(max(len(s.table) for s in designed.storage), 40)
    largest = sorted(designed.storage, key=lambda s: -s.loaded)
    for s in largest[:_SHOWN]:
        index = s.loaded - s.heap
        yield (
            f"  {s.table:<{wide}}  {s.heap:5.0f} + {index:4.0f} = {s.loaded:4.0f}; {s.rebuilt:4.0f}"
            f"   {size(s.loaded * designed.events)}"
        )
    if len(largest) > _SHOWN:
        yield f"  and {len(largest) - _SHOWN} more in docs/storage.md"


def _done(designed: Designed) -> Iterable[str]:
    if not designed.first and not designed.changes:
        yield "Nothing has changed since the last run: no migration is needed."
    elif not designed.first:
        yield f"Changed since the last run ({len(designed.changes)}):"
        yield from (f"  {one_line(c)}" for c in designed.changes[:20])
        if len(designed.changes) > 20:
            yield f"  and {len(designed.changes) - 20} more"
    for path, _ in designed.written:
        yield f"wrote {one_line(path)}"


def storage_page(designed: Designed) -> str:
    """The forecast as a page of the design's documentation."""
    lines = [
        "# Storage",
        "",
        f"Measured on PostgreSQL {designed.server} with made-up rows: amounts of many digits, accounts by a power law.",
        "*Loaded* is as rows come in, block after block; *rebuilt* after `REINDEX TABLE CONCURRENTLY`, which a",
        "partition is worth once, when it gets no more rows.",
        "",
        f"| table | heap | indexes | loaded | rebuilt | {designed.events:,} rows |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for s in designed.storage:
        lines.append(
            f"| `{s.table}` | {s.heap:.0f} | {s.loaded - s.heap:.0f} | {s.loaded:.0f} | {s.rebuilt:.0f}"
            f" | {size(s.loaded * designed.events)} |"
        )
    return "\n".join(lines) + "\n"


class TablePart(Wire, frozen=True):
    """A table; bytes a row where it was measured."""

    name: str
    role: str
    purpose: str
    source: str
    topic: str | None
    heap_bytes: float | None
    loaded_bytes: float | None
    rebuilt_bytes: float | None


class ListingPart(Wire, frozen=True):
    """A keyset listing and the indexes that serve it."""

    name: str
    table: str
    equal: tuple[str, ...]
    either: tuple[str, ...]
    order: tuple[str, ...]
    descending: bool
    indexes: tuple[str, ...]


class DesignDocument(Wire, frozen=True):
    """A design by pgassay of the version named."""

    pgassay: str
    server: str
    layout: str
    tenancy: str
    tables: tuple[TablePart, ...]
    listings: tuple[ListingPart, ...]
    events: int
    notes: tuple[str, ...]
    changes: tuple[str, ...]
    written: tuple[str, ...]
    seconds: float


def design_document(designed: Designed) -> DesignDocument:
    """The report as it goes over the wire."""
    design = designed.design
    measured = {s.table: s for s in designed.storage}

    def table(name: str, role: str, purpose: str, source: str, topic: str | None) -> TablePart:
        found = measured.get(name)
        return TablePart(
            name=name, role=role, purpose=encodable(purpose), source=encodable(source), topic=topic,
            heap_bytes=round(found.heap, 1) if found else None,
            loaded_bytes=round(found.loaded, 1) if found else None,
            rebuilt_bytes=round(found.rebuilt, 1) if found else None,
        )  # fmt: skip

    return DesignDocument(
        pgassay=__version__,
        server=encodable(designed.server),
        layout=design.settings.layout,
        tenancy=design.settings.tenancy,
        tables=tuple(table(t.name, t.role, t.purpose, t.source, t.topic) for t in design.tables),
        listings=tuple(
            ListingPart(
                name=item.name, table=item.table, equal=item.equal, either=item.either, order=item.order,
                descending=item.descending, indexes=item.indexes or ((item.index,) if item.index else ()),
            )
            for item in design.listings
        ),
        events=designed.events,
        notes=tuple(map(encodable, design.notes)),
        changes=tuple(map(encodable, designed.changes)),
        written=tuple(encodable(path) for path, _ in designed.written),
        seconds=round(designed.seconds, 3),
    )  # fmt: skip


def design_json(designed: Designed) -> str:
    """The report as indented JSON, with a line end."""
    return indented(msgspec.to_builtins(design_document(designed)))
