"""Tables for a subgraph's entities: exact types, references with their indexes, time series with kept aggregations.

Source: https://thegraph.com/docs/en/subgraphs/developing/creating/ql-schema/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pgassay.chain.columns import array_checks
from pgassay.chain.design.layout import Shape
from pgassay.chain.design.tables import Field, Meant, Served, listed, relisted, with_tenant
from pgassay.chain.design.templates import filled
from pgassay.chain.model import Aggregate, Entity, EntityField, Listing, Subgraph
from pgassay.chain.names import Wanted, assign, joined, positional, snake
from pgassay.chain.types import is_domain_name
from pgassay.errors import InputError
from pgassay.model import literal, quote

_SCALARS = {
    "ID": "text", "String": "text", "Bytes": "bytea", "Int": "integer", "Int8": "bigint", "BigInt": "numeric",
    "BigDecimal": "numeric", "Boolean": "boolean", "Timestamp": "timestamptz",
}  # fmt: skip
_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|\d+(?:\.\d+)?|[-+*/()])")
_STAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class Entities:
    """Types and tables, triggers and views behind them, each with its way back."""

    types: tuple[tuple[str, str], ...] = ()
    tables: tuple[Meant, ...] = ()
    triggers: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def entities(shape: Shape, subgraph: Subgraph, *, taken: Iterable[str], earlier: Mapping[str, str]) -> Entities:
    """The tables of a subgraph. Raises InputError for a type that nothing resolves."""
    return _Making(shape, subgraph, set(taken), earlier).made()


class _Making:
    def __init__(self, shape: Shape, subgraph: Subgraph, taken: set[str], earlier: Mapping[str, str]) -> None:
        self.shape, self.subgraph = shape, subgraph
        self.entities = {e.name: e for e in subgraph.entities}
        self.interfaces = {i.name: i for i in subgraph.interfaces}
        wanted = [
            Wanted(key=f"entity {e.name}", name=f"{e.name}Entity" if is_domain_name(snake(e.name)) else e.name,
                   kind="entity", details=("entity",))
            for e in subgraph.entities
        ]  # fmt: skip
        self.tables = assign(wanted, earlier=earlier, taken=taken)
        used = taken | set(self.tables.values())
        labels = [Wanted(key=f"enum {n}", name=n, kind="type", details=("enum",)) for n, _ in subgraph.enums]
        self.enums = assign(labels, taken=used)
        self.notes: list[str] = []

    def made(self) -> Entities:
        types = []
        for name, labels in self.subgraph.enums:
            type_ = self.shape.name(self.enums[f"enum {name}"])
            types.append((f"CREATE TYPE {type_} AS ENUM ({', '.join(map(literal, labels))})", f"DROP TYPE {type_}"))
        tables: list[Meant] = []
        triggers: list[tuple[str, str]] = []
        for entity in self.subgraph.entities:
            if entity.source:
                table, kept = self._aggregation(entity)
                triggers += kept
            else:
                table = self._table(entity)
            tables.append(table)
        return Entities(tuple(types), tuple(tables), tuple(triggers), tuple(self.notes))

    def _names(self, entity: Entity) -> dict[str, str]:
        """The columns of an entity's stored fields, by the field's name."""
        stored = [f for f in entity.fields if f.derived_from is None]
        sources = [f"{f.name}_id" if self._refers(f) and not f.depth else f.name for f in stored]
        made = positional(
            sources, taken={self.shape.tenant} if self.shape.tenant else (), kinds=["field"] * len(sources)
        )
        return dict(zip((f.name for f in stored), made, strict=True))

    def _refers(self, field: EntityField) -> bool:
        return field.type in self.entities or field.type in self.interfaces

    def _type(self, entity: Entity, field: EntityField) -> str:
        if field.type in _SCALARS:
            return _SCALARS[field.type]
        if f"enum {field.type}" in self.enums:
            return str(self.shape.name(self.enums[f"enum {field.type}"]))
        target = self.entities.get(field.type) or self.interfaces.get(field.type)
        if target is None:
            raise InputError(
                f"{entity.name}.{field.name} has the type {field.type}, which is no scalar, enum, entity or interface",
                path=self.subgraph.path,
                line=field.line or None,
            )
        key = next((f for f in target.fields if f.name == "id"), None)
        return _SCALARS.get(key.type, "text") if key else "text"

    def _field(self, entity: Entity, field: EntityField, name: str) -> tuple[Field, list[str]]:
        base = self._type(entity, field)
        type_ = base if not field.depth else f"{base}[]" if field.depth == 1 else "jsonb"
        checks = list(array_checks(name)) if field.depth == 1 and field.required_items else []
        said = field.description or None
        if field.type == "BigInt" and not field.depth:
            checks.append(f"scale({quote(name)}) = 0")
        if self._refers(field):
            said = f"{said + ' ' if said else ''}Refers to {field.type}."
        return Field(name=name, type=type_, null=not field.required, comment=said), checks

    def _table(self, entity: Entity) -> Meant:
        name = self.tables[f"entity {entity.name}"]
        names = self._names(entity)
        fields, checks, indexes, listings = [], [], [], []
        key = names.get("id")
        for field in (f for f in entity.fields if f.derived_from is None):
            column = names[field.name]
            made, conditions = self._field(entity, field, column)
            if field.name == "id" and entity.timeseries:
                made = Field(name=column, type="bigint", generated="GENERATED BY DEFAULT AS IDENTITY")
            fields.append(made)
            checks += [(f"{column}_{n}", c) for n, c in enumerate(conditions, 1)]
            if key is None or not self._refers(field):
                continue
            if field.depth == 1:
                indexes.append(
                    Served(keys=(column,), method="gin", why=f"rows whose {column} hold a given {field.type}")
                )
            elif not field.depth:
                indexes.append(Served(keys=(column, key), why=f"{name} of a {field.type}: {self._why(entity, field)}"))
                listings.append(Listing(name=joined(name, "by", column), table=name, equal=(column,), order=(key,),
                                        purpose=f"{name} of a {field.type}"))  # fmt: skip
        if key is not None:
            listings.insert(0, Listing(name=joined(name, "all"), table=name, order=(key,), descending=False,
                                       purpose=f"every {name} by its id"))  # fmt: skip
        stamp = names.get(_STAMP)
        if entity.timeseries and stamp is not None and key is not None:
            indexes.append(Served(keys=(stamp, key), why="newest first"))
            indexes.append(Served(keys=(stamp,), method="brin", why="a span of time"))
            listings.append(
                Listing(name=joined(name, "newest"), table=name, order=(stamp, key), purpose="newest first")
            )
        return self._finished(entity, name, fields, checks, (key,) if key else (), indexes, listings)

    def _why(self, entity: Entity, field: EntityField) -> str:
        """Who derives a field from this reference."""
        found = [
            f"{other.name}.{f.name}"
            for other in (*self.subgraph.entities, *self.subgraph.interfaces)
            for f in other.fields
            if f.derived_from == field.name and f.type in (entity.name, *entity.interfaces)
        ]
        return f"{', '.join(found)} derived from it" if found else "what refers to it"

    def _finished(
        self, entity: Entity, name: str, fields: list[Field], checks: list[tuple[str, str]], key: tuple[str, ...],
        indexes: list[Served], listings: list[Listing], *, rollup: bool = False,
    ) -> Meant:  # fmt: skip
        immutable = entity.immutable or entity.timeseries
        table = Meant(
            name=self.shape.name(name),
            role="rollup" if rollup else "entity",
            purpose=entity.description or self._purpose(entity),
            source=f"entity {entity.name}",
            fields=tuple(fields),
            key=key,
            checks=tuple(checks),
            indexes=tuple(indexes),
            listings=tuple(listings),
            append_only=immutable,
        )
        after = (
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON {table.name} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION {self.shape.name('refuse_change')}()",
        )
        tenant = self.shape.tenant_field
        made = relisted(table) if tenant is None else with_tenant(table, tenant)
        return replace(made, after=after if immutable and not rollup else ())

    def _purpose(self, entity: Entity) -> str:
        if entity.source:
            return f"{entity.name}: {entity.source} summed up by {' and '.join(entity.intervals)}, kept by triggers."
        kind = "time series" if entity.timeseries else "immutable entity" if entity.immutable else "entity"
        return f"The subgraph's {kind} {entity.name}."

    # Aggregations

    def _aggregation(self, entity: Entity) -> tuple[Meant, list[tuple[str, str]]]:
        source = self.entities.get(entity.source or "")
        if source is None:
            raise InputError(f"{entity.name} aggregates {entity.source}, which is no entity", path=self.subgraph.path,
                             line=entity.line or None)  # fmt: skip
        name = self.tables[f"entity {entity.name}"]
        columns = self._names(source)
        stamp = columns.get(_STAMP)
        if stamp is None:
            raise InputError(f"{source.name} has no timestamp to aggregate by", path=self.subgraph.path,
                             line=source.line or None)  # fmt: skip
        summed = {a.name for a in entity.aggregates}
        dimensions = [f for f in entity.fields if f.name not in (*summed, "id", _STAMP) and f.derived_from is None]
        own = {f.name: f for f in source.fields}
        missing = [f.name for f in dimensions if f.name not in own]
        if missing:
            raise InputError(f"{entity.name}.{missing[0]} is no field of {source.name}", path=self.subgraph.path,
                             line=entity.line or None)  # fmt: skip
        fields = [Field(name="span", type="text", check=f"span IN ({', '.join(map(literal, entity.intervals))})"),
                  Field(name=stamp, type="timestamptz", comment="Beginning of the bucket (UTC).")]  # fmt: skip
        fields += [self._field(source, own[f.name], columns[f.name])[0] for f in dimensions]
        keys = [columns[f.name] for f in dimensions]
        values = positional((a.name for a in entity.aggregates), taken={f.name for f in fields})
        fields += [
            Field(name=v, type=_SCALARS.get(a.type, "numeric"), null=True,
                  comment=f"{a.function}({a.argument}){', of this bucket alone' if a.cumulative else ''}")
            for v, a in zip(values, entity.aggregates, strict=True)
        ]  # fmt: skip
        if any(a.cumulative for a in entity.aggregates):
            self.notes.append(
                f"{entity.name}: cumulative fields hold the bucket's own part: add buckets up by a window"
            )
        equal = ("span", *keys)
        listings = [Listing(name=joined(name, "newest"), table=name, equal=equal, order=(stamp,),
                            purpose="buckets, newest first")]  # fmt: skip
        table = self._finished(entity, name, fields, [], (*equal, stamp), [], listings, rollup=True)
        return table, self._kept(entity, source, table, stamp, keys, columns, values)

    def _kept(
        self, entity: Entity, source: Entity, table: Meant, stamp: str, dimensions: list[str],
        columns: Mapping[str, str], values: tuple[str, ...],
    ) -> list[tuple[str, str]]:  # fmt: skip
        shape = self.shape
        tenant = [shape.tenant] if shape.tenant else []
        same = [*tenant, *dimensions]
        keys = [*tenant, "span", *dimensions, stamp]
        function = shape.name(joined("keep", table.name.name))
        origin = shape.name(self.tables[f"entity {source.name}"])
        bucket = f"date_trunc(i.span, e.{quote(stamp)}, 'UTC')"
        touched = [f"{bucket} AS {quote(stamp)}", "i.span", *(f"e.{quote(c)}" for c in same)]
        selected = [
            f"{self._function(entity, a, columns, stamp)} AS {quote(v)}"
            for v, a in zip(values, entity.aggregates, strict=True)
        ]
        body = filled(
            "entities.sql", "aggregate", function=function, lock=literal(str(table.name)), touched=", ".join(touched),
            intervals=", ".join(f"({literal(i)})" for i in entity.intervals), source=origin, stamp=quote(stamp),
            keys_k=", ".join(f"k.{quote(k)}" for k in keys), selected=", ".join(selected) or "count(*) AS n",
            same="".join(f" AND e.{quote(c)} = k.{quote(c)}" for c in same), table=table.name,
            matched=" AND ".join(f"s.{quote(k)} = k.{quote(k)}" for k in keys),
            again=" AND ".join(f"c.{quote(k)} = k.{quote(k)}" for k in keys),
            keys=listed(keys), columns=listed(values),
            assigned=", ".join(f"{quote(v)} = excluded.{quote(v)}" for v in values),
        )  # fmt: skip
        made = [(body, f"DROP FUNCTION {function}()")]
        for operation, side in (("insert", "NEW"), ("delete", "OLD")):
            trigger = quote(joined(function.name, operation))
            sql = filled("rollups.sql", "trigger", name=trigger, operation=operation.upper(), table=origin, side=side,
                         function=function)  # fmt: skip
            made.append((sql, f"DROP TRIGGER {trigger} ON {origin}"))
        return made

    def _function(self, entity: Entity, aggregate: Aggregate, columns: Mapping[str, str], stamp: str) -> str:
        if aggregate.function == "count":
            return "count(*)"
        argument = self._expression(entity, aggregate, columns)
        if aggregate.function in ("sum", "min", "max"):
            return f"{aggregate.function}({argument})"
        direction = "DESC" if aggregate.function == "last" else "ASC"
        order = f"e.{quote(stamp)} {direction}, e.{quote(columns.get('id', stamp))} {direction}"
        return f"(array_agg({argument} ORDER BY {order}))[1]"

    def _expression(self, entity: Entity, aggregate: Aggregate, columns: Mapping[str, str]) -> str:
        made, at, text = [], 0, aggregate.argument.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            word = found[1] if found else ""
            if not found or ((word[0].isalpha() or word[0] == "_") and word not in columns):
                raise InputError(
                    f"{entity.name}.{aggregate.name}: cannot read `{aggregate.argument}` at `{text[at:].strip()}`",
                    path=self.subgraph.path,
                    line=entity.line or None,
                    hint=f"Use fields of {entity.source}, numbers, + - * / and parentheses.",
                )
            made.append(f"e.{quote(columns[word])}" if word in columns else word)
            at = found.end()
        return " ".join(made)
