"""Are the rows of two databases the same? By checksums; where these differ, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pgassay.catalog import Catalog, Column, Table
from pgassay.model import Name, literal, quote
from pgassay.server import Connection, StatementError

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """How the rows of one table differ: ``missing`` and ``extra`` rows, and in how many a column has another value."""

    table: Name
    missing: int = 0
    extra: int = 0
    columns: tuple[tuple[str, int], ...] = ()
    of: int = 0


def differing(
    one: Connection, other: Connection, catalog: Catalog, *, leave: Collection[tuple[Name, str | None]] = ()
) -> list[Unlike]:
    """Tables of ``catalog`` whose rows are not the same in both databases, ``one`` being what they should be.

    ``leave``: tables (column None) and columns that are not looked at. Generated columns are not; nor are tables that
    the other database does not have.
    """
    found = []
    tables = [t for t in catalog.tables if t.kind == "table" and (t.name, None) not in leave]
    looked = {t.name: compared(t, leave) for t in tables}
    first, second = (_sums(session, catalog, tables, looked) for session in (one, other))
    for table in tables:
        if first[table.name] == second[table.name] or second[table.name] is None or first[table.name] is None:
            continue
        here, there = (_rows(session, table, looked[table.name]) for session in (one, other))
        found.append(_unlike(table, [c.name for c in looked[table.name]], here, there))
    return found


def compared(table: Table, leave: Collection[tuple[Name, str | None]] = ()) -> list[Column]:
    """The columns of a table whose values are its own."""
    own = (c for c in table.columns if c.generated is None and (table.name, c.name) not in leave)
    return sorted(own, key=lambda column: column.name)


def counts(
    session: Connection, catalog: Catalog, wanted: Collection[tuple[Name, str | None]]
) -> dict[tuple[Name, str | None], int]:
    """Rows of tables, and values (not NULL) of columns. What cannot be read is left out."""
    found: dict[tuple[Name, str | None], int] = {}
    with session.rolled_back():
        _lift(session, catalog)
        for table, column in wanted:
            sql = f"SELECT pg_catalog.count({quote(column) if column else '*'}) FROM {table}"
            value = _value(session, sql)
            if value is not None:
                found[table, column] = int(value)
    return found


def _sums(
    session: Connection, catalog: Catalog, tables: list[Table], looked: dict[Name, list[Column]]
) -> dict[Name, str | None]:
    with session.rolled_back():
        _lift(session, catalog)
        return {t.name: _value(session, _sum(t, looked[t.name])) for t in tables}


def _sum(table: Table, columns: list[Column]) -> str:
    listed = ", ".join(quote(c.name) for c in columns)
    return (
        "SELECT pg_catalog.count(*) || ' ' || coalesce(pg_catalog.md5(pg_catalog.string_agg(h, '' ORDER BY h)), '')"
        f' FROM (SELECT pg_catalog.md5(ROW({listed})::pg_catalog.text) COLLATE "C" AS h FROM ONLY {table.name}) AS rows'
    )


def _value(session: Connection, sql: str) -> str | None:
    session.run("SAVEPOINT pgassay")
    try:
        return session.value(sql)
    except StatementError:
        session.run("ROLLBACK TO SAVEPOINT pgassay")
        return None


def _lift(session: Connection, catalog: Catalog) -> None:
    """Row security hides rows from owners where it is forced: not within this transaction."""
    for table in catalog.tables:
        if table.force_row_security:
            _value(session, f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")


def _rows(session: Connection, table: Table, columns: list[Column]) -> list[Row]:
    listed = ", ".join(quote(c.name) for c in columns) or literal("")
    with session.rolled_back():
        if table.force_row_security:
            _value(session, f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")
        return [tuple(row) for row in session.run(f"SELECT {listed} FROM ONLY {table.name}")]


def _unlike(table: Table, columns: list[str], here: list[Row], there: list[Row]) -> Unlike:
    key = table.primary_key.columns if table.primary_key else ()
    if not key or not set(key) <= set(columns):
        gone, came = Counter(here) - Counter(there), Counter(there) - Counter(here)
        return Unlike(table=table.name, missing=gone.total(), extra=came.total(), of=len(here))
    places = [columns.index(name) for name in key]
    old, new = ({tuple(row[p] for p in places): row for row in rows} for rows in (here, there))
    changed: Counter[str] = Counter(name for k in old.keys() & new.keys() for name in _changed(columns, old[k], new[k]))
    return Unlike(
        table=table.name,
        missing=len(old.keys() - new.keys()),
        extra=len(new.keys() - old.keys()),
        columns=tuple(sorted(changed.items())),
        of=len(here),
    )


def _changed(columns: list[str], old: Row, new: Row) -> Iterator[str]:
    return (name for name, a, b in zip(columns, old, new, strict=True) if a != b)
