"""Policy that lets everyone change every row

Permissive policies are joined by OR: one with USING (true) for everyone makes all the others on the table void for its
command. For SELECT that is how a public table is written, and it is not reported; for ALL, UPDATE and DELETE every role
with the privilege, an anonymous one too, may change rows of others.

**Seen by:** the policy as the catalog holds it after the change, on a table with row security.

**Instead:** a condition on the row, or the role that shall have this, by TO.

Source: PostgreSQL manual, CREATE POLICY; chapter 5.9 "Row Security Policies".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog import Policy
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.model.actions import CreatePolicy
from pgassay.rules.state import State
from pgassay.rules.step import Step

VERDICT = Verdict.EXPOSES
LOOKS_AT = (CreatePolicy,)
_EVERYONE = {"public", "anon"}
_WRITES = {"all", "update", "delete"}


def find(step: Step) -> Iterator[Finding]:
    """Report policies without any condition on writes."""
    for action in step.statement.of(CreatePolicy):
        if step.static:
            open_ = _open_in_text(step.statement.text)
        else:
            table = step.after.table(action.table) if step.after else None
            policy = next((p for p in table.policies if p.name == action.name), None) if table else None
            open_ = bool(table and table.row_security and policy and _open(policy))
        if open_:
            name = quote(action.name)
            yield step.finding(
                VERDICT,
                f"policy {name} lets everyone change every row of {action.table}",
                subject=action.table,
                certainty=None if step.static else Certainty.COMPUTED,
                evidence=(Evidence(kind="catalog", text="USING (true), for everyone, on writes"),),
                remedy=_remedy(action.name, action.table),
            )


def survey(state: State) -> Iterator[Finding]:
    """Report policies without any condition on writes, on tables whose policies are applied."""
    for table in state.catalog.tables:
        for policy in table.policies if table.row_security else ():
            if _open(policy):
                yield state.finding(
                    VERDICT,
                    f"policy {quote(policy.name)} lets everyone change every row of {table.name}",
                    subject=table.name,
                    evidence=(Evidence(kind="catalog", text="USING (true), for everyone, on writes"),),
                    remedy=_remedy(policy.name, table.name),
                )


def _remedy(policy: str, table: Name) -> str:
    name = quote(policy)
    return (
        f"DROP POLICY {name} ON {table};\n"
        f"CREATE POLICY {name} ON {table} FOR SELECT USING (true);"
        "  -- and one with a condition for each command that writes"
    )


def _open(policy: Policy) -> bool:
    everyone = not policy.roles or any(r.lower() in _EVERYONE for r in policy.roles)
    using = (policy.using or "").strip("()").lower()
    check = (policy.check or "true").strip("()").lower()
    return policy.permissive and everyone and policy.command.lower() in _WRITES and using == check == "true"


def _open_in_text(text: str) -> bool:
    words = " ".join(text.split())
    if re.search(r"\bAS RESTRICTIVE\b|\bFOR (SELECT|INSERT)\b", words, re.IGNORECASE):
        return False
    to = re.search(r"\bTO ([\w\", ]+?)(?= USING\b| WITH\b|$)", words, re.IGNORECASE)
    everyone = to is None or any(r.strip(' "').lower() in _EVERYONE for r in to[1].split(","))
    checks = re.findall(r"\bWITH CHECK \((.*)\)", words, re.IGNORECASE)
    using = re.search(r"\bUSING \( ?\(?true\)? ?\)", words, re.IGNORECASE)
    return bool(using) and everyone and all(c.strip("() ").lower() == "true" for c in checks)
