"""A subgraph's ``schema.graphql``: entities, aggregations, interfaces, unions, enums and full-text searches.

Source: The Graph's documentation, "The Graph QL Schema" and "Timeseries and aggregations".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from graphql import GraphQLSyntaxError, Source, parse
from graphql.language import ast

from pgassay.chain.model import Aggregate, Entity, EntityField, Fulltext, Subgraph
from pgassay.errors import InputError

SCALARS = ("BigInt", "BigDecimal", "Bytes", "Boolean", "Float", "ID", "Int", "Int8", "String", "Timestamp")
FUNCTIONS = ("sum", "count", "min", "max", "first", "last")
INTERVALS = ("hour", "day")
_IDENTIFIERS = ("ID", "Bytes", "String", "Int8")
_NOT_ENTITIES = frozenset(("Query", "Mutation", "Subscription", "_Schema_"))
_NAME = re.compile(r"[A-Za-z_]\w*\Z")

_Fail = Callable[[int, str], InputError]


def read_subgraph(path: Path) -> Subgraph:
    """Read and check a schema. Raises InputError with file and line: broken GraphQL, a type that nothing resolves, a
    derived field without its origin, an entity without an id, and the like."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"cannot be read: {reason}", path=str(path)) from None
    return parse_subgraph(text, str(path))


def parse_subgraph(text: str, path: str) -> Subgraph:
    """The same of a text; ``path`` is for messages."""

    def fail(line: int, problem: str) -> InputError:
        return InputError(problem, path=path, line=line)

    try:
        document = parse(Source(text, path))
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        raise fail(line, error.message.removeprefix("Syntax Error: ")) from None
    except RecursionError:
        raise InputError("broken GraphQL: brackets too deep", path=path) from None
    found = _read(document.definitions, path, fail)
    _check(found, fail)
    return found


def _read(definitions: Sequence[ast.DefinitionNode], path: str, fail: _Fail) -> Subgraph:
    entities: list[Entity] = []
    interfaces: list[Entity] = []
    enums: list[tuple[str, tuple[str, ...]]] = []
    fulltexts: list[Fulltext] = []
    members: dict[str, list[tuple[str, int]]] = {}
    seen: dict[str, int] = {}
    for node in definitions:
        line = _line(node)
        name = _name(node)
        if name in seen:
            raise fail(line, f"{name} is defined twice, first in line {seen[name]}")
        if name:
            seen[name] = line
        if isinstance(node, ast.ObjectTypeDefinitionNode):
            fulltexts += [_fulltext(d, fail) for d in node.directives or () if d.name.value == "fulltext"]
            if name not in _NOT_ENTITIES:
                entities.append(_entity(node, fail))
        elif isinstance(node, ast.InterfaceTypeDefinitionNode):
            interfaces.append(Entity(name=name, fields=_fields(node, fail), description=_said(node), line=line))
        elif isinstance(node, ast.UnionTypeDefinitionNode):
            interfaces.append(Entity(name=name, description=_said(node), line=line))
            for member in node.types or ():
                members.setdefault(member.name.value, []).append((name, line))
        elif isinstance(node, ast.EnumTypeDefinitionNode):
            if not node.values:
                raise fail(line, f"enum {name} has no values")
            enums.append((name, tuple(v.name.value for v in node.values)))
        elif not isinstance(node, ast.ScalarTypeDefinitionNode | ast.DirectiveDefinitionNode):
            raise fail(line, "a subgraph's schema has types, interfaces, unions and enums only")
    for name, unions in members.items():
        if name not in {e.name for e in entities}:
            raise fail(unions[0][1], f"union {unions[0][0]}: no entity {name}")
    joined = [replace(e, interfaces=(*e.interfaces, *(u for u, _ in members.get(e.name, ())))) for e in entities]
    return Subgraph(
        path=path,
        entities=tuple(joined),
        enums=tuple(enums),
        interfaces=tuple(interfaces),
        fulltexts=tuple(fulltexts),
    )


