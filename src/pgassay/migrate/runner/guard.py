"""The session that changes the database: alone (an advisory lock), allowed to, and without limits that others set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pgassay.errors import ConnectionProblem
from pgassay.migrate.runner.problems import MigrationStopped
from pgassay.server import Connection
from pgassay.sql.queries import queries

_SQL = queries("pgassay.migrate.runner", "guard.sql")
KEY = 0x7067617373617901  # "pgassay" and a version: the same for every project, since their migrations may touch
_PATIENCE = 3.0  # seconds for the session of a runner that was killed, whose backend has yet to notice
APPLICATION = "pgassay migrate"


def prepare(connection: Connection) -> None:
    """A fresh session: nothing left of what an earlier step has set, no timeouts but ours."""
    connection.run("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL")
    connection.run(f"SET application_name = '{APPLICATION}'")
    connection.run(_SQL["settings"])


def check_writable(connection: Connection) -> None:
    """Raises ConnectionProblem where the database cannot be changed."""
    ((standby, read_only),) = connection.run(_SQL["writable"])
    if standby == "t":
        raise ConnectionProblem(
            f'database "{connection.database}" is on a standby, which only reads',
            hint="Nothing was done. Name the primary in --database, then run the same command again.",
        )
    if read_only == "on":
        raise ConnectionProblem(
            f'database "{connection.database}" is read-only (default_transaction_read_only is on)',
            hint="Nothing was done. Name the primary, or set it to off for this role; then the same command again.",
        )


@contextmanager
def only_runner(connection: Connection) -> Iterator[None]:
    """No other runner of ours works on this database within. Raises MigrationStopped where one does."""
    deadline = time.monotonic() + _PATIENCE
    while connection.value(_SQL["lock"], [KEY]) != "t":
        if time.monotonic() > deadline:
            raise _second(connection)
        time.sleep(0.1)
    yield  # the lock goes with the session, whatever happens


def at_work(connection: Connection) -> str | None:
    """Who runs migrations on this database, if anybody does. Raises StatementError."""
    rows = connection.run(_SQL["holder"], [KEY])
    if not rows:
        return None
    pid, application, user, address, since = rows[0]
    named = f'"{application}"' if application else "an unnamed application"
    where = f" from {address}" if address else ""
    return f"process {pid}, {named}, user {user}{where}, connected for {since}"


def _second(connection: Connection) -> MigrationStopped:
    who = at_work(connection)
    if who is None:
        return MigrationStopped("another runner has just worked on this database", hint="Run the same command again.")
    pid = who.split(",")[0].removeprefix("process ")
    return MigrationStopped(
        f"another runner is at work on this database: {who}",
        hint="Nothing was done. Wait for it: pgassay migrate status shows how far it is. If it is gone for good:"
        f" SELECT pg_terminate_backend({pid})",
    )
