"""Policy that lets one tenant reach another's rows

Permissive policies are joined by OR: one that asks neither for the session nor for the tenant's column lets every
tenant reach the rows that it describes.

**Seen by:** the catalog: a permissive policy, on a table with the column that other policies compare with the
session, whose condition asks for neither (true for every row and every command is `policy-for-everyone`). `pgassay
secure` finds what is less plain, with the statement that shows it.

**Instead:** the tenant's condition in the policy, or AS RESTRICTIVE.

Source: PostgreSQL manual, CREATE POLICY.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Policy, Table
from pgassay.catalog.sessions import mentions, reads, session_functions, tenant_columns, texts
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES
_WRITES = {"all", "update", "delete"}


def survey(state: State) -> Iterator[Finding]:
    """Report policies that ask for no tenant where others do."""
    functions = session_functions(state.catalog)
    tenants = tenant_columns(state.catalog)
    for table in state.catalog.tables:
        columns = [c.name for c in table.columns if c.name in tenants]
        if not columns or not table.row_security:
            continue
        for policy in table.policies:
            conditions = texts([policy])
            asks = any(reads(text, functions) or mentions(text, columns) for text in conditions)
            if not policy.permissive or asks or not conditions or _never(conditions) or _for_everyone(policy):
                continue
            yield state.finding(
                VERDICT,
                f"policy {quote(policy.name)} lets every tenant {_does(policy)} rows of others in {table.name}",
                subject=table.name,
                certainty=Certainty.COMPUTED,
                evidence=(Evidence(kind="catalog", text=f"its condition: {'; '.join(conditions)}"),),
                remedy=_remedy(table, policy, tenants[columns[0]]),
            )


def _never(conditions: list[str]) -> bool:
    return all(text.strip("()").lower() == "false" for text in conditions)


def _for_everyone(policy: Policy) -> bool:
    always = all(t.strip("()").lower() == "true" for t in texts([policy])) and policy.using is not None
    return always and policy.command.lower() in _WRITES


def _does(policy: Policy) -> str:
    words = {"select": "read", "insert": "write", "update": "change", "delete": "delete"}
    return words.get(policy.command.lower(), "reach")


def _remedy(table: Table, policy: Policy, like: Policy) -> str | None:
    condition = like.using or like.check or ""
    if " FROM " in condition:
        return None
    told = [f"USING (({policy.using}) AND {condition})"] if policy.using else []
    told += [f"WITH CHECK (({policy.check}) AND {condition})"] if policy.check else []
    return f"ALTER POLICY {quote(policy.name)} ON {table.name} {' '.join(told)};"
