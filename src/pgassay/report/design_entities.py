"""Which table holds which entity of a subgraph, for whoever writes its mappings."""

from __future__ import annotations

from collections.abc import Mapping

from pgassay.report.design import Designed
from pgassay.report.machine import Wire, indented
from pgassay.report.words import encodable


class EntityPart(Wire, frozen=True):
    """An entity, its table, and the table's columns in order, with their types."""

    entity: str
    table: str
    columns: dict[str, str]


class EntitiesDocument(Wire, frozen=True):
    """``docs/entities.json`` of a design with a subgraph."""

    entities: tuple[EntityPart, ...]


def named(source: str) -> str:
    """The entity's own name."""
    return source.removeprefix("entity ")


def entity_files(designed: Designed) -> Mapping[str, str]:
    """``entities.json``, where there is a subgraph."""
    columns = {t.name.name: {encodable(c.name): c.type for c in t.columns} for t in designed.catalog.tables}
    found = tuple(
        EntityPart(entity=encodable(named(t.source)), table=encodable(t.name), columns=columns.get(t.name, {}))
        for t in designed.design.tables
        if t.role == "entity" and t.source
    )
    return {"entities.json": indented(EntitiesDocument(entities=found))} if found else {}
