"""Enum label renamed

The rows that hold it show the new label at once, and every statement of the running application that names the old one
fails (22P02).

**Seen by:** a comparison with the old label, tried after the change; else the labels before and after.

**Instead:** add the new label, deploy an application that reads both, move the rows, and leave the old label unused:
PostgreSQL cannot drop one.

Source: PostgreSQL manual, ALTER TYPE, "RENAME VALUE".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Finding, Verdict, literal, quote
from pgassay.model.actions import CreateType, RenameEnumValue
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (CreateType, RenameEnumValue)


def find(step: Step) -> Iterator[Finding]:
    """Report labels that are not known any more."""
    made = {kind.name for s in step.earlier for kind in s.of(CreateType)}
    for rename in step.statement.of(RenameEnumValue):
        if rename.type in made or not (step.static or _gone(step, rename)):
            continue
        breaks = [b for b in step.breaks() if literal(rename.old) in b.sql or rename.old in b.error]
        yield step.finding(
            VERDICT,
            f"statements that use {literal(rename.old)} of enum {rename.type} fail once it is {literal(rename.new)}",
            subject=f"{rename.type}.{rename.old}",
            certainty=None if breaks or step.static else Certainty.COMPUTED,
            evidence=break_evidence(breaks),
            remedy=_remedy(step, rename),
        )


def _gone(step: Step, rename: RenameEnumValue) -> bool:
    before = step.before.enum(str(rename.type.within("public"))) if step.before else None
    after = step.after.enum(str(rename.type.within("public"))) if step.after else None
    return bool(before and rename.old in before.labels and not (after and rename.old in after.labels))


def _remedy(step: Step, rename: RenameEnumValue) -> str:
    full = str(rename.type.within("public"))
    moved = "\n".join(
        f"UPDATE {table.name} SET {quote(column.name)} = {literal(rename.new)}"
        f" WHERE {quote(column.name)} = {literal(rename.old)};"
        for table in (step.before.tables if step.before else ())
        for column in table.columns
        if column.type == full
    )
    return f"""\
-- 1. expand
ALTER TYPE {rename.type} ADD VALUE {literal(rename.new)} AFTER {literal(rename.old)};
-- 2. deploy an application that reads both and writes {literal(rename.new)}
-- 3. in a later migration, in batches
{moved}""".rstrip()
