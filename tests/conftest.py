"""Fixtures of every test: a scratch server a session, a fresh database a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgassay.server import Connection, Server, scratch


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with scratch() as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    with server.database() as name:
        yield name


@pytest.fixture
def connection(server: Server, database: str) -> Iterator[Connection]:
    with server.connect(database) as session:
        yield session
