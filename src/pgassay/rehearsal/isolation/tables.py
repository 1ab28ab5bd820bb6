"""Tries on a table: every command, on the other tenant's rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from pgassay.model import Name, literal, quote
from pgassay.rehearsal.isolation.bench import Bench, Outcome
from pgassay.rehearsal.isolation.ground import Ground, Held, Row
from pgassay.rehearsal.isolation.model import Actor
from pgassay.server import StatementError


@dataclass(frozen=True, slots=True)
class Try:
    """One statement, and what of the other tenant's rows it should not reach: ``read`` it returns rows, ``compare``
    it returns rows that are to be told apart, ``touch`` it changes what is there."""

    command: str
    sql: str
    how: str
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """A try that reached the other's rows."""

    actor: Actor
    what: Try
    seen: str


def tries(ground: Ground, actor: Actor, held: Held) -> Iterator[Try]:
    """The statements for one table."""
    table, where = held.table, held.where["B"]
    may = ground.privileges(actor.role, table)
    name = str(table.name)
    if may["SELECT"] and not may["SELECT"] >= set(held.named):
        listed = ", ".join(map(quote, sorted(may["SELECT"])))
        yield Try("SELECT", f"SELECT {listed} FROM {name}", "compare")
    elif may["SELECT"]:
        columns = "*" if len(may["SELECT"]) == len(table.columns) else ", ".join(map(quote, sorted(may["SELECT"])))
        yield Try("SELECT", f"SELECT {columns} FROM {name} WHERE {where}", "read")
        yield Try("SELECT", f"SELECT {columns} FROM {name} WHERE {where} FOR KEY SHARE", "read")
    column = _changeable(held, may["UPDATE"])
    if column is not None:
        value = _literal(held.theirs[column])
        yield Try("UPDATE", f"UPDATE {name} SET {quote(column)} = {value} WHERE {where}", "touch")
        yield Try("UPDATE", f"UPDATE {name} SET {quote(column)} = {value}", "touch")
        yield Try("UPDATE", f"UPDATE {name} SET {quote(column)} = {value} WHERE {where} RETURNING *", "touch")
        if ground.tenancy.catalog.version >= 150000:
            yield Try(
                "MERGE",
                f"MERGE INTO {name} USING (VALUES (1)) AS one (n) ON {where}"
                f" WHEN MATCHED THEN UPDATE SET {quote(column)} = {value}",
                "touch",
            )
    lifted = tuple(drops(ground, table.name))
    for sql in (f"DELETE FROM {name} WHERE {where}", f"DELETE FROM {name}", f"TRUNCATE {name}"):
        yield Try(sql.split()[0], sql, "touch")
        if lifted:
            yield Try(sql.split()[0], sql, "touch", lifted)
    row = others_row(ground, held)
    if row is not None and set(row) <= may["INSERT"]:
        yield Try("INSERT", insert(held, row), "touch")
    moved = {c: held.theirs[c] for c, _ in held.owned.columns} or {c: held.theirs[c] for c in _via(held)}
    moved = {c: v for c, v in moved.items() if v is not None and v != held.mine.get(c)}
    if moved and set(moved) <= may["UPDATE"]:
        for more in ({}, {c: held.theirs[c] for k in table.foreign_keys for c in k.columns if c in may["UPDATE"]}):
            told = ", ".join(f"{quote(c)} = {_literal(v)}" for c, v in (more | moved).items())
            yield Try("UPDATE", f"UPDATE {name} SET {told} WHERE {held.where['A']}", "touch")
            yield Try("UPDATE", f"UPDATE {name} SET {told}", "touch")  # no WHERE: no policy for SELECT is asked
    if table.primary_key and column is not None and set(held.theirs) >= set(table.primary_key.columns):
        mine = _row_like(held, held.mine) | {c: held.theirs[c] for c in table.primary_key.columns}
        if set(mine) <= may["INSERT"]:
            key = ", ".join(map(quote, table.primary_key.columns))
            told = f" ON CONFLICT ({key}) DO UPDATE SET {quote(column)} = {_literal(held.theirs[column])}"
            yield Try("INSERT … ON CONFLICT", insert(held, mine) + told, "touch")


def reached(ground: Ground, actor: Actor, held: Held, what: Try, outcome: Outcome | None = None) -> str | None:
    """Run one try: what it reached, in words, or None."""
    before = ground.digest(held)
    look = (held.digest,) if what.how == "touch" else ()
    got = outcome or ground.bench.attempt(actor, what.sql, before=what.before, look=look, free=held.above)
    if got.error is not None:
        return None
    if what.how == "compare":
        return _recognised(ground, held, what, got)
    if what.how == "read":
        return f"{_rows(len(got.rows))} of tenant B" if got.rows else None
    if got.looked and got.looked[0] != before:
        was, now = int((before or "0").split()[0]), int((got.looked[0] or "0").split()[0])
        if now > was:
            return "a row of tenant B that tenant A wrote"
        return f"{_rows(was - now)} of tenant B gone" if now < was else f"{_rows(was)} of tenant B changed"
    return None


