"""One table for each event signature: append-only, with its place on the chain for a key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pgassay.chain.columns import ColumnSpec, columns
from pgassay.chain.design.layout import Shape
from pgassay.chain.design.tables import Field, Meant, Served, relisted, with_tenant
from pgassay.chain.keccak import topic
from pgassay.chain.model import Contract, Event, Listing
from pgassay.chain.names import Wanted, assign, joined, snake
from pgassay.chain.presets import is_standard, standard_names
from pgassay.chain.types import is_domain_name

# Endings that our indexes, partitions and views bear: a table of such a name could meet one of them.
_OURS = re.compile(r"_(idx|pkey|key|p0|seq|plain|fkey|check)$")
_INVOLVED = (("from", "to"), ("_from", "_to"), ("sender", "recipient"), ("sender", "receiver"), ("src", "dst"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """An event's table, the columns that hold its parameters, and the contracts that log it."""

    table: Meant
    event: Event
    specs: tuple[ColumnSpec, ...]
    contracts: tuple[str, ...]

    def columns_of(self, parameter: int) -> tuple[ColumnSpec, ...]:
        """The columns that hold one parameter."""
        return tuple(s for s in self.specs if s.leaf is not None and s.leaf.path[0] == parameter)

    def column(self, parameter: int) -> str:
        """The first of them."""
        return self.columns_of(parameter)[0].name


def key(event: Event) -> str:
    """What tells an event's table from all others: logs carry the signature's hash and the indexed values, so events of
    one signature are told apart by their number of topics (ERC-20's Transfer and ERC-721's)."""
    indexed = sum(p.indexed for p in event.parameters)
    return f"event {event.signature}, {indexed} indexed{', anonymous' if event.anonymous else ''}"


def distinct(contracts: Iterable[Contract]) -> dict[str, tuple[Event, tuple[str, ...]]]:
    """Events by key, each with the names of the contracts that log it, in the order of the contracts."""
    found: dict[str, tuple[Event, tuple[str, ...]]] = {}
    for contract in contracts:
        for event in contract.events:
            event_, names = found.get(key(event)) or (standard_names(event), ())
            found[key(event)] = (event_, tuple(dict.fromkeys((*names, contract.name))))
    return found


def table_names(
    events: Mapping[str, tuple[Event, tuple[str, ...]]], *, taken: Iterable[str], earlier: Mapping[str, str]
) -> dict[str, str]:
    """A name for each event's table."""
    wanted = []
    for each, (event, _) in events.items():
        name = snake(event.name)
        ours = is_domain_name(name) or _OURS.search(name)
        indexed = f"indexed {sum(p.indexed for p in event.parameters)}"
        alike = sum(e.name == event.name for e, _ in events.values())
        twice = sum(e.signature == event.signature for e, _ in events.values())
        types = [p.type.canonical for p in event.parameters] if twice < alike else []
        details = [*types, *([indexed] if twice > 1 else [])]
        # A standard's event gets the short name; of ERC-20's and ERC-721's Transfer the one with fewer topics.
        rank = sum(p.indexed for p in event.parameters) + 4 * event.anonymous + 8 * (not is_standard(event))
        wanted.append(Wanted(key=each, name=f"{event.name}_event" if ours else event.name, kind="event", rank=rank,
                             details=tuple(details)))  # fmt: skip
    return assign(wanted, earlier=earlier, taken=set(taken))


