"""Index built without CONCURRENTLY on a table with rows

CREATE INDEX takes a SHARE lock: every INSERT, UPDATE and DELETE on the table waits until the whole index is built,
and on to the end of the transaction around it.

**Seen by:** the lock and the build on a table that stood before the change. On a table that the same change
creates, nobody can wait, and nothing is reported.

**Instead:** CREATE INDEX CONCURRENTLY, outside a transaction block. It reads the table twice and lets writes pass; if it
fails it leaves an INVALID index behind that must be dropped.

Source: PostgreSQL manual, CREATE INDEX, "Building Indexes Concurrently".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Remedy, Verdict
from pgassay.model.actions import CreateIndex
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS


def find(step: Step) -> Iterator[Finding]:
    """Report builds that make writes wait."""
    for index in step.statement.of(CreateIndex):
        wait = None if index.concurrently else step.wait(index.table, "SHARE")
        if wait is None:
            continue
        yield step.finding(
            VERDICT,
            f"building {index.name or 'the index'} makes {wait.who} on {wait.table} wait {wait.duration}".rstrip(),
            subject=index.table,
            evidence=wait.evidence,
            remedy=Remedy(sql=_concurrently(step), note=_note(step)),
        )


def _concurrently(step: Step) -> str:
    text = step.statement.text
    head, word, tail = text.partition("INDEX") if "INDEX" in text else text.partition("index")
    return f"{head}{word} CONCURRENTLY{tail};"


def _note(step: Step) -> str:
    if step.in_transaction:
        how = step.runner.concurrently
        return f"Outside a transaction block: {how}" if how else f"{step.runner.name} cannot run it: run it by hand."
    return "Drop the index first if an earlier try left it INVALID."
