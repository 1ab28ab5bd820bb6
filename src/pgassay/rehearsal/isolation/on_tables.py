"""Tables: every command on the other's rows, as tenants, owners, strangers, and roles that nothing binds."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Remedy, Verdict, literal, quote
from pgassay.rehearsal.isolation import cures
from pgassay.rehearsal.isolation.bench import script
from pgassay.rehearsal.isolation.ground import Held
from pgassay.rehearsal.isolation.ledger import Case
from pgassay.rehearsal.isolation.model import Actor, Leak
from pgassay.rehearsal.isolation.tables import Try, copied, reached, tries
from pgassay.server import OWNER, StatementError

STRANGER = "pgassay_stranger"
_DOES = {
    "SELECT": "reads", "COPY": "reads", "UPDATE": "changes", "MERGE": "changes", "DELETE": "deletes",
    "TRUNCATE": "empties", "INSERT": "writes",
}  # fmt: skip
_WHY = {
    "row-security-missing": ": row security is off",
    "row-security-disabled": ": row security is off, whatever policies there are",
    "partition-past-row-security": ": the partition has no row security of its own",
    "row-security-not-forced": ": row security is not forced",
    "truncate-past-row-security": ": TRUNCATE asks no policy",
    "policy-for-everyone": ": a policy is true for every row",
    "role-past-row-security": ": it has the rights of the owner",
}


def table(case: Case, actor: Actor, held: Held) -> None:
    """Everything that a tenant can try on a table."""
    for what in tries(case.ground, actor, held):
        seen = reached(case.ground, actor, held, what)
        if seen is not None:
            _leak(case, actor, held, what, seen)
    more = copied(case.ground, actor, held)
    if more is not None:
        _leak(case, actor, held, Try("COPY", f"COPY {held.table.name} TO STDOUT", "read"), more)


def others(case: Case) -> None:
    """The owner in a tenant's session, who has nothing but PUBLIC's privileges, and roles with BYPASSRLS."""
    ground = case.ground
    for held in ground.held.values():
        name = held.table
        if name.row_security and not name.force_row_security and name.partition_of is None:
            _plainly(case, ground.actor(name.owner or OWNER, kind="owner"), held)
        if any(g.grantee == "PUBLIC" for g in name.grants):
            _plainly(case, Actor(role=STRANGER, kind="stranger"), held)
    for role, member in _unbound(case):
        actor = ground.actor(role, kind="bypass")
        leaking = [h for h in ground.held.values() if h.table.row_security and _sees(case, actor, h)]
        if leaking:
            _bypassing(case, actor, member, leaking)


def _plainly(case: Case, actor: Actor, held: Held) -> None:
    where, name = held.where["B"], held.table.name
    for what in (
        Try("SELECT", f"SELECT * FROM {name} WHERE {where}", "read"),
        Try("DELETE", f"DELETE FROM {name} WHERE {where}", "touch"),
    ):
        if (seen := reached(case.ground, actor, held, what)) is not None:
            _leak(case, actor, held, what, seen)


def _leak(case: Case, actor: Actor, held: Held, what: Try, seen: str) -> None:
    rule = cures.cause(case.ground, actor, held, what)
    remedy = cures.cure(case.ground, rule, held, actor)
    prefix = "".join(f"{s}; " for s in what.before)
    message = f"{_who(actor)} {_DOES[what.command.split()[0]]} rows of another in {held.table.name}{_WHY.get(rule, '')}"
    case.add(
        Leak(
            rule=rule,
            verdict=Verdict.EXPOSES,
            subject=held.table.owner if rule == "role-past-row-security" else str(held.table.name),
            message=message,
            sql=script(actor, what.sql).replace("BEGIN; ", f"BEGIN; {prefix}", 1),
            seen=seen,
            remedy=Remedy(sql=remedy) if remedy else None,
        ),
        what.command,
        lambda sql: _cured(case, sql, actor, held, what),
    )


def _cured(case: Case, sql: str, actor: Actor, held: Held, what: Try) -> bool:
    """Whether the remedy ends it, and leaves the tenant its own rows."""
    ground = case.ground
    if held.table.partition_of is None:  # a partition is rather not to be named at all
        own = f"SELECT count(*) FROM {held.table.name} WHERE {held.where['A']}"
        before = ground.bench.attempt(actor, own)
        after = ground.bench.attempt(actor, own, before=(sql,))
        if before.error is None and after.rows != before.rows and actor.kind != "stranger":
            return False
    session = ground.bench.session
    with session.rolled_back():
        try:
            for statement in (sql, *what.before, actor.sql):
                session.run(statement)
            rows = session.run(what.sql)
            session.run("SET CONSTRAINTS ALL IMMEDIATE; RESET ROLE")
            if what.how != "touch":
                return not rows or what.how == "compare"
            for name in {*ground.bench.forced, held.table.name}:
                session.run(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
            return session.value(held.digest) == ground.digest(held)
        except StatementError as error:
            return error.sqlstate == "42501"


def _who(actor: Actor) -> str:
    match actor.kind:
        case "owner":
            return f"the owner {actor.role}, in the session of one tenant,"
        case "stranger":
            return "every role that can connect"
    return f"one tenant, as {actor.role},"


def _unbound(case: Case) -> Iterator[tuple[str, str | None]]:
    """Roles that policies do not bind and tenants can act as; with the role that may SET ROLE to it, or None."""
    owners = {t.owner for t in case.catalog.tables if t.row_security and not t.force_row_security}
    option = "SET" if case.catalog.version >= 160000 else "MEMBER"
    there = case.server.roles()
    yield from ((role, None) for role in case.unbound)
    for role in case.roles:
        for other in sorted(((owners | set(case.bypass)) & there) - {role}):
            asked = f"SELECT pg_has_role({literal(role)}, {literal(other)}, '{option}')"
            if not role.startswith("pgassay_") and case.ground.bench.session.value(asked) == "t":
                yield other, role


def _sees(case: Case, actor: Actor, held: Held) -> bool:
    sql = f"SELECT * FROM {held.table.name} WHERE {held.where['B']}"
    return bool(case.ground.bench.attempt(actor, sql).rows)


def _bypassing(case: Case, actor: Actor, member: str | None, leaking: list[Held]) -> None:
    role, held = actor.role, leaking[0]
    where = cures.tables_of([h.table.name for h in leaking])
    how = f"{member} may SET ROLE to it" if member else "it has BYPASSRLS"
    case.add(
        Leak(
            rule="role-past-row-security",
            verdict=Verdict.EXPOSES,
            subject=role,
            message=f"role {role} sees rows of every tenant in {where}: no policy binds it, and {how}",
            sql=script(actor, f"SELECT * FROM {held.table.name} WHERE {held.where['B']}"),
            seen="rows of tenant B",
            remedy=Remedy(
                sql=f"REVOKE {quote(role)} FROM {quote(member)};"
                if member
                else f"ALTER ROLE {quote(role)} NOBYPASSRLS;"
            ),
        ),
        "SELECT",
    )
