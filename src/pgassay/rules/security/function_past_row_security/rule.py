"""SECURITY DEFINER function that reads past row-level security

The function runs with its owner's rights, and no policy of a table that is not forced binds the owner. Whoever may
execute it, which is everybody unless that was revoked, gets at the rows of all tenants that it reads or changes.

**Seen by:** the function's text, which names a table with row security that does not bind the function's owner and
asks neither the session nor the role whose rows they are. `pgassay secure` calls it.

**Instead:** SECURITY INVOKER; else a condition on the tenant in the function, and EXECUTE for those who need it.

Source: PostgreSQL manual, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely"; chapter 5.9.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog.sessions import mentions, reads, session_functions
from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report functions under their owner's rights that name tables with row security."""
    functions = session_functions(state.catalog)
    free = {t.name.name: t for t in state.catalog.tables if t.row_security and not t.force_row_security}
    for routine in state.catalog.routines:
        if not routine.security_definer or routine.kind not in ("function", "procedure") or routine.result == "trigger":
            continue
        others = [g.grantee for g in routine.grants if "EXECUTE" in g.privileges]
        named = [str(free[n].name) for n in mentions(routine.definition, free) if free[n].owner == routine.owner]
        if not named or not others or reads(routine.definition, functions):
            continue
        what = "PROCEDURE" if routine.kind == "procedure" else "FUNCTION"
        yield state.finding(
            VERDICT,
            f"{', '.join(others)} may execute {what.lower()} {routine.name}, which reaches rows of every tenant in"
            f" {', '.join(named)}",
            subject=f"{routine.name}({routine.arguments})",
            certainty=Certainty.PRESUMED,
            evidence=(Evidence(kind="text", text="SECURITY DEFINER; it asks nothing of the session"),),
            remedy=f"ALTER {what} {routine.name}({routine.arguments}) SECURITY INVOKER;",
        )
