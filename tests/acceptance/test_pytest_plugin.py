"""The pytest plugin as a user's suite meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUITE = """
import pg8000.native, pytest

def connect(database):
    return pg8000.native.Connection(
        database.user, database=database.name, unix_sock=f"{database.host}/.s.PGSQL.{database.port}")

@pytest.mark.parametrize("number", range(5))
def test_own_rows(pgassay_database, number):
    session = connect(pgassay_database)
    assert session.run("SELECT count(*) FROM tokens") == [[0]]
    session.run("INSERT INTO tokens VALUES (:n)", n=number)
    session.close()

def test_left_open(pgassay_database):
    connect(pgassay_database)

def test_factory(pgassay_database, pgassay_factory):
    pgassay_factory.create_batch("tokens", 3)
    assert connect(pgassay_database).run("SELECT count(*) FROM tokens") == [[3]]

def test_url(pgassay_database):
    assert pgassay_database.url.startswith("postgresql://app_owner@/scratch_")
"""


def suite(folder: Path, migration: str, tests: str = SUITE) -> subprocess.CompletedProcess[str]:
    (folder / "db").mkdir()
    (folder / "db" / "001_tokens.sql").write_text(migration, encoding="utf-8")
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npgassay_project = "db"\n', encoding="utf-8")
    (folder / "test_suite.py").write_text(tests, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error::DeprecationWarning"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_every_test_has_a_database_of_its_own(tmp_path: Path) -> None:
    done = suite(tmp_path, "CREATE TABLE tokens (id integer PRIMARY KEY);\n")
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


def test_a_migration_that_fails_is_named_and_not_traced(tmp_path: Path) -> None:
    done = suite(
        tmp_path, "CREATE TABLE tokens (id integer PRIMARY KEY);\nSELECT 1/0;\n", "def test(pgassay_database): ...\n"
    )
    assert done.returncode == 1
    assert "001_tokens.sql:2: division by zero" in done.stdout
    assert "Traceback" not in done.stdout
