"""Fill the tables of a rehearsal, whose triggers and functions are a stranger's: they may never end."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping

from pgassay.catalog import Catalog, ColumnStats
from pgassay.model import Name
from pgassay.rehearsal.watch import watch
from pgassay.server import Connection, Server, StatementError
from pgassay.twin import Fill, fill

_SECONDS = 2.0  # for one statement of few rows
_TOGETHER = 50_000  # rows that several tables get by one statement
_ALL = 60.0  # seconds for all tables of few rows
_ROWS_A_SECOND = 10_000  # that the slowest table takes


def fill_watched(
    server: Server,
    session: Connection,
    catalog: Catalog,
    *,
    rows: int | Mapping[Name, int],
    seed: int,
    obey: Catalog,
    tables: Collection[Name],
    statistics: Mapping[Name, Mapping[str, ColumnStats]] | None = None,
    empty: Collection[Name] = (),
) -> Fill:
    """``twin.fill`` within a time: a table that takes longer stays empty and is named; InputError where even ending
    the statement is no use. Tables that are ``empty`` in production lose their rows again, once they have told what
    a row looks like."""
    most = rows if isinstance(rows, int) else max(rows.values(), default=0)
    seconds = _SECONDS + max(most, min(most * len(tables), _TOGETHER)) / _ROWS_A_SECOND
    before = session.value("SHOW statement_timeout")
    with watch(server, session, "filling the tables with rows") as allow:
        session.run(f"SET statement_timeout = {int(seconds * 1000)}")
        allow(_ALL + most * len(tables) / _ROWS_A_SECOND)
        filled = fill(session, catalog, rows=rows, seed=seed, obey=obey, statistics=statistics, tables=tables)
        for name in sorted(filled.rows.keys() & set(empty)):
            with contextlib.suppress(StatementError):  # others' rows point at them
                session.run(f"DELETE FROM {name}; ANALYZE {name}")
        session.run(f"SET statement_timeout = '{before}'")
        allow(None)
    return filled
