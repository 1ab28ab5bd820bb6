"""Read the picture of a database in one round trip or two (manual, chapter 53: System Catalogs)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

from pgassay.catalog.assembly import Assembly
from pgassay.catalog.model import Catalog
from pgassay.server import Connection, LiveConnection

_SQL = Path(__file__).with_name("read.sql").read_text()
_ABSENT = Path(__file__).with_name("kinds.sql").read_text()
_OPTIONAL = re.compile(r"^-- where there are any: (\w+)\n.*?\)(,?)\n$", re.MULTILINE | re.DOTALL)


def read(connection: Connection) -> Catalog:
    """The picture of the connection's database: every schema of the user, none of the system's or an extension's.

    One statement does it, so that what others change meanwhile is seen before or after. On a scratch server, where
    there are no others, it comes after one that tells which kinds of objects need not be looked for. They read
    ``pg_catalog`` alone, work under any search path and in any transaction that has not failed, and leave settings as
    they were. Names inside of types and expressions are qualified with their schema; times are printed in UTC.
    Temporary objects are left out. Raises StatementError where the server refuses.
    """
    absent = "" if isinstance(connection, LiveConnection) else connection.value(_ABSENT) or ""
    return Assembly(connection.json(_without(absent.split()))).catalog()


def _without(parts: Collection[str]) -> str:
    """The statement without these parts: half of its time is planning."""
    return _OPTIONAL.sub(lambda part: f"'{part[1]}', NULL{part[2]}\n" if part[1] in parts else part[0], _SQL)


def reader(connection: Connection, *, rich: bool = False) -> Callable[[], Catalog]:
    """``read``, to be called often in one session of a scratch server: a statement is parsed and planned once for each
    selection of kinds that are there, which is two thirds of it. ``rich``: all of them are, mostly.

    It leaves the prepared statements ``pgassay_kinds`` and ``pgassay_read_N`` behind in the session.
    """
    connection.run(f"PREPARE pgassay_kinds AS {_ABSENT}")
    prepared: dict[str, str] = {}

    def look() -> Catalog:
        absent = "" if rich else connection.value("EXECUTE pgassay_kinds") or ""
        name = prepared.get(absent)
        if name is None:
            name = prepared[absent] = f"pgassay_read_{len(prepared)}"
            connection.run(f"PREPARE {name} AS {_without(absent.split())}")
        return Assembly(connection.json(f"EXECUTE {name}")).catalog()

    return look
