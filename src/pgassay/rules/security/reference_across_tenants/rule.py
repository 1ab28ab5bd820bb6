"""Foreign key from one tenant's row to another's

A foreign key's check runs past row security: a row can refer to a parent that its session does not see. That tells
which keys other tenants have, and leaves rows of one tenant hanging on rows of another: with ON DELETE CASCADE they
go with it.

**Seen by:** the catalog: both tables compare a column of the same name with the session, and the foreign key does not
have it; nor does a policy's WITH CHECK ask for the parent.

**Instead:** a foreign key over the tenant's column and the key; or a WITH CHECK that asks for the parent, which row
security then guards.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies" (on referential integrity checks).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Constraint, Table
from pgassay.catalog.sessions import mentions, tenant_columns
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report foreign keys between tenants' tables that leave the tenant out."""
    tenants = tenant_columns(state.catalog)
    for table in state.catalog.tables:
        column = next((c.name for c in table.columns if c.name in tenants), None)
        if column is None or not table.row_security or table.partition_of:
            continue
        for link in table.foreign_keys:
            parent = state.catalog.table(link.references) if link.references else None
            if parent is None or not parent.row_security or not parent.column(column) or column in link.columns:
                continue
            if any(mentions(p.check or "", [parent.name.name]) for p in table.policies):
                continue
            yield state.finding(
                VERDICT,
                f"a tenant's row in {table.name} can refer to another tenant's in {parent.name}",
                subject=(table.name, link.columns[0]),
                certainty=Certainty.COMPUTED,
                evidence=(Evidence(kind="catalog", text=f"{link.name} does not have {quote(column)}"),),
                remedy=_remedy(table, parent, link, column),
            )


def _remedy(table: Table, parent: Table, link: Constraint, column: str) -> str:
    own, theirs = ", ".join(map(quote, link.columns)), ", ".join(map(quote, link.referenced_columns))
    keys = [i.columns for i in parent.indexes if i.unique and i.where is None]
    unique = f"ALTER TABLE {parent.name} ADD UNIQUE ({quote(column)}, {theirs});\n"
    if (column, *link.referenced_columns) in keys:
        unique = ""
    return (
        f"{unique}ALTER TABLE {table.name} DROP CONSTRAINT {quote(link.name)};\n"
        f"ALTER TABLE {table.name} ADD CONSTRAINT {quote(link.name)} FOREIGN KEY ({quote(column)}, {own})"
        f" REFERENCES {parent.name} ({quote(column)}, {theirs});"
    )
