"""Function dropped

The running application's calls of it fail. Whether there are any is not written in the database.

**Seen by:** the function that stands before the change and not after it, and the workload where one is given. Trigger
functions, which no application calls, and functions that the change creates again are not reported.

**Instead:** drop it in a later migration, once no version that calls it runs.

Source: PostgreSQL manual, DROP FUNCTION.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Name, Verdict
from pgassay.model.actions import Drop
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (Drop,)
_KINDS = {"function", "procedure", "routine", "aggregate"}


def find(step: Step) -> Iterator[Finding]:
    """Report functions that are gone at the end of the change."""
    if step.before is None or step.after is None or (step.seen and step.seen.failure):
        return
    standing = {(r.name, r.arguments) for r in step.after.routines}
    for drop in step.statement.of(Drop):
        for name in drop.names if drop.kind in _KINDS else ():
            full = _full(name)
            gone = [r for r in step.before.routines if r.name == full and (r.name, r.arguments) not in standing]
            called = [r for r in gone if r.result not in {"trigger", "event_trigger"}]
            breaks = step.breaks()
            if not called or any(r.name == full for r in step.after.routines):
                continue
            yield step.finding(
                VERDICT,
                f"{drop.kind} {name} is dropped, and calls of it by the running application fail",
                subject=f"{full}()",
                certainty=None if breaks else Certainty.COMPUTED,
                evidence=(
                    *break_evidence(breaks),
                    Evidence(kind="catalog", text=f"{full}({called[0].arguments}) stands before the change only"),
                ),
                remedy=f"-- in a later migration, once no application calls {name}\n{step.statement.text};",
            )


def _full(name: Name) -> Name:
    return name.within("public")
