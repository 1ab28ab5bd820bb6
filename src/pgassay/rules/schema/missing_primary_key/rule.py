"""Table without a key

Nothing tells two equal rows apart: the same row can stand twice, an upsert has nothing to conflict with, and logical
replication refuses every UPDATE and DELETE of the table.

**Seen by:** the catalog: neither a primary key nor a unique index over columns that cannot be NULL.
Partitions are judged with their parent, and tables of migration tools not at all.

**Instead:** the columns that identify a row as primary key, else an identity column.

Source: PostgreSQL manual, chapter 5.5.4 "Primary Keys"; chapter 29.1.1 "Replica Identity".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_TOOLS = {"migrations", "migration", "schema_migrations", "__drizzle_migrations", "schema_version"}


def survey(state: State) -> Iterator[Finding]:
    """Report tables whose rows nothing tells apart."""
    for table in state.tables:
        if table.kind == "foreign table" or table.partition_of or table.inherits or table.name.name in _TOOLS:
            continue
        if not table.columns or has_key(table):
            continue
        yield state.finding(
            VERDICT,
            f"nothing tells two equal rows of {table.name} apart: it has no primary key",
            subject=table.name,
            certainty=Certainty.COMPUTED,
            evidence=(Evidence(kind="catalog", text="no primary key, no unique index over NOT NULL columns"),),
            remedy=None
            if table.column("id") or table.partition_key
            else f"ALTER TABLE {table.name} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",
        )


def has_key(table: Table) -> bool:
    """Whether a key over columns that cannot be NULL tells rows apart."""
    needed = {c.name for c in table.columns if c.not_null or c.type_not_null}
    return table.primary_key is not None or any(
        i.unique and i.valid and i.where is None and all(c in needed for c in i.columns) for i in table.indexes
    )
