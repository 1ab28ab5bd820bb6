"""Whether pgassay designed a schema, and which of its tables hold events that a standard gives a meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pgassay.catalog import Catalog, Table
from pgassay.chain.design.events import EventTable, event_table, key
from pgassay.chain.design.layout import Shape
from pgassay.chain.design.standards import AMOUNTS, STATES
from pgassay.chain.design.tables import sources
from pgassay.chain.model import Event, Settings
from pgassay.chain.presets import PRESETS, presets
from pgassay.model import Name

_KEPT = frozenset(
    "balances token_statistics token_daily item_balances item_statistics item_daily partition_horizon".split()
) | {s.name for s in STATES} | {a.name for a in AMOUNTS}  # fmt: skip
_CHAIN = ("chains", "addresses", "blocks", "transactions", "tokens")
_AGGREGATED = re.compile(r"kept by triggers\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A designed schema: ``events`` by what they were made of, as far as a standard knows them; ``written`` are the
    tables that get rows, ``kept`` those that triggers keep."""

    shape: Shape
    events: dict[str, EventTable]
    written: frozenset[Name]
    kept: frozenset[Name]


def standard_events() -> dict[str, Event]:
    """Every event of the presets by what tells its table from others."""
    return {key(e): e for c in presets(tuple(PRESETS)) for e in c.events}


def recognised(catalog: Catalog) -> tuple[Recognised, ...]:
    """The schemas that pgassay designed: with blocks, transactions and a registry, and tables whose comments say which
    event they were made of."""
    found = []
    for schema in sorted({t.name.schema or "public" for t in catalog.tables}):
        tables = {t.name.name: t for t in catalog.tables if (t.name.schema or "public") == schema}
        made = sources((n, t.comment) for n, t in tables.items() if t.partition_of is None)
        if not {"blocks", "transactions", "tokens"} <= tables.keys() or tables["blocks"].column("parent_hash") is None:
            continue
        if not any(of.startswith("event ") for of in made):
            continue
        shape = Shape(_settings(schema, tables, made))
        known = standard_events()
        events = {of: event_table(shape, made[of], known[of], ()) for of in made if of in known}
        events = {of: e for of, e in events.items() if _as_expected(e, tables[made[of]])}
        written = [tables[n].name for n in _CHAIN if n in tables] + [tables[made[of]].name for of in events]
        kept = [t.name for t in tables.values() if t.name.name in _KEPT or _aggregated(t)]
        found.append(Recognised(shape=shape, events=events, written=frozenset(written), kept=frozenset(kept)))
    return tuple(found)


def _settings(schema: str, tables: dict[str, Table], made: dict[str, str]) -> Settings:
    first = tables[next(made[of] for of in made if of.startswith("event "))]
    columns = {c.name for c in first.columns}
    tokens = {c.name for c in tables["tokens"].columns}
    chain = tables["tokens"].column("chain_id")
    return Settings(
        schema=schema,
        layout="compact" if "contract_id" in columns else "bytea" if "event_id" in columns else "plain",
        tenancy="tenant" if "tenant_id" in tokens else "owner" if "owner_id" in tokens else "none",
        wide_chain_id=chain is not None and chain.base == "bigint",
        partition="none",
    )


def _as_expected(event: EventTable, table: Table) -> bool:
    """Whether nobody has changed the table's columns since."""
    return {f.name for f in event.table.fields} == {c.name for c in table.columns}


def _aggregated(table: Table) -> bool:
    return bool(table.comment and _AGGREGATED.search(table.comment))
