"""Running application broken by something else

Statements that the application running before the change may send, and that worked, fail after this statement: a new
CHECK, trigger or policy, a revoked privilege, a function of another signature, or whatever a DO block did.

**Seen by:** the old application's statements, tried after each statement of the change, where no other rule explains
them (what is lost, cannot be used: lost-data says so). It is proved where the workload holds the statement, or where
no value that we made up plays a part.

**Instead:** expand first, in a way that old and new statements pass; contract once no old version runs.

Source: PostgreSQL manual, appendix A "PostgreSQL Error Codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Certainty, Finding, Verdict
from pgassay.model.actions import Copy, Insert, Update
from pgassay.model.observations import Break
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP


def find(step: Step, others: list[Finding]) -> Iterator[Finding]:
    """Report broken statements that no rule explained."""
    breaks = tuple(b for b in step.breaks() if not _taken(step, b) and not _wrote_null(b))
    gone = any(loss.kind in {"table", "column"} and step.known.get(loss.table) != 0 for loss in step.losses())
    if not breaks or gone or any(f.verdict.at_least(VERDICT) for f in others):
        return
    shown = sorted(breaks, key=lambda b: not _sure(b))
    what = "statement" if len(breaks) == 1 else "statements"
    table = shown[0].table
    yield step.finding(
        VERDICT,
        f"{len(breaks)} {what} of the running application {'fails' if len(breaks) == 1 else 'fail'} after this"
        + (f" (on {table})" if table else "")
        + f": {shown[0].error}",
        subject=table or "",
        certainty=None if _sure(shown[0]) else Certainty.COMPUTED,
        evidence=break_evidence(shown),
    )


def _sure(found: Break) -> bool:
    """Whether the error does not hang on values that were made up."""
    return found.source == "workload" or found.sqlstate == "23502" or found.sqlstate[:2] not in {"22", "23", "P0"}


def _taken(step: Step, found: Break) -> bool:
    """Whether the statement writes a row whose key ours happens to have."""
    writes = any(isinstance(a, Insert | Update | Copy) for a in step.statement.actions)
    return writes and found.sqlstate == "23505" and found.source == "catalog"


def _wrote_null(found: Break) -> bool:
    """Whether the row that we made up holds NULL where NULL was allowed: the application may never write one there."""
    missing = re.match(r'null value in column "([^"]+)"', found.error)
    if missing is None or found.source == "workload":
        return False
    named = re.split(r"\bVALUES\b", found.sql, maxsplit=1)[0]
    return re.search(rf'[(,]\s*"?{re.escape(missing[1])}"?\s*[,)]', named) is not None
