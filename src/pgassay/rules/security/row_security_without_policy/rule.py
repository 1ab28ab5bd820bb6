"""Row-level security switched on without a policy

Every role but the table's owner sees no row and can write none: the default is to deny. With FORCE the owner too.

**Seen by:** the policies after the change, and the roles that hold privileges on the table. Where only the owner uses
the table nobody is locked out, and nothing is reported; with FORCE, the owner's own statements are tried.

**Instead:** create the policies in the same transaction, before row security is switched on.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.model.actions import RowSecurity
from pgassay.rules.state import State
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (RowSecurity,)


def find(step: Step) -> Iterator[Finding]:
    """Report tables that nobody reaches any more."""
    for action in step.statement.of(RowSecurity):
        before = None if step.fresh(action.table) else step.table(action.table)
        after = step.after.table(action.table) if step.after else None
        if before is None or after is None or not after.row_security or any(p.permissive for p in after.policies):
            continue
        breaks = [b for b in step.breaks(action.table) if b.sqlstate == "42501"]
        roles = sorted({g.grantee for g in before.grants if g.grantee != before.owner})
        if action.setting == "enable" and not before.row_security and roles:
            yield step.finding(
                VERDICT,
                f"{', '.join(roles)} can read and write no row of {action.table}: row security is on, without a policy",
                subject=action.table,
                certainty=Certainty.COMPUTED,
                evidence=(
                    Evidence(kind="catalog", text="no permissive policy after the change"),
                    *break_evidence(breaks),
                ),
                remedy=_remedy(action.table, roles[0]),
            )
        elif breaks:
            yield step.finding(
                VERDICT,
                f"the owner too can write no row of {action.table}: row security is forced, without a policy",
                subject=action.table,
                evidence=break_evidence(breaks),
                remedy=_remedy(action.table, before.owner or "CURRENT_USER"),
            )


def survey(state: State) -> Iterator[Finding]:
    """Report tables that others than the owner hold privileges on and no policy lets them use."""
    for table in state.catalog.tables:
        roles = sorted({g.grantee for g in table.grants if g.grantee != table.owner})
        if not table.row_security or not roles or table.partition_of or any(p.permissive for p in table.policies):
            continue
        yield state.finding(
            VERDICT,
            f"{', '.join(roles)} can read and write no row of {table.name}: row security is on, without a policy",
            subject=table.name,
            evidence=(Evidence(kind="catalog", text="no permissive policy"),),
            remedy=_remedy(table.name, roles[0]),
        )


def _remedy(table: Name, role: str) -> str:
    to = role if role in {"PUBLIC", "CURRENT_USER"} else quote(role)
    return f"CREATE POLICY all_rows ON {table} FOR ALL TO {to} USING (true);  -- or a condition on the row's owner"
