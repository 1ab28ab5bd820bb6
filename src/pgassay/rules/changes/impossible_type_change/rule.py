"""Type change that PostgreSQL cannot do by itself

There is no implicit or assignment cast from the old type to the new one (or none for the column's default), so ALTER
TABLE is refused whatever the table holds (42804, 42846).

**Seen by:** the error, also on empty tables.

**Instead:** say with USING how a value becomes one of the new type; drop a default that cannot be converted, and set it
again afterwards.

Source: PostgreSQL manual, ALTER TABLE, "SET DATA TYPE … USING".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict, quote
from pgassay.model.actions import AlterType
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS
LOOKS_AT = (AlterType,)


def find(step: Step) -> Iterator[Finding]:
    """Report conversions that do not exist."""
    failure = step.seen.failure if step.seen else None
    if failure is None or failure.sqlstate not in {"42804", "42846"}:
        return
    for altered in step.statement.of(AlterType):
        if f'"{altered.column}"' not in failure.message and len(step.statement.actions) > 1:
            continue
        column = quote(altered.column)
        default = failure.message.startswith("default")
        yield step.finding(
            VERDICT,
            f"{'the default of ' if default else ''}{column} of {altered.table} cannot become {altered.type} by itself",
            subject=(altered.table, altered.column),
            evidence=failure_evidence(step.seen),
            remedy=_default(step, altered) if default else _using(altered),
        )


def _using(altered: AlterType) -> str:
    column = quote(altered.column)
    return f"ALTER TABLE {altered.table} ALTER COLUMN {column} TYPE {altered.type} USING {column}::{altered.type};"


def _default(step: Step, altered: AlterType) -> str:
    column = quote(altered.column)
    was = step.column(altered.table, altered.column)
    value = (was.default if was else None) or "NULL"
    bare = value.rpartition("::")[0] or value
    using = altered.using or f"{column}::{altered.type}"
    return f"""\
ALTER TABLE {altered.table} ALTER COLUMN {column} DROP DEFAULT,
  ALTER COLUMN {column} TYPE {altered.type} USING {using},
  ALTER COLUMN {column} SET DEFAULT {bare}::{altered.type};"""
