"""The pytest plugin: ``pgassay_database`` is a fresh database with the project's schema.

# pyproject.toml
[tool.pytest.ini_options]
pgassay_project = "db"          # a folder with migrations; the default is the rootdir

def test_a_transfer(pgassay_database, pgassay_factory):
    holder = pgassay_factory.create("holders", balance=5)
    with psycopg.connect(pgassay_database.url) as connection: …
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pgassay.testing.databases import Database, Databases
    from pgassay.testing.factory import Factory


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings of an ini file, and one option that overrides the project."""
    parser.addini("pgassay_project", "Folder with the migrations that test databases have.", default="")
    parser.addini("pgassay_kind", "What the project is, instead of looking at it.", default="")
    parser.addini("pgassay_allow_code", "Let the project's own code run (Alembic).", type="bool", default=False)
    parser.addini("pgassay_postgres_version", "Major version of the scratch server.", default="")
    group = parser.getgroup("pgassay")
    group.addoption("--pgassay-project", metavar="DIR", default=None, help="Folder with the migrations to test with.")


@pytest.fixture(scope="session")
def pgassay_databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """The server and the migrated template, once a session (once a worker under pytest-xdist)."""
    from pgassay.errors import PgassayError
    from pgassay.testing.databases import databases

    config = request.config
    project = config.getoption("--pgassay-project") or config.getini("pgassay_project") or "."
    version = str(config.getini("pgassay_postgres_version"))
    try:
        manager = databases(
            config.rootpath / project,
            kind=str(config.getini("pgassay_kind")) or None,
            allow_code=bool(config.getini("pgassay_allow_code")),
            postgres_version=int(version) if version else None,
        )
        made = manager.__enter__()
    except PgassayError as error:
        pytest.fail(f"pgassay: {error}", pytrace=False)
    try:
        yield made
    finally:
        manager.__exit__(None, None, None)


@pytest.fixture
def pgassay_database(pgassay_databases: Databases) -> Iterator[Database]:
    """A database of the test's own, with the schema and without rows; dropped afterwards."""
    with pgassay_databases.fresh() as database:
        yield database


@pytest.fixture
def pgassay_factory(pgassay_database: Database) -> Iterator[Factory]:
    """Makes valid rows in the test's own database: ``pgassay_factory.create("tokens", symbol="X")``."""
    from pgassay.testing.factory import Factory

    with Factory(pgassay_database) as factory:
        yield factory
