"""Index built without CONCURRENTLY on a table with rows

CREATE INDEX takes a SHARE lock: every INSERT, UPDATE and DELETE on the table waits until the whole index is built, and
to the end of the transaction around it.

**Seen by:** the lock and the build on a table that stood before the change. On a table that the same change creates,
nobody can wait, and nothing is reported.

**Instead:** CREATE INDEX CONCURRENTLY, outside a transaction block. It reads the table twice and lets writes pass; if
it fails it leaves an INVALID index behind that must be dropped. On a partitioned table: CREATE INDEX ON ONLY the
parent, one CONCURRENTLY on each partition, and ALTER INDEX … ATTACH PARTITION.

Source: PostgreSQL manual, CREATE INDEX, "Building Indexes Concurrently".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import CreateIndex
from pgassay.rules.locks.advice import NEXT, concurrently, outside, written
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (CreateIndex,)


def find(step: Step) -> Iterator[Finding]:
    """Report builds that make writes wait."""
    for index in step.statement.of(CreateIndex):
        wait = None if index.concurrently else step.wait(index.table, "SHARE")
        if wait is None:
            continue
        name = quote(index.name) if index.name else "an index"
        yield step.finding(
            VERDICT,
            f"building {name} makes {wait.who} on {wait.table} wait {wait.duration}".rstrip(),
            subject=index.table,
            evidence=wait.evidence,
            remedy=_remedy(step, index),
        )


def _remedy(step: Step, index: CreateIndex) -> Remedy:
    table = step.table(index.table)
    if table is not None and table.kind == "partitioned table" and step.before is not None:
        return _partitioned(step, index, [t.name for t in step.before.tables if t.partition_of == table.name])
    return outside(step, concurrently(step.statement.text), note="A build that fails leaves an INVALID index behind.")


def _partitioned(step: Step, index: CreateIndex, partitions: list[Name]) -> Remedy:
    """An index of a partitioned table cannot be built CONCURRENTLY: only those of its partitions can."""
    name = index.name or "_".join([index.table.name, *index.columns, "idx"])
    whole, _, keys = step.statement.text.partition(" USING ") if " USING " in step.statement.text else ("", "", "")
    rest = f"USING {keys}" if whole else f"({', '.join(index.keys)})"
    unique = "UNIQUE " if index.unique else ""
    parts = {p: f"{p.name}_{name}"[:63] for p in partitions}
    return Remedy(
        sql=written(
            f"CREATE {unique}INDEX {quote(name)} ON ONLY {index.table} {rest}",
            "-- then, each outside a transaction block:",
            *(f"CREATE {unique}INDEX CONCURRENTLY {quote(i)} ON {p} {rest}" for p, i in parts.items()),
            NEXT,
            *(f"ALTER INDEX {index.table.named(name)} ATTACH PARTITION {p.named(i)}" for p, i in parts.items()),
        )
    )
