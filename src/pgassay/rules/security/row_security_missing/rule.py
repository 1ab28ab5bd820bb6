"""Tenants' table without row-level security

Policies on other tables compare this table's tenant column with the session, and this one has no row security: every
role with a privilege on it reaches the rows of all tenants.

**Seen by:** the catalog: a column of the name that policies of other tables compare with a session setting, a role or a
function over them, on a table without row security. `pgassay secure` tries it, and finds tables that belong to tenants
by a foreign key, too.

**Instead:** ENABLE and FORCE row level security, and the policy that the other tables have.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Policy
from pgassay.catalog.sessions import tenant_columns
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report tables with a tenant's column and no row security, beside tables that have it."""
    columns = tenant_columns(state.catalog)
    for table in state.catalog.tables:
        if table.row_security or table.policies or table.partition_of or table.kind == "foreign table":
            continue  # with policies it is row-security-disabled
        column = next((c.name for c in table.columns if c.name in columns), None)
        if column is None:
            continue
        yield state.finding(
            VERDICT,
            f"{table.name} holds rows of tenants ({quote(column)}) and has no row security",
            subject=table.name,
            certainty=Certainty.COMPUTED,
            evidence=(
                Evidence(kind="catalog", text=f"policies of other tables compare {quote(column)} with the session"),
            ),
            remedy=_remedy(table.name, columns[column]),
        )


def _remedy(table: Name, policy: Policy) -> str | None:
    condition = policy.using or policy.check or ""
    if " FROM " in condition:  # it asks other tables, maybe by this one's name
        return None
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;\n"
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;\n"
        f"CREATE POLICY {quote(policy.name)} ON {table} USING ({condition}) WITH CHECK ({condition});"
    )
