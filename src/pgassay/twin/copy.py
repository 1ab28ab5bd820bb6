"""Real rows of a live database in a scratch one: all of them, or a sample in which every foreign key holds.

The database is only read, in one READ ONLY transaction of one moment. A sample goes down along foreign keys and back
up: a share of the rows of tables that refer to none, the rows that refer to those, and then whatever any row of the
sample refers to, until nothing is missing. Keys meet rows on the scratch server; production is asked for rows by key.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pgassay.catalog import Catalog, Constraint, Table, read, sizes
from pgassay.model import Name, literal, quote
from pgassay.server import Connection, LiveConnection, StatementError
from pgassay.twin.insert import sequences
from pgassay.twin.order import groups
from pgassay.twin.targets import targets_of

PATIENCE = 3600.0  # seconds for one statement
_AT_A_TIME = 2**18  # bytes on their way
_SMALL = 1_000  # rows of a table that is copied whole
_LARGE = 5_000_000  # rows of a table that is sampled by page, so that not all of it is read
_AT_ONCE = 5_000  # keys in a query
_MISSING = 100_000  # keys that are looked for at a time
_MOST = 4  # times the share that children may be

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """Rows a table; ``failed`` tables have none, and ``remarks`` say why and what else is not as it was."""

    rows: dict[Name, int]
    failed: frozenset[Name] = frozenset()
    remarks: tuple[str, ...] = ()


def copy_rows(
    live: LiveConnection,
    session: Connection,
    *,
    share: float | None = None,
    seed: int = 1,
    progress: Progress = lambda _: None,
) -> Copied:
    """Copy every row that the role may read into tables that have no keys yet (``stage``), or a ``share`` (0 to 1).

    Raises ConnectionLost, DiskFull. What production refuses is told in the result.
    """
    with live.snapshot(PATIENCE):
        work = _Work(live, session, progress, seed)
        if share is None or share >= 1:
            for table in work.tables.values():
                work.whole(table)
        else:
            work.sample(share)
            work.close()
        for statement in sequences(work.catalog, work.tables.values()):
            work.attempt(statement)
    return Copied(rows=work.rows, failed=frozenset(work.failed), remarks=tuple(work.remarks))


def tables_of(catalog: Catalog) -> list[Table]:
    """The tables whose rows are copied: a partitioned table has those of its partitions."""
    return [t for t in catalog.tables if t.partition_of is None and t.kind != "foreign table"]


def columns_of(table: Table) -> str:
    """The columns that may be written, as a list in SQL."""
    return ", ".join(quote(c.name) for c in table.columns if c.generated is None)


def rows_of(table: Table) -> str:
    """A FROM item with a table's own rows."""
    return str(table.name) if table.kind == "partitioned table" else f"ONLY {table.name}"


def poured(live: LiveConnection, source: str, session: Connection, target: str) -> int:
    """Rows that one COPY writes go into another as they come; how many. What has come stays in the transaction.

    Raises what either side raises.
    """
    out, into = os.pipe()
    failed: list[BaseException] = []

    def pour() -> None:
        try:
            with os.fdopen(into, "wb", buffering=_AT_A_TIME) as sink:
                live.copy_out(source, sink)
        except BaseException as error:
            failed.append(error)

    pouring = threading.Thread(target=pour, daemon=True)
    pouring.start()
    try:
        with os.fdopen(out, "rb", buffering=_AT_A_TIME) as stream:
            try:
                number = session.copy_in(target, stream)
            except StatementError:
                while stream.read(_AT_A_TIME):  # the other side ends in order
                    pass
                raise
    finally:
        pouring.join()
    if failed:
        raise failed[0]
    return number


