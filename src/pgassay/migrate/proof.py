"""The proof of a difference: a scratch database with the first schema becomes one with the second, or says why not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from pgassay.catalog import Catalog, Change, compare, read
from pgassay.catalog.ddl import Decisions, Difference, Step, create, renaming, roles
from pgassay.errors import UsageError
from pgassay.model import quote
from pgassay.server import Connection, Server, StatementError
from pgassay.server.extensions import install, trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether the steps did what they should: ``remaining`` are the differences that they left, ``failure`` the first
    statement that was refused and why."""

    remaining: tuple[Change, ...] = ()
    failure: str | None = None

    @property
    def proved(self) -> bool:
        """Nothing remains but what was said to be unwritten."""
        return not self.remaining and self.failure is None


def stand(server: Server, catalog: Catalog) -> tuple[str, Proof]:
    """A new database with this schema, and whether it is exactly that. The roles that it names are made.

    Raises DiskFull, ConnectionLost.
    """
    database = server.create()
    _people(server, catalog)
    with server.connect(database) as session:
        failure = _run(server, session, (Step(sql=sql) for sql in create(catalog)))
        return database, Proof(failure=failure, remaining=_remaining(catalog, read(session)))


def renamed(server: Server, database: str, before: Catalog, decisions: Decisions) -> tuple[tuple[Step, ...], Catalog]:
    """Carry out the renames on a scratch database. Returns them as steps, and what the schema is then.

    Raises UsageError where one cannot be: the name is not there, or the new one is taken.
    """
    steps = tuple(Step(sql=sql) for sql in renaming(before, decisions))
    with server.connect(database) as session:
        failure = _run(server, session, steps)
        if failure is not None:
            raise UsageError(f"--rename: {failure}")
        return steps, read(session)


def prove(server: Server, database: str, difference: Difference, after: Catalog) -> Proof:
    """Run the steps on a scratch database that has the first schema, and compare what comes out with the second."""
    _people(server, after)
    with server.connect(database) as session:
        failure = _run(server, session, difference.steps)
        return Proof(failure=failure, remaining=_remaining(after, read(session)))


def _people(server: Server, catalog: Catalog) -> None:
    known = server.roles()
    for role in roles(catalog):
        if role not in known and not role.startswith("pg_"):
            server.admin.run(f"CREATE ROLE {quote(role)}")


def _run(server: Server, session: Connection, steps: Iterable[Step]) -> str | None:
    """Run each step, to the first that is refused: its error and text."""
    for step in steps:
        words = step.sql.split()
        if words[:2] == ["CREATE", "EXTENSION"]:
            name = words[5].strip('"')
            if not trusted(server, name):
                schema = words[8].strip('"') if len(words) > 8 else None
                with contextlib.suppress(StatementError):
                    install(server, session.database, name, schema)
                continue
        try:
            session.run(step.sql)
        except StatementError as error:
            return f"{error.report}: {step.sql}"
    return None


def _remaining(wanted: Catalog, found: Catalog) -> tuple[Change, ...]:
    """What is still different, but for what no SQL can change: the order of columns, an index that is invalid."""
    invalid = {index.name for table in wanted.tables for index in table.indexes if not index.valid}
    return tuple(
        change
        for change in compare(wanted, found)
        if not (change.part or "").endswith("column order")
        and not (change.noun == "index" and change.member in invalid)
    )
