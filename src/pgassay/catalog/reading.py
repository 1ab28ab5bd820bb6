"""Read the picture of a database in one round trip (manual, chapter 53: System Catalogs)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pgassay.catalog.assembly import Assembly
from pgassay.catalog.model import Catalog
from pgassay.server import Connection

_SQL = Path(__file__).with_name("read.sql").read_text()


def read(connection: Connection) -> Catalog:
    """The picture of the connection's database: every schema of the user, none of the system's or an extension's.

    One statement, which reads ``pg_catalog`` alone, works under any search path and in any transaction that has not
    failed, and leaves settings as they were. Names inside of types and expressions are qualified with their schema;
    times are printed in UTC. Temporary objects are left out. Raises StatementError where the server refuses.
    """
    return Assembly(connection.json(_SQL)).catalog()


def reader(connection: Connection) -> Callable[[], Catalog]:
    """``read``, to be called often in one session: the statement is parsed and planned once, which is two thirds of it.

    It leaves the prepared statement ``pgassay_read`` behind in the session.
    """
    connection.run(f"PREPARE pgassay_read AS {_SQL}")
    return lambda: Assembly(connection.json("EXECUTE pgassay_read")).catalog()
