"""Keys, and sessions that name no tenant."""

from __future__ import annotations

from functools import partial

from pgassay.catalog import Index, Table
from pgassay.model import Remedy, Verdict
from pgassay.rehearsal.isolation import channels, cures
from pgassay.rehearsal.isolation.bench import script
from pgassay.rehearsal.isolation.ground import Held
from pgassay.rehearsal.isolation.ledger import Case
from pgassay.rehearsal.isolation.model import Actor, Leak

_TOLD = {"row-security-missing", "row-security-disabled", "rows-of-other-tenants", "partition-past-row-security"}
_CHECKED = "run it where row security does not bind: a new foreign key is checked on the rows that its owner sees"


def keys(case: Case, actor: Actor, held: Held) -> None:
    """What unique keys and foreign keys tell of rows that are not seen."""
    table = held.table
    for told in channels.duplicates(case.ground, actor, held):
        assert isinstance(told.key, Index)
        columns = ", ".join(c for c in told.key.columns if c)
        remedy = cures.key_cure(held, told.key)
        case.add(
            Leak(
                rule="key-across-tenants",
                verdict=Verdict.EXPOSES,
                subject=f"{table.name}.{columns}" if len(told.key.columns) == 1 else str(table.name),
                message=f"a duplicate of ({columns}) in {table.name} tells one tenant what another has",
                sql=script(actor, told.sql),
                seen=told.seen,
                remedy=Remedy(sql=remedy) if remedy else None,
            ),
            "INSERT",
            partial(_ends_in, case, actor, told.sql, ("",), told.before),
        )
    for told in channels.references(case.ground, actor, held):
        assert not isinstance(told.key, Index)
        case.add(
            Leak(
                rule="reference-across-tenants",
                verdict=Verdict.EXPOSES,
                subject=f"{table.name}.{told.key.columns[0]}",
                message=f"one tenant's row in {table.name} can refer to another's in {told.key.references}:"
                " so it learns which keys there are",
                sql=script(actor, told.sql),
                seen=told.seen,
                remedy=Remedy(sql=cures.reference_cure(case.ground, held, told.key), note=_CHECKED),
            ),
            "INSERT",
            partial(_ends_in, case, actor, told.sql, ("23503", "42501"), ()),
        )


def _ends_in(
    case: Case, actor: Actor, statement: str, states: tuple[str, ...], before: tuple[str, ...], remedy: str
) -> bool:
    bench = case.ground.bench
    free = [s for name in bench.forced for s in bench.freely(name)] if before else []
    return bench.attempt(actor, statement, before=(case.unforced(remedy), *free, *before)).state in states


def unset(case: Case, role: str) -> None:
    """Sessions that name no tenant: they shall see nothing, and fail for nothing."""
    failing: dict[tuple[str, str], list[channels.Unset]] = {}
    for found in channels.without_tenant(case.ground, case.fresh, role):
        if found.state:
            failing.setdefault((found.actor.kind, found.state), []).append(found)
        elif not _told(case, role, found.held.table):
            _rows_seen(case, role, found)
    for (kind, state), each in failing.items():
        where = cures.tables_of([f.held.table.name for f in each])
        when = "was never set" if kind == "unset" else "is empty, as it is after SET LOCAL"
        case.reaching -= 1  # it reaches nothing
        case.add(
            Leak(
                rule="rows-without-tenant",
                verdict=Verdict.STYLE,
                subject=f"{kind} {state}",
                message=f"where the tenant's setting {when}, {where}: an error instead of no rows",
                sql=script(each[0].actor, each[0].sql),
                seen=each[0].seen,
            ),
            "SELECT",
        )


def _told(case: Case, role: str, table: Table) -> bool:
    """Whether there is another reason, told already, for which the role sees rows of others."""
    named = any(subject == str(table.name) and rule in _TOLD for rule, subject in case.leaks)
    return named or cures.acts_as_owner(case.ground, role, table)


def _rows_seen(case: Case, role: str, found: channels.Unset) -> None:
    remedy = cures.cure(case.ground, "rows-without-tenant", found.held, found.actor)
    case.add(
        Leak(
            rule="rows-without-tenant",
            verdict=Verdict.EXPOSES,
            subject=str(found.held.table.name),
            message=f"a session that names no tenant, as {role}, sees rows of {found.held.table.name}",
            sql=script(found.actor, found.sql),
            seen=found.seen,
            remedy=Remedy(sql=remedy) if remedy else None,
        ),
        "SELECT",
        lambda sql: not case.ground.bench.attempt(found.actor, found.sql, before=(sql,)).rows,
    )
