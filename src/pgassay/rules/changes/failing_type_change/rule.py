"""Type change that some values do not survive

Every value is converted while the table is rewritten; the first that has no counterpart in the new type stops the
statement (22P02, 22003, 22007 …).

**Seen by:** the error on made-up rows. Whether production's values convert depends on them, so it is computed.

**Instead:** add a column of the new type, convert in batches with a rule for what does not convert, switch, and drop
the old column.

Source: PostgreSQL manual, ALTER TABLE, "SET DATA TYPE".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.model.actions import AlterType
from pgassay.rules.changes.narrowing_type.rule import narrowed
from pgassay.rules.changes.ways import second_column
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS


def find(step: Step) -> Iterator[Finding]:
    """Report conversions that failed on values."""
    failure = step.seen.failure if step.seen else None
    if failure is None or failure.sqlstate[:2] != "22":
        return
    altered = list(step.statement.of(AlterType))
    if any(narrowed(step, a) for a in altered):
        return
    for change in altered[:1]:
        column = quote(change.column)
        yield step.finding(
            VERDICT,
            f"converting {column} of {change.table} to {change.type} fails if any value is not a valid {change.type}",
            subject=(change.table, change.column) if len(altered) == 1 else change.table,
            certainty=Certainty.COMPUTED,
            evidence=(*failure_evidence(step.seen), *_query(step, change)),
            remedy=second_column(
                step, change, "Adapt the conversions in the trigger to the values that do not convert."
            ),
        )


def _query(step: Step, change: AlterType) -> Iterator[Evidence]:
    was = step.column(change.table, change.column)
    if was and was.category == "S" and change.using in {None, f"{change.column}::{change.type}"}:
        column, name = quote(change.column), change.type.replace("'", "''")
        sql = f"SELECT * FROM {change.table} WHERE NOT pg_input_is_valid({column}, '{name}')"
        yield Evidence(kind="text", text=f"{sql}; finds the rows in the way", data={"sql": sql})
