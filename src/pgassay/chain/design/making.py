"""The design as a whole: parts in the order in which they apply, and every table's listings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pgassay.chain.design.base import base
from pgassay.chain.design.entities import Entities, entities
from pgassay.chain.design.events import distinct, event_table, table_names
from pgassay.chain.design.layout import Shape
from pgassay.chain.design.retention import retained
from pgassay.chain.design.rollups import rollups
from pgassay.chain.design.security import first, secured, tenancy
from pgassay.chain.design.standards import AMOUNTS, STATES
from pgassay.chain.design.states import states
from pgassay.chain.design.tables import Meant, back, forward, relisted
from pgassay.chain.design.views import revert, views
from pgassay.chain.model import Contract, Design, Part, Settings, Subgraph
from pgassay.chain.names import shortened
from pgassay.chain.types import ADDRESS, HASH, domains
from pgassay.errors import InputError, UsageError
from pgassay.model import quote

_FIXED = frozenset(
    "chains addresses blocks transactions tokens partition_horizon balances token_statistics token_daily item_balances"
    " item_statistics item_daily forced_transfers".split()
) | {s.name for s in STATES} | {a.name for a in AMOUNTS}  # fmt: skip
_DEFINER = re.compile(r"CREATE FUNCTION ([^(]+)\((.*?)\) RETURNS trigger\s+LANGUAGE plpgsql SECURITY DEFINER")


def design(
    contracts: Sequence[Contract],
    subgraph: Subgraph | None = None,
    settings: Settings | None = None,
    *,
    earlier: Mapping[str, str] | None = None,
) -> Design:
    """The schema for these contracts and this subgraph.

    ``earlier`` maps what tables were made of to their names, as ``sources`` reads it from the comments of an earlier
    run's tables: these keep their names. Raises UsageError for settings that contradict each other, InputError for an
    event with more parameters than a table has columns.
    """
    chosen = settings or Settings()
    shape = Shape(chosen)
    if shape.packed and chosen.partition == "time":
        raise UsageError(
            f"--layout {chosen.layout} cannot be partitioned by time: its rows hold no time, only the block's number",
            hint='Say partition = "block" in pgassay.toml, or choose --layout plain.',
        )
    most = 36_500 if chosen.partition == "time" else 2**32
    if chosen.partition_size > most:
        unit = "days" if chosen.partition == "time" else "blocks"
        raise UsageError(f"partition_size = {chosen.partition_size}: a partition holds at most {most} {unit}")
    notes: list[str] = []
    found = distinct(contracts)
    anonymous = sorted({e.name for e, _ in found.values() if e.anonymous})
    if anonymous:
        notes.append(f"anonymous events carry no signature, so the reader must know them: {', '.join(anonymous)}")
    names = table_names(found, taken=_FIXED, earlier=earlier or {})
    paths = {c.name: c.path for c in contracts}
    events = []
    for key, (event, logged) in found.items():
        try:
            events.append(event_table(shape, names[key], event, logged))
        except InputError as error:
            raise InputError(f"{logged[0]}: event {event.name}: {error.problem}", path=paths[logged[0]]) from None
    notes += _renamed(found, names)
    now = states(shape, events)
    kept_for = retained(chosen, events, now.read)
    if kept_for:
        notes.append("retention: run SELECT * FROM maintain_partitions() daily; expired_partitions() tells beforehand")
    begun = base(shape, kept_for)
    sums = rollups(shape, events)
    told = Entities()
    if subgraph is not None:
        told = entities(shape, subgraph, taken=_FIXED | set(names.values()), earlier=earlier or {})
    notes += told.notes
    shown = views(shape, events, contracts)
    tables = [*begun.tables, *(e.table for e in events), *sums.tables, *now.tables, *told.tables]
    renamed = iter(_unique_indexes(tables))
    own = [next(renamed) for _ in begun.tables]
    logs = [next(renamed) for _ in events]
    kept = [next(renamed) for _ in sums.tables]
    held = [next(renamed) for _ in now.tables]
    described = [next(renamed) for _ in told.tables]
    used = {ADDRESS, HASH} | {d for e in events for s in e.specs for d in s.domains} | told.domains
    used |= {"uint256"} if any(t.name.name == "item_balances" for t in kept) else set()
    made, dropped = domains(chosen.layout, used, chosen.schema)
    forget = revert(shape)
    owned = tenancy(shape, [*own, *logs, *kept, *held, *described], [v.name for v in shown])
    schema = None if chosen.schema == "public" else quote(chosen.schema)
    parts = [
        Part(
            name="foundation",
            forward=(
                *((f"CREATE SCHEMA {schema}",) if schema else ()),
                *(s.removesuffix(";") for s in made),
                *_closed(f for f, _ in begun.before),
                *(s for t in own for s in forward(t)),
                *_closed(f for f, _ in begun.after),
                forget[0],
            ),
            back=(
                forget[1],
                *(b for _, b in reversed(begun.after) if b),
                *(s for t in reversed(own) for s in back(t)),
                *(b for _, b in reversed(begun.before) if b),
                *(s.removesuffix(";") for s in dropped),
                *((f"DROP SCHEMA {schema}",) if schema else ()),
            ),
        ),
        _part("events", logs, ()),
        _part("rollups", kept, sums.triggers),
        _part("states", held, now.triggers),
        _part("entities", described, told.triggers, types=told.types),
        Part(
            name="views",
            forward=tuple(s for v in shown for s in v.forward),
            back=tuple(v.back for v in reversed(shown)),
        ),
    ]
    if owned is not None:
        made_by = {"foundation": own, "events": logs, "rollups": kept, "states": held, "entities": described}
        seen = {"views": [v.name for v in shown]}
        parts = [secured(shape, p, made_by.get(p.name, ()), seen.get(p.name, ())) for p in parts]
        parts.insert(0, first(owned))
    every = [*own, *logs, *kept, *held, *described]
    return Design(
        settings=chosen,
        contracts=tuple(contracts),
        subgraph=subgraph,
        parts=tuple(p for p in parts if p.forward),
        tables=tuple(t.designed for t in every),
        listings=tuple(item for t in every for item in t.listings),
        notes=tuple(notes),
    )


def _part(
    name: str,
    tables: Sequence[Meant],
    triggers: Sequence[tuple[str, str]],
    types: Sequence[tuple[str, str]] = (),
) -> Part:
    return Part(
        name=name,
        forward=(
            *(f for f, _ in types),
            *(s for t in tables for s in (*forward(t), *t.after)),
            *_closed(f for f, _ in triggers),
        ),
        back=(
            *(b for _, b in reversed(triggers) if b),
            *(s for t in reversed(tables) for s in back(t)),
            *(b for _, b in reversed(types)),
        ),
    )


def _closed(statements: Iterable[str]) -> Iterable[str]:
    """The same, and nobody else may tie a function that runs with its owner's rights to a table of their own."""
    for statement in statements:
        yield statement
        found = _DEFINER.match(statement)
        if found:
            yield f"REVOKE ALL ON FUNCTION {found[1]}({found[2]}) FROM PUBLIC"


def _unique_indexes(tables: Sequence[Meant]) -> Iterable[Meant]:
    """The same tables; where two indexes would have one name, the later one gets another."""
    used: set[str] = {t.name.name for t in tables} | {t.key_name for t in tables}
    for table in tables:
        indexes = []
        for served in table.indexes:
            name = table.index_name(served)
            while name in used:
                name = shortened(name, f"{table.name.name} {name}")
            used.add(name)
            indexes.append(replace(served, name=name))
        yield relisted(replace(table, indexes=tuple(indexes)))


def _renamed(found: Mapping[str, object], names: Mapping[str, str]) -> list[str]:
    """Events that share a name, and the tables that they went to."""
    groups: dict[str, list[str]] = {}
    for key in found:
        groups.setdefault(key.removeprefix("event ").partition("(")[0], []).append(key)
    return [
        f"{name} has {len(keys)} signatures, a table each: {', '.join(names[k] for k in keys)}"
        for name, keys in groups.items()
        if len(keys) > 1
    ]
