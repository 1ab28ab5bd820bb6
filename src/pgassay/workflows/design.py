"""``pgassay design``: from contracts to migrations that were tried.

Read the input, design, prove on a scratch server that it applies and goes back without a trace, and write: the first
time a migration for each part, later one migration that turns what is there into what is wanted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pgassay.catalog import Catalog, compare, read
from pgassay.catalog.ddl import difference
from pgassay.chain.design import design, sources
from pgassay.chain.model import AccessPattern, Contract, Design, Part, Settings, Subgraph
from pgassay.chain.queries import Query, queries
from pgassay.errors import InputError, UsageError
from pgassay.model import Name, quote
from pgassay.report.design import Designed, storage_page
from pgassay.report.design_entities import entity_files
from pgassay.report.design_guide import guide_page
from pgassay.report.drawing import dictionary, mermaid, picture
from pgassay.report.orm.drizzle import constants, drizzle
from pgassay.report.orm.queries_python import queries_python
from pgassay.report.orm.queries_sql import queries_sql
from pgassay.report.orm.queries_typescript import queries_typescript
from pgassay.report.orm.sqlalchemy import sqlalchemy_models
from pgassay.report.plans import plans_page
from pgassay.server import OWNER, Server, StatementError, find_binaries, scratch
from pgassay.sources import open_project
from pgassay.workflows.design_patterns import patterns
from pgassay.workflows.design_plans import plans
from pgassay.workflows.design_storage import measure

Progress = Callable[[str], None]
Ask = Callable[[Sequence[str]], bool]

# What else is made of a design: a folder, and what gives its files by their paths within it.
RENDERERS: tuple[tuple[str, Callable[[Designed], Mapping[str, str]]], ...] = (
    (
        "docs",
        lambda designed: {
            "schema.md": guide_page(designed.design),
            "storage.md": storage_page(designed),
            "dictionary.md": dictionary(designed.catalog),
            "diagram.md": f"```mermaid\n{mermaid(designed.catalog)}```\n",
            "diagram.svg": picture(designed.catalog),
            "plans.md": plans_page(designed.plans, designed.events, designed.server),
            **entity_files(designed),
        },
    ),
    (
        "drizzle",
        lambda designed: {
            **dict(drizzle(designed.catalog).files),
            **queries_typescript(_queries(designed), constants(designed.catalog), _patterns(designed)),
        },
    ),
    (
        "sqlalchemy",
        lambda designed: {
            "models.py": sqlalchemy_models(designed.catalog),
            **{f"queries/{n}": t for n, t in queries_python(_queries(designed), _patterns(designed)).items()},
        },
    ),
    ("queries", lambda designed: {"queries.sql": queries_sql(_queries(designed), _patterns(designed))}),
)


def _queries(designed: Designed) -> tuple[Query, ...]:
    return queries(designed.design, designed.catalog)


def _patterns(designed: Designed) -> tuple[AccessPattern, ...]:
    return designed.design.settings.patterns


_TOGETHER = 100  # statements in one round trip, and in one transaction: each table of it takes locks
_FILE = re.compile(r"^(\d+)_.*\.sql$")
_UP, _DOWN = "-- migrate:up", "-- migrate:down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to design and where to write it. ``events``: for the forecast. ``ask`` is told what would be lost."""

    contracts: tuple[Contract, ...]
    subgraph: Subgraph | None = None
    settings: Settings
    out: Path
    events: int = 10_000_000
    ask: Ask = lambda _losses: False
    notes: tuple[str, ...] = ()
    postgres_version: int | None = None
    postgres_bin: str | None = None


