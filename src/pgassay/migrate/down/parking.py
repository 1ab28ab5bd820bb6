"""Another way forward that keeps what it would destroy, until that is no longer wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pgassay.catalog import Catalog, Table
from pgassay.catalog.ddl.order import ordered
from pgassay.migrate.down.derivation import PARKED, Parked
from pgassay.migrate.down.model import Lost
from pgassay.model import Migration, Name, Statement, quote
from pgassay.model.actions import Drop

_LONGEST = 63  # bytes of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Parking:
    """A migration that parks what it destroys: ``up`` in its place, ``kept`` what it copies by key, ``contract`` what
    destroys that in the end. ``left_out``: what cannot be parked, and why."""

    up: tuple[str, ...]
    kept: tuple[Parked, ...] = ()
    contract: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def park(
    migration: Migration,
    before: Catalog,
    after: Catalog,
    lost: Iterable[Lost],
    *,
    blank: frozenset[tuple[Name, str]] = frozenset(),
) -> Parking:
    """The same migration with its tables moved to the schema ``pgassay_parked`` instead of dropped, and with a copy
    there of the values and rows that it destroys, by key. ``up`` is empty where nothing can be parked. ``blank``:
    columns of which nothing but what is parked comes back."""
    entries = [entry for entry in lost if entry.when == "forward"]
    label = re.sub(r"\W+", "_", migration.name)
    dropped = set(_dropped(migration, before))
    kept: list[Parked] = []
    left_out: list[str] = []
    tables: dict[Name, Table] = {}
    for table in before.tables:
        own = [entry for entry in entries if entry.table == str(table.name)]
        if table.kind == "partitioned table" and table.name in dropped and after.table(table.name) is None:
            tables[table.name] = table
        if any(e.gone and e.column is None for e in own) and dropped & {table.name, table.partition_of}:
            tables[table.name] = table
        elif own and (key := _key(table)) is None:
            left_out.append(f"{table.name}: it has no key by which a row would be found again")
        elif own and key:
            kept += _kept(table, key, own, label)
    kept = _parents_first(kept, before)
    texts, moved = _statements(migration.statements, tables, before, label)
    left_out += [f"{name}: no DROP TABLE of the migration names it" for name in sorted(tables.keys() - moved.keys())]
    if not kept and not moved:
        return Parking(up=(), left_out=tuple(left_out))
    contract = (*(f"DROP TABLE {p.side}" for p in kept), *(f"DROP TABLE {name}" for name in moved.values()))
    return Parking(
        up=(f"CREATE SCHEMA IF NOT EXISTS {PARKED}", *(p.copy() for p in kept), *texts, *_thinned(kept, after, blank)),
        kept=tuple(kept),
        contract=contract,
        left_out=tuple(left_out),
    )


def _dropped(migration: Migration, before: Catalog) -> Iterator[Name]:
    """The tables that its DROP TABLE statements name."""
    for statement in migration.statements:
        for drop in statement.of(Drop):
            yield from (t.name for name in drop.names if drop.kind == "table" and (t := before.table(name)))


def _kept(table: Table, key: tuple[str, ...], lost: list[Lost], label: str) -> Iterator[Parked]:
    types = {c.name: c.type for c in table.columns if "." in c.type.partition("(")[0]}

    def parked(kind: Literal["column", "values", "rows"], what: str, *columns: str) -> Parked:
        side = Name(PARKED, _name(label, table.name.name, what))
        return Parked(kind=kind, table=table.name, columns=columns, side=side, key=key, types=types)

    gone = {e.column for e in lost if e.gone}
    words = {e.column for e in lost}
    if None in words:
        yield parked("rows", "rows", *(c.name for c in table.columns if c.generated is None))
    if None in gone:
        return
    for column in table.columns:
        if column.name in gone:
            yield parked("column", column.name, column.name)
    values = tuple(c.name for c in table.columns if c.name in words - gone and c.name not in key)
    if values:
        yield parked("values", "values", *values)


def _thinned(kept: list[Parked], after: Catalog, blank: frozenset[tuple[Name, str]]) -> Iterator[str]:
    """What has not changed needs no parking: said at the end, where names are still what they were."""
    for parked in kept:
        table = after.table(parked.table)
        values = parked.columns if parked.kind == "values" else ()
        if any((parked.table, c) in blank for c in values):
            continue
        if parked.kind == "column" or table is None or not all(table.column(c) for c in (*parked.key, *values)):
            continue
        unchanged = "".join(f" AND t.{quote(c)}::text IS NOT DISTINCT FROM parked.{quote(c)}::text" for c in values)
        yield f"DELETE FROM {parked.side} AS parked USING {parked.table} AS t WHERE {parked.same}{unchanged}"


def _parents_first(kept: list[Parked], before: Catalog) -> list[Parked]:
    """Rows in an order in which none points at one that is not back yet."""
    points = {t.name: {k.references for k in t.foreign_keys if k.references} for t in before.tables}
    return ordered(kept, {a: {b for b in kept if b.table in points[a.table]} for a in kept}, kept.index)


def _key(table: Table) -> tuple[str, ...] | None:
    """The primary key, or columns that are unique and never NULL."""
    required = {c.name for c in table.columns if c.not_null or c.type_not_null}
    keys = [c.columns for c in sorted(table.constraints, key=lambda c: c.kind) if c.kind in ("primary key", "unique")]
    keys += [tuple(c for c in i.columns if c) for i in table.indexes if i.unique and not i.where and all(i.columns)]
    return next((key for key in keys if key and set(key) <= required), None)


def _name(*words: str) -> str:
    return "__".join(words).encode()[:_LONGEST].decode(errors="ignore")


def _statements(
    statements: Iterable[Statement], tables: dict[Name, Table], before: Catalog, label: str
) -> tuple[list[str], dict[Name, Name]]:
    """The statements with tables moved instead of dropped, and where each has gone."""
    texts: list[str] = []
    moved: dict[Name, Name] = {}
    for statement in statements:
        drop = next((d for d in statement.of(Drop) if d.kind == "table"), None)
        found = [table for name in drop.names if (table := before.table(name)) and table.name in tables] if drop else []
        if drop is None or not found:
            texts.append(statement.text)
            continue
        for table in (part for whole in found for part in _with_partitions(whole, tables)):
            if table.name not in moved:
                moved[table.name] = Name(PARKED, _name(label, table.name.name))
                texts += _moved(table, moved[table.name], before, cascade=drop.cascade, doomed=set(tables))
        rest = [str(name) for name in drop.names if (t := before.table(name)) is None or t.name not in moved]
        if rest:
            texts.append(f"DROP TABLE IF EXISTS {', '.join(rest)}{' CASCADE' if drop.cascade else ''}")
    return texts, moved


def _with_partitions(table: Table, tables: dict[Name, Table]) -> Iterator[Table]:
    yield table
    for other in tables.values():
        if other.partition_of == table.name:
            yield from _with_partitions(other, tables)


def _moved(table: Table, new: Name, before: Catalog, *, cascade: bool, doomed: set[Name]) -> Iterator[str]:
    """A table leaves: nothing of the application's may hang on it, nor it on anything."""
    for key in table.foreign_keys:
        if not key.inherited:
            yield f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {quote(key.name)}"
    for trigger in table.triggers:
        if not trigger.inherited:
            yield f"DROP TRIGGER IF EXISTS {quote(trigger.name)} ON {table.name}"
    if cascade:
        for other in before.tables:
            for key in other.foreign_keys:
                if key.references == table.name and other.name not in doomed and not key.inherited:
                    yield f"ALTER TABLE {other.name} DROP CONSTRAINT IF EXISTS {quote(key.name)}"
        for view in sorted(_views(table, before)):
            yield f"DROP VIEW IF EXISTS {view} CASCADE"
    yield f"ALTER TABLE {table.name} SET SCHEMA {PARKED}"
    yield f"ALTER TABLE {Name(PARKED, table.name.name)} RENAME TO {quote(new.name)}"


def _views(table: Table, before: Catalog) -> set[Name]:
    plain = {view.name for view in before.views if not view.materialized}
    return {
        needing.name
        for needing, needed in before.dependencies
        if needing.kind in ("view", "rule") and needing.name in plain and needed.name == table.name
    }