@dataclass(slots=True)
class _Work:
    live: LiveConnection
    session: Connection
    progress: Progress
    seed: int
    catalog: Catalog = field(init=False)
    tables: dict[Name, Table] = field(init=False)
    known: dict[Name, int | None] = field(init=False)
    rows: dict[Name, int] = field(default_factory=dict)
    failed: dict[Name, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.catalog = read(self.live)
        here = {t.name for t in read(self.session).tables}
        self.tables = {t.name: t for t in tables_of(self.catalog) if t.name in here}
        self.known = {name: size.rows for name, size in sizes(self.live).items()}

    def attempt(self, statement: str) -> None:
        try:
            self.session.run(statement)
        except StatementError as error:
            self.remarks.append(f"{statement[:60]}: {error.report.message}")

    # rows from there to here

    def whole(self, table: Table) -> None:
        self.progress(f"copying {table.name}")
        self._carry(table, f"SELECT {columns_of(table)} FROM {rows_of(table)}", alone=table.kind == "table")

    def _carry(self, table: Table, query: str, *, alone: bool = False) -> int:
        """Rows of a query into a table of the same name here; how many. ``alone``: it gets no others."""
        if table.name in self.failed:
            return 0
        source, target = f"COPY ({query}) TO STDOUT", f"COPY {table.name} ({columns_of(table)}) FROM STDIN"
        try:
            self.session.run("BEGIN")
            if alone:
                # Truncated in the same transaction, it needs no WAL, and its pages are visible to all from the start.
                self.session.run(f"TRUNCATE ONLY {table.name}")
                target += " (FREEZE)"
            number = poured(self.live, source, self.session, target)
            self.session.run("COMMIT")
        except StatementError as error:
            if self.session.transaction != "idle":
                self.session.run("ROLLBACK")
            self.failed[table.name] = error.report.message
            self.remarks.append(f"{table.name} was not copied: {error.report.message}")
            number = 0
        self.rows[table.name] = self.rows.get(table.name, 0) + number
        return number

    # down

    def sample(self, share: float) -> None:
        everywhere = {name: target for name, target in targets_of(self.catalog, None).items() if name in self.tables}
        complete: set[Name] = set()
        done: set[Name] = set()
        for group in groups(everywhere):
            for name in (target.name for target in group):
                table, rows = self.tables[name], self.known.get(name)
                self.progress(f"sampling {name}")
                if rows is not None and rows <= _SMALL:
                    self.whole(table)
                    complete.add(name)
                else:
                    link = self._followed(table, done - complete - set(self.failed))
                    most = None if rows is None else round(rows * share * _MOST) + _SMALL
                    if link is None:
                        self._some(table, share)
                    else:
                        self._children(table, link, share, most)
                    if not self.rows.get(name) and name not in self.failed:
                        self._carry(table, f"SELECT {columns_of(table)} FROM {rows_of(table)} LIMIT 100")
                done.add(name)
        self.session.run("ANALYZE")

    def _some(self, table: Table, share: float, where: str = "") -> None:
        method = "SYSTEM" if (self.known.get(table.name) or 0) > _LARGE else "BERNOULLI"
        tablesample = f"TABLESAMPLE {method} ({share * 100:.6f}) REPEATABLE ({self.seed})"
        self._carry(table, f"SELECT {columns_of(table)} FROM {rows_of(table)} {tablesample}{where}")

    def _followed(self, table: Table, parents: set[Name]) -> Constraint | None:
        """The foreign key whose parents' sample says which rows to take: one that leads the key, or has an index."""
        links = [k for k in _links(table) if k.references in parents and k.references != table.name]
        primary = table.primary_key.columns if table.primary_key else ()
        led = [set(i.columns[: len(k.columns)]) for k in links for i in table.indexes]

        def worth(link: Constraint) -> tuple[bool, bool, int]:
            mine = set(link.columns)
            return set(primary[: len(mine)]) == mine, mine in led, self.known.get(link.references or table.name) or 0

        return max(links, key=worth, default=None)

    def _children(self, table: Table, link: Constraint, share: float, most: int | None) -> None:
        parent = self.tables[cast(Name, link.references)]
        for keys in self._keys_of(parent, link.referenced_columns):
            room = "" if most is None else f" LIMIT {max(most - self.rows.get(table.name, 0), 0)}"
            if room == " LIMIT 0":
                self.remarks.append(f"{table.name}: the sampled {parent.name} rows have more; stopped at {most:,}")
                break
            self._carry(table, _matching(table, link.columns, keys) + room)
        if any((column := table.column(c)) is not None and not column.not_null for c in link.columns):
            empty = " OR ".join(f"{quote(c)} IS NULL" for c in link.columns)
            self._some(table, share, f" WHERE {empty}")

    def _keys_of(self, parent: Table, columns: Sequence[str]) -> Iterator[list[list[str | None]]]:
        """The keys that are here, some thousand at a time."""
        listed = ", ".join(quote(c) for c in columns)
        text = ", ".join(f"{quote(c)}::text" for c in columns)
        keys = self.session.run(f"SELECT {text} FROM (SELECT {listed} FROM {rows_of(parent)} ORDER BY {listed}) k")
        for start in range(0, len(keys), _AT_ONCE):
            yield keys[start : start + _AT_ONCE]

    # up

    def close(self) -> None:
        """Fetch what the sample refers to until nothing is missing; what production has not got, nobody refers to."""
        links = [(t, k) for t in self.tables.values() for k in _links(t) if k.references in self.tables and k.validated]
        lost: set[Name] = set(self.failed)
        again = True
        while again:
            fetched = sum(self._fetch(table, link) for table, link in links if link.references not in lost)
            again = fetched > 0
            if not again:
                for table, link in links:
                    changed, removed = self._loosen(table, link)
                    again = again or changed > 0
                    if removed:
                        lost.add(table.name)

    def _fetch(self, table: Table, link: Constraint) -> int:
        """The parents that rows of a table miss; how many came."""
        parent = self.tables[cast(Name, link.references)]
        wanted = ", ".join(f"c.{quote(c)}::text" for c in link.columns)
        total = 0
        while missing := self.session.run(f"SELECT DISTINCT {wanted} {_dangling(table, link)} LIMIT {_MISSING}"):
            self.progress(f"rows of {parent.name} that {table.name} refers to: {len(missing):,}")
            came = 0
            for start in range(0, len(missing), _AT_ONCE):
                came += self._carry(
                    parent, _matching(parent, link.referenced_columns, missing[start : start + _AT_ONCE])
                )
            total += came
            if came < len(missing):
                break
        return total

    def _loosen(self, table: Table, link: Constraint) -> tuple[int, bool]:
        """Rows whose parents cannot be read lose the reference or, where it may not be empty, go."""
        number = int(self.session.value(f"SELECT count(*) {_dangling(table, link)}") or 0)
        if not number:
            return 0, False
        free = [c for c in link.columns if (known := table.column(c)) is not None and not known.not_null]
        where = _dangling(table, link).partition(" WHERE ")[2]
        if free:
            empty = ", ".join(f"{quote(c)} = NULL" for c in free)
            self.session.run(f"UPDATE {rows_of(table)} AS c SET {empty} WHERE {where}")
        else:
            self.session.run(f"DELETE FROM {rows_of(table)} AS c WHERE {where}")
            self.rows[table.name] -= number
        what = "lost their reference to" if free else "were left out, as they refer to rows of"
        self.remarks.append(f"{number:,} rows of {table.name} {what} {link.references} that cannot be read")
        return number, not free


def _links(table: Table) -> list[Constraint]:
    return [k for k in table.foreign_keys if k.enforced]


def _dangling(table: Table, link: Constraint) -> str:
    """FROM and WHERE: rows ``c`` of a table whose parents are not here."""
    pairs = zip(link.columns, link.referenced_columns, strict=True)
    same = " AND ".join(f"p.{quote(theirs)} = c.{quote(own)}" for own, theirs in pairs)
    present = " AND ".join(f"c.{quote(own)} IS NOT NULL" for own in link.columns)
    missing = f"NOT EXISTS (SELECT FROM {link.references} p WHERE {same})"
    return f"FROM {rows_of(table)} AS c WHERE {present} AND {missing}"


def _matching(table: Table, columns: Sequence[str], keys: Sequence[Sequence[str | None]]) -> str:
    """A query for the rows of a table that have one of these keys."""
    types = {c.name: c.type for c in table.columns}
    first = ", ".join(f"{_literal(v)}::{types[c]}" for c, v in zip(columns, keys[0], strict=True))
    rest = "".join(f", ({', '.join(map(_literal, key))})" for key in keys[1:])
    names = ", ".join(f"k{n}" for n in range(len(columns)))
    same = " AND ".join(f"x.{quote(c)} = k.k{n}" for n, c in enumerate(columns))
    wanted = ", ".join(f"x.{quote(c.name)}" for c in table.columns if c.generated is None)
    return f"SELECT {wanted} FROM {rows_of(table)} AS x JOIN (VALUES ({first}){rest}) AS k ({names}) ON {same}"


def _literal(value: str | None) -> str:
    return "NULL" if value is None else literal(value)


def share_of(known: Mapping[Name, int | None], rows: int) -> float:
    """The share at which the largest table keeps about so many rows."""
    largest = max((n for n in known.values() if n is not None), default=0)
    return min(1.0, rows / largest) if largest else 1.0
