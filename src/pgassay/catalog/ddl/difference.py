"""``create`` and ``difference``: the two verbs of this package."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog.ddl.decisions import questions
from pgassay.catalog.ddl.model import Decisions, Difference, Step
from pgassay.catalog.ddl.nodes import Pieces
from pgassay.catalog.ddl.plan import Plan
from pgassay.catalog.model import Catalog, Extension, Grant, Schema

_PUBLIC = Schema(
    name="public",
    owner="pg_database_owner",
    grants=(Grant(grantee="PUBLIC", privileges=("USAGE",)),),
    comment="standard public schema",
)
EMPTY = Catalog(schemas=(_PUBLIC,), extensions=(Extension(name="plpgsql", version="1.0", schema="pg_catalog"),))


def create(catalog: Catalog) -> tuple[str, ...]:
    """The statements, each without its semicolon, that make exactly this catalog on an empty database.

    They stand in an order in which they run one by one or in one transaction. What cannot be written (see
    ``Difference.unwritten``) is left out. Roles are not made (``roles``).
    """
    return difference(EMPTY, catalog).sql


def difference(before: Catalog, after: Catalog, *, decisions: Decisions | None = None) -> Difference:
    """What turns ``before`` into ``after``.

    Nothing is taken for renamed: ``Difference.decisions`` lists what might have been. ``decisions`` settles such
    questions; a rename has to have happened in ``before`` already: run ``renaming`` on a scratch copy and read that.
    """
    pieces = Pieces(before), Pieces(after)
    return Difference(
        steps=tuple(_framed(list(Plan(*pieces).steps()))),
        decisions=tuple(questions(before, after, decisions or Decisions())),
        unwritten=tuple(_unwritten(*pieces)),
    )


def _framed(steps: list[Step]) -> Iterator[Step]:
    """Bodies of functions may name what comes later: they are not checked meanwhile."""
    checked = any(" FUNCTION " in s.sql or " PROCEDURE " in s.sql for s in steps if s.sql.startswith("CREATE "))
    if checked:
        yield Step(sql="SET check_function_bodies = off")
    yield from steps
    if checked:
        yield Step(sql="RESET check_function_bodies")


def _unwritten(before: Pieces, after: Pieces) -> Iterator[str]:
    for table in after.catalog.tables:
        known = before.tables.get(table.name, table)
        common = {c.name for c in known.columns} & {c.name for c in table.columns}
        kept = [c.name for c in known.columns if c.name in common]
        result = kept + [c.name for c in table.columns if c.name not in common]
        if result != [c.name for c in table.columns]:
            yield f"table {table.name}: the order of its columns ({', '.join(c.name for c in table.columns)})"
        invalid = sorted(index.name for index in table.indexes if not index.valid)
        yield from (f"index {table.name.named(name)}: it is invalid" for name in invalid)
    for key, node in after.nodes.items():
        if hasattr(node.thing, "sql") and not node.thing.sql:
            old = before.nodes.get(key)
            if old is None or old.thing != node.thing:
                yield f"{key.kind} {node.thing.name}"
    for key, node in before.nodes.items():
        if hasattr(node.thing, "sql") and not node.thing.sql and key not in after.nodes:
            yield f"{key.kind} {node.thing.name}, which should be dropped"


def _granted(catalog: Catalog) -> Iterator[tuple[Grant, ...]]:
    yield from (s.grants for s in catalog.schemas)
    yield from (t.grants for t in catalog.tables)
    yield from (v.grants for v in catalog.views)
    yield from (s.grants for s in catalog.sequences)
    yield from (r.grants for r in catalog.routines)
    yield from (e.grants for e in catalog.enums)
    yield from (d.grants for d in catalog.domains)
    yield from (c.grants for c in catalog.composites)
    yield from (r.grants for r in catalog.ranges)


def roles(*catalogs: Catalog) -> tuple[str, ...]:
    """The roles that grants and policies of these catalogs name, sorted; they belong to the server, not to a schema."""
    found: set[str] = set()
    for catalog in catalogs:
        for granted in _granted(catalog):
            found.update(grant.grantee for grant in granted)
        found.update(role for table in catalog.tables for policy in table.policies for role in policy.roles)
    return tuple(sorted(found - {"PUBLIC"}))