def event_table(shape: Shape, name: str, event: Event, contracts: Sequence[str]) -> EventTable:
    """The table of one event. Raises InputError where it has too many parameters for a table."""
    contract = Field(name=shape.contract, type=shape.address, comment="The contract that logged the event.")
    tail = () if shape.packed else (Field(name="transaction_hash", type=shape.hash),)
    taken = {f.name for f in (*shape.place, contract, *tail)} | {"tenant_id", "owner_id"}
    specs = columns(event.parameters, shape.settings.layout, taken=taken, schema=shape.settings.schema)
    fixed = [s for s in specs if s.type in ("integer", "boolean")]
    values = [*fixed, *(s for s in specs if s not in fixed)]
    held = [Field(name=s.name, type=s.type, null=not s.not_null, comment=s.comment) for s in values]
    checks = tuple((f"{s.name}_{n}", c) for s in specs for n, c in enumerate(s.checks, 1))
    fields = (*shape.place, contract, *held, *tail)
    if shape.compact:  # numbers first: the dictionary's entries are as wide as the transaction's index
        fields = (*shape.place, contract, *held)
    logged = ", ".join(contracts[:4]) + (f" and {len(contracts) - 4} more" if len(contracts) > 4 else "")
    base = Meant(
        name=shape.name(name),
        role="event",
        purpose=f"{event.name} as logged by {logged}: one row each, in the order of the chain.",
        source=key(event),
        topic=None if event.anonymous else topic(event.signature),
        fields=fields,
        key=_key(shape),
        checks=checks,
        indexes=tuple(_indexes(shape, specs)),
        listings=tuple(_listings(shape, name, event, specs)),
        partition=shape.partition_key(),
        first=shape.bounds(),
        append_only=True,
    )
    trigger = (
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR TRUNCATE ON {base.name} FOR EACH STATEMENT"
        f" EXECUTE FUNCTION {shape.name('refuse_change')}()"
    )
    base = replace(base, after=(trigger,))
    made = relisted(base) if shape.tenant_field is None else with_tenant(base, shape.tenant_field)
    return EventTable(table=made, event=event, specs=specs, contracts=tuple(contracts))


def _key(shape: Shape) -> tuple[str, ...]:
    if shape.packed:
        # The contract first: then the key serves a contract's listing as well, and one index is saved.
        return (shape.contract, "event_id")
    time = ("block_time",) if shape.partition_key() == "block_time" else ()
    return ("chain_id", "block_number", "log_index", *time)


def _chain(shape: Shape) -> tuple[str, ...]:
    return () if shape.packed else ("chain_id",)


def _indexed(specs: Sequence[ColumnSpec]) -> Iterable[tuple[ColumnSpec, bool]]:
    """The columns that the contract's author wanted to be searched, and whether each is an address."""
    for spec in specs:
        leaf = spec.leaf
        if leaf is not None and leaf.indexed and leaf.type.kind != "bool" and leaf.form != "raw text":
            yield spec, leaf.type.kind == "address" and leaf.form in ("value", "address id")


def _indexes(shape: Shape, specs: Sequence[ColumnSpec]) -> Iterable[Served]:
    chain, order = _chain(shape), shape.order
    if shape.packed:
        yield Served(keys=("event_id",), method="brin", why="a range of blocks: after a reorg, and by time")
    else:
        keys = (*chain, shape.contract, *order)
        yield Served(keys=keys, why="events of a contract in the order of the chain, from either end")
        yield Served(keys=("block_time",), method="brin", why="a span of time; as small as a page for 32 pages")
    for spec, is_address in _indexed(specs):
        if is_address:
            yield Served(keys=(*chain, spec.name, *order), why=f"events by {spec.name}, from either end")
        else:
            keys = (*chain, shape.contract, spec.name, *order)
            yield Served(keys=keys, why=f"a contract's events by {spec.name}, from either end")


def _listings(shape: Shape, name: str, event: Event, specs: Sequence[ColumnSpec]) -> Iterable[Listing]:
    chain, order = _chain(shape), shape.order
    if not shape.packed:
        yield Listing(name=joined(name, "newest"), table=name, equal=chain, order=order, purpose="newest first")
    yield Listing(name=joined(name, "by", "contract"), table=name, equal=(*chain, shape.contract), order=order,
                  purpose="events of a contract, newest first")  # fmt: skip
    for spec, is_address in _indexed(specs):
        equal = (*chain, spec.name) if is_address else (*chain, shape.contract, spec.name)
        yield Listing(name=joined(name, "by", spec.name), table=name, equal=equal, order=order,
                      purpose=f"events by {spec.name}, newest first")  # fmt: skip
    pair = involved(event)
    addresses = [s for s, is_address in _indexed(specs) if is_address]
    if pair is not None:
        either = tuple(s.name for s in addresses if s.leaf is not None and s.leaf.path[0] in pair)
        if len(either) == 2:
            yield Listing(name=joined(name, "by", "account"), table=name, equal=chain, either=either, order=order,
                          purpose="events that an account took part in on either side, newest first")  # fmt: skip


def involved(event: Event) -> tuple[int, int] | None:
    """The positions of the parameters that are both sides of a transfer."""
    names = [p.name for p in event.parameters]
    for one, other in _INVOLVED:
        if one in names and other in names:
            return names.index(one), names.index(other)
    return None
