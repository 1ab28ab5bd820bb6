"""The columns that hold a subgraph's entity."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pgassay.chain.columns import ColumnSpec, array_checks
from pgassay.chain.model import Entity, EntityField, Subgraph
from pgassay.chain.names import Wanted, assign, snake
from pgassay.chain.types import BIG_INT
from pgassay.errors import InputError
from pgassay.model.names import Name, literal, quote

_SCALARS = {
    "BigDecimal": "numeric",
    "Boolean": "boolean",
    "Bytes": "bytea",
    "Float": "double precision",
    "ID": "text",
    "Int": "integer",
    "Int8": "bigint",
    "String": "text",
    "Timestamp": "timestamptz",
}


def entity_columns(
    entity: Entity,
    subgraph: Subgraph,
    *,
    taken: Collection[str] = (),
    earlier: Mapping[str, str] | None = None,
    schema: str | None = None,
) -> tuple[ColumnSpec, ...]:
    """The columns of an entity's own fields and aggregates; derived fields are queries, not columns.

    A field of an entity's type becomes ``<name>_id`` of the type of that entity's ``id`` and says in ``references``
    which entity it is; one of an interface or union refers to none. ``earlier`` maps fields to columns of a previous
    run. Raises InputError where the entities of one interface have ids of different types.
    """
    fields = [f for f in entity.fields if f.derived_from is None]
    fields += [EntityField(name=a.name, type=a.type, required=True, line=entity.line) for a in entity.aggregates]
    refers = {f.name for f in fields if _targets(f.type, subgraph)}
    wanted = [
        Wanted(
            key=f.name,
            name=_named(f, f.name in refers),
            kind="value",
            rank=0 if snake(f.name) == f.name else 1,
        )
        for f in fields
    ]
    names = assign(wanted, earlier=earlier, taken=taken)
    return tuple(_column(names[f.name], f, subgraph, schema) for f in fields)


def _named(field: EntityField, refers: bool) -> str:
    if not refers or snake(field.name).split("_")[-1] in ("id", "ids"):
        return field.name
    return f"{field.name}_{'ids' if field.depth else 'id'}"


def _column(name: str, field: EntityField, subgraph: Subgraph, schema: str | None) -> ColumnSpec:
    targets = _targets(field.type, subgraph)
    type = _type(field, subgraph, schema)
    checks: tuple[str, ...] = ()
    if field.depth == 0:
        checks = _value_checks(name, field.type, subgraph)
    elif field.depth == 1:
        checks = (*array_checks(name, nulls=not field.required_items), *_item_checks(name, field.type, subgraph))
    else:
        checks = (f"jsonb_typeof({quote(name)}) = 'array'",)
    brackets = "[" * field.depth + field.type + "]" * field.depth
    return ColumnSpec(
        name=name,
        type="jsonb" if field.depth > 1 else type + "[]" * field.depth,
        not_null=field.required,
        checks=checks,
        comment=f"{brackets} {field.name}" + (f": {field.description}" if field.description else ""),
        domains=frozenset({BIG_INT} if field.type == "BigInt" and field.depth < 2 else ()),
        references=field.type if targets == (field.type,) and field.depth == 0 else None,
    )


def _type(field: EntityField, subgraph: Subgraph, schema: str | None) -> str:
    targets = _targets(field.type, subgraph)
    if targets:
        return _id_type(field, targets, subgraph)
    if field.type == "BigInt":
        return str(Name(schema, BIG_INT))
    return _SCALARS.get(field.type, "text")  # an enum: its labels are checked


def _targets(name: str, subgraph: Subgraph) -> tuple[str, ...]:
    """The entities that a field of that type may refer to."""
    return tuple(e.name for e in subgraph.entities if name == e.name or name in e.interfaces)


def _id_type(field: EntityField, targets: tuple[str, ...], subgraph: Subgraph) -> str:
    entities = [e for e in subgraph.entities if e.name in targets]
    ids = {f.type: e.name for e in entities for f in e.fields if f.name == "id"}
    types = {_SCALARS[i] for i in ids}
    if len(types) > 1:
        said = ", ".join(f"{name} has {type}" for type, name in ids.items())
        raise InputError(
            f"{field.name}: ids of {field.type} have different types ({said})", path=subgraph.path, line=field.line
        )
    return types.pop()


def _value_checks(name: str, type: str, subgraph: Subgraph) -> tuple[str, ...]:
    if type == "BigDecimal":  # neither NaN nor infinite
        return (f"abs({quote(name)}) < 'Infinity'",)
    labels = _labels(type, subgraph)
    return (f"{quote(name)} IN ({', '.join(literal(label) for label in labels)})",) if labels else ()


def _item_checks(name: str, type: str, subgraph: Subgraph) -> tuple[str, ...]:
    if type == "BigDecimal":
        return (f"'Infinity' > ALL ({quote(name)}) AND '-Infinity' < ALL ({quote(name)})",)
    labels = _labels(type, subgraph)
    return (
        (f"array_remove({quote(name)}, NULL) <@ ARRAY[{', '.join(literal(label) for label in labels)}]",)
        if labels
        else ()
    )


def _labels(type: str, subgraph: Subgraph) -> tuple[str, ...]:
    return next((labels for name, labels in subgraph.enums if name == type), ())
