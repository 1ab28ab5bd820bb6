"""A guarded connection on which a user's own query is planned, or (on request) run: read-only, with timeouts.

Nothing but EXPLAIN of one statement is sent, in a READ ONLY transaction that is rolled back. Its search path is the
one that the role's own sessions have.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from pgassay.server import live
from pgassay.server.connection import Connection

_PATH = """
SELECT pg_catalog.regexp_replace(c, '^search_path=', '')
FROM pg_catalog.pg_db_role_setting AS s, pg_catalog.unnest(s.setconfig) AS c
WHERE c LIKE 'search_path=%'
  AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER))
ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1
"""


class ExplainingConnection(live.LiveConnection):
    """A guarded session that can also EXPLAIN."""

    def explain(
        self, statement: str, options: str, parameters: Sequence[str | None] | None = None
    ) -> list[dict[str, Any]]:
        """What ``EXPLAIN (options, FORMAT JSON)`` says of one statement, which must be known to be one.

        Raises StatementError where the server refuses it: 25006 where it would write, 57014 where it takes too long.
        """
        path = self.value(_PATH) or '"$user", public'
        with self._reading():
            Connection.run(self, "SELECT pg_catalog.set_config('search_path', $1, true)", [path])
            text = f"EXPLAIN ({options}, FORMAT JSON) {statement}"
            found: list[dict[str, Any]] = json.loads(Connection.run(self, text, parameters or None)[0][0])
            return found


@contextlib.contextmanager
def explaining(url: str) -> Iterator[ExplainingConnection]:
    """Connect for explaining. Raises ConnectionProblem."""
    session = live._connect(url, ExplainingConnection, live.GUARDS, live._PATIENCE)
    try:
        yield session
    finally:
        session.close()
