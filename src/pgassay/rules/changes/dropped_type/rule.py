"""Type dropped with the columns that use it

DROP TYPE … CASCADE drops every column of that type, with its values, in every table. Without CASCADE a type that is in
use cannot be dropped (2BP01).

**Seen by:** the columns that are gone, or the error. A type that nothing uses is not reported.

**Instead:** convert the columns first, then drop the type without CASCADE, so that PostgreSQL refuses where one was
forgotten.

Source: PostgreSQL manual, DROP TYPE; chapter 5.15 "Dependency Tracking".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Column, Table
from pgassay.model import Finding, Name, Verdict, quote
from pgassay.model.actions import Drop
from pgassay.rules.step import Step, break_evidence, failure_evidence, loss_evidence

VERDICT = Verdict.LOSES_DATA
LOOKS_AT = (Drop,)


def find(step: Step) -> Iterator[Finding]:
    """Report types that take columns with them, or that cannot go because columns use them."""
    for drop in step.statement.of(Drop):
        if drop.kind not in {"type", "domain"}:
            continue
        words = " and ".join(map(str, drop.names))
        subject = str(drop.names[0])
        failure = step.seen.failure if step.seen else None
        if failure and failure.sqlstate == "2BP01":
            yield step.finding(
                Verdict.FAILS,
                f"{drop.kind} {words} cannot be dropped: {_users(step, drop.names) or 'something'} still uses it",
                subject=subject,
                evidence=failure_evidence(step.seen),
                remedy=_remedy(step, drop),
            )
        elif step.losses() or (step.static and drop.cascade):
            losses = step.losses()
            gone = ", ".join(f"{loss.table}.{quote(loss.column)}" for loss in losses if loss.column)
            yield step.finding(
                VERDICT,
                f"dropping {drop.kind} {words} takes "
                + (f"{gone} with it" if gone else "every column that uses it with it"),
                subject=subject,
                evidence=(*loss_evidence(losses), *break_evidence(step.breaks())),
                remedy=_remedy(step, drop),
            )


def _columns(step: Step, names: tuple[Name, ...]) -> Iterator[tuple[Table, Column]]:
    dropped = {str(n.within("public")) for n in names}
    for table in step.before.tables if step.before else ():
        for column in table.columns:
            if column.type.removesuffix("[]") in dropped:
                yield table, column


def _users(step: Step, names: tuple[Name, ...]) -> str:
    return ", ".join(f"{table.name}.{quote(column.name)}" for table, column in _columns(step, names))


def _remedy(step: Step, drop: Drop) -> str | None:
    converted = "\n".join(_converted(table, column) for table, column in _columns(step, drop.names))
    if not converted:
        return None
    names = ", ".join(map(str, drop.names))
    return f"-- convert what uses it; without CASCADE nothing is lost\n{converted}\nDROP {drop.kind.upper()} {names};"


def _converted(table: Table, column: Column) -> str:
    name, type = quote(column.name), _plain(column)
    change = f"ALTER COLUMN {name} TYPE {type} USING {name}::{type}"
    if column.default:
        bare = column.default.rpartition("::")[0] or column.default
        change = f"ALTER COLUMN {name} DROP DEFAULT, {change}, ALTER COLUMN {name} SET DEFAULT {bare}"
    return f"ALTER TABLE {table.name} {change};"


def _plain(column: Column) -> str:
    if column.category == "E" or column.element:
        return "text[]" if column.type.endswith("[]") else "text"
    return column.base if "." not in column.base else "text"
