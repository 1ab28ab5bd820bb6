"""Statement that works on a whole table while others wait for it

What the text does not tell, the run does: a DO block, a call of a function, ALTER DOMAIN, or a column whose type brings
a constraint may scan or rewrite a table, or build an index, under a lock that keeps writes (and reads) waiting.

**Seen by:** a blocking lock and work that grows with the rows on tables that stood before, by a statement of which no
other rule speaks. A static review cannot see it.

**Instead:** what the rule for the same command as a statement of its own says. For a domain: ADD CONSTRAINT … NOT
VALID, then VALIDATE CONSTRAINT in another transaction.

Source: PostgreSQL manual, chapter 13.3.1, Table-Level Locks.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Verdict
from pgassay.rules.locks.advice import patiently
from pgassay.rules.step import Step, work_evidence

VERDICT = Verdict.BLOCKS


def find(step: Step, others: list[Finding]) -> Iterator[Finding]:
    """Report waits that nobody explained."""
    if step.seen is None or step.seen.failure is not None:
        return
    told = {e.text for f in others for e in f.evidence}
    for table in dict.fromkeys(w.table for w in step.seen.work if work_evidence(w).text not in told):
        lock = step.seen.lock(table)
        wait = step.wait(table, lock.mode) if lock else None
        if wait is None:
            continue
        kinds = {w.kind for w in step.seen.work_on(table) if w.kind != "rows changed"}
        if not kinds:
            continue
        words = {"rewrite": "rewrites", "scan": "scans", "index build": "builds an index on"}
        yield step.finding(
            VERDICT,
            f"this statement {' and '.join(words[k] for k in sorted(kinds))} {wait.table}:"
            f" {wait.who} wait {wait.duration}".rstrip(),
            subject=table,
            evidence=wait.evidence,
            remedy=patiently(step.statement.text),
        )
