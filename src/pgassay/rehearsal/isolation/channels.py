"""Side channels: what keys and errors tell a tenant about rows that it does not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pgassay.catalog import Column, Constraint, Index, Table
from pgassay.model import literal, quote
from pgassay.rehearsal.isolation.bench import Bench
from pgassay.rehearsal.isolation.ground import Ground, Held
from pgassay.rehearsal.isolation.model import Actor
from pgassay.rehearsal.isolation.tables import drops, insert, own_row

_MADE_UP = re.compile(r"\b(nextval|gen_random_uuid|uuid_generate_v\d\w*|uuidv\d|gen_ulid|nanoid)\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """A statement whose answer tells A of a row of B's: by the key's columns."""

    sql: str
    seen: str
    key: Index | Constraint
    before: tuple[str, ...] = ()


def duplicates(ground: Ground, actor: Actor, held: Held) -> Iterator[Told]:
    """Unique keys over all tenants: a duplicate is refused, and so tells that it is there."""
    own = own_row(ground, held)
    if own is None or ground.bench.attempt(actor, insert(held, own)).error is not None:
        return
    mine = {c for c, _ in held.owned.columns}
    for index in held.table.indexes:
        keys = [c for c in index.columns if c is not None]
        if not index.unique or set(keys) & mine or index.partition_of is not None or len(keys) < len(index.columns):
            continue
        if (
            made_up(held.table, tuple(keys))
            or any(held.theirs.get(k) is None for k in keys)
            or not set(keys) <= set(own)
        ):
            continue
        row = own | {k: held.theirs[k] for k in keys}
        got = ground.bench.attempt(actor, insert(held, row))
        alone: tuple[str, ...] = ()
        if got.error and got.error.constraint != index.name:  # a row of A's own is in the way
            alone = (*drops(ground, held.table.name), f"DELETE FROM {held.table.name} WHERE {held.where['A']}")
            got = ground.bench.attempt(actor, insert(held, row), before=(*ground.bench.freely(held.table.name), *alone))
        if got.error and got.state == "23505" and got.error.constraint == index.name:
            seen = f"{got.error.message}; with another key it is taken"
            yield Told(insert(held, row), seen, index, alone)


def references(ground: Ground, actor: Actor, held: Held) -> Iterator[Told]:
    """Foreign keys without the tenant: their check runs past row security."""
    own = own_row(ground, held)
    if own is None:
        return
    mine = {c for c, _ in held.owned.columns}
    for link in held.table.foreign_keys:
        parent = ground.held.get(link.references) if link.references else None
        if parent is None or set(link.columns) & mine or link == held.owned.via or link.inherited:
            continue
        theirs = {c: parent.theirs.get(r) for c, r in zip(link.columns, link.referenced_columns, strict=True)}
        if not set(theirs) <= set(own) or any(v is None for v in theirs.values()):
            continue
        seen = " AND ".join(
            f"{quote(r)} = {literal(str(theirs[c]))}"
            for c, r in zip(link.columns, link.referenced_columns, strict=True)
        )
        if ground.bench.attempt(actor, f"SELECT 1 FROM {link.references} WHERE {seen}").rows:
            continue  # A may see that parent anyway
        row = own | theirs
        if ground.bench.attempt(actor, insert(held, row)).error is None:
            yield Told(insert(held, row), f"a row of tenant A refers to a row of tenant B in {link.references}", link)


def made_up(table: Table, columns: tuple[str, ...]) -> bool:
    """Whether a key is nothing but made-up numbers, whose presence says nothing."""
    return all((c := table.column(name)) is not None and _generated(c) for name in columns)


def _generated(column: Column) -> bool:
    return bool(column.identity or _MADE_UP.search(column.default or "") or column.base == "uuid")


@dataclass(frozen=True, slots=True)
class Unset:
    """What a session that names no tenant gets from a table: rows (``seen``), or an error."""

    sql: str
    actor: Actor
    held: Held
    seen: str
    state: str = ""


def without_tenant(ground: Ground, fresh: Bench, role: str) -> Iterator[Unset]:
    """A session in which nothing was ever set, and one whose settings are empty (as after SET LOCAL)."""
    names = [n for n, _ in ground.settings("A", role) if n not in ground.fixed]
    if not names:
        return
    kept = tuple((n, v) for n, v in ground.settings("A", role) if n in ground.fixed)
    never = Actor(role=role, settings=kept, kind="unset")
    empty = Actor(role=role, settings=(*kept, *((n, "") for n in names)), kind="empty")
    for bench, actor in ((fresh, never), (ground.bench, empty)):
        for held in ground.held.values():
            sql = f"SELECT * FROM {held.table.name} WHERE {held.where['A']} OR {held.where['B']}"
            got = bench.attempt(actor, sql)
            if got.error is not None and got.state != "42501":
                yield Unset(sql, actor, held, str(got.error), got.state)
            elif got.rows:
                yield Unset(sql, actor, held, f"{len(got.rows)} rows of tenants A and B")
