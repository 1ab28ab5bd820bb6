"""TRUNCATE on a table with row-level security

TRUNCATE asks no policy: who has the privilege empties the table for all tenants. `GRANT ALL` includes it.

**Seen by:** the privileges of others than the owner on a table with row security.

**Instead:** SELECT, INSERT, UPDATE and DELETE by name.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies"; GRANT.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report tables with row security that others may empty."""
    for table in state.catalog.tables:
        others = [g.grantee for g in table.grants if "TRUNCATE" in g.privileges]
        if not table.row_security or not others:
            continue
        roles = ", ".join(g if g == "PUBLIC" else quote(g) for g in others)
        yield state.finding(
            VERDICT,
            f"{', '.join(others)} may TRUNCATE {table.name}, rows of every tenant with it",
            subject=table.name,
            certainty=Certainty.COMPUTED,
            evidence=(Evidence(kind="catalog", text="TRUNCATE asks no policy"),),
            remedy=f"REVOKE TRUNCATE ON {table.name} FROM {roles};",
        )
