"""All rows of a table updated in one transaction

Each updated row stays locked to the end of the transaction: writes of the same rows wait. Every row is written anew,
with its index entries and its WAL, and the old versions stay until VACUUM: the table may grow to twice its size.

**Seen by:** the rows that the statement changed of a table that stood before the change. With a WHERE, how many those
are in production depends on their values. Rows of tables that production keeps small are not worth a word.

**Instead:** update in batches of some thousands of rows, each in its own transaction, outside the migration. A constant
for a new column needs no UPDATE at all: ADD COLUMN … DEFAULT writes no row.

Source: PostgreSQL manual, chapter 13.3.2 "Row-Level Locks"; chapter 24.1.2 "Recovering Disk Space".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.model.actions import Update
from pgassay.model.observations import Work
from pgassay.rules.changes.rows import with_partitions
from pgassay.rules.step import TINY_MS, Step, milliseconds, work_evidence

VERDICT = Verdict.BLOCKS
LOOKS_AT = (Update,)
_MOST = 0.9  # of the made-up rows: few enough are left out that it is as good as all


def find(step: Step) -> Iterator[Finding]:
    """Report updates that grow with the table."""
    for update in step.statement.of(Update):
        table = update.table
        if step.fresh(table):
            continue
        if step.static:
            if update.where is None:
                yield step.finding(VERDICT, _message(step, update, None), subject=table, remedy=_remedy(step, update))
            continue
        done = _changed(step, update)
        if done is not None:
            yield step.finding(
                VERDICT,
                _message(step, update, done),
                subject=table,
                certainty=None if update.where is None else Certainty.COMPUTED,
                evidence=(
                    work_evidence(done),
                    Evidence(kind="rows", text=f"{done.rows:,} of {step.rows.get(done.table, 0):,} rows were changed"),
                ),
                remedy=_remedy(step, update),
            )


def _changed(step: Step, update: Update) -> Work | None:
    tables = with_partitions(step, update.table)
    found = [w for w in (step.seen.work if step.seen else ()) if w.kind == "rows changed" and w.table in tables]
    held = sum(step.rows.get(w.table, 0) for w in found)
    if not found or sum(w.rows for w in found) < held * _MOST:
        return None
    done = max(found, key=lambda w: w.rows)
    took = done.ms if done.estimated_ms is None else done.estimated_ms
    return None if done.table in step.known and took < TINY_MS else done


def _message(step: Step, update: Update, done: Work | None) -> str:
    if done is not None and done.estimated_ms is not None:
        how_long = f" for about {milliseconds(done.estimated_ms)} at {done.at_rows or 0:,} rows (estimated)"
    else:
        how_long = " to the end of the transaction" if step.in_transaction else ""
    every = "every row" if update.where is None else "nearly every row"
    return f"updating {every} of {update.table} in one transaction makes other writes of them wait{how_long}"


def _remedy(step: Step, update: Update) -> Remedy | None:
    table = step.table(update.table)
    if table is None or table.primary_key is None or len(table.primary_key.columns) != 1:
        return None
    key, name = quote(table.primary_key.columns[0]), update.table
    head = step.statement.text
    if update.where is not None or " FROM " in head.upper():
        return None
    return Remedy(
        sql=f"""\
-- outside the migration: again and again, each time from the last {key} on, until no row comes back
WITH batch AS (
  SELECT {key} FROM {name} WHERE {key} > $1 ORDER BY {key} LIMIT 5000
), changed AS (
  {head} WHERE {key} IN (SELECT {key} FROM batch) RETURNING {key}
)
SELECT {key} FROM changed ORDER BY {key} DESC LIMIT 1;""",
        note="Each batch is a transaction of its own.",
    )
