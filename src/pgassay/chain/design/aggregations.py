"""A subgraph's aggregations: buckets of a time series, counted again by a trigger when something comes or goes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pgassay.chain.columns import ColumnSpec
from pgassay.chain.design.layout import Shape
from pgassay.chain.design.rollups import kept_by
from pgassay.chain.design.tables import Field, Meant, listed
from pgassay.chain.design.templates import filled
from pgassay.chain.model import Aggregate, Entity, Listing, Subgraph
from pgassay.chain.names import joined
from pgassay.errors import InputError
from pgassay.model import literal, quote

if TYPE_CHECKING:
    from pgassay.chain.design.entities import Entered

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|\d+(?:\.\d+)?|[-+*/(),])")
_FUNCTIONS = frozenset({"greatest", "least", "coalesce", "abs", "floor", "ceil"})
_STAMP = "timestamp"


def aggregation(
    shape: Shape, subgraph: Subgraph, entered: Entered, held: Mapping[str, Entered]
) -> tuple[Meant, list[tuple[str, str]], list[str]]:
    """The table of one aggregation, the triggers on its source, and notes. Raises InputError."""
    entity, name = entered.entity, entered.table
    source = held.get(entity.source or "")
    if source is None or _STAMP not in source.columns:
        problem = f"{entity.name} aggregates {entity.source}, which is no time series"
        raise InputError(problem, path=subgraph.path, line=entity.line or None)
    stamp = entered.columns[_STAMP].name if _STAMP in entered.columns else _STAMP
    summed = {a.name for a in entity.aggregates}
    dimensions = [f.name for f in entity.fields if f.name not in (*summed, "id", _STAMP) and f.derived_from is None]
    missing = [d for d in dimensions if d not in source.columns]
    if missing:
        problem = f"{entity.name}.{missing[0]} is no field of {source.entity.name}"
        raise InputError(problem, path=subgraph.path, line=entity.line or None)
    keys = [entered.columns[d].name for d in dimensions]
    fields = [
        Field(name="span", type="text", check=f"span IN ({', '.join(map(literal, entity.intervals))})"),
        Field(name=stamp, type="timestamptz", comment="Beginning of the bucket (UTC)."),
        *(Field(name=k, type=source.columns[d].type) for k, d in zip(keys, dimensions, strict=True)),
    ]
    values = [entered.columns[a.name].name for a in entity.aggregates]
    fields += [
        Field(name=v, type=_type(a, entered.columns[a.name]), null=True,
              comment=f"{a.function}({a.argument}){', of this bucket alone' if a.cumulative else ''}")
        for v, a in zip(values, entity.aggregates, strict=True)
    ]  # fmt: skip
    equal = ("span", *keys)
    table = Meant(
        name=shape.name(name),
        role="rollup",
        purpose=entity.description
        or f"{source.entity.name} in buckets of {' and '.join(entity.intervals)}, kept by triggers.",
        source=f"entity {entity.name}",
        fields=tuple(fields),
        key=(*equal, stamp),
        listings=(
            Listing(name=joined(name, "newest"), table=name, equal=equal, order=(stamp,), purpose="newest first"),
        ),
    )
    notes = [
        f"{entity.name}: cumulative fields hold the bucket's own part: add buckets up by a window over them"
        for _ in [a for a in entity.aggregates if a.cumulative][:1]
    ]
    pairs = list(zip(keys, (source.columns[d].name for d in dimensions), strict=True))
    return table, _kept(shape, subgraph, entity, source, table, stamp, pairs, values), notes


def _type(aggregate: Aggregate, spec: ColumnSpec) -> str:
    """Sums may leave the range of what is summed."""
    return "numeric" if aggregate.function == "sum" else spec.type


def _kept(
    shape: Shape, subgraph: Subgraph, entity: Entity, source: Entered, table: Meant, stamp: str,
    dimensions: Sequence[tuple[str, str]], values: Sequence[str],
) -> list[tuple[str, str]]:  # fmt: skip
    tenant = [(shape.tenant, shape.tenant)] if shape.tenant else []
    same = [*tenant, *dimensions]
    keys = [*(k for k, _ in tenant), "span", *(k for k, _ in dimensions), stamp]
    function = shape.name(joined("keep", table.name.name))
    time = quote(source.columns[_STAMP].name)
    touched = [f"date_trunc(i.span, e.{time}, 'UTC') AS {quote(stamp)}", "i.span"]
    touched += [f"e.{quote(theirs)} AS {quote(own)}" for own, theirs in same]
    selected = [
        f"{_function(subgraph, entity, a, source)} AS {quote(v)}"
        for v, a in zip(values, entity.aggregates, strict=True)
    ]
    columns = "".join(f", {quote(v)}" for v in values)
    body = filled(
        "entities.sql", "aggregate", function=function, lock=literal(str(table.name)), touched=", ".join(touched),
        intervals=", ".join(f"({literal(i)})" for i in entity.intervals), time=time, stamp=quote(stamp),
        source=shape.name(source.table), keys_k=", ".join(f"k.{quote(k)}" for k in keys),
        selected="".join(f", {s}" for s in selected),
        same="".join(f" AND e.{quote(theirs)} IS NOT DISTINCT FROM k.{quote(own)}" for own, theirs in same),
        table=table.name, matched=" AND ".join(f"s.{quote(k)} = k.{quote(k)}" for k in keys),
        again=" AND ".join(f"c.{quote(k)} = k.{quote(k)}" for k in keys), keys=listed(keys), columns=columns,
        action="UPDATE SET " + ", ".join(f"{quote(v)} = excluded.{quote(v)}" for v in values) if values else "NOTHING",
    )  # fmt: skip
    return kept_by(function, body, shape.name(source.table))


def _function(subgraph: Subgraph, entity: Entity, aggregate: Aggregate, source: Entered) -> str:
    if aggregate.function == "count":
        return "count(*)"
    argument = _expression(subgraph, entity, aggregate, source)
    if aggregate.function in ("sum", "min", "max"):
        return f"{aggregate.function}({argument})"
    direction = "DESC" if aggregate.function == "last" else "ASC"
    order = ", ".join(f"e.{quote(source.columns[c].name)} {direction}" for c in (_STAMP, "id"))
    return f"(array_agg({argument} ORDER BY {order}))[1]"


def _expression(subgraph: Subgraph, entity: Entity, aggregate: Aggregate, source: Entered) -> str:
    made, at, text = [], 0, aggregate.argument.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        word = found[1] if found else ""
        name = word[:1].isalpha() or word[:1] == "_"
        if not found or (name and word not in source.columns and word.lower() not in _FUNCTIONS):
            raise InputError(
                f"{entity.name}.{aggregate.name}: cannot read `{aggregate.argument}` at `{text[at:].strip()}`",
                path=subgraph.path,
                line=entity.line or None,
                hint=f"Use fields of {source.entity.name}, numbers, + - * / and parentheses.",
            )
        made.append(f"e.{quote(source.columns[word].name)}" if word in source.columns else word)
        at = found.end()
    return " ".join(made)
