"""Where rows are: in partitions, and in copies that the change itself made."""

from __future__ import annotations

import re

from pgassay.model import Name
from pgassay.model.actions import CreateTable, Insert, Update
from pgassay.rules.step import Step


def with_partitions(step: Step, table: Name) -> frozenset[Name]:
    """A table and the partitions that hold its rows, as they stood before."""
    found = {step.full(table)}
    tables = step.before.tables if step.before else ()
    while more := {t.name for t in tables if t.partition_of in found} - found:
        found |= more
    return frozenset(found)


def table_copied(step: Step, table: Name) -> bool:
    """Whether an earlier statement read the table into one that takes its name, with all its columns."""
    before, after = step.table(table), step.after.table(step.full(table)) if step.after else None
    if before is None or after is None or any(after.column(c.name) is None for c in before.columns):
        return False
    return any(
        isinstance(action, Insert | CreateTable) and action.from_query and action.table != table
        for statement in step.earlier
        if re.search(rf"\b{re.escape(table.name)}\b", statement.text)
        for action in statement.actions
    )


def column_copied(step: Step, table: Name, column: str) -> bool:
    """Whether an earlier UPDATE of the whole table set another column from this one."""
    for statement in step.earlier:
        values = re.split(r"\bWHERE\b", statement.text, maxsplit=1, flags=re.IGNORECASE)[0]
        for update in statement.of(Update):
            mentioned = re.search(rf"=[^=]*\b{re.escape(column)}\b", values)
            if step.full(update.table) == step.full(table) and column not in update.columns and mentioned:
                return True
    return False
