"""Role that row-level security does not bind

A role with BYPASSRLS, like a superuser, sees and changes the rows of all tenants, whatever policies say. So does
whoever may SET ROLE to it. `pgassay secure` finds out which of the application's roles can get at one.

**Seen by:** CREATE ROLE or ALTER ROLE with BYPASSRLS or SUPERUSER.

**Instead:** for jobs that need all rows a role of their own, which the application's roles are no members of; for
migrations the tables' owner, with row security not forced while they run.

Source: PostgreSQL manual, CREATE ROLE, BYPASSRLS; chapter 5.9 "Row Security Policies".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.model.actions import CreateRole, Other
from pgassay.rules.step import Step

VERDICT = Verdict.EXPOSES
LOOKS_AT = (CreateRole, Other)
_GIVES = re.compile(
    r"\A\s*(?:CREATE|ALTER)\s+(?:ROLE|USER)\s+(\"(?:[^\"]|\"\")+\"|\w+)\s(?:[^'\"]|'[^']*')*?"
    r"(?<!\w)(BYPASSRLS|SUPERUSER)\b",
    re.IGNORECASE,
)


def find(step: Step) -> Iterator[Finding]:
    """Report roles that no policy binds."""
    given = _GIVES.match(step.statement.text)
    if given is None or not any(True for a in step.statement.actions if isinstance(a, LOOKS_AT)):
        return
    name, word = given[1].strip('"').replace('""', '"'), given[2].upper()
    yield step.finding(
        VERDICT,
        f"no policy binds role {name}: it reaches the rows of every tenant, and so do its members",
        subject=name,
        certainty=Certainty.PRESUMED if step.static else Certainty.COMPUTED,
        evidence=(Evidence(kind="text", text=word),),
        remedy=f"ALTER ROLE {quote(name)} NO{word};",
    )
