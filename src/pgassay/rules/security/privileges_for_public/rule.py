"""Writing privileges granted to PUBLIC

PUBLIC is every role of the whole cluster, those that are made tomorrow too. Whoever can connect may change the rows.

**Seen by:** the privileges after the change that were not there before. Tables with row security, whose policies
decide, are not reported, and neither is reading.

**Instead:** grant to a role that the application's users are members of.

Source: PostgreSQL manual, GRANT; chapter 5.8 "Privileges".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.model.actions import Other
from pgassay.rules.state import State
from pgassay.rules.step import Step

VERDICT = Verdict.EXPOSES
LOOKS_AT = (Other,)
_WRITES = {"INSERT", "UPDATE", "DELETE", "TRUNCATE"}
_TEXT = re.compile(
    r"\AGRANT\s+(?:[\w\s,()]*\b(?:INSERT|UPDATE|DELETE|TRUNCATE|ALL)\b[\w\s,()]*)\sON\s+(?:TABLE\s|ALL\s+TABLES\s)?"
    r"(?!(?:SEQUENCE|SCHEMA|FUNCTION|DATABASE|TYPE|DOMAIN|LANGUAGE|ROUTINE|PROCEDURE|ALL\s|FOREIGN|PARAMETER)\b)"
    r".*\sTO\s+(?:[^;]*,\s*)?PUBLIC\b",
    re.IGNORECASE | re.DOTALL,
)


def find(step: Step) -> Iterator[Finding]:
    """Report tables that everyone may write."""
    if not any(a.kind == "grant" for a in step.statement.of(Other)) or not _TEXT.match(step.statement.text):
        return
    if step.static:
        words, subject, sure = "the tables named", "PUBLIC", None
        evidence: tuple[Evidence, ...] = ()
    else:
        tables = [t for t in step.after.tables if _writable(t) and not t.row_security] if step.after else []
        before = {t.name for t in step.before.tables if _writable(t)} if step.before else set()
        opened = [t for t in tables if t.name not in before and _concerned(step, t)]
        if not opened:
            return
        words, sure = ", ".join(str(t.name) for t in opened), Certainty.COMPUTED
        subject = str(opened[0].name) if len(opened) == 1 else "PUBLIC"
        evidence = tuple(
            Evidence(kind="catalog", text=f"PUBLIC may {', '.join(sorted(_writable(t)))} on {t.name}") for t in opened
        )
    yield step.finding(
        VERDICT,
        f"every role that can connect may change the rows of {words}",
        subject=subject,
        certainty=sure,
        evidence=evidence,
        remedy=re.sub(
            r"\bPUBLIC\b", "app_user", re.sub(r"\A\s*GRANT", "GRANT", step.statement.text), flags=re.IGNORECASE
        )
        + ";  -- app_user: a role made for those who shall write",
    )


def survey(state: State) -> Iterator[Finding]:
    """Report tables that everyone may write."""
    for table in state.catalog.tables:
        if not (may := _writable(table)) or table.row_security:
            continue
        yield state.finding(
            VERDICT,
            f"every role that can connect may change the rows of {table.name}",
            subject=table.name,
            evidence=(Evidence(kind="catalog", text=f"PUBLIC may {', '.join(sorted(may))} on {table.name}"),),
            remedy=f"REVOKE {', '.join(sorted(may))} ON {table.name} FROM PUBLIC;",
        )


def _writable(table: Table) -> set[str]:
    return {p for g in table.grants if g.grantee == "PUBLIC" for p in g.privileges} & _WRITES


def _concerned(step: Step, table: Table) -> bool:
    named = [r for a in step.statement.of(Other) for r in a.relations]
    return not named or any(n.within("public") == table.name for n in named)
