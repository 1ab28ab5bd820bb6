"""The application's statements, from a ``.sql`` file or from ``pg_stat_statements``."""

from __future__ import annotations

from pathlib import Path

from pgassay.errors import InputError
from pgassay.model.actions import Delete, Insert, Query, Transact, Update
from pgassay.server import Connection, StatementError
from pgassay.sql import parse
from pgassay.sql.queries import queries

_MOST = 500


def read_file(path: str) -> tuple[str, ...]:
    """The statements of a file. Raises InputError where it cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the workload: {error}", path=path) from None
    return tuple(s.text for s in parse(text, path) if not any(s.of(Transact)))


def read_statistics(connection: Connection) -> tuple[str, ...]:
    """The statements that take most time, from ``pg_stat_statements``; none where the extension is not there."""
    query = queries("pgassay.workload", "statements.sql")
    schema = connection.value(query["schema"])
    if schema is None:
        return ()
    try:
        rows = connection.run(query["statements"].replace("{schema}", schema), [_MOST])
    except StatementError:
        return ()
    return tuple(text for (text,) in rows if _readable(text))


def _readable(text: str) -> bool:
    """Whether it is one plain statement of an application (utility statements and cut-off texts are not)."""
    try:
        statements = parse(text, "pg_stat_statements")
    except InputError:
        return False
    return len(statements) == 1 and any(isinstance(a, Query | Insert | Update | Delete) for a in statements[0].actions)
