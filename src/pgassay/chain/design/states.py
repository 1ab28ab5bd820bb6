"""What holds now: a table for each state, which triggers set to what the latest event of each key says."""

from __future__ import annotations

from collections.abc import Sequence

from pgassay.chain.columns import ColumnSpec
from pgassay.chain.design.events import EventTable
from pgassay.chain.design.layout import Shape
from pgassay.chain.design.rollups import Kept, kept, scope_columns, scope_fields
from pgassay.chain.design.standards import STATES, Sign, State
from pgassay.chain.design.tables import Field, Meant, Served, listed, relisted
from pgassay.chain.design.templates import filled
from pgassay.chain.model import Listing
from pgassay.chain.names import joined
from pgassay.model import quote

# Where the deciding event is: not named as an event's own place is, for a row here is no event.
_AS_OF = {True: ("as_of_event",), False: ("as_of_block", "as_of_log")}
_Source = tuple[EventTable, Sign]


def states(shape: Shape, events: Sequence[EventTable], *, taken: frozenset[str] = frozenset()) -> Kept:
    """Tables of the states that these events tell of."""
    tables: list[Meant] = []
    triggers: list[tuple[str, str]] = []
    read: dict[str, list[str]] = {}
    for state in STATES:
        sources = [(e, state.signs[e.event.signature]) for e in events if e.event.signature in state.signs]
        sources = [(e, s) for e, s in sources if s.indexed in (None, sum(p.indexed for p in e.event.parameters))]
        if not sources or state.name in taken:
            continue
        values = _values(sources)
        tables.append(_table(shape, state, sources, values))
        for event, sign in sources:
            read.setdefault(event.table.name.name, []).append(state.name)
            function = shape.name(joined("keep", state.name, event.table.name.name))
            triggers += kept(function, _function(shape, state, sources, values, event, sign), event)
    return Kept(tuple(tables), tuple(triggers), read)


def _values(sources: Sequence[_Source]) -> dict[str, dict[str, ColumnSpec]]:
    """The value columns by name, each with the column of every event (by its table's name) that tells it."""
    found: dict[str, dict[str, ColumnSpec]] = {}
    for event, sign in sources:
        for name, position in sign.values:
            for n, spec in enumerate(event.columns_of(position)):
                column = f"{name}_raw" if n else name
                found.setdefault(column, {})[event.table.name.name] = spec
    return found


def _table(shape: Shape, state: State, sources: Sequence[_Source], values: dict[str, dict[str, ColumnSpec]]) -> Meant:
    event, sign = sources[0]
    scope, columns = scope_fields(shape), scope_columns(shape)
    keys = tuple(
        Field(name=name, type=event.columns_of(position)[0].type)
        for name, position in zip(state.keys, sign.keys, strict=True)
    )
    held = (Field(name=state.held, type="boolean"),) if state.held else ()
    told = tuple(
        Field(name=name, type=next(iter(of.values())).type, comment=next(iter(of.values())).comment,
              null=len(of) < len(sources) or any(not s.not_null for s in of.values()))
        for name, of in values.items()
    )  # fmt: skip
    place = tuple(
        Field(name=n, type=t, comment="Of the event that this row says.")
        for n, t in zip(_AS_OF[shape.packed], shape.order_types, strict=True)
    )
    order = state.keys or columns[-1:]
    equal = columns if state.keys else columns[:-1]
    indexes = []
    listings = [
        Listing(name=f"{state.name}_of_contract" if state.keys else f"{state.name}_all", table=state.name, equal=equal,
                order=order, descending=False, purpose="by contract")
    ]  # fmt: skip
    for column in (c for c in state.by if c in values):
        indexes.append(Served(keys=(*equal, column, *order), why=f"{state.name.replace('_', ' ')} by {column}"))
        listings.append(
            Listing(name=f"{state.name}_by_{column}", table=state.name, equal=(*equal, column), order=order,
                    descending=False, purpose=f"by {column}")
        )  # fmt: skip
    return relisted(
        Meant(
            name=shape.name(state.name),
            role="compliance" if state.compliance else "rollup",
            purpose=f"{state.purpose} Kept by triggers.",
            fields=(*place, *scope, *keys, *held, *told),
            key=(*columns, *state.keys),
            indexes=tuple(indexes),
            listings=tuple(listings),
            options=("fillfactor = 80",),
            tenant_column=shape.tenant,
        )
    )


def _function(
    shape: Shape,
    state: State,
    sources: Sequence[_Source],
    values: dict[str, dict[str, ColumnSpec]],
    event: EventTable,
    sign: Sign,
) -> str:
    columns = scope_columns(shape)
    keys = (*columns, *state.keys)
    held = (state.held,) if state.held else ()
    place = _AS_OF[shape.packed]
    rest = (*place, *held, *values)
    touched = [f"{s.source} AS {quote(s.name)}" for s in shape.scope]
    touched += [f"e.{quote(event.column(p))} AS {quote(n)}" for n, p in zip(state.keys, sign.keys, strict=True)]
    every = (*keys, *rest)
    return filled(
        "rollups.sql", "latest",
        function=shape.name(joined("keep", state.name, event.table.name.name)),
        touched=", ".join(touched), items="", table=shape.name(state.name), place=place[0],
        sources="\n        UNION ALL\n        ".join(_source(shape, state, e, s, values) for e, s in sources),
        newest=", ".join(f"e.{n} DESC" for n in place),
        same=" AND ".join(f"s.{quote(k)} = l.{quote(k)}" for k in keys),
        columns=listed(every), selected=", ".join(f"l.{quote(c)}" for c in every),
        sorted=", ".join(f"l.{quote(k)}" for k in keys), keys=listed(keys),
        assigned=", ".join(f"{quote(c)} = excluded.{quote(c)}" for c in rest),
        newer=", ".join(f"excluded.{n}" for n in place), older=", ".join(f"s.{n}" for n in place),
    )  # fmt: skip


def _source(shape: Shape, state: State, event: EventTable, sign: Sign, values: dict[str, dict[str, ColumnSpec]]) -> str:
    table = event.table.name
    said = [f"e.{n} AS {a}" for n, a in zip(shape.order, _AS_OF[shape.packed], strict=True)]
    if state.held:
        active = str(sign.active).lower() if isinstance(sign.active, bool) else f"e.{quote(event.column(sign.active))}"
        said.append(f"{active} AS {quote(state.held)}")
    for name, of in values.items():
        spec = of.get(table.name)
        value = f"e.{quote(spec.name)}" if spec else f"NULL::{next(iter(of.values())).type}"
        said.append(f"{value} AS {quote(name)}")
    where = [f"{s.source} = k.{quote(s.name)}" for s in shape.scope]
    where += [f"e.{quote(event.column(p))} = k.{quote(n)}" for n, p in zip(state.keys, sign.keys, strict=True)]
    order = ", ".join(f"e.{n} DESC" for n in shape.order)
    return f"(SELECT {', '.join(said)} FROM {table} e WHERE {' AND '.join(where)} ORDER BY {order} LIMIT 1)"
