"""Partition added with a scan of its rows, or of the default partition's

ATTACH PARTITION reads every row of the new partition to see whether it belongs there, and adding any partition reads
every row of the DEFAULT partition to see whether it belongs elsewhere. The table that is read is locked ACCESS
EXCLUSIVE meanwhile. Indexes and keys that the new partition lacks are built as well.

**Seen by:** the locks and the scans on tables that stood before. A valid CHECK that says the same as the bounds makes
the scan unnecessary: then nothing is reported.

**Instead:** add the bounds as a CHECK … NOT VALID, VALIDATE it in another transaction, attach, and drop the CHECK. For
the default partition: a CHECK that excludes the new bounds.

Source: PostgreSQL manual, ALTER TABLE, "ATTACH PARTITION"; chapter 5.12.2.2, Partition Maintenance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import AddConstraint, AttachPartition, CreateTable
from pgassay.rules.locks.advice import NEXT, apart, patiently, written
from pgassay.rules.step import Step, Wait

VERDICT = Verdict.BLOCKS
LOOKS_AT = (AddConstraint, AttachPartition, CreateTable)
_RANGE = re.compile(r"FROM\s*\((?P<low>[^()]*)\)\s*TO\s*\((?P<high>[^()]*)\)", re.IGNORECASE)
_LIST = re.compile(r"\bIN\s*\((?P<values>[^()]*)\)", re.IGNORECASE)
_KEY = re.compile(r'(?:RANGE|LIST) \((?P<column>"[^"]+"|\w+)\)\Z')


def find(step: Step) -> Iterator[Finding]:
    """Report scans of the new partition and of the default one."""
    for attach in step.statement.of(AttachPartition):
        wait = (
            None
            if step.static and _checked(step, attach.partition)
            else step.wait(attach.partition, "ACCESS EXCLUSIVE")
        )
        if wait is not None and (step.static or (step.seen and step.seen.work_on(wait.table))):
            yield _finding(step, attach.table, wait, "attaching it to")
    for parent in [a.table for a in step.statement.of(AttachPartition)] + [
        c.partition_of for c in step.statement.of(CreateTable) if c.partition_of
    ]:
        default = _default(step, parent)
        wait = step.wait(default, "ACCESS EXCLUSIVE") if default and not step.static else None
        if wait is not None and step.seen and step.seen.work_on(wait.table):
            yield _finding(step, parent, wait, "a new partition of", default=True)


def _finding(step: Step, parent: Name, wait: Wait, why: str, *, default: bool = False) -> Finding:
    kinds = {w.kind for w in step.seen.work_on(wait.table)} if step.seen else {"scan"}
    work = "builds indexes on" if kinds == {"index build"} else "reads every row of"
    return step.finding(
        VERDICT,
        f"{why} {step.full(parent)} {work} {wait.table}: {wait.who} wait {wait.duration}".rstrip(),
        subject=wait.table,
        evidence=wait.evidence,
        remedy=_remedy(step, parent, wait.table, default),
    )


def _default(step: Step, parent: Name) -> Name | None:
    tables = step.before.tables if step.before else ()
    wanted = step.full(parent)
    return next((t.name for t in tables if t.partition_of == wanted and t.partition_bound == "DEFAULT"), None)


def _checked(step: Step, partition: Name) -> bool:
    """Whether the file itself added a check to the partition before."""
    return any(a.table == partition and a.constraint.kind == "check" for s in step.earlier for a in s.of(AddConstraint))


def _remedy(step: Step, parent: Name, table: Name, default: bool) -> Remedy:
    bounds = _bounds(step, parent)
    if bounds is None:
        return Remedy(
            sql=patiently(step.statement.text), note="Or let a validated CHECK on it say what the bounds say."
        )
    name = quote(f"{table.name}_bounds"[:63])
    return Remedy(
        sql=written(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({f'NOT ({bounds})' if default else bounds}) NOT VALID",
            NEXT,
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
            NEXT,
            step.statement.text,
            f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        ),
        note=apart(step),
    )


def _bounds(step: Step, parent: Name) -> str | None:
    """The bounds as an expression, where the partition key is one column."""
    table = step.table(parent)
    key = _KEY.match(table.partition_key or "") if table else None
    if key is None:
        return None
    column = key["column"]
    if listed := _LIST.search(step.statement.text):
        return f"{column} IS NOT NULL AND {column} IN ({listed['values']})"
    if match := _RANGE.search(step.statement.text):
        low, high = match["low"].strip(), match["high"].strip()
        parts = [f"{column} IS NOT NULL"]
        parts += [] if low.upper() == "MINVALUE" else [f"{column} >= {low}"]
        parts += [] if high.upper() == "MAXVALUE" else [f"{column} < {high}"]
        return " AND ".join(parts)
    return None
