"""Unique key dropped

From then on duplicates can come in, and an INSERT … ON CONFLICT that names the key's columns fails (42P10), as does
whatever else infers uniqueness from it.

**Seen by:** the catalog after the change: no other unique index has the same columns. Where the workload holds a
statement that stops working, that is proved, and then it breaks the application. CHECKs and foreign keys that are
dropped, and keys that the change replaces, are not reported.

**Instead:** create the new key first, then drop the old one.

Source: PostgreSQL manual, INSERT, "ON CONFLICT Clause"; ALTER TABLE, "DROP CONSTRAINT".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Index, Table
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.model.actions import Drop, DropConstraint
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.STYLE
LOOKS_AT = (Drop, DropConstraint)


def find(step: Step) -> Iterator[Finding]:
    """Report unique keys that nothing replaces."""
    if step.before is None or step.after is None or (step.seen and step.seen.failure):
        return
    for table, index in _dropped(step):
        after = step.after.table(table.name)
        if after is None or any(
            i.unique and i.columns == index.columns and i.where == index.where for i in after.indexes
        ):
            continue
        if any(c is not None and after.column(c) is None for c in index.columns):
            continue  # the columns went, which other rules tell
        columns = ", ".join(index.keys)
        breaks = [b for b in step.breaks(table.name) if b.sqlstate == "42P10"]
        key = "primary key" if index.primary else "unique key"
        yield step.finding(
            Verdict.BREAKS_APP if breaks else VERDICT,
            f"without its {key} ({columns}), {table.name} lets duplicates in, and ON CONFLICT ({columns}) fails",
            subject=table.name,
            certainty=None if breaks else Certainty.COMPUTED,
            evidence=(
                *break_evidence(breaks),
                Evidence(kind="catalog", text=f"no other unique index of {table.name} has exactly ({columns})"),
            ),
            remedy=f"-- outside a transaction block, before the old key is dropped\n"
            f"CREATE UNIQUE INDEX CONCURRENTLY {quote(f'{table.name.name}_key')} ON {table.name} ({columns});",
        )


def _dropped(step: Step) -> Iterator[tuple[Table, Index]]:
    for action in step.statement.actions:
        match action:
            case DropConstraint(table=name):
                table = step.table(name)
                if table and not step.fresh(name):
                    yield from ((table, i) for i in table.indexes if i.constraint == action.name and i.unique)
            case Drop(kind="index", names=names):
                yield from (found for name in names for found in _index(step, name))


def _index(step: Step, name: Name) -> Iterator[tuple[Table, Index]]:
    for table in step.before.tables if step.before else ():
        if table.name.schema == (name.schema or "public"):
            yield from ((table, i) for i in table.indexes if i.name == name.name and i.unique and i.valid)
