"""``pgassay seed`` on a real server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pgassay.catalog import read
from pgassay.errors import InputError, UsageError
from pgassay.server import Connection, Server
from pgassay.twin import fill
from pgassay.workflows.seed import seed_database, seed_files

SCHEMA = """
CREATE TABLE issuer(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, main_token int);
CREATE TABLE token(id serial PRIMARY KEY, issuer int NOT NULL REFERENCES issuer, note text, up text GENERATED ALWAYS AS
    (upper(note)) STORED);
ALTER TABLE issuer ADD FOREIGN KEY (main_token) REFERENCES token;
CREATE TABLE audit(id bigint PRIMARY KEY, at timestamptz NOT NULL);
"""


def test_fills_empty_tables_in_one_transaction(connection: Connection) -> None:
    connection.run(SCHEMA)
    result = seed_database(connection, rows=40)
    assert set(result.rows.values()) == {40}
    assert connection.transaction == "idle"
    assert connection.value("SELECT count(*) FROM token") == "40"


def test_refuses_tables_that_hold_rows(connection: Connection) -> None:
    connection.run(SCHEMA + "INSERT INTO audit VALUES (1, now())")
    with pytest.raises(UsageError, match=r"public\.audit"):
        seed_database(connection, rows=40)
    assert connection.value("SELECT count(*) FROM issuer") == "0"


def test_can_leave_tables_that_hold_rows_alone(connection: Connection) -> None:
    connection.run(
        "CREATE TABLE p(id int PRIMARY KEY); CREATE TABLE t(p int NOT NULL REFERENCES p); INSERT INTO p VALUES (77)"
    )
    seed_database(connection, rows=40, beside=True)
    assert connection.value("SELECT count(*) FROM p") == "1"
    assert connection.value("SELECT count(*) FROM t WHERE p = 77") == "40"


def test_files_load_into_an_empty_database(server: Server, connection: Connection, tmp_path: Path) -> None:
    connection.run(SCHEMA)
    fill(connection, read(connection), rows=40)
    out = tmp_path / "rows"
    files = seed_files(connection, out)
    assert {file.name for file in files} == {"public.issuer.copy", "public.token.copy", "public.audit.copy", "load.sql"}
    with server.database() as name, server.connect(name) as other:
        other.run(SCHEMA)
        psql = server.binaries.directory / "psql"
        subprocess.run(
            [
                str(psql),
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                str(server.sockets),
                "-U",
                other.user,
                "-f",
                "load.sql",
                name,
            ],
            cwd=out,
            check=True,
            capture_output=True,
        )
        same = "SELECT md5(string_agg(t::text, '|' ORDER BY t.id)) FROM token t"
        assert other.value(same) == connection.value(same)
        assert read(other) == read(connection)
        assert other.value("INSERT INTO token(issuer) VALUES (1) RETURNING id") == "41"


def test_a_folder_is_not_written_twice(connection: Connection, tmp_path: Path) -> None:
    connection.run("CREATE TABLE t(id int)")
    seed_files(connection, tmp_path)
    with pytest.raises(InputError, match=r"load\.sql already"):
        seed_files(connection, tmp_path)
