"""What a DELETE asks of other tables: each foreign key that refers to its table looks for children (manual, 5.5.5).

EXPLAIN shows nothing of it, so the lookup is written out as a query of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.advisor.candidates import World
from pgassay.advisor.ground import Ground
from pgassay.advisor.model import Query
from pgassay.catalog import Constraint, Table
from pgassay.model import literal, quote
from pgassay.sql.predicates import blocks

_DEEP = 4  # cascades


def with_lookups(query: Query, ground: Ground, world: World) -> Query:
    """The query, and with a DELETE the lookups that its foreign keys cause, each a form of its own."""
    table = world.table(query.target) if query.kind == "delete" and query.target else None
    if table is None:
        return query
    texts = []
    for child, key in _children(table, world, _DEEP):
        text = _lookup(child, key, ground)
        if text is not None:
            texts.append(text)
    more = [block for text in texts for block in blocks(text, world.columns, world.view)]
    lookups = tuple(range(len(query.forms), len(query.forms) + len(texts)))
    return Query(
        number=query.number,
        text=query.text,
        forms=(*query.forms, *texts),
        kind=query.kind,
        calls=query.calls,
        line=query.line,
        blocks=(*query.blocks, *more),
        target=query.target,
        lookups=lookups,
    )


def _children(table: Table, world: World, deep: int) -> Iterator[tuple[Table, Constraint]]:
    for child in world.catalog.tables:
        for key in child.foreign_keys:
            if key.references == table.name and not key.inherited:
                if not world.tiny(child):
                    yield child, key
                if deep and key.on_delete == "cascade" and child.name != table.name:
                    yield from _children(child, world, deep - 1)


def _lookup(child: Table, key: Constraint, ground: Ground) -> str | None:
    """The lookup for one parent that has children, as the trigger writes it."""
    columns = [quote(c) for c in key.columns]
    present = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    rows = ground.rows(f"SELECT {', '.join(columns)} FROM {child.name} WHERE {present} LIMIT 1")
    if not rows:
        return None
    same = " AND ".join(f"{c} = {literal(v)}" for c, v in zip(columns, rows[0], strict=True))
    return f"SELECT 1 FROM {child.name} WHERE {same} FOR KEY SHARE"
