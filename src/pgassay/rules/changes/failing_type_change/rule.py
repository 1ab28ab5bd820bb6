"""Type change that some values do not survive

Every value is converted while the table is rewritten; the first that has no counterpart in the new type stops the
statement (22P02, 22003, 22007 …).

**Seen by:** the error on made-up rows; for a text read as something else by its cast, the types, since made-up texts
are chosen to convert. Whether production's values do depends on them. A CHECK on the column, or a USING that says
more than a cast, is trusted.

**Instead:** add a column of the new type, convert in batches with a rule for what does not convert, switch, and drop
the old column.

Source: PostgreSQL manual, ALTER TABLE, "SET DATA TYPE".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.model.actions import AlterType
from pgassay.rules.changes.conversions import becomes
from pgassay.rules.changes.narrowing_type.rule import narrowed
from pgassay.rules.changes.ways import second_column
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS
LOOKS_AT = (AlterType,)


def find(step: Step) -> Iterator[Finding]:
    """Report conversions that failed on values, or that fail on values which the old type allows."""
    failure = step.seen.failure if step.seen else None
    failed = failure is not None and failure.sqlstate[:2] == "22"
    altered = list(step.statement.of(AlterType))
    if any(narrowed(step, a) for a in altered) or (failure and not failed):
        return
    for change in altered[:1] if failed else [a for a in altered if _unparsed(step, a)]:
        yield step.finding(
            VERDICT,
            f"converting {quote(change.column)} of {change.table} to {change.type} fails if any value is not a valid"
            f" {change.type}",
            subject=(change.table, change.column) if len(altered) == 1 or not failed else change.table,
            certainty=Certainty.COMPUTED,
            evidence=(*failure_evidence(step.seen), *_query(step, change)),
            remedy=second_column(step, change, "Adapt the conversions in the trigger to values that do not convert."),
        )


def _unparsed(step: Step, change: AlterType) -> bool:
    """Whether a text that no CHECK restrains is read as something else."""
    was, now, table = step.column(change.table, change.column), becomes(step, change), step.table(change.table)
    if was is None or now is None or table is None or was.category != "S" or now.category == "S" or now.base == "bytea":
        return False
    return not any(c.kind == "check" and f"{quote(change.column)}" in (c.expression or "") for c in table.constraints)


def _query(step: Step, change: AlterType) -> Iterator[Evidence]:
    was = step.column(change.table, change.column)
    if was and was.category == "S" and change.using in {None, f"{change.column}::{change.type}"}:
        column, name = quote(change.column), change.type.replace("'", "''")
        sql = f"SELECT * FROM {change.table} WHERE NOT pg_input_is_valid({column}, '{name}')"
        yield Evidence(kind="text", text=f"{sql}; finds the rows in the way", data={"sql": sql})
