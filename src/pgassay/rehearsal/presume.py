"""Build beforehand what a history refers to and nobody created, so that it can be rehearsed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.model import Statement, literal, quote
from pgassay.model.actions import CreateExtension
from pgassay.rehearsal.presume_ddl import Assumption, draft
from pgassay.rehearsal.presume_errors import Trial, attempt, revise
from pgassay.rehearsal.watch import watch
from pgassay.server import OWNER, SUPERUSER, Connection, Server, StatementError, available, install, trusted
from pgassay.sql.usage import usage
from pgassay.sql.usage_world import World

__all__ = ["Assumption", "Presumed", "Unresolved", "presume"]

_ROUNDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A statement that still lacks something after every attempt to presume it."""

    statement: Statement
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presumed:
    """What must be there before the history: DDL for OWNER in order, one sentence for each thing assumed.

    ``roles`` are statements for the superuser (roles belong to the whole server); run them first. All of it is empty
    where the history makes everything itself.
    """

    statements: tuple[str, ...] = ()
    assumed: tuple[Assumption, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    roles: tuple[str, ...] = ()


def presume(server: Server, statements: Sequence[Statement], *, optional: bool | None = None) -> Presumed:
    """What the history (every statement, in order) refers to and nobody created.

    ``optional`` says whether an object that is named only in IF EXISTS is taken to exist; by default it is where all
    statements come from one file: the review of that file says more if it does. The DDL has been tried on a scratch
    database of ``server``, unless nothing is missing, which costs no more than reading the text.
    """
    world = usage(statements, optional=optional)
    if not world.missing and not world.opaque and not _unknown_calls(server, world):
        return Presumed()
    with server.database() as name, server.connect(name) as session:
        return tried(server, session, world, statements)


def tried(server: Server, session: Connection, world: World, statements: Sequence[Statement]) -> Presumed:
    """The presumption after trial runs in ``session``, whose database is empty and is left so."""
    for role in _roles(world):
        server.admin.run(role)
    ready = _extensions(server, session.database, world, statements)
    made = draft(world)
    trial = Trial()
    for _ in range(_ROUNDS):
        with watch(server, session, "a trial of the migrations") as allow:
            trial = attempt(session, made.statements, statements, ready, allow)
        if trial.lost or not revise(session, world, trial):
            break
        made = draft(world)
    broken = {failure.sql for failure in trial.refused}
    unresolved = [Unresolved(statement=f.statement, reason=str(f.report)) for f in trial.missing(world)]
    roles = [
        Assumption(object=f"role {quote(r)}", text=f"role {quote(r)}: named by {place} and created by nobody")
        for r, place in world.roles.items()
    ]
    return Presumed(
        statements=tuple(s for s in made.statements if s not in broken),
        assumed=(*made.assumed, *roles),
        unresolved=tuple(unresolved),
        roles=tuple(_roles(world)),
    )


def _extensions(server: Server, database: str, world: World, statements: Sequence[Statement]) -> set[str]:
    """Install those that OWNER could not; what this server does not have at all is not presumed."""
    for name in [n for n in world.extensions if n not in available(server)]:
        del world.extensions[name]
    ready = set()
    wanted = dict.fromkeys(world.extensions) | {e.name: e.schema for s in statements for e in s.of(CreateExtension)}
    for name, schema in wanted.items():
        if not trusted(server, name):
            with contextlib.suppress(StatementError):
                if install(server, database, name, schema) != "missing":
                    ready.add(name)
    return ready


def _unknown_calls(server: Server, world: World) -> bool:
    """Whether a function is called that neither the history nor PostgreSQL itself has."""
    names = {n.name for n in world.calls}
    if not names:
        return False
    listed = ", ".join(literal(n) for n in sorted(names))
    known = server.admin.run(f"SELECT DISTINCT proname FROM pg_proc WHERE proname IN ({listed})")
    return bool(names - {row[0] for row in known})


def _roles(world: World) -> list[str]:
    made = []
    for role in world.roles:
        if role in (SUPERUSER, OWNER, "public") or "$pgassay$" in role:
            continue
        # Only a role made here is granted: a strange SQL file must not gain any that exists already.
        made.append(
            f"DO $pgassay$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal(role)}) THEN"
            f" CREATE ROLE {quote(role)} NOLOGIN; GRANT {quote(role)} TO {OWNER}; END IF; END $pgassay$"
        )
    return made
