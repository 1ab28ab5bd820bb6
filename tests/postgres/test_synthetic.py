"""Synthetic rows on a real server: a schema a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.catalog import read
from pgassay.model import Name, quote
from pgassay.server import Connection
from pgassay.twin import Fill, fill

ROWS = 120


def check(connection: Connection, ddl: str, *, rows: int = ROWS, seed: int = 1) -> Fill:
    """Every table gets its rows (the server has checked the constraints) and takes the spare row too."""
    connection.run(ddl)
    catalog = read(connection)
    result = fill(connection, catalog, rows=rows, seed=seed)
    assert result.unfilled == ()
    for table in catalog.tables:
        if table.partition_of is None and table.kind != "foreign table":
            only = "" if table.kind == "partitioned table" else "ONLY "
            assert connection.value(f"SELECT count(*) FROM {only}{table.name}") == str(result.rows[table.name])
            insert_spare(connection, table.name, result)
    return result


def insert_spare(connection: Connection, table: Name, result: Fill) -> None:
    spare = result.spare.get(table)
    if spare is None:
        return
    columns = ", ".join(map(quote, spare))
    places = ", ".join(f"${n}" for n in range(1, len(spare) + 1))
    with connection.rolled_back():
        if spare:
            connection.run(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(spare.values()))
        else:
            connection.run(f"INSERT INTO {table} DEFAULT VALUES")


TABLES = Path(__file__).with_name("test_synthetic_tables.sql").read_text().splitlines()  # a schema a line


@pytest.mark.parametrize("ddl", TABLES, ids=lambda line: line[:70])
def test_fills_the_table(connection: Connection, ddl: str) -> None:
    check(connection, ddl)


def test_forced_row_security_is_put_back(connection: Connection) -> None:
    connection.run("CREATE TABLE t(id int PRIMARY KEY, v text); CREATE TABLE u(t int NOT NULL REFERENCES t)")
    connection.run("ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY")
    before = read(connection)
    result = fill(connection, before, rows=50)
    assert read(connection) == before
    assert result.unfilled == ()
    connection.run("ALTER TABLE t NO FORCE ROW LEVEL SECURITY")
    assert connection.value("SELECT count(*) FROM t") == "50"
