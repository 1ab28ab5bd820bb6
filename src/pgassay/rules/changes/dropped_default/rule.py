"""Default of a required column dropped

The application that runs now leaves the column out of its INSERTs and counts on the default; without it they fail
(23502).

**Seen by:** the old application's INSERT, tried after the change. A default that is dropped from a nullable column, or
replaced by another before the change ends, breaks nothing and is not reported.

**Instead:** drop the default only after the application that names the column is deployed everywhere.

Source: PostgreSQL manual, ALTER TABLE, "SET/DROP DEFAULT"; chapter 5.2 "Default Values".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Remedy, Verdict, quote
from pgassay.model.actions import AddColumn, AddIdentity, OtherAlter, SetDefault, SetNotNull
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (AddColumn, AddIdentity, OtherAlter, SetDefault, SetNotNull)


def find(step: Step) -> Iterator[Finding]:
    """Report dropped defaults that INSERTs counted on."""
    for dropped in step.statement.of(SetDefault):
        if dropped.default is not None or step.fresh(dropped.table):
            continue
        name = f'"{dropped.column}"'
        breaks = [b for b in step.breaks(dropped.table) if b.sqlstate == "23502" and name in b.error]
        if breaks or (step.static and _required(step, dropped) and not _replaced(step, dropped)):
            yield step.finding(
                VERDICT,
                f"INSERTs into {dropped.table} that leave out {quote(dropped.column)} fail once its default is gone",
                subject=(dropped.table, dropped.column),
                evidence=break_evidence(breaks),
                remedy=_remedy(step, dropped),
            )
    yield from _identity(step)


def _identity(step: Step) -> Iterator[Finding]:
    for dropped in step.statement.of(OtherAlter):
        breaks = [b for b in step.breaks(dropped.table) if b.sqlstate == "23502"]
        if dropped.what == "DropIdentity" and breaks:
            yield step.finding(
                VERDICT,
                f"INSERTs into {dropped.table} that let its identity column number itself fail from then on",
                subject=dropped.table,
                evidence=break_evidence(breaks),
            )


def _required(step: Step, dropped: SetDefault) -> bool:
    """From the text alone: the same transaction made the column required."""
    for statement in (*step.earlier, step.statement, *step.later):
        for action in statement.actions:
            match action:
                case SetNotNull(table=dropped.table, column=dropped.column):
                    return True
                case AddColumn(table=dropped.table, column=column) if column.name == dropped.column:
                    return column.not_null and column.generated is None
    return False


def _replaced(step: Step, dropped: SetDefault) -> bool:
    return any(
        (isinstance(a, AddIdentity) or (isinstance(a, SetDefault) and a.default is not None))
        and (a.table, a.column) == (dropped.table, dropped.column)
        for s in (step.statement, *step.later)
        for a in s.actions
    )


def _remedy(step: Step, dropped: SetDefault) -> Remedy:
    was = step.column(dropped.table, dropped.column)
    keep = ""
    if was and was.default:
        keep = f"ALTER TABLE {dropped.table} ALTER COLUMN {quote(dropped.column)} SET DEFAULT {was.default};\n"
    return Remedy(
        sql=f"-- 1. keep the default while the application of today runs\n{keep}"
        f"-- 2. in a later migration, once every INSERT names {quote(dropped.column)}\n{step.statement.text};"
    )
