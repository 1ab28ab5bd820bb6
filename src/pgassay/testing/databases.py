"""A scratch server with a project's schema on it, of which every test gets a copy of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pgassay.errors import InputError
from pgassay.server import OWNER, Server, find_binaries, scratch
from pgassay.sources import open_project
from pgassay.workflows.grounds import built


@dataclass(frozen=True, slots=True)
class Database:
    """A database: ``url`` is libpq's, over a Unix socket; ``host`` is the socket's folder."""

    name: str
    host: str
    port: int
    user: str

    @property
    def url(self) -> str:
        """``postgresql://app_owner@/scratch_3?host=/dev/shm/…``, as libpq, psycopg, asyncpg and pgassay read it."""
        return f"postgresql://{self.user}@/{self.name}?host={quote(self.host)}&port={self.port}"


class Databases:
    """Copies of one migrated database, on one server."""

    def __init__(self, server: Server, template: str) -> None:
        self._server, self._template = server, template

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Database]:
        """A copy for the length of a block; whoever is still connected to it then is cut off."""
        with self._server.database(self._template) as name:
            yield Database(name, str(self._server.sockets), self._server.port, OWNER)


@contextlib.contextmanager
def databases(
    project: str | Path, *, kind: str | None = None, allow_code: bool = False, postgres_version: int | None = None
) -> Iterator[Databases]:
    """Start a scratch server and run a project's migrations once.

    Raises InputError where the project cannot be read or a migration fails, ServerUnavailable, DiskFull.
    """
    opened = open_project(str(project), kind=kind, allow_code=allow_code)
    with scratch(find_binaries(postgres_version, None)) as server:
        template, remarks = built(server, opened, lambda _step: None)
        failed = [r for r in remarks if not r.startswith("assumed: ")]
        if failed:
            raise InputError(
                "its migrations do not run on an empty database",
                path=str(project),
                hint="\n".join([*failed[:5], "Try: pgassay review " + str(project) + " --history"]),
            )
        yield Databases(server, template)
