"""``pgassay seed`` from the outside."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from pgassay.server import OWNER, Connection, Server
from tests.acceptance.test_cli import run

SCHEMA = """
CREATE TABLE issuer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE token (id int PRIMARY KEY, issuer int NOT NULL REFERENCES issuer,
    supply numeric(78,0) CHECK (supply >= 0));
"""


@pytest.fixture
def url(server: Server, database: str, connection: Connection) -> str:
    """A database with two empty tables."""
    connection.run(SCHEMA)
    return f"postgresql://{OWNER}@/{database}?host={quote(str(server.sockets), safe='')}"


def test_a_database_is_filled(url: str, connection: Connection) -> None:
    ended = run("seed", "--database", url, "--yes", "--rows", "20", "--table-rows", "token=30")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "50 rows in 2 tables\n", "")
    assert connection.run("SELECT count(*), count(DISTINCT issuer) > 1 FROM token") == [["30", "t"]]


def test_a_database_is_not_touched_unasked(url: str, connection: Connection) -> None:
    ended = run("seed", "--database", url, stdin=b"y\n")
    assert ended.returncode == 2
    assert ended.stderr == "pgassay: this writes to the database, and nobody is here to ask\nSay --yes to do it.\n"
    assert connection.value("SELECT count(*) FROM issuer") == "0"


def test_tables_that_hold_rows_are_refused_or_left_alone(url: str, connection: Connection) -> None:
    connection.run("INSERT INTO issuer (name) VALUES ('one')")
    refused = run("seed", "--database", url, "--yes")
    assert refused.returncode == 2
    assert "these tables hold rows already: public.issuer" in refused.stderr
    assert run("seed", "--database", url, "--yes", "--beside", "--rows", "5").returncode == 0
    assert connection.run("SELECT (SELECT count(*) FROM issuer), (SELECT count(*) FROM token)") == [["1", "5"]]


def test_a_table_that_cannot_be_filled_is_named(url: str, connection: Connection) -> None:
    connection.run("CREATE TABLE never (id int CHECK (id < 0 AND id > 0) NOT NULL)")
    ended = run("seed", "--database", url, "--yes", "--rows", "5")
    assert ended.returncode == 1
    assert "Not filled: public.never (0 rows): " in ended.stdout
    assert ended.stdout.endswith("10 rows in 2 tables\n")


def test_files_of_a_project_load_into_its_schema(
    tmp_path: Path, server: Server, database: str, connection: Connection
) -> None:
    (tmp_path / "001.sql").write_text(SCHEMA)
    out = tmp_path / "rows"
    ended = run("seed", "--project", tmp_path / "001.sql", "--out", out, "--rows", "20")
    assert (ended.returncode, ended.stdout) == (0, "40 rows in 2 tables, written to 3 files\n")
    connection.run(SCHEMA)
    loading = [str(server.binaries.directory / "psql"), "--quiet", "--set=ON_ERROR_STOP=1", "--file=load.sql"]
    place = [f"--host={server.sockets}", f"--username={OWNER}", database]
    subprocess.run([*loading, *place], cwd=out, check=True, capture_output=True)
    assert connection.value("SELECT count(*) FROM token JOIN issuer ON issuer.id = token.issuer") == "20"
    assert run("seed", "--project", tmp_path / "001.sql", "--out", out).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either --database URL, or --project PATH and --out DIR"),
        (["--project", "."], "give either"),
        (["--project", "no/such", "--out", "x"], "no/such: no such file or folder"),
        (["--database", "postgresql://127.0.0.1:1/x", "--yes"], "Cannot use the database"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], words: str) -> None:
    ended = run("seed", *arguments)
    assert ended.returncode == 2
    assert words in ended.stderr


def test_a_table_of_another_name_is_named(url: str) -> None:
    ended = run("seed", "--database", url, "--yes", "--table-rows", "nope=3")
    assert (ended.returncode, ended.stderr) == (2, "pgassay: --table-rows: there is no table nope\n")
