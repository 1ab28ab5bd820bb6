"""Row-level security that does not bind the owner

A table's owner, and every role that has the owner's rights, is bound by no policy: it reads and changes the rows of all
tenants. Often the application connects as the role that ran the migrations, which owns every table; then row security
does nothing at all.

**Seen by:** the catalog: row security is enabled, there are policies, and it is not forced. A partition is asked by its
table's policies and is not reported. Where every policy names roles other than the owner it is a matter of style: the
application is one of those.

**Instead:** FORCE row level security. Then a migration that changes rows must name the tenant, or run as a role with
BYPASSRLS. Superusers and roles with BYPASSRLS are bound by nothing.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies"; ALTER TABLE, FORCE ROW LEVEL SECURITY.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report tables whose owner sees everything."""
    for table in state.catalog.tables:
        if not table.row_security or table.force_row_security or table.partition_of or not table.policies:
            continue
        owner = f"its owner {table.owner}" if table.owner else "its owner"
        others = sorted({g.grantee for g in table.grants})
        only = (
            "nobody else has a privilege, so the application is the owner"
            if not others
            else f"beside {', '.join(others)}"
        )
        named = {role for policy in table.policies for role in policy.roles} - {"PUBLIC", table.owner}
        yield state.finding(
            # Policies that are all for other roles say that the application is not the owner.
            Verdict.STYLE if named and all(p.roles and "PUBLIC" not in p.roles for p in table.policies) else VERDICT,
            f"row security of {table.name} does not bind {owner}, who reaches the rows of every tenant",
            subject=table.name,
            certainty=Certainty.COMPUTED,
            evidence=(Evidence(kind="catalog", text=f"ENABLE without FORCE; {only}"),),
            remedy=f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY;",
        )
