"""The proof: two tenants on a scratch database, and all that one can try on the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from pgassay.catalog import read
from pgassay.model import quote
from pgassay.rehearsal.isolation import on_keys, on_objects, on_tables
from pgassay.rehearsal.isolation.bench import Bench
from pgassay.rehearsal.isolation.ground import Ground, Held
from pgassay.rehearsal.isolation.ledger import Case
from pgassay.rehearsal.isolation.model import Proof, Tenancy, Told
from pgassay.rehearsal.isolation.rows import arrange, refresh, without
from pgassay.rehearsal.isolation.tenancy import tenancy_of
from pgassay.server import Connection, Server, StatementError
from pgassay.twin import Fill, fill

_TENANT, _SIDES = "pgassay_tenant", ("pgassay_a", "pgassay_b")
_ROWS = 8  # a table, of which each tenant gets half

Progress = Callable[[str], None]


def prove(
    server: Server,
    database: str,
    told: Told,
    *,
    bypass: Sequence[str] = (),
    seed: int = 1,
    progress: Progress = lambda _: None,
) -> Proof:
    """Try everything on a scratch database, which is filled with rows for that, and on a copy of it.

    ``bypass``: roles that row security does not bind (BYPASSRLS). Raises NoTenancy where nothing tells whose rows are
    whose, InputError, ConnectionLost.
    """
    with contextlib.ExitStack() as stack:
        made = {on_tables.STRANGER, _TENANT, *_SIDES}
        stack.callback(server.drop_roles, made)
        with server.connect(database) as session:
            tenancy = tenancy_of(read(session), told)
            progress("making rows of two tenants")
            if server.major < 16:
                server.make_roles(made)
            else:
                session.run("; ".join(f"CREATE ROLE {role} NOLOGIN" for role in sorted(made)))
            unbound = tuple(role for role in tenancy.roles if role in bypass)
            tenancy = replace(tenancy, roles=tuple(role for role in tenancy.roles if role not in bypass))
            tenancy = _with_roles(session, tenancy)
            filled = fill(session, tenancy.catalog, rows=_ROWS, seed=seed)
            values = arrange(session, tenancy, _own_roles(session, tenancy))
            refresh(session, tenancy)
        copy = stack.enter_context(server.database(template=database))
        benches = [
            Bench(stack.enter_context(server.connect(name)), tenancy.catalog) for name in (database, copy, database)
        ]
        without(benches[1].session, tenancy, values)
        ground = Ground(benches[0], tenancy, values, dict(told.values))
        case = Case(server, ground, benches[1], benches[2], _actors(tenancy), bypass, unbound)
        return _run(case, filled, progress)


def _run(case: Case, filled: Fill, progress: Progress) -> Proof:
    ground, spares = case.ground, filled.spare
    reasons = {each.table: each.reason for each in filled.unfilled if not filled.rows.get(each.table)}
    untried: list[tuple[str, str]] = []
    for name, owned in ground.tenancy.owned.items():
        spare = spares.get(name) or (spares.get(owned.table.partition_of) if owned.table.partition_of else None)
        held = ground.survey(name, spare)
        if isinstance(held, Held):
            ground.held[name] = held
        else:
            above = owned.table.partition_of or name
            untried.append((str(name), f"{held}: {reasons[above]}" if above in reasons else held))
    for role in case.roles:
        actor = ground.actor(role)
        for held in ground.held.values():
            progress(f"as {role}: {held.table.name}")
            on_tables.table(case, actor, held)
            on_keys.keys(case, actor, held)
        progress(f"as {role}: without a tenant")
        on_keys.unset(case, role)
        progress(f"as {role}: views, functions and sequences")
        on_objects.every(case, actor)
    progress("as owners, strangers and roles that row security does not bind")
    on_tables.others(case)
    return Proof(
        leaks=tuple(case.leaks.values()),
        tried=case.tried,
        held=case.tried - case.reaching,
        tables=len(ground.held),
        roles=case.roles,
        notes=ground.tenancy.notes,
        untried=tuple(untried),
    )


def _with_roles(session: Connection, tenancy: Tenancy) -> Tenancy:
    """The roles to try as; where nobody but the owner has privileges, one of ours with what an application needs."""
    if tenancy.roles:
        return tenancy
    catalog = tenancy.catalog
    relations = [t.name for t in catalog.tables if t.partition_of is None] + [v.name for v in catalog.views]
    grants = [
        *(f"USAGE ON SCHEMA {quote(s.name)}" for s in catalog.schemas),
        *(f"SELECT, INSERT, UPDATE, DELETE ON {name}" for name in relations),
        *(f"USAGE ON SEQUENCE {s.name}" for s in catalog.sequences),
    ]
    for grant in grants:
        with contextlib.suppress(StatementError):
            session.run(f"GRANT {grant} TO {_TENANT}")
    note = "no role but the owner has privileges: tried as a role that may read and write every table and view"
    return replace(tenancy, roles=(_TENANT,), notes=(*tenancy.notes, note))


def _by_role(tenancy: Tenancy) -> bool:
    return any(domain is not None and not source.setting for source, domain in tenancy.sources.items())


def _own_roles(session: Connection, tenancy: Tenancy) -> tuple[str, str] | None:
    """Where the role itself says who acts, each tenant has one, with the rights of those that we try as."""
    if not _by_role(tenancy):
        return None
    for role in tenancy.roles:
        session.run(f"GRANT {quote(role)} TO {', '.join(_SIDES)}")
    return _SIDES


def _actors(tenancy: Tenancy) -> tuple[str, ...]:
    return (_SIDES[0],) if _by_role(tenancy) else tenancy.roles
