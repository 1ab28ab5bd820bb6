"""Column changed to a type that the running application does not write

The conversion itself succeeds, but statements that the running application sends, with values of the old type, fail on
the new one: a label that the new enum lacks, text that is no JSON, a comparison without an operator.

**Seen by:** the old application's statements, tried after the change.

**Instead:** a second column of the new type beside the first, kept equal by a trigger, until the application is
deployed.

Source: PostgreSQL manual, ALTER TABLE, "SET DATA TYPE"; chapter 10 "Type Conversion".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Finding, Verdict, quote
from pgassay.model.actions import AlterType
from pgassay.rules.changes.ways import second_column
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (AlterType,)


def find(step: Step) -> Iterator[Finding]:
    """Report conversions after which old statements fail."""
    if step.seen is None or step.seen.failure:
        return
    changes = list(step.statement.of(AlterType))
    for altered in changes:
        if step.fresh_column(altered.table, altered.column):
            continue
        breaks = [b for b in step.breaks(altered.table, altered.column) if b.column or len(changes) == 1]
        if not breaks:
            continue
        # Values made up by us may be such as the application never writes; labels and operators are not.
        sure = any(b.source == "workload" or b.column for b in breaks)
        yield step.finding(
            VERDICT,
            f"statements of the running application fail on {quote(altered.column)} of {altered.table}"
            f" once it is {altered.type}",
            subject=(altered.table, altered.column),
            certainty=None if sure else Certainty.COMPUTED,
            evidence=break_evidence(breaks),
            remedy=second_column(step, altered, "Say in the trigger how a value of one type becomes one of the other."),
        )
