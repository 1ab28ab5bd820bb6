"""Fixtures of every test: a scratch server a session, a fresh database a test."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pgassay.server import Connection, Server, scratch

# Bytecode is kept even where PYTHONDONTWRITEBYTECODE is set, as it is in many containers: else each of some hundred
# commands compiles all of pgassay anew, and pytest rewrites the assertions of 900 modules for every worker.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes is the machine's business.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# In memory where there is room: ext4 is slow to create files just after many were deleted (it spares their inodes for a
# minute), so a suite that makes and drops databases spends 0.1 s on each there, and 0.004 s here.
if "PGASSAY_HOME" not in os.environ and Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > 4 * 2**30:
    os.environ["PGASSAY_HOME"] = f"/dev/shm/pgassay-{os.geteuid()}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors (``-n auto``): a fifth of the suite's time is waiting, for locks and ends."""
    return (os.cpu_count() or 1) + 1


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
