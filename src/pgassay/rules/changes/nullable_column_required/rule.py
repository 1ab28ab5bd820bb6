"""Nullable column made NOT NULL

Rows that hold NULL make it fail (23502). Where none does, INSERTs and UPDATEs of the running application that write
NULL, or leave the column out, fail from then on.

**Seen by:** the error on rows with NULLs. Whether production has such rows depends on its values: the evidence gives
the query that counts them. With production's statistics, a null fraction of 0 refutes it. Else by an INSERT that leaves
the column out, tried after the change; whether the application sends such INSERTs is for its owner to know. A CHECK
that says the same, or a default, is taken into account because it is run.

**Instead:** first an application (or a default) that always writes the column, then a backfill, then a CHECK that is
validated while writes go on, then NOT NULL.

Source: PostgreSQL manual, ALTER TABLE, "SET/DROP NOT NULL"; chapter 5.5.2 "Not-Null Constraints".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import AddConstraint, SetNotNull
from pgassay.model.observations import Break, Failure
from pgassay.rules.changes.ways import FILL_NOTE, neutral, require
from pgassay.rules.step import Step, break_evidence, failure_evidence

VERDICT = Verdict.FAILS
LOOKS_AT = (AddConstraint, SetNotNull)


def find(step: Step) -> Iterator[Finding]:
    """Report NULLs, standing or still to be written, that a column stops allowing."""
    for table, column in dict.fromkeys(_required(step)):
        if step.fresh(table):
            continue
        failure = step.seen.failure if step.seen else None
        subject, remedy = (table, column), _remedy(step, table, column)
        breaks = _left_out(step, table, column)
        if failure and failure.cause != "missing" and _null(step, failure, column):
            rows = "if any row holds" if failure.cause == "values" else "while its rows all hold"
            yield step.finding(
                VERDICT,
                f"requiring {quote(column)} of {table} fails {rows} NULL there",
                subject=subject,
                certainty=Certainty.COMPUTED if failure.cause == "values" else None,
                evidence=(*failure_evidence(step.seen), _query(table, column), *break_evidence(breaks)),
                remedy=remedy,
            )
        elif breaks:
            yield step.finding(
                Verdict.BREAKS_APP,
                f"INSERTs into {table} that leave out {quote(column)} fail once it is required",
                subject=subject,
                certainty=None if any(b.source == "workload" for b in breaks) else Certainty.COMPUTED,
                evidence=break_evidence(breaks),
                remedy=remedy,
            )
        elif step.static and _in_text(step, table, column) and not step.fresh_column(table, column):
            yield step.finding(
                VERDICT,
                f"requiring {quote(column)} of {table} fails if any row holds NULL there",
                subject=subject, remedy=remedy, evidence=(_query(table, column),),
            )  # fmt: skip


def _in_text(step: Step, table: Name, column: str) -> bool:
    """Whether the text alone says SET NOT NULL, with no earlier statement of the file that took care of NULLs."""
    backfilled = any(re.search(rf"\b{re.escape(column)}\b", s.text) and "NULL" in s.text.upper() for s in step.earlier)
    return not backfilled and any(a.column == column and a.table == table for a in step.statement.of(SetNotNull))


def _required(step: Step) -> Iterator[tuple[Name, str]]:
    for action in step.statement.of(SetNotNull):
        yield action.table, action.column
    for added in step.statement.of(AddConstraint):
        constraint = added.constraint
        if constraint.kind in {"not null", "primary key"}:
            yield from ((added.table, column) for column in constraint.columns)
        elif constraint.kind == "check":
            said = re.fullmatch(r'\(*"?([^"()]+?)"? IS NOT NULL\)*', constraint.expression or "")
            if said:
                yield added.table, said[1]


def _null(step: Step, failure: Failure, column: str) -> bool:
    """Whether a NULL in the column was the error."""
    if failure.sqlstate == "23502":
        return failure.column in {column, None}
    return failure.sqlstate == "23514" and len(step.statement.actions) == 1


def _left_out(step: Step, table: Name, column: str) -> tuple[Break, ...]:
    """INSERTs that do not name the column."""
    named = re.compile(rf'[(,]\s*"?{re.escape(column)}"?\s*[,)]', re.IGNORECASE)
    return tuple(
        b
        for b in step.breaks(table)
        if b.sqlstate in {"23502", "23514"}
        and b.sql.upper().startswith("INSERT")
        and not named.search(re.split(r"\bVALUES\b", b.sql, maxsplit=1, flags=re.IGNORECASE)[0])
    )


def _query(table: Name, column: str) -> Evidence:
    sql = f"SELECT count(*) FROM {table} WHERE {quote(column)} IS NULL"
    return Evidence(kind="text", text=f"{sql}; counts the rows in the way", data={"sql": sql})


def _remedy(step: Step, table: Name, column: str) -> Remedy:
    was = step.column(table, column)
    enum = step.before.enum(was.type) if step.before and was else None
    value = neutral(was.type if was else "", enum.labels if enum else ())
    sql = f"""\
-- 1. deploy an application that always writes {quote(column)}, or give it a default
-- 2. fill the rows that hold NULL, in batches
UPDATE {table} SET {quote(column)} = {value} WHERE {quote(column)} IS NULL;
-- 3. require it
{require(table, column)}"""
    return Remedy(sql=sql, note=FILL_NOTE)
