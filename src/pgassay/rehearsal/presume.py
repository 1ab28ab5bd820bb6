"""Build beforehand what a history refers to and nobody created, so that it can be rehearsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.model import Statement, literal, quote
from pgassay.rehearsal.presume_ddl import Assumption, draft
from pgassay.rehearsal.presume_errors import Trial, attempt, revise
from pgassay.server import OWNER, SUPERUSER, Server
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
    roles = _roles(world)
    for role in roles:
        server.admin.run(role)
    made = draft(world)
    trial = Trial()
    for _ in range(_ROUNDS):
        trial = attempt(server, made.statements, statements)
        if not revise(world, trial):
            break
        made = draft(world)
    broken = {failure.sql for failure in trial.refused}
    unresolved = [Unresolved(statement=f.statement, reason=str(f.report)) for f in trial.missing(world)]
    assumed = [
        *made.assumed,
        *(
            Assumption(object=f"role {quote(r)}", text=f"role {quote(r)}: named by {p} and created by nobody")
            for r, p in world.roles.items()
        ),
    ]
    return Presumed(
        statements=tuple(s for s in made.statements if s not in broken),
        assumed=tuple(assumed) if made.statements or roles else (),
        unresolved=tuple(unresolved),
        roles=tuple(_roles(world)),
    )


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