def _recognised(ground: Ground, held: Held, what: Try, got: Outcome) -> str | None:
    """Rows of B among those that came back without the column that tells."""
    theirs = ground.bench.attempt(None, f"{what.sql} AS t WHERE {ground.belongs(held.table.name, 'B')}").rows
    number = sum(min(got.rows.count(row), theirs.count(row)) for row in set(theirs))
    mine = ground.bench.attempt(None, f"{what.sql} AS t WHERE {ground.belongs(held.table.name, 'A')}").rows
    return f"{_rows(number)} of tenant B" if number and not set(theirs) <= set(mine) else None


def copied(ground: Ground, actor: Actor, held: Held) -> str | None:
    """COPY … TO STDOUT: more rows than a SELECT shows?"""
    shown = ground.bench.attempt(actor, f"SELECT count(*) FROM {held.table.name}")
    if shown.error is not None or not shown.rows:
        return None
    bench: Bench = ground.bench
    bench.tried += 1
    with bench.session.rolled_back():
        try:
            bench.session.run(actor.sql)
            lines = bench.session.copy_out(f"COPY {held.table.name} TO STDOUT", io.BytesIO())
        except StatementError:
            return None
    more = lines - int(shown.rows[0][0] or 0)
    return f"{_rows(more)} more than SELECT shows" if more > 0 else None


def insert(held: Held, row: Row) -> str:
    """An INSERT of texts."""
    columns = ", ".join(map(quote, row))
    values = ", ".join(_literal(v) for v in row.values())
    return f"INSERT INTO {held.table.name} ({columns}) VALUES ({values})"


def others_row(ground: Ground, held: Held) -> dict[str, str | None] | None:
    """A new row of B's that the table would take from its owner; None where none can be made."""
    for row in _rows_like(held, held.theirs):
        found = ground.bench.attempt(None, insert(held, row), look=(held.digest,), free=held.above)
        if found.error is None and found.looked and found.looked[0] != ground.digest(held):
            return row
    return None


def own_row(ground: Ground, held: Held) -> dict[str, str | None] | None:
    """A new row of A's that the table would take from its owner; None where none can be made."""
    for row in _rows_like(held, held.mine):
        if ground.bench.attempt(None, insert(held, row), free=held.above).error is None:
            return row
    return None


def _rows_like(held: Held, like: Row) -> Iterator[dict[str, str | None]]:
    """A row with the spare one's keys, then some with keys that are a little off: the spare one is but a guess."""
    row = _row_like(held, like)
    yield row
    table = held.table
    kept = {c for c, _ in held.owned.columns} | {c for k in table.foreign_keys for c in k.columns}
    keys = {c for i in table.indexes if i.unique for c in i.columns if c is not None} - kept
    for change in (_longer, _other_end, _other_end):
        row = row | {c: change(value) for c in keys & set(row) if (value := row[c])}
        yield row


def _longer(value: str) -> str:
    return f"{value}7"


def _other_end(value: str) -> str:
    end = value.rstrip("7")[-1:] or "7"
    return value[:-1] + ("1" if end != "1" else "2")


def _row_like(held: Held, like: Row) -> dict[str, str | None]:
    """A row with the spare one's keys, and in all that refers elsewhere or decides like another."""
    table = held.table
    kept = {c for c, _ in held.owned.columns} | {c for k in table.foreign_keys for c in k.columns}
    unique = {c for i in table.indexes if i.unique for c in i.columns if c is not None} - kept
    spare = held.spare or {}
    row: dict[str, str | None] = {}
    for column in table.columns:
        if column.generated or column.identity == "always":
            continue
        name = column.name
        if name in unique:
            if name in spare:
                row[name] = spare[name]
            elif not (column.default or column.identity):
                row[name] = like.get(name)
        elif like.get(name) is not None:
            row[name] = like[name]
    return row


def _changeable(held: Held, may: frozenset[str]) -> str | None:
    """A column that an UPDATE may set without hurting a key."""
    table = held.table
    keys = {c for i in table.indexes if i.unique for c in i.columns} | {
        c for k in table.foreign_keys for c in k.columns
    }
    keys |= {c for c, _ in held.owned.columns}
    free = [c.name for c in table.columns if c.name in may and not c.generated and c.identity != "always"]
    better = [c for c in free if c not in keys] + [c for c in free if c in keys]
    return next(iter(better), None)


def _via(held: Held) -> tuple[str, ...]:
    return held.owned.via.columns if held.owned.via else ()


def drops(ground: Ground, name: Name) -> Iterator[str]:
    """Foreign keys to a table, out of the way for one transaction: it is row security that is tried."""
    for table in ground.tenancy.catalog.tables:
        for link in table.foreign_keys:
            if link.references == name and not link.inherited:
                yield f"ALTER TABLE {table.name} DROP CONSTRAINT {quote(link.name)}"


def _literal(value: str | None) -> str:
    return "NULL" if value is None else literal(value)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
