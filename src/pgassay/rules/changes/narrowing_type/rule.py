"""Column narrowed to a type that holds less

Values that do not fit either stop the statement (a text that is too long, a number out of range) or are changed in
silence: fractions are rounded, the time of day is cut off, digits of a floating-point number are lost.

**Seen by:** the values of the rehearsal, converted there and back; and the two types, since made-up values may happen
to fit.

**Instead:** leave the column as it is and forbid what does not fit by a CHECK; or add a second column, decide what
becomes of the values that do not fit, switch, and drop the first.

Source: PostgreSQL manual, chapter 8 "Data Types"; ALTER TABLE, "SET DATA TYPE".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.model.actions import AlterType
from pgassay.rules.changes.conversions import Narrowing, becomes, narrowing
from pgassay.rules.changes.ways import second_column
from pgassay.rules.step import Step, failure_evidence, loss_evidence

VERDICT = Verdict.LOSES_DATA
LOOKS_AT = (AlterType,)


def find(step: Step) -> Iterator[Finding]:
    """Report values that the new type cannot hold."""
    failure = step.seen.failure if step.seen else None
    for altered in step.statement.of(AlterType):
        was = step.column(altered.table, altered.column)
        if was is None:
            continue
        less = narrowed(step, altered)
        lost = [loss for loss in step.losses(altered.table, altered.column) if loss.kind == "values"]
        if failure or (was.base in {"real", "double precision"} and altered.type == "numeric"):
            lost = []
        if less is None and not lost:
            continue
        fails = less is not None and less.how == "fails" and not lost
        what = f"values {less.what}" if less else "some of its values"
        yield step.finding(
            Verdict.FAILS if fails else VERDICT,
            f"{quote(altered.column)} of {altered.table} turns from {was.type} into {altered.type}: "
            + (f"{what} make it fail" if fails else f"{what} are changed for good"),
            subject=(altered.table, altered.column),
            certainty=Certainty.COMPUTED,
            evidence=(
                *failure_evidence(step.seen),
                *loss_evidence(lost),
                Evidence(kind="catalog", text=f"the column is {was.type}"),
            ),
            remedy=second_column(
                step, altered, "Decide what becomes of the values that do not fit, before the backfill."
            ),
        )


def narrowed(step: Step, altered: AlterType) -> Narrowing | None:
    """What the two types tell, where the conversion is PostgreSQL's own."""
    was = step.column(altered.table, altered.column)
    now = becomes(step, altered)
    return narrowing(was.type, now.type, cast=bool(altered.using)) if was and now else None
