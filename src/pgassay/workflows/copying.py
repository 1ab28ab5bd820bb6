"""A live database's schema with its roles, owners, privileges and policies, made again on a scratch server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.errors import ConnectionProblem
from pgassay.model import quote
from pgassay.model.actions import CreateExtension, CreateSchema
from pgassay.server import OWNER, SUPERUSER, Connection, Server, StatementError, connect_live, install
from pgassay.sql import parse
from pgassay.sql.queries import queries
from pgassay.twin.export_dump import dump_schema

_HARMLESS = {"42P06", "42710"}  # the schema, the extension is there already
_OWNER = re.compile(r'\bOWNER TO "((?:[^"]|"")+)"')
_SESSION = "SET check_function_bodies = off; SET client_min_messages = error; SET statement_timeout = '60s'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What was read: the statements, the roles (name, whether it inherits) and who is a member of whom. ``unbound``:
    roles that row security does not bind, superusers among them."""

    name: str
    user: str
    major: int
    schema: str
    roles: tuple[tuple[str, bool], ...]
    members: tuple[tuple[str, str], ...]
    unbound: tuple[str, ...]

    def build(self, server: Server) -> tuple[str, list[str]]:
        """A new database with all of it, and what could not be made. Roles are NOLOGIN there."""
        database = server.create()
        self._roles(server)
        remarks: list[str] = []
        owners = sorted(set(_OWNER.findall(self.schema)) & server.roles() - {OWNER, SUPERUSER})
        with server.connect(database) as session:
            session.run(_SESSION)
            _usable(session, "public", owners)
            for statement in parse(self.schema, "schema"):
                extension = next(statement.of(CreateExtension), None)
                try:
                    if extension is not None:
                        if install(server, database, extension.name, extension.schema) == "missing":
                            remarks.append(f"this server does not have the extension {extension.name}")
                        continue
                    session.run(statement.text)
                    for made in statement.of(CreateSchema):
                        _usable(session, made.name, owners)
                except StatementError as error:
                    if error.sqlstate not in _HARMLESS:
                        remarks.append(f"not made: {' '.join(statement.text.split())[:120]} ({error.report.message})")
        return database, remarks

    def _roles(self, server: Server) -> None:
        """Names alone go into these statements, which only a superuser may run: BYPASSRLS stands for superusers."""
        there = server.roles()
        for name, inherit in self.roles:
            if name not in there:
                unbound = "BYPASSRLS" if name in self.unbound else "NOBYPASSRLS"
                server.admin.run(
                    f"CREATE ROLE {quote(name)} NOLOGIN {unbound} {'INHERIT' if inherit else 'NOINHERIT'};"
                    f" GRANT {quote(name)} TO {OWNER} WITH ADMIN OPTION"
                )
        for group, member in self.members:
            if member not in there and group not in (OWNER, SUPERUSER):
                server.admin.run(f"GRANT {quote(group)} TO {quote(member)}")


def copy_of(url: str) -> Copy:
    """Read it, by the guarded connection and ``pg_dump``. Raises ConnectionProblem."""
    with connect_live(url) as live:
        try:
            access = live.json(queries("pgassay.workflows", "access.sql")["roles"])
            major = int(live.value("SELECT pg_catalog.current_setting('server_version_num')") or 0) // 10000
        except StatementError as error:
            raise ConnectionProblem(f"{error.report}") from None
        name, user = live.database, live.user
    roles = access["roles"] or []
    return Copy(
        name=name,
        user=user,
        major=major,
        schema=dump_schema(url, access=True),
        roles=tuple((r["name"], r["inherit"]) for r in roles),
        members=tuple((group, member) for group, member in access["members"] or []),
        unbound=tuple(r["name"] for r in roles if r["unbound"]),
    )


def _usable(session: Connection, schema: str, owners: Sequence[str]) -> None:
    """Who becomes the owner of something there must be able to create it."""
    for owner in owners:
        session.run(f"GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {quote(owner)}")
