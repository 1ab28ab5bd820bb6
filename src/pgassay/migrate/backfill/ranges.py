"""How a table is gone through: by the values of a key, or by its pages where it has none."""

from __future__ import annotations

from dataclasses import dataclass

from pgassay.model import quote
from pgassay.server import Connection
from pgassay.sql.batching import Batchable

_OURS = "/* pgassay */"  # by which pg_stat_statements' readers tell these from the application's
Position = tuple[str, ...]  # values as text, in the order of the key


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRanges:
    """By a unique index on columns that are never NULL. ``types`` as SQL."""

    statement: Batchable
    columns: tuple[str, ...]
    types: tuple[str, ...]

    def end(self, session: Connection) -> Position | None:
        """The last key there is; None in an empty table."""
        order = ", ".join(f"{c} DESC" for c in self._names)
        return self._first(session, f"SELECT {_OURS} {self._texts} FROM {self._from} ORDER BY {order} LIMIT 1", ())

    def following(self, session: Connection, low: Position | None, end: Position, size: int) -> Position:
        """The end of the next range: ``size`` rows on from ``low``, which itself is not in it."""
        sql = (
            f"SELECT {_OURS} {self._texts} FROM {self._from} WHERE {self.condition(low is None)}"
            f" ORDER BY {', '.join(self._names)} OFFSET {size - 1} LIMIT 1"
        )
        return self._first(session, sql, self.values(low, end)) or end

    def condition(self, first: bool) -> str:
        """The range as SQL, with the parameters of ``values``."""
        count = 0 if first else len(self.columns)
        upto = f"{self._row} <= {self._parameters(count)}"
        return upto if first else f"{self._row} > {self._parameters(0)} AND {upto}"

    def values(self, low: Position | None, high: Position) -> list[str]:
        """The parameters of ``condition``."""
        return [*(low or ()), *high]

    def rows(self, low: Position | None, high: Position, end: Position, size: int) -> int:  # noqa: ARG002
        """About how many rows of the table are in a range that was asked for with ``size``."""
        return size

    @property
    def _names(self) -> list[str]:
        return [self.statement.qualified(c) for c in self.columns]

    @property
    def _row(self) -> str:
        return self._names[0] if len(self.columns) == 1 else f"({', '.join(self._names)})"

    @property
    def _texts(self) -> str:
        # Times in a form that any session reads alike, whatever its DateStyle.
        return ", ".join(
            f"pg_catalog.to_json({c}) #>> '{{}}'" if kind == "date" or kind.startswith("timestamp") else f"{c}::text"
            for c, kind in zip(self._names, self.types, strict=True)
        )

    @property
    def _from(self) -> str:
        return f"{self.statement.relation} AS {quote(self.statement.alias)}"

    def _parameters(self, after: int) -> str:
        words = [f"${after + n}::{kind}" for n, kind in enumerate(self.types, 1)]
        return words[0] if len(words) == 1 else f"({', '.join(words)})"

    def _first(self, session: Connection, sql: str, values: list[str] | tuple[()]) -> Position | None:
        rows = session.run(sql, values)
        return tuple(rows[0]) if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRanges:
    """By ``ctid``: the table's pages, in a heap without a key. ``per_page``: rows, from the statistics."""

    statement: Batchable
    oid: str
    block: int
    per_page: float
    columns: tuple[str, ...] = ("ctid",)

    def end(self, session: Connection) -> Position | None:
        """The number of pages now."""
        pages = int(session.value(f"SELECT pg_catalog.pg_relation_size({self.oid}::oid) / {self.block}") or 0)
        return (str(pages),) if pages else None

    def following(self, session: Connection, low: Position | None, end: Position, size: int) -> Position:  # noqa: ARG002
        """The page before which the next range ends."""
        pages = max(int(size / self.per_page), 1)
        return (str(min(int(low[0] if low else 0) + pages, int(end[0]))),)

    def condition(self, first: bool) -> str:
        """The range as SQL, with the parameters of ``values``."""
        name = f"{quote(self.statement.alias)}.ctid"
        return f"{name} < $1::tid" if first else f"{name} >= $1::tid AND {name} < $2::tid"

    def values(self, low: Position | None, high: Position) -> list[str]:
        """The parameters of ``condition``."""
        return [f"({page[0]},0)" for page in (low, high) if page is not None]

    def rows(self, low: Position | None, high: Position, end: Position, size: int) -> int:  # noqa: ARG002
        """About how many rows of the table are in a range."""
        return int((int(high[0]) - int(low[0] if low else 0)) * self.per_page)


Ranges = KeyRanges | PageRanges
