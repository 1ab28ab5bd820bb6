"""What a diagram shows of a catalog: tables without their partitions, and the foreign keys between them."""

from __future__ import annotations

from dataclasses import dataclass

from pgassay.catalog import Catalog, Column, Table
from pgassay.model import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A foreign key as a diagram draws it: ``child`` has many, or at most one where its key is ``unique``; a row of
    ``parent`` must be there unless the key is ``optional``."""

    child: Name
    parent: Name
    columns: tuple[str, ...]
    unique: bool
    optional: bool


def shown(catalog: Catalog) -> tuple[Table, ...]:
    """The tables that a diagram shows: not the partitions, which repeat their parent."""
    return tuple(t for t in catalog.tables if t.partition_of is None)


def relations(catalog: Catalog) -> tuple[Relation, ...]:
    """The foreign keys between the tables shown."""
    tables = {t.name for t in shown(catalog)}
    found = []
    for table in shown(catalog):
        for key in table.foreign_keys:
            if key.references not in tables or key.references is None:
                continue
            columns = [c for name in key.columns if (c := table.column(name)) is not None]
            found.append(
                Relation(
                    child=table.name,
                    parent=key.references,
                    columns=key.columns,
                    unique=any(i.unique and not i.where and set(i.columns) <= set(key.columns) for i in table.indexes),
                    optional=any(not c.not_null and not c.type_not_null for c in columns),
                )
            )
    return tuple(found)


def marks(table: Table, column: Column) -> str:
    """``PK``, ``FK``, ``UK`` of a column, with commas between."""
    primary = table.primary_key
    unique = any(c.kind == "unique" and c.columns == (column.name,) for c in table.constraints)
    found = [
        "PK" if primary is not None and column.name in primary.columns else "",
        "FK" if any(column.name in k.columns for k in table.foreign_keys) else "",
        "UK" if unique else "",
    ]
    return ", ".join(filter(None, found))


def title(name: Name) -> str:
    """A table's name as a diagram shows it: without the schema where that is ``public``."""
    return name.name if name.schema in (None, "public") else f"{name.schema}.{name.name}"
