"""The proof of a way back: there, back, there, back and there again, with rows, and nothing may differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pgassay.catalog import Catalog, Table, compare, reader
from pgassay.migrate.down.comparing import Unlike, counts, differing
from pgassay.migrate.down.derivation import PARKED, without
from pgassay.migrate.down.model import Lost, Trial
from pgassay.model import Name, quote
from pgassay.server import Connection, Server

Act = Callable[[str], str | None]  # runs something on a database; returns what was refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Two databases with rows, before a migration and after it, and their catalogs."""

    before: str
    after: str
    catalog_before: Catalog
    catalog_after: Catalog


def trial(server: Server, stage: Stage, up: Act, down: Act, known: tuple[Lost, ...]) -> Trial:
    """Go back and there, twice, on a copy of the database after. ``known`` is what must be lost, from the catalogs."""
    with (
        server.database(stage.after) as database,
        server.connect(stage.before) as before,
        server.connect(stage.after) as after,
        server.connect(database) as there,
    ):
        known = _counted(stage, before, after, known)
        look = reader(there)
        measured: dict[tuple[str, str | None], Lost] = {}
        left: list[str] = []
        notes: list[str] = []
        for turn in ("", "the second time, "):
            if failure := down(database):
                return Trial(failure=f"{turn}the way back is refused: {failure}", lost=known)
            changes = _changes(look(), stage.catalog_before)
            lost, extra = _rows_back(stage, before, there, known)
            measured |= {(entry.table, entry.column): entry for entry in lost}
            left += (words for words in extra if words not in left)
            if changes:
                return Trial(catalog=changes, lost=(*known, *measured.values()), left=tuple(left))
            if failure := up(database):
                words = f"{turn}after the way back the migration no longer runs: {failure}"
                return Trial(
                    failure=words + _broken(stage, failure),
                    lost=(*known, *measured.values()),
                    left=tuple(left),
                )
            changes = _changes(look(), stage.catalog_after)
            if changes:
                return Trial(
                    catalog=tuple(f"after the migration ran again, {change}" for change in changes),
                    lost=(*known, *measured.values()),
                )
            wrong, said = _rows_there(stage, after, there, (*known, *measured.values()))
            left += (words for words in wrong if words not in left)
            notes += (words for words in said if words not in notes)
    return Trial(lost=(*known, *measured.values()), left=tuple(left), notes=tuple(notes))


def _broken(stage: Stage, failure: str) -> str:
    """What no way back could have made: an index that a build left invalid."""
    for table in stage.catalog_before.tables:
        for index in table.indexes:
            if not index.valid and index.name in failure:
                name = table.name.named(index.name)
                return f" ({name} is invalid and cannot be made again: IF EXISTS lets the migration run twice)"
    return ""


def _changes(found: Catalog, wanted: Catalog) -> tuple[str, ...]:
    """What differs, but for the order of columns, which no SQL can change."""
    found = without(found, PARKED)
    invalid = {index.name for table in wanted.tables for index in table.indexes if not index.valid}
    return tuple(
        str(change)
        for change in compare(wanted, found)
        if not (change.part or "").endswith("column order")
        and not (change.noun == "index" and change.member in invalid)
    )


def _counted(stage: Stage, before: Connection, after: Connection, known: tuple[Lost, ...]) -> tuple[Lost, ...]:
    """The same with the rehearsal's rows: of before where the migration destroys them, else of after."""
    found: dict[tuple[str, str, str | None], int] = {}
    for when, session, catalog in (
        ("forward", before, stage.catalog_before),
        ("back", after, stage.catalog_after),
    ):
        entries = {
            (entry.table, entry.column) for entry in known if entry.when == when and (entry.gone or when == "forward")
        }
        wanted = [(t.name, column) for t in catalog.tables for name, column in entries if str(t.name) == name]
        numbers = counts(session, catalog, wanted) if wanted else {}
        found |= {(when, str(table), column): number for (table, column), number in numbers.items()}
    return tuple(replace(e, rows=found.get((e.when, e.table, e.column), 0)) for e in known)


def _leave(stage: Stage, known: tuple[Lost, ...]) -> set[tuple[Name, str | None]]:
    names = {str(t.name): t.name for t in (*stage.catalog_before.tables, *stage.catalog_after.tables)}
    return {(names[e.table], e.column) for e in known if e.when == "forward" and e.table in names}


def _rows_back(
    stage: Stage, one: Connection, other: Connection, known: tuple[Lost, ...]
) -> tuple[list[Lost], list[str]]:
    unlike = differing(one, other, stage.catalog_before, leave=_leave(stage, known))
    lost = [entry for found in unlike for entry in _lost(found)]
    left = [
        f"leaves {_rows(found.extra)} of {found.table} behind that the migration added" for found in unlike
        if found.extra and not found.missing
    ]  # fmt: skip
    return lost, left


def _lost(found: Unlike) -> list[Lost]:
    table = str(found.table)
    entries = [
        Lost(
            when="forward", table=table, column=column, rows=number,
            what=f"the old values of {table}.{quote(column)}, which the migration overwrites",
        )
        for column, number in found.columns
    ]  # fmt: skip
    if found.missing:
        words = f"rows of {table}, which the migration deletes or changes"
        entries.append(Lost(when="forward", table=table, rows=found.missing, what=words))
    return entries


def _rows_there(
    stage: Stage, one: Connection, other: Connection, lost: tuple[Lost, ...]
) -> tuple[list[str], list[str]]:
    """What is wrong with the rows after the migration ran again, and what is only to be known."""
    unsure = {e.table for e in lost if e.when == "forward"}
    unlike = differing(one, other, stage.catalog_after, leave=_leave(stage, lost))
    wrong, said = [], []
    for found in unlike:
        old = stage.catalog_before.table(found.table)
        if old is None or str(found.table) in unsure:
            said.append(f"{found.table} has other rows each time that the migration runs")
            continue
        if found.missing == found.extra and _numbered(old):
            said.append(f"{found.table}: its new rows have other numbers each time that the migration runs")
        elif found.missing or found.extra:
            wrong.append(f"after the migration ran again {found.table} has other rows")
        for column, number in found.columns:
            words = f"{found.table}.{quote(column)} has another value in {_rows(number)} when the migration runs again"
            (wrong if old.column(column) else said).append(words)
    return wrong, said


def _numbered(table: Table) -> bool:
    """Whether rows are given a key that is another one each time."""
    key = table.primary_key.columns if table.primary_key else ()
    columns = [c for c in table.columns if c.name in key]
    return any(c.identity or (c.default and "(" in c.default) for c in columns)


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
