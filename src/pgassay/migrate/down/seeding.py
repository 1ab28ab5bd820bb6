"""Rows that a migration itself inserts: the way back takes them away, by a key that the migration names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgassay.catalog import Catalog, Table
from pgassay.migrate.down.comparing import compared
from pgassay.model import Name, Statement, literal, quote
from pgassay.model.actions import Insert
from pgassay.server import Connection

_MANY = 1_000  # rows: more than that is no seed


def seeds(
    statements: Iterable[Statement], before: tuple[Connection, Catalog], after: tuple[Connection, Catalog]
) -> Iterator[str]:
    """DELETE statements for the rows that INSERT … VALUES has added to tables that stood before.

    Both sessions are in databases without made-up rows. Rows are found again by a key whose columns the statement
    names; where it does not, or says ON CONFLICT, a row of production might be meant, and nothing is said.
    """
    done: set[Name] = set()
    for statement in reversed(list(statements)):
        for insert in statement.of(Insert):
            table = after[1].table(insert.table)
            if insert.from_query or "ON CONFLICT" in statement.text.upper() or table is None or table.name in done:
                continue
            old = before[1].table(table.name)
            columns = insert.columns or tuple(c.name for c in table.columns)
            key = next((k for k in _keys(table) if set(k) <= set(columns)), None)
            if old is None or key is None or any(old.column(c) is None for c in key):
                continue
            done.add(table.name)
            added = sorted(_found(after[0], table, key) - _found(before[0], old, key))
            if added and len(added) <= _MANY:
                yield _delete(table, key, added)


def _keys(table: Table) -> Iterator[tuple[str, ...]]:
    yield from (c.columns for c in table.constraints if c.kind in ("primary key", "unique"))
    for index in table.indexes:
        if index.unique and index.where is None and all(index.columns):
            yield tuple(c for c in index.columns if c)


def _found(session: Connection, table: Table, key: tuple[str, ...]) -> set[tuple[str, ...]]:
    if not set(key) <= {c.name for c in compared(table)}:
        return set()
    rows = session.run(f"SELECT {', '.join(map(quote, key))} FROM {table.name}")
    return {tuple(row) for row in rows if None not in row}


def _delete(table: Table, key: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if len(key) == 1:
        listed = ", ".join(literal(row[0]) for row in rows)
        return f"DELETE FROM {table.name} WHERE {quote(key[0])} IN ({listed})"
    listed = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
    return f"DELETE FROM {table.name} WHERE ({', '.join(map(quote, key))}) IN ({listed})"
