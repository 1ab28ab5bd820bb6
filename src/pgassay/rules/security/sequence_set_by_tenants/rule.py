"""Sequence that tenants may set

UPDATE on a sequence allows setval: one tenant sets it back, and the inserts of all tenants fail on duplicate keys.
Inserts need USAGE alone, and those into identity columns nothing. `GRANT ALL` includes UPDATE.

**Seen by:** the privileges of others than the owner on the sequence of a table with row security.

**Instead:** USAGE.

Source: PostgreSQL manual, chapter 9.17 "Sequence Manipulation Functions"; GRANT.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report sequences of tenants' tables that others may set."""
    secured = {t.name for t in state.catalog.tables if t.row_security}
    for sequence in state.catalog.sequences:
        others = [g.grantee for g in sequence.grants if "UPDATE" in g.privileges]
        if not others or sequence.owned_by is None or sequence.owned_by[0] not in secured:
            continue
        roles = ", ".join(g if g == "PUBLIC" else quote(g) for g in others)
        yield state.finding(
            VERDICT,
            f"{', '.join(others)} may set {sequence.name} back: then inserts of every tenant fail",
            subject=sequence.name,
            certainty=Certainty.COMPUTED,
            evidence=(Evidence(kind="catalog", text="UPDATE on the sequence allows setval"),),
            remedy=f"REVOKE UPDATE ON SEQUENCE {sequence.name} FROM {roles};",
        )