def _entity(node: ast.ObjectTypeDefinitionNode, fail: _Fail) -> Entity:
    options = {d.name.value: _arguments(d) for d in node.directives or ()}
    entity, aggregation = options.get("entity", {}), options.get("aggregation")
    fields = _fields(node, fail)
    aggregates = tuple(_aggregates(node, fail))
    source: str | None = None
    intervals: tuple[str, ...] = ()
    if aggregation is not None:
        source, listed = aggregation.get("source"), aggregation.get("intervals")
        if not isinstance(source, str) or not isinstance(listed, list) or not listed:
            raise fail(_line(node), f"{node.name.value}: @aggregation needs intervals and source")
        intervals = tuple(str(i) for i in listed)
    elif aggregates:
        raise fail(_line(node), f"{node.name.value}: @aggregate is for types with @aggregation")
    computed = {a.name for a in aggregates}
    return Entity(
        name=node.name.value,
        fields=tuple(f for f in fields if f.name not in computed),
        immutable=bool(entity.get("immutable", False) or entity.get("timeseries", False)),
        timeseries=bool(entity.get("timeseries", False)),
        interfaces=tuple(i.name.value for i in node.interfaces or ()),
        source=source,
        intervals=intervals,
        aggregates=aggregates,
        description=_said(node),
        line=_line(node),
    )


def _fields(
    node: ast.ObjectTypeDefinitionNode | ast.InterfaceTypeDefinitionNode, fail: _Fail
) -> tuple[EntityField, ...]:
    fields: dict[str, EntityField] = {}
    for field in node.fields or ():
        name, line = field.name.value, _line(field)
        if name in fields:
            raise fail(line, f"{node.name.value}.{name} is there twice, first in line {fields[name].line}")
        type, depth, required, required_items = _unwrapped(field.type)
        derived = [_arguments(d).get("field") for d in field.directives or () if d.name.value == "derivedFrom"]
        if derived and not isinstance(derived[0], str):
            raise fail(line, f'{node.name.value}.{name}: write @derivedFrom(field: "…")')
        fields[name] = EntityField(
            name=name,
            type=type,
            depth=depth,
            required=required,
            required_items=required_items,
            derived_from=str(derived[0]) if derived else None,
            description=_said(field),
            line=line,
        )
    return tuple(fields.values())


def _aggregates(node: ast.ObjectTypeDefinitionNode, fail: _Fail) -> Iterable[Aggregate]:
    for field in node.fields or ():
        for directive in field.directives or ():
            if directive.name.value != "aggregate":
                continue
            options = _arguments(directive)
            function, argument = options.get("fn"), options.get("arg", "")
            place = f"{node.name.value}.{field.name.value}"
            if function not in FUNCTIONS:
                raise fail(_line(field), f"{place}: no aggregate {function!r}; there are {', '.join(FUNCTIONS)}")
            if function != "count" and not argument:
                raise fail(_line(field), f"{place}: {function} needs an arg")
            yield Aggregate(
                name=field.name.value,
                type=_unwrapped(field.type)[0],
                function=str(function),
                argument=str(argument),
                cumulative=bool(options.get("cumulative", False)),
            )


def _fulltext(directive: ast.DirectiveNode, fail: _Fail) -> Fulltext:
    options = _arguments(directive)
    include = options.get("include")
    try:
        includes = tuple(
            (str(entry["entity"]), tuple(str(f["name"]) for f in entry["fields"])) for entry in include or ()
        )
        return Fulltext(
            name=str(options["name"]), language=str(options["language"]), includes=includes, line=_line(directive)
        )
    except (KeyError, TypeError):
        raise fail(_line(directive), "@fulltext needs name, language and include with entities and fields") from None


def _check(found: Subgraph, fail: _Fail) -> None:
    entities = {e.name: e for e in found.entities}
    interfaces = {i.name: i for i in found.interfaces}
    known = (*SCALARS, *entities, *interfaces, *(name for name, _ in found.enums))
    for owner in (*found.entities, *found.interfaces):
        for field in owner.fields:
            if field.type not in known:
                raise _unresolved(
                    f"{owner.name}.{field.name}: no type {field.type}", field.type, known, fail, field.line
                )
            if field.derived_from is not None:
                _check_derived(owner, field, entities, interfaces, fail)
    for entity in found.entities:
        _check_entity(entity, entities, interfaces, known, fail)
    for search in found.fulltexts:
        for name, fields in search.includes:
            there = {f.name for f in entities[name].fields} if name in entities else set()
            missing = [f for f in fields if f not in there]
            if name not in entities or missing:
                what = f"entity {name}" if name not in entities else f"field {missing[0]} in {name}"
                raise fail(search.line, f"@fulltext {search.name}: no {what}")


