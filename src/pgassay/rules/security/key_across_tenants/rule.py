"""Unique key that tells one tenant what another has

A unique key is checked against all rows, those too that the session does not see: a duplicate is refused, and so says
that another tenant has that e-mail address, that token, that name. It also keeps two tenants from having the same.

**Seen by:** the catalog: a unique index, on a table whose policies compare a column with the session, that does not
have that column. Keys that are made up (identity, sequences, uuid) say nothing and are not reported.

**Instead:** the tenant's column first in the key.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies" (on referential integrity and unique checks).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Column, Index, Table
from pgassay.catalog.sessions import tenant_columns
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES
_MADE_UP = ("nextval(", "uuid", "ulid(", "nanoid(")


def survey(state: State) -> Iterator[Finding]:
    """Report unique keys over all tenants."""
    tenants = tenant_columns(state.catalog)
    for table in state.catalog.tables:
        column = next((c.name for c in table.columns if c.name in tenants), None)
        if column is None or not table.row_security or table.partition_of:
            continue
        for index in table.indexes:
            keys = [c for c in index.columns if c]
            if not index.unique or not keys or column in keys or _made_up(table, keys):
                continue
            yield state.finding(
                VERDICT,
                f"a duplicate of ({', '.join(index.keys)}) in {table.name} tells one tenant what another has",
                subject=(table.name, keys[0]) if len(index.keys) == 1 else table.name,
                certainty=Certainty.COMPUTED,
                evidence=(Evidence(kind="catalog", text=f"unique key {index.name} does not have {quote(column)}"),),
                remedy=_remedy(state, table, index, column),
            )


def _made_up(table: Table, keys: list[str]) -> bool:
    return all((c := table.column(k)) is not None and _generated(c) for k in keys)


def _generated(column: Column) -> bool:
    default = (column.default or "").lower()
    return bool(column.identity or column.base == "uuid" or any(word in default for word in _MADE_UP))


def _remedy(state: State, table: Table, index: Index, column: str) -> str | None:
    if any(k.references == table.name and set(k.referenced_columns) <= set(index.columns) for t in state.catalog.tables
           for k in t.foreign_keys):  # fmt: skip
        return None  # the foreign keys to it would have to go first
    columns = ", ".join((quote(column), *index.keys))
    if index.constraint:
        kind = "PRIMARY KEY" if index.primary else "UNIQUE"
        return (
            f"ALTER TABLE {table.name} DROP CONSTRAINT {quote(index.constraint)};\n"
            f"ALTER TABLE {table.name} ADD CONSTRAINT {quote(index.constraint)} {kind} ({columns});"
        )
    where = f" WHERE {index.where}" if index.where else ""
    name = table.name.named(index.name)
    return f"DROP INDEX {name};\nCREATE UNIQUE INDEX {quote(index.name)} ON {table.name} ({columns}){where};"
