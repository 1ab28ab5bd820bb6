"""Whether a remedy does what it promises: run in the statement's place, it leads to the same schema and the same rows,
and nothing waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pgassay.catalog import Catalog, read
from pgassay.errors import InputError
from pgassay.model import Name, Statement, Transaction
from pgassay.model.observations import LOCK_MODES
from pgassay.rehearsal.filling import fill_watched
from pgassay.rehearsal.play import Play, play
from pgassay.rehearsal.rehearse import Conditions, held
from pgassay.rehearsal.snapshot import work
from pgassay.rehearsal.touched import reached
from pgassay.server import Connection, Server, StatementError
from pgassay.sql import parse

_FEW_ROWS = 100  # enough to see what it does
_BLOCKING = LOCK_MODES.index("SHARE")


def verify(
    server: Server,
    database: str,
    transaction: Transaction,
    statement: Statement,
    remedy: str,
    conditions: Conditions,
    *,
    before: Catalog,
    after: Catalog,
) -> bool:
    """Try the remedy. ``database`` holds the schema before the transaction, without rows; it is left as it is."""
    try:
        instead = parse(remedy, statement.path)
    except InputError:
        return False
    statements = transaction.statements
    place = next(n for n, s in enumerate(statements) if s is statement)
    changed = _autocommit(transaction, (*statements[:place], *instead, *statements[place + 1 :]))
    with server.database(database) as name:
        with server.connect(name) as session:
            wanted = reached(transaction, before, after)
            fill_watched(
                server,
                session,
                before,
                rows=min(conditions.rows, _FEW_ROWS),
                seed=conditions.seed,
                obey=after,
                tables=wanted,
            )
            tables, rows = held(session)
            kept = _counts(session, tables.values())
        try:
            plays = play(server, name, changed, limit=conditions.limit)
        except InputError:  # it does not end in time, or ends its session
            return False
        if any(p.error or p.skipped for p in plays):
            return False
        if any(_blocks(p, tables, rows) for p in plays[place : place + len(instead)]):
            return False
        with server.connect(name) as session:
            if read(session) != after:
                return False
            return all(kept[t] == n for t, n in _counts(session, kept).items())


def _autocommit(transaction: Transaction, statements: tuple[Statement, ...]) -> Transaction:
    """The same work with every statement in a transaction of its own, as a remedy with several steps is meant."""
    whole = replace(transaction.migrations[0], statements=statements, mode="autocommit")
    return Transaction(migrations=(whole,), mode="autocommit")


def _blocks(played: Play, tables: dict[int, Name], rows: dict[Name, int]) -> bool:
    """Whether the statement worked on a table's rows under a lock that makes the application wait."""
    done = work(played.statement, played.before, played.after, tables, rows, played.ms)
    strong = [mode for oid, mode in played.after.locks.items() if oid in tables and LOCK_MODES.index(mode) >= _BLOCKING]
    return bool(strong) and any(w.kind != "rows changed" for w in done)


def _counts(session: Connection, tables: Iterable[Name]) -> dict[Name, int]:
    found: dict[Name, int] = {}
    for table in tables:
        try:
            found[table] = int(session.value(f"SELECT count(*) FROM {table}") or 0)
        except StatementError:  # renamed or dropped by the migration itself
            continue
    return found