def _check_entity(
    entity: Entity, entities: dict[str, Entity], interfaces: dict[str, Entity], known: Collection[str], fail: _Fail
) -> None:
    own = {f.name: f for f in (*entity.fields,)}
    key = own.get("id")
    if key is None or not key.required or key.depth or key.type not in _IDENTIFIERS:
        line = key.line if key else entity.line
        raise fail(line, f"{entity.name} needs a field `id` of type {', '.join(t + '!' for t in _IDENTIFIERS)}")
    for name in entity.interfaces:
        if name not in interfaces:
            raise _unresolved(f"{entity.name}: no interface {name}", name, interfaces, fail, entity.line)
        for field in interfaces[name].fields:
            if field.name not in own:
                raise fail(entity.line, f"{entity.name} lacks {field.name} of {name}")
    if entity.timeseries and ("timestamp" not in own or own["timestamp"].type != "Timestamp"):
        raise fail(entity.line, f"{entity.name}: a timeseries needs a field `timestamp: Timestamp!`")
    for aggregate in entity.aggregates:
        if aggregate.type not in known:
            problem = f"{entity.name}.{aggregate.name}: no type {aggregate.type}"
            raise _unresolved(problem, aggregate.type, known, fail, entity.line)
    if entity.source is not None:
        _check_aggregation(entity, entities, fail)


def _check_aggregation(entity: Entity, entities: dict[str, Entity], fail: _Fail) -> None:
    assert entity.source is not None
    source = entities.get(entity.source)
    if source is None:
        raise _unresolved(f"{entity.name}: no entity {entity.source}", entity.source, entities, fail, entity.line)
    if not source.timeseries:
        raise fail(entity.line, f"{entity.name}: its source {source.name} is no timeseries")
    unknown = [i for i in entity.intervals if i not in INTERVALS]
    if unknown:
        raise fail(entity.line, f"{entity.name}: no interval {unknown[0]!r}; there are {', '.join(INTERVALS)}")
    there = {f.name for f in source.fields}
    for field in entity.fields:
        if field.name not in there:
            raise fail(field.line, f"{entity.name}.{field.name} is neither an @aggregate nor a field of {source.name}")
    for aggregate in entity.aggregates:
        if _NAME.match(aggregate.argument) and aggregate.argument not in there:
            raise fail(entity.line, f"{entity.name}.{aggregate.name}: {source.name} has no field {aggregate.argument}")


def _check_derived(
    owner: Entity, field: EntityField, entities: dict[str, Entity], interfaces: dict[str, Entity], fail: _Fail
) -> None:
    place = f"{owner.name}.{field.name}"
    other = entities.get(field.type) or interfaces.get(field.type)
    if other is None:
        raise fail(field.line, f"{place}: only entities can be derived, not {field.type}")
    origin = next((f for f in other.fields if f.name == field.derived_from), None)
    if origin is None:
        raise fail(field.line, f"{place}: {other.name} has no field {field.derived_from} to derive it from")
    if origin.derived_from is not None:
        raise fail(field.line, f"{place}: {other.name}.{origin.name} is derived itself")


def _unresolved(problem: str, name: str, known: Collection[str], fail: _Fail, line: int) -> InputError:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    error = fail(line, problem)
    error.hint = f"Did you mean {close[0]}?" if close else f"Define it in the schema; scalars are {', '.join(SCALARS)}."
    return error


def _unwrapped(type: ast.TypeNode) -> tuple[str, int, bool, bool]:
    """A type's name, list depth, whether it is required and whether the innermost items are."""
    required = isinstance(type, ast.NonNullTypeNode)
    depth = 0
    inner = required
    while not isinstance(type, ast.NamedTypeNode):
        if isinstance(type, ast.ListTypeNode):
            depth += 1
            inner = False
        elif isinstance(type, ast.NonNullTypeNode):
            inner = True
        type = cast(ast.ListTypeNode | ast.NonNullTypeNode, type).type
    return type.name.value, depth, required, inner if depth else False


def _arguments(directive: ast.DirectiveNode) -> dict[str, Any]:
    return {a.name.value: _value(a.value) for a in directive.arguments or ()}


def _value(node: ast.ValueNode) -> Any:
    if isinstance(node, ast.ListValueNode):
        return [_value(v) for v in node.values]
    if isinstance(node, ast.ObjectValueNode):
        return {f.name.value: _value(f.value) for f in node.fields}
    return getattr(node, "value", None)


def _said(node: Any) -> str | None:
    description: ast.StringValueNode | None = node.description
    return description.value if description else None


def _name(node: ast.Node) -> str:
    name = getattr(node, "name", None)
    return str(name.value) if name else ""


def _line(node: ast.Node) -> int:
    return node.loc.start_token.line if node.loc else 0
