"""COMMIT or ROLLBACK in a file that the runner wraps in a transaction

Where the runner has begun a transaction, a BEGIN in the file does nothing but warn, and a COMMIT ends the RUNNER's
transaction: what follows runs statement by statement, and if one of them fails, half of the migration stays and the
runner has recorded none of it. A ROLLBACK undoes what came before, and the runner records the file as applied.

**Seen by:** the statement in a file that its runner sends in a transaction block.

**Instead:** leave BEGIN, COMMIT and ROLLBACK to the runner, or tell it to send the file without a transaction.

Source: PostgreSQL manual, BEGIN, COMMIT and ROLLBACK; chapter 3.4, Transactions.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Remedy, Verdict
from pgassay.model.actions import Transact
from pgassay.rules.step import Step

VERDICT = Verdict.SLOWS
LOOKS_AT = (Transact,)
_CONSEQUENCE = {
    "commit": "ends the transaction of {runner}: what follows is not undone if a later statement fails",
    "rollback": "undoes what this file did before, and {runner} records it as applied all the same",
}


def find(step: Step) -> Iterator[Finding]:
    """Report the ends of a transaction that the file did not begin."""
    if step.transaction.mode != "block":
        return
    for action in step.statement.of(Transact):
        if action.kind in _CONSEQUENCE:
            yield step.finding(
                VERDICT,
                f"{action.kind.upper()} {_CONSEQUENCE[action.kind].format(runner=step.runner.name)}",
                remedy=Remedy(sql=_without(step), note="BEGIN and COMMIT taken out: the runner sends its own."),
            )


def _without(step: Step) -> str:
    mine = step.migration.statements if step.migration else step.transaction.statements
    return "\n".join(f"{s.text};" for s in mine if not any(s.of(Transact)))
