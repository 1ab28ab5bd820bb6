"""Data lost by something else

Tables, columns or rows that stood before are gone after this statement: a DO block, a function, DROP … CASCADE or DROP
SCHEMA took them.

**Seen by:** the catalog and the row counters around the statement, where no other rule explains the loss.

**Instead:** name what shall go, one statement each, without CASCADE, so that PostgreSQL refuses where more depends on
it; and keep a copy.

Source: PostgreSQL manual, chapter 5.15 "Dependency Tracking".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict, quote
from pgassay.model.observations import Loss
from pgassay.rules.step import Step, break_evidence, loss_evidence

VERDICT = Verdict.LOSES_DATA


def find(step: Step, others: list[Finding]) -> Iterator[Finding]:
    """Report losses that no rule explained."""
    told = {(e.data.get("table"), e.data.get("column")) for f in others for e in f.evidence if e.kind == "lost"}
    losses = [
        loss
        for loss in step.losses()
        if (str(loss.table), loss.column) not in told and loss.kind != "values" and step.known.get(loss.table) != 0
    ]
    named = {f.subject for f in others if f.verdict.at_least(VERDICT)}
    losses = [loss for loss in losses if _subject(loss) not in named]
    if losses:
        yield step.finding(
            VERDICT,
            f"{', '.join(map(_words, losses))}: gone after this statement",
            subject=_subject(losses[0]),
            evidence=(*loss_evidence(losses), *break_evidence(step.breaks())),
        )


def _subject(loss: Loss) -> str:
    return f"{loss.table}.{loss.column}" if loss.column else str(loss.table)


def _words(loss: Loss) -> str:
    if loss.kind == "rows":
        return f"rows of {loss.table}"
    return f"column {loss.table}.{quote(loss.column)}" if loss.column else f"table {loss.table}"
