"""Views, functions and sequences: what they reach under other rights than their caller's."""

from __future__ import annotations

from functools import partial

from pgassay.catalog import Routine, View
from pgassay.model import Remedy, Verdict
from pgassay.rehearsal.isolation import objects
from pgassay.rehearsal.isolation.bench import script
from pgassay.rehearsal.isolation.ledger import Case, holder
from pgassay.rehearsal.isolation.model import Actor, Leak


def every(case: Case, actor: Actor) -> None:
    """All of them, as one role."""
    for view in case.catalog.views:
        differs = objects.view(case.ground, case.bare, actor, view)
        if differs is not None and (view.materialized or not case.explained(view.definition, actor)):
            _view(case, actor, view, differs)
    for routine in case.catalog.routines:
        if routine.kind not in ("function", "procedure") or routine.result in ("trigger", "event_trigger"):
            continue
        if not objects.may_execute(case.ground, actor.role, routine):
            continue
        differs = objects.routine(case.ground, case.bare, actor, routine)
        if differs is not None and (routine.security_definer or not case.explained(routine.definition, actor)):
            _routine(case, actor, routine, differs)
    _sequences(case, actor)


def _view(case: Case, actor: Actor, view: View, differs: objects.Differs) -> None:
    granted = holder([g.grantee for g in view.grants], actor)
    if view.materialized:
        kind, remedy = "materialised view", f"REVOKE ALL ON {view.name} FROM {granted};"
    else:
        kind, remedy = "view", f"ALTER VIEW {view.name} SET (security_invoker = true);"
    case.add(
        Leak(
            rule="view-past-row-security",
            verdict=Verdict.EXPOSES,
            subject=str(view.name),
            message=f"the {kind} {view.name} shows one tenant rows of another: it reads as its owner, {view.owner}",
            sql=script(actor, differs.sql),
            seen=differs.seen,
            remedy=Remedy(sql=remedy),
        ),
        "SELECT",
        partial(_unspied, case, actor, view)
        if differs.sql.startswith("CREATE FUNCTION pg_temp.")
        else partial(_mended, case, actor, differs.sql),
    )


def _unspied(case: Case, actor: Actor, view: View, remedy: str) -> bool:
    """Whether the rows are kept from a function in WHERE, once the view reads with its reader's rights."""
    return objects.spied(case.ground, actor, view, remedy) is None


def _routine(case: Case, actor: Actor, routine: Routine, differs: objects.Differs) -> None:
    kind = "procedure" if routine.kind == "procedure" else "function"
    owner = f": it runs as its owner, {routine.owner}" if routine.security_definer else ""
    remedy = f"ALTER {kind.upper()} {routine.name}({routine.arguments}) SECURITY INVOKER;"
    case.add(
        Leak(
            rule="function-past-row-security",
            verdict=Verdict.EXPOSES,
            subject=f"{routine.name}({routine.arguments})",
            message=f"{kind} {routine.name} reaches rows of another tenant{owner}",
            sql=script(actor, differs.sql),
            seen=differs.seen,
            remedy=Remedy(sql=remedy, note="or have it ask whose the rows are") if routine.security_definer else None,
        ),
        "call",
        partial(_mended, case, actor, differs.sql),
    )


def _mended(case: Case, actor: Actor, query: str, remedy: str) -> bool:
    """Whether with the remedy the answer no longer depends on B's rows, and these stay as they are."""
    tables = list(case.ground.held.values())
    look = [held.digest for held in tables]
    first = case.ground.bench.attempt(actor, query, before=(remedy,), look=look)
    if first.error is not None:
        return first.state == "42501"
    other = case.bare.attempt(actor, query, before=(remedy,))
    same = sorted(map(repr, first.rows)) == sorted(map(repr, other.rows))
    return same and list(first.looked) == [case.ground.digest(held) for held in tables]


def _sequences(case: Case, actor: Actor) -> None:
    for sequence in case.catalog.sequences:
        grantees = [g.grantee for g in sequence.grants if "UPDATE" in g.privileges]
        owner = sequence.owned_by
        if actor.role not in grantees and "PUBLIC" not in grantees:
            continue
        if owner and owner[0] not in case.ground.tenancy.owned:
            continue
        found = objects.sequence(case.ground, actor, str(sequence.name))
        if found is None:
            continue
        case.add(
            Leak(
                rule="sequence-set-by-tenants",
                verdict=Verdict.EXPOSES,
                subject=str(sequence.name),
                message=f"one tenant, as {actor.role}, can set {sequence.name} back, and every tenant's inserts fail",
                sql=script(actor, found.sql),
                seen=found.seen,
                remedy=Remedy(sql=f"REVOKE UPDATE ON SEQUENCE {sequence.name} FROM {holder(grantees, actor)};"),
            ),
            "setval",
            partial(_refused, case, actor, found.sql),
        )


def _refused(case: Case, actor: Actor, query: str, remedy: str) -> bool:
    return case.ground.bench.attempt(actor, query, before=(remedy,)).state == "42501"