def make(wanted: Wanted, progress: Progress = lambda _: None) -> Designed:
    """Design, prove and write. Raises UsageError, InputError, ServerUnavailable, DiskFull."""
    began = time.monotonic()
    folder = wanted.out / "migrations"
    binaries = find_binaries(wanted.postgres_version, Path(wanted.postgres_bin) if wanted.postgres_bin else None)
    with scratch(binaries, memory=True) as server:
        _roles(server, wanted.settings)
        there = _there(folder)
        old, before = _replayed(server, wanted.out, progress) if there else ("", None)
        known = sources((t.name.name, t.comment) for t in before.tables) if before is not None else {}
        made = design(wanted.contracts, wanted.subgraph, wanted.settings, earlier=known)
        made = replace(made, notes=(*wanted.notes, *made.notes))
        progress(f"trying {len(made.tables)} tables")
        database, catalog = proved(server, made)
        made = replace(made, notes=(*made.notes, *patterns(server, database, made)))
        storage = measure(server, database, made, progress)
        planned = plans(server, database, made, catalog, events=wanted.events, progress=progress)
        changes: tuple[str, ...] = ()
        files: dict[Path, str] = {}
        if before is None:
            files = {folder / name: text for name, text in _first(made.parts)}
        else:
            changes = tuple(map(str, compare(before, catalog)))
            if changes:
                number = max(int(m[1]) for m in map(_FILE.match, there) if m) + 1
                name, text = _step(server, old, wanted, before, catalog, number)
                files = {folder / name: text}
        designed = Designed(
            design=made, catalog=catalog, storage=storage, events=wanted.events, changes=changes,
            first=before is None, server=server.binaries.version,
            written=tuple((str(p), t.count("\n")) for p, t in files.items()), seconds=time.monotonic() - began,
            plans=planned,
        )  # fmt: skip
    for place, renderer in RENDERERS:
        files |= {wanted.out / place / name: text for name, text in renderer(designed).items()}
    for path, text in files.items():
        _write(path, text)
    migrations = {path for path, _ in designed.written}
    return replace(designed, rendered=tuple(sorted(str(p) for p in files if str(p) not in migrations)))


def _roles(server: Server, settings: Settings) -> None:
    """Before PostgreSQL 16 who may create roles may become anyone, so a scratch server's owner may not: they are made
    beforehand, as a production server has them."""
    if server.major >= 16 or settings.tenancy == "none":
        return
    server.make_roles((settings.owner_role, settings.writer_role, settings.reader_role))


def proved(server: Server, made: Design) -> tuple[str, Catalog]:
    """A database with the design applied, and its catalog: applied, taken back without a trace, applied again.

    Raises AssertionError with the statement where that is not so: a fault of the design, not of its input.
    """
    database = server.create()
    with server.connect(database) as connection:
        empty = read(connection)
        _run(connection.run, made.parts, forward=True)
        first = read(connection)
        _run(connection.run, made.parts, forward=False)
        left = compare(empty, read(connection))
        if left:
            raise AssertionError(f"the way back leaves something: {'; '.join(map(str, left[:5]))}")
        _run(connection.run, made.parts, forward=True)
        catalog = read(connection)
        if catalog != first:
            raise AssertionError("applied again, the schema differs")
    return database, catalog


def _run(run: Callable[[str], object], parts: Sequence[Part], *, forward: bool) -> None:
    for part in parts if forward else reversed(parts):
        statements = part.forward if forward else part.back
        for low in range(0, len(statements), _TOGETHER):
            some = statements[low : low + _TOGETHER]
            try:
                run("\n;\n".join(some))
                continue
            except StatementError:  # which one it was tells the next try
                pass
            for statement in some:
                try:
                    run(statement)
                except StatementError as error:
                    raise AssertionError(f"{part.name}: {error}\n{statement}") from error


