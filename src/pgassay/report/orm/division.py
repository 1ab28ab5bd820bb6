"""What an ORM's models can say of a catalog, and the SQL for the rest.

No ORM has words for all of PostgreSQL. So a catalog is divided in three: SQL that must run before the models' tables
(types, functions), the models, and SQL that runs after them (partitions, triggers, policies, comments). The last part
is the difference between what the models make and the whole, so nothing can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pgassay.catalog import Catalog, Sequence, Table
from pgassay.catalog.ddl import create, difference, roles
from pgassay.model import literal, quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """``before`` and ``after`` are statements without semicolons; ``models`` is the catalog that stands when ``before``
    and the models have run."""

    before: tuple[str, ...]
    models: Catalog
    after: tuple[str, ...]


def divide(catalog: Catalog, said: Callable[[Table], Table | None]) -> Division:
    """``said`` takes from a table all that the models cannot say; None where they cannot say the table at all."""
    first = _foundation(catalog)
    models = replace(first, tables=tuple(t for table in catalog.tables if (t := said(table)) is not None))
    return Division(
        before=(*map(_role, roles(catalog)), *create(first)),
        models=models,
        after=difference(models, catalog).sql,
    )


def script(statements: Iterable[str]) -> str:
    """Statements as a script."""
    return "".join(f"{statement};\n" for statement in statements)


def _foundation(catalog: Catalog) -> Catalog:
    """What needs no table: schemas, extensions, types, sequences, and the routines that name no row type."""
    tables = {o for o, _ in catalog.dependencies if o.kind in ("table", "view")}
    tables |= {o for _, o in catalog.dependencies if o.kind in ("table", "view")}
    names = {t.name for t in catalog.tables} | {v.name for v in catalog.views}
    tied = {a for a, b in catalog.dependencies if b in tables or b.name in names}
    routines = tuple(r for r in catalog.routines if not any(o.name == r.name and o.member == r.arguments for o in tied))
    return replace(
        catalog,
        tables=(),
        views=(),
        statistics=(),
        others=(),
        sequences=tuple(_free(s) for s in catalog.sequences if not s.identity),
        routines=routines,
        schemas=catalog.schemas,
    )


def _free(sequence: Sequence) -> Sequence:
    return replace(sequence, owned_by=None)


def _role(name: str) -> str:
    """Roles belong to the server: made where they are missing."""
    exists = f"SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal(name)}"
    return f"DO $role$ BEGIN IF NOT EXISTS ({exists}) THEN CREATE ROLE {quote(name)} NOLOGIN; END IF; END $role$"
