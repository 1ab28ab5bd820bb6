"""What the role of a connection can do to its database beyond reading."""

from __future__ import annotations

from pathlib import Path

from pgassay.server import Connection

_SQL = Path(__file__).with_name("powers.sql")


def powers(connection: Connection) -> tuple[str, ...]:
    """Phrases such as ``is a superuser`` and ``owns public.token``; none for a role that can only read.

    Membership counts, even where it is not inherited: SET ROLE takes it. What functions that are SECURITY
    DEFINER may do is not seen.
    """
    sql = _SQL.read_text(encoding="utf-8")
    return tuple(str(row[0]) for row in connection.run(sql[sql.index("WITH") :]))