def _there(folder: Path) -> list[str]:
    """Migrations that were written before."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if _FILE.match(p.name))


def _replayed(server: Server, out: Path, progress: Progress) -> tuple[str, Catalog]:
    """A database with the migrations that were written before, and its catalog."""
    project = open_project(str(out / "migrations"), kind="dbmate")
    database = server.create()
    with server.connect(database) as connection:
        for migration in project.migrations:
            progress(f"applying {migration.path}")
            for statement in migration.statements:
                try:
                    connection.run(statement.text)
                except StatementError as error:
                    raise InputError(
                        f"it does not apply, so nothing can be built on it: {error}",
                        path=str(out / "migrations" / statement.path),
                        line=statement.line,
                        hint="Mend it, or name another folder with --out.",
                    ) from error
        return database, read(connection)


def _first(parts: Sequence[Part]) -> Iterable[tuple[str, str]]:
    for number, part in enumerate(parts, 1):
        yield f"{number:04}_{part.name}.sql", _migration(part.forward, part.back)


def _migration(up: Sequence[str], down: Sequence[str], *, alone: bool = False) -> str:
    option = " transaction:false" if alone else ""
    sections = [f"{_UP}{option}", *(f"{s};" for s in up), f"{_DOWN}{option}", *(f"{s};" for s in down)]
    return "\n\n".join(sections) + "\n"


def _step(server: Server, old: str, wanted: Wanted, before: Catalog, after: Catalog, number: int) -> tuple[str, str]:
    """One migration from what is there (in the database ``old``) to what is wanted, tried both ways."""
    up, down = difference(before, after), difference(after, before)
    losses = [str(loss) for loss in up.loses]
    if losses and not wanted.ask(losses):
        raise UsageError(
            f"this would drop what holds data: {'; '.join(losses)}",
            hint="Say --drop if that is meant, or give the input that they came from as well.",
        )
    handed = list(_handed(before, after))
    statements = [*up.sql, *(f"{what} OWNER TO {quote(owner)}" for what, owner in handed)]
    statements += _renewed(wanted.settings, before, after)
    undo = [*(f"{what} OWNER TO CURRENT_USER" for what, _ in reversed(handed)), *down.sql]
    with server.database(old) as database, server.connect(database) as connection:
        for sql in statements:
            connection.run(sql)
        made = read(connection)
        missing = compare(made, after)
        if _owners(made) != _owners(after):
            raise AssertionError("the step from what is there to what is wanted leaves other owners")
        for sql in undo:
            connection.run(sql)
        left = compare(read(connection), before)
    if (missing and not up.unwritten) or (left and not down.unwritten):
        what = "; ".join(map(str, (*missing, *left)[:3]))
        raise AssertionError(f"the step from what is there to what is wanted is not exact: {what}")
    alone = any(s.alone for s in (*up.steps, *down.steps))
    return f"{number:04}_{_title(before, after)}.sql", _migration(statements, undo, alone=alone)


def _handed(before: Catalog, after: Catalog) -> Iterator[tuple[str, str]]:
    """What is new and belongs to another role than the one that migrates, as ALTER names it, and that role."""
    old = _owners(before)
    for what, owner in _owners(after).items():
        if owner != OWNER and old.get(what) != owner:
            yield what, owner


def _owners(catalog: Catalog) -> dict[str, str]:
    """Who owns what, for tables, views and routines. Sequences that belong to columns follow their tables."""
    found = {f"ALTER TABLE {t.name}": t.owner for t in catalog.tables}
    found |= {f"ALTER {'MATERIALIZED ' if v.materialized else ''}VIEW {v.name}": v.owner for v in catalog.views}
    kinds = {"procedure": "PROCEDURE", "aggregate": "AGGREGATE"}
    return found | {f"ALTER {kinds.get(r.kind, 'FUNCTION')} {r.name}({r.arguments})": r.owner for r in catalog.routines}


def _renewed(settings: Settings, before: Catalog, after: Catalog) -> list[str]:
    """New partitioned tables get the partitions that the others have already."""
    old = {t.name for t in before.tables}
    if not any(t.partition_key and t.name not in old for t in after.tables):
        return []
    name = Name(settings.schema, "renew_partitions")
    return [f"SELECT {name}()"] if any(r.name == name for r in before.routines) else []


def _title(before: Catalog, after: Catalog) -> str:
    """A name for the migration: what came or went."""
    old = {t.name.name for t in before.tables if t.partition_of is None}
    new = {t.name.name for t in after.tables if t.partition_of is None}
    for verb, names in (("add", sorted(new - old)), ("drop", sorted(old - new))):
        if names:
            more = f"_and_{len(names) - 1}_more" if len(names) > 1 else ""
            return re.sub(r"\W", "_", f"{verb}_{names[0]}{more}")
    return "change"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", path=str(path)) from error


__all__ = ["RENDERERS", "Wanted", "make", "proved"]
