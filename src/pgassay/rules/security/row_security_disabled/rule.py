"""Row-level security switched off

The policies of the table stand, but are not applied any more: every role with a privilege on the table sees and changes
all its rows.

**Seen by:** the table's row security, on before the change and off after it. Switched on again by the same change, or
on a table that had none, it is not reported.

**Instead:** leave it on, and give the role that needs all rows a policy of its own or BYPASSRLS.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.model.actions import RowSecurity
from pgassay.rules.state import State
from pgassay.rules.step import Step

VERDICT = Verdict.EXPOSES
LOOKS_AT = (RowSecurity,)


def find(step: Step) -> Iterator[Finding]:
    """Report tables that lost their row security."""
    for action in step.statement.of(RowSecurity):
        if action.setting != "disable" or step.fresh(action.table):
            continue
        before = step.table(action.table)
        after = step.after.table(action.table) if step.after else None
        if step.static:
            off = not any(
                a.table == action.table and a.setting == "enable" for s in step.later for a in s.of(RowSecurity)
            )
        else:
            off = bool(before and before.row_security and after and not after.row_security)
        if not off:
            continue
        policies = ", ".join(p.name for p in before.policies) if before else ""
        yield step.finding(
            VERDICT,
            f"every role with a privilege on {action.table} reaches all its rows once row security is off",
            subject=action.table,
            certainty=None if step.static else Certainty.COMPUTED,
            evidence=(Evidence(kind="catalog", text=f"policies not applied any more: {policies}"),) if policies else (),
            remedy=f"ALTER TABLE {action.table} ENABLE ROW LEVEL SECURITY;",
        )


def survey(state: State) -> Iterator[Finding]:
    """Report tables whose policies are not applied."""
    for table in state.catalog.tables:
        if table.policies and not table.row_security:
            policies = ", ".join(p.name for p in table.policies)
            yield state.finding(
                VERDICT,
                f"{table.name} has policies, and row security is off: every role with a privilege reaches all its rows",
                subject=table.name,
                evidence=(Evidence(kind="catalog", text=f"policies not applied: {policies}"),),
                remedy=f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY;",
            )
