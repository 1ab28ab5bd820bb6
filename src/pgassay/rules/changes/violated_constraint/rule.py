"""Constraint added that rows violate

A CHECK, foreign key or exclusion constraint is tested against the rows that stand; the first that violates it stops the
statement (23514, 23503, 23P01).

**Seen by:** the error on a table with rows. It is proved where the change itself makes the values, such as a new column
whose default violates its own CHECK, and computed where it depends on the values that stand.

**Instead:** add it as NOT VALID, which holds for new rows at once; correct the old rows; then VALIDATE CONSTRAINT.

Source: PostgreSQL manual, ALTER TABLE, "ADD table_constraint [ NOT VALID ]" and "VALIDATE CONSTRAINT".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import (
    AddColumn,
    AddConstraint,
    ConstraintDef,
    ValidateConstraint,
)
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.FAILS
LOOKS_AT = (AddColumn, AddConstraint, ValidateConstraint)
_STATES = {"23514": "check", "23503": "foreign key", "23P01": "exclude"}


def find(step: Step) -> Iterator[Finding]:
    """Report constraints that failed on rows."""
    failure = step.seen.failure if step.seen else None
    if failure is None or failure.sqlstate not in _STATES or failure.cause == "missing":
        return
    for table, constraint in _added(step, _STATES[failure.sqlstate]):
        if constraint and constraint.expression and constraint.expression.strip("()").endswith(" IS NOT NULL"):
            continue  # nullable-column-required speaks of it
        name = failure.constraint or (constraint.name if constraint else None) or "the constraint"
        depends = failure.cause == "values"
        columns = constraint.columns if constraint else ()
        yield step.finding(
            VERDICT,
            f"{name} fails while any row of {table} violates it"
            if depends
            else f"{name} fails on {table}: the value that the change itself gives to its rows violates it",
            subject=(table, columns[0]) if len(columns) == 1 else table,
            certainty=Certainty.COMPUTED if depends else None,
            evidence=(*failure_evidence(step.seen), *_query(table, constraint)),
            remedy=_remedy(table, constraint, name),
        )
        return


def _added(step: Step, kind: str) -> Iterator[tuple[Name, ConstraintDef | None]]:
    for action in step.statement.actions:
        match action:
            case AddConstraint(constraint=constraint) if constraint.kind == kind:
                yield action.table, constraint
            case AddColumn(column=column):
                yield from ((action.table, c) for c in column.constraints if c.kind == kind)
            case ValidateConstraint():
                yield action.table, None


def _query(table: Name, constraint: ConstraintDef | None) -> Iterator[Evidence]:
    sql = None
    if constraint and constraint.expression:
        sql = f"SELECT * FROM {table} WHERE NOT ({constraint.expression})"
    elif constraint and constraint.references and constraint.referenced_columns:
        pairs = zip(constraint.columns, constraint.referenced_columns, strict=False)
        same = " AND ".join(f"p.{quote(theirs)} = t.{quote(ours)}" for ours, theirs in pairs)
        filled = " AND ".join(f"t.{quote(ours)} IS NOT NULL" for ours in constraint.columns)
        sql = (
            f"SELECT t.* FROM {table} AS t WHERE {filled}"
            f" AND NOT EXISTS (SELECT FROM {constraint.references} AS p WHERE {same})"
        )
    if sql:
        yield Evidence(kind="text", text=f"{sql}; finds the rows in the way", data={"sql": sql})


def _remedy(table: Name, constraint: ConstraintDef | None, name: str) -> Remedy | None:
    if constraint is None or constraint.kind == "exclude":
        return None
    if constraint.kind == "check":
        words = f"CHECK ({constraint.expression})"
    else:
        columns, theirs = (", ".join(map(quote, c)) for c in (constraint.columns, constraint.referenced_columns))
        words = f"FOREIGN KEY ({columns}) REFERENCES {constraint.references}" + (f" ({theirs})" if theirs else "")
    return Remedy(
        sql=f"""\
-- 1. holds for new rows at once, without a scan
ALTER TABLE {table} ADD CONSTRAINT {quote(name)} {words} NOT VALID;
-- 2. correct the rows in the way, then, in its own transaction
ALTER TABLE {table} VALIDATE CONSTRAINT {quote(name)};"""
    )
