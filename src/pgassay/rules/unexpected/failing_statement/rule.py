"""Statement that fails

PostgreSQL refuses the statement. The runner stops there; what ran before it in the same transaction is undone, what ran
before in other transactions stays.

**Seen by:** the error on a scratch server, where no other rule explains it. Errors that follow from an earlier one of
the same transaction are not reported again. Statements that fail because the scratch server lacks something that
production may have (an extension, a role, particular rows) are listed as skipped instead.

**Instead:** the message and its detail say what is wrong; correct the statement before it is run anywhere.

Source: PostgreSQL manual, appendix A "PostgreSQL Error Codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Certainty, Finding, Verdict
from pgassay.model.observations import Failure
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS
_UNDEFINED = {"42P01", "42703", "42704", "42883", "3F000", "42P02"}


def find(step: Step, others: list[Finding]) -> Iterator[Finding]:
    """Report errors that no rule explained."""
    failure = step.seen.failure if step.seen else None
    if failure is None or failure.cause == "missing" or _follows(step, failure):
        return
    if any(f.verdict is VERDICT for f in others):
        return
    when = {"rows": " on a table with rows", "values": " with some values"}.get(failure.cause, "")
    yield step.finding(
        VERDICT,
        f"this statement fails{when}: {failure.message}",
        certainty=Certainty.COMPUTED if failure.cause == "values" else None,
        evidence=failure_evidence(step.seen),
        remedy=f"-- {failure.hint}" if failure.hint else None,
    )


def _follows(step: Step, failure: Failure) -> bool:
    """Whether it misses something that an earlier statement, which failed, would have made."""
    if failure.sqlstate not in _UNDEFINED:
        return False
    names = re.findall(r'"([^"]+)"', failure.message) or [failure.message.split("(")[0].split()[-1]]
    last = names[0].rpartition(".")[2]
    failed = [o.statement.text for o in step.observations[: len(step.earlier)] if o.failure or o.skipped]
    return any(re.search(rf"\b{re.escape(last)}\b", text) for text in failed)
