"""Enum value used in the transaction that adds it

A value that ALTER TYPE … ADD VALUE adds to a type that stood before must not be used before the transaction is
committed (SQLSTATE 55P04): not in a default, an UPDATE, an INSERT, a CHECK or an index. With a runner that sends all
pending files in one transaction, a later FILE that uses it fails as well; on a new database, where each file was
pending alone once, it never did.

**Seen by:** the error, when the statements are sent as the runner sends them. Values of a type that the same
transaction creates may be used at once.

**Instead:** add the value in a migration that is deployed before the one that uses it.

Source: PostgreSQL manual, ALTER TYPE, "Notes".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Remedy, Statement, Verdict, literal
from pgassay.model.actions import AddEnumValue, CreateType
from pgassay.rules.locks.advice import written
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS


def find(step: Step) -> Iterator[Finding]:
    """Report uses of values that are not committed yet."""
    if step.seen is not None and (step.seen.failure is None or step.seen.failure.sqlstate != "55P04"):
        return
    values = [(s, a) for s in step.together for a in s.of(AddEnumValue)]
    made = {a.name for s in step.together for a in s.of(CreateType)}
    used = [(s, a) for s, a in values if literal(a.value) in step.statement.text and a.type not in made]
    if step.seen is None and (not used or any(step.statement.of(AddEnumValue))):
        return
    known = used or values
    adding, value = known[-1] if known else (step.statement, None)
    name = f"{literal(value.value)} of {value.type}" if value else "an enum value"
    yield step.finding(
        VERDICT,
        f"{name} is used in the transaction that adds it{_where(step, adding)}: it must be committed first",
        subject=str(value.type) if value else "",
        evidence=failure_evidence(step.seen) if step.seen else (),
        remedy=Remedy(
            sql=written(
                "-- in a migration that is deployed before this one:",
                f"ALTER TYPE {value.type} ADD VALUE IF NOT EXISTS {literal(value.value)}" if value else adding.text,
            ),
            note=_note(step),
        ),
    )


def _where(step: Step, adding: Statement) -> str:
    if adding is step.statement:
        return ""
    return f" (line {adding.line})" if adding.path == step.statement.path else f" ({adding.path}:{adding.line})"


def _note(step: Step) -> str | None:
    if not step.runner.one_transaction:
        return None
    return (
        f"{step.runner.name} sends all pending files in one transaction: two files are enough only if the first is"
        " deployed before the second is added."
    )
