"""The way back, from the catalogs before and after a migration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pgassay.catalog import Catalog, Column, Table, read
from pgassay.catalog.ddl import Step, difference
from pgassay.catalog.model import Object
from pgassay.migrate.down.fillers import filler
from pgassay.migrate.down.model import Draft, Lost
from pgassay.migrate.down.naming import Identity, rename_back
from pgassay.model import Name, quote
from pgassay.server import Connection

PARKED = "pgassay_parked"
_CONCURRENT = re.compile(r"^(CREATE (?:UNIQUE )?INDEX|DROP INDEX) ")
_LENGTH = re.compile(r"^(?:character varying|character|bit|bit varying)\((\d+)\)$")
_WIDTH = {"smallint": 2, "integer": 4, "bigint": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """What lies in the parking schema: the values of a column that is dropped (``column``) or overwritten (``values``),
    or deleted rows (``rows``). ``side`` is the table there, ``key`` what finds a row again."""

    kind: Literal["column", "values", "rows"]
    table: Name
    columns: tuple[str, ...]
    side: Name
    key: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict, compare=False)  # of columns that are parked as text

    @property
    def same(self) -> str:
        """Where a row and what is parked of it meet."""
        return " AND ".join(f"t.{quote(k)} = {self.value(k)}" for k in self.key)

    def value(self, column: str) -> str:
        """What is parked of a column, in the column's type."""
        cast = f"::{self.types[column]}" if column in self.types else ""
        return f"parked.{quote(column)}{cast}"

    def copy(self) -> str:
        """The statement that parks it. Types of the user's are left out of it: they may go before it does."""
        columns = dict.fromkeys((*self.key, *self.columns))
        listed = ", ".join(f"{quote(c)}::text AS {quote(c)}" if c in self.types else quote(c) for c in columns)
        return f"CREATE TABLE {self.side} AS SELECT {listed} FROM {self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a way back is derived from: the catalog before, its names, and what the migration added or parked.

    ``seeds`` take rows away that the migration inserted. ``concurrent``: the migration itself works outside a
    transaction. ``blank``: columns whose values are known not to fit their old type.
    """

    before: Catalog
    names: Mapping[str, Identity]
    seeds: tuple[str, ...] = ()
    parked: tuple[Parked, ...] = ()
    concurrent: bool = False
    blank: frozenset[tuple[Name, str]] = frozenset()


def derive(session: Connection, grounds: Grounds, now: Catalog | None = None) -> Draft:
    """The statements that undo a migration. ``session`` is in a database that has the schema after; nothing that is
    done here stays. ``now`` is its catalog, where that is known (without what is parked)."""
    with session.rolled_back():
        renames = [Step(sql=sql) for sql in rename_back(session, grounds.names)]
        if renames or now is None:
            now = without(read(session), PARKED)
    before = grounds.before
    made = difference(now, before)
    steps = list(_settled(made.steps, now, before, grounds))
    if grounds.concurrent:
        steps = list(_concurrently(steps))
    alone = any(step.alone or " CONCURRENTLY " in step.sql for step in steps)
    seeds = [Step(sql=sql) for sql in grounds.seeds]
    restored = [
        step
        for p in grounds.parked
        if p.kind != "column" and (table := before.table(p.table))
        for step in _restored(p, table)
    ]
    cleared = [Step(sql=f"DROP TABLE {p.side}") for p in grounds.parked]
    return Draft(
        steps=(*seeds, *renames, *steps, *restored, *cleared),
        lost=(
            *_gone(before, now, "forward", grounds),
            *_gone(now, before, "back", grounds),
            *_narrowed(now, before),
            *_blanks(grounds),
        ),
        unwritten=made.unwritten,
        alone=alone,
    )


def without(catalog: Catalog, schema: str) -> Catalog:
    """The catalog as if a schema were not there, nor anything in it."""
    return replace(
        catalog,
        schemas=tuple(s for s in catalog.schemas if s.name != schema),
        tables=tuple(t for t in catalog.tables if t.name.schema != schema),
        sequences=tuple(s for s in catalog.sequences if s.name.schema != schema),
        statistics=tuple(s for s in catalog.statistics if s.table.schema != schema),
        dependencies=tuple(
            (a, b) for a, b in catalog.dependencies if schema not in (a.name.schema, b.name.schema, *_bare(a, b))
        ),
    )


def _bare(*things: Object) -> Iterator[str]:
    yield from (thing.name.name for thing in things if thing.kind == "schema")


def _settled(steps: Iterable[Step], now: Catalog, before: Catalog, grounds: Grounds) -> Iterator[Step]:
    """Columns that come back where rows may be: a required one needs a value, a parked one has them."""
    for step in steps:
        place = next((o for o in step.objects if o.kind == "column"), None)
        if place is not None and (place.name, place.member) in grounds.blank and " TYPE " in step.sql:
            yield replace(step, sql=_blanked(step.sql, before.table(place.name), place.member, before))
            continue
        if place is None or " ADD COLUMN " not in step.sql or now.table(place.name) is None:
            yield step
            continue
        table = before.table(place.name)
        column = table.column(place.member) if table else None
        kept = next((p for p in grounds.parked if (p.table, p.columns) == (place.name, (place.member,))), None)
        value = _placeholder(column, before) if column else None
        alter = f"ALTER TABLE {place.name} ALTER COLUMN {quote(place.member)}"
        late = kept is not None and value is None and step.sql.endswith(" NOT NULL")
        if value is not None:
            step = replace(step, sql=f"{step.sql} DEFAULT {value}")
        yield replace(step, sql=step.sql.removesuffix(" NOT NULL")) if late else step
        if table is not None and kept is not None and kept.kind == "column":
            yield from _restored(kept, table)
        if late:
            yield Step(sql=f"{alter} SET NOT NULL")
        if value is not None:
            yield Step(sql=f"{alter} DROP DEFAULT")


def _blanked(sql: str, table: Table | None, name: str, before: Catalog) -> str:
    """A change of type that keeps no value."""
    column = table.column(name) if table else None
    if column is None:
        return sql
    value = (filler(column, before) if column.not_null else None) or "NULL"
    return f"{sql.partition(' USING ')[0]} USING {value}::{column.type}"


def _placeholder(column: Column, catalog: Catalog) -> str | None:
    if not column.required or column.inherited or column.default is not None:
        return None
    return filler(column, catalog)


def _restored(parked: Parked, table: Table) -> Iterator[Step]:
    """What is parked comes back as it was: no trigger changes it on its way."""
    listening = bool(table.triggers) and all(t.enabled == "origin" for t in table.triggers)
    if listening:
        yield Step(sql=f"ALTER TABLE {parked.table} DISABLE TRIGGER USER")
    if parked.kind == "rows":
        listed = ", ".join(map(quote, parked.columns))
        sql = (
            f"INSERT INTO {parked.table} ({listed}) OVERRIDING SYSTEM VALUE"
            f" SELECT {', '.join(map(parked.value, parked.columns))} FROM {parked.side} AS parked"
            f" WHERE NOT EXISTS (SELECT FROM {parked.table} AS t WHERE {parked.same})"
        )
    else:
        sets = ", ".join(f"{quote(c)} = {parked.value(c)}" for c in parked.columns)
        sql = f"UPDATE {parked.table} AS t SET {sets} FROM {parked.side} AS parked WHERE {parked.same}"
    yield Step(sql=sql)
    if listening:
        yield Step(sql=f"ALTER TABLE {parked.table} ENABLE TRIGGER USER")


def _concurrently(steps: list[Step]) -> Iterator[Step]:
    """Indexes as the migration itself has them made: so that no writer waits."""
    for step in steps:
        indexes = any(o.kind == "index" for o in step.objects)
        if indexes and _CONCURRENT.match(step.sql) and " ON ONLY " not in step.sql:
            yield replace(step, sql=_CONCURRENT.sub(r"\1 CONCURRENTLY ", step.sql), alone=True)
        else:
            yield step


def _gone(have: Catalog, want: Catalog, when: str, grounds: Grounds) -> Iterator[Lost]:
    """Tables and columns of one catalog that the other does not have."""
    parked = {(p.table, c) for p in grounds.parked for c in p.columns}
    whole = {p.table for p in grounds.parked if p.kind == "rows"}
    since = "" if when == "forward" else ", with what was written since"
    for table in have.tables:
        if table.kind == "foreign table":
            continue
        other = want.table(table.name)
        if other is None:
            if table.kind == "table" and (when == "back" or table.name not in whole):
                yield Lost(
                    when="forward" if when == "forward" else "back",
                    table=str(table.name),
                    gone=True,
                    what=f"every row of {table.name}{since}",
                )
            continue
        for column in table.columns:
            lost = other.column(column.name) is None and column.generated is None
            if lost and (table.name, column.name) not in parked and not _inherited(column, table):
                yield Lost(
                    when="forward" if when == "forward" else "back",
                    table=str(table.name),
                    column=column.name,
                    gone=True,
                    what=f"every value of {table.name}.{quote(column.name)}{since}",
                )


def _blanks(grounds: Grounds) -> Iterator[Lost]:
    parked = {(p.table, c) for p in grounds.parked for c in p.columns}
    for table, column in sorted(grounds.blank - parked):
        what = f"the old values of {table}.{quote(column)}, which its new ones do not tell"
        yield Lost(when="forward", table=str(table), column=column, what=what)


def _inherited(column: Column, table: Table) -> bool:
    return column.inherited and table.partition_of is not None


def _narrowed(now: Catalog, before: Catalog) -> Iterator[Lost]:
    """Columns whose old type does not hold everything that the new one does, and labels that go again."""
    for table in now.tables:
        old = before.table(table.name)
        for column in table.columns if old and table.partition_of is None else ():
            was = old.column(column.name) if old else None
            words = _narrower(column, was) if was is not None and was.type != column.type else None
            if words:
                yield Lost(
                    when="back", table=str(table.name), column=column.name,
                    what=f"{table.name}.{quote(column.name)}: the way back stops, changing nothing, at {words}",
                )  # fmt: skip
            if was is not None and was.not_null and not column.not_null and not was.type_not_null:
                yield Lost(
                    when="back", table=str(table.name), column=column.name,
                    what=f"{table.name}.{quote(column.name)}: the way back stops, changing nothing, at a NULL written"
                    " since",
                )  # fmt: skip
    for enum in now.enums:
        was_enum = next((e for e in before.enums if e.name == enum.name), None)
        new = [label for label in enum.labels if was_enum and label not in was_enum.labels]
        if new:
            yield Lost(
                when="back", table=str(enum.name),
                what=f"{enum.name}: the way back stops, changing nothing, at a row that has the label"
                f" {' or '.join(new)}",
            )  # fmt: skip


def _narrower(now: Column, was: Column) -> str | None:
    if now.base in _WIDTH and was.base in _WIDTH and _WIDTH[was.base] < _WIDTH[now.base]:
        return f"a value written since that {was.type} does not hold"
    length = _LENGTH.match(was.type)
    longer = _LENGTH.match(now.type)
    if length and now.category in "SV" and (longer is None or int(longer[1]) > int(length[1])):
        return f"a value longer than {length[1]} written since"
    if was.base == "numeric" == now.base and was.type != "numeric":
        return f"a value written since that {was.type} does not hold"
    if was.category != now.category and was.type != "text":
        return f"a value written since that is no {was.type}"
    return None
