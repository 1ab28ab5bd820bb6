"""SECURITY DEFINER function without a search_path of its own

The function runs with its owner's rights, but looks names up along the caller's search_path: a caller who can create
objects in some schema, or in pg_temp, decides which table, function or operator it means.

**Seen by:** the function as the catalog holds it after the change. Functions with an SQL-standard body, whose names are
looked up when they are created, are not reported, nor those that were so before.

**Instead:** SET search_path on the function, with pg_temp last.

Source: PostgreSQL manual, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog import Catalog, Routine
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict
from pgassay.model.actions import CreateRoutine
from pgassay.rules.state import State
from pgassay.rules.step import Step

VERDICT = Verdict.EXPOSES
LOOKS_AT = (CreateRoutine,)
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)


def find(step: Step) -> Iterator[Finding]:
    """Report functions that a caller's search_path can lead astray."""
    for action in step.statement.of(CreateRoutine):
        name = action.name.within("public")
        if step.static:
            later = any(
                re.search(rf"\b{re.escape(name.name)}\b", s.text) and "search_path" in s.text for s in step.later
            )
            if not later and _unsafe(step.statement.text):
                yield step.finding(VERDICT, _message(action.name), subject=f"{name}()", remedy=_remedy(action.name, ""))
            continue
        old = _unsafe_ones(step.before, name)
        for routine in _unsafe_ones(step.after, name).values():
            if routine.arguments not in old and _unsafe(step.statement.text):
                yield step.finding(
                    VERDICT,
                    _message(action.name),
                    subject=f"{name}()",
                    certainty=Certainty.COMPUTED,
                    evidence=(Evidence(kind="catalog", text="SECURITY DEFINER, and no SET search_path"),),
                    remedy=_remedy(action.name, routine.arguments),
                )
                break


def survey(state: State) -> Iterator[Finding]:
    """Report functions that a caller's search_path can lead astray."""
    for routine in state.catalog.routines:
        if routine.security_definer and routine.kind in ("function", "procedure") and _unsafe(routine.definition):
            remedy = _remedy(routine.name, routine.arguments)
            if not routine.arguments:
                remedy = remedy.replace(" SET ", "() SET ", 1)
            yield state.finding(
                VERDICT,
                _message(routine.name),
                subject=f"{routine.name}({routine.arguments})",
                evidence=(Evidence(kind="catalog", text="SECURITY DEFINER, and no SET search_path"),),
                remedy=remedy if routine.kind == "function" else remedy.replace("ALTER FUNCTION", "ALTER PROCEDURE"),
            )


def _unsafe_ones(catalog: Catalog | None, name: Name) -> dict[str, Routine]:
    found = [r for r in catalog.routines if r.name == name and r.security_definer] if catalog else []
    return {r.arguments: r for r in found if _unsafe(r.definition)}


def _unsafe(text: str) -> bool:
    head = _BODY.sub(" ", text)
    if re.search(r"\bBEGIN\s+ATOMIC\b|\)?\s*\bRETURN\s", head, re.IGNORECASE):
        return False
    definer = re.search(r"\bSECURITY\s+DEFINER\b", head, re.IGNORECASE)
    return bool(definer) and not re.search(r"\bSET\s+\"?search_path\b", head, re.IGNORECASE)


def _message(name: Name) -> str:
    return f"function {name} runs with its owner's rights and finds names along its caller's search_path"


def _remedy(name: Name, arguments: str) -> str:
    of = f"({arguments})" if arguments else ""
    schemas = name.schema or "public"
    return f"ALTER FUNCTION {name}{of} SET search_path = pg_catalog, {schemas}, pg_temp;"
