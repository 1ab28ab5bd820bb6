"""The plain picture of packed events, forced transfers, and the way back from a reorganisation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgassay.chain.columns import columns as columns_of
from pgassay.chain.design.events import EventTable
from pgassay.chain.design.layout import CHAIN_BITS, Shape
from pgassay.chain.design.standards import FORCED
from pgassay.chain.design.templates import filled
from pgassay.chain.keccak import selector
from pgassay.chain.model import Contract
from pgassay.chain.names import joined
from pgassay.model import Name, literal, quote

# The plain layout's own columns of an event, and those that a tenant's rows have.
_PLAIN = frozenset(
    "block_number block_time chain_id log_index contract_address transaction_hash tenant_id owner_id".split()
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A view, and the statements that make it."""

    name: Name
    forward: tuple[str, ...]

    @property
    def back(self) -> str:
        """The statement that drops it."""
        return f"DROP VIEW {self.name}"


def views(shape: Shape, events: Sequence[EventTable], contracts: Iterable[Contract]) -> tuple[Shown, ...]:
    """Plain pictures of every event of a packed layout; forced transfers where a contract has the function."""
    made = [_plain(shape, e) for e in events] if shape.packed else []
    called = {f.signature for c in contracts for f in c.functions} & set(FORCED)
    transfer = next((e for e in events if e.event.signature == "Transfer(address,address,uint256)"), None)
    if called and transfer is not None:
        made.append(_forced(shape, transfer))
    return tuple(made)


def revert(shape: Shape) -> tuple[str, str]:
    """The function that forgets a chain from a block on, and its way back."""
    name = shape.name("revert_chain")
    condition = "chain_id = $1 AND block_number >= $2"
    chain = "chain_id"
    if shape.packed:
        low = f"(($1::bigint << {CHAIN_BITS}) + ($2 << 20))"
        condition, chain = f"event_id >= {low} AND event_id < (($1::bigint + 1) << {CHAIN_BITS})", "chain_no"
    kind = "smallint" if shape.packed else shape.chain_type
    sql = filled(
        "base.sql", "revert", revert=name, kind=kind, schema_text=literal(shape.settings.schema),
        namespace=shape.namespace,
        condition=condition, chain=chain, transactions=shape.name("transactions"), blocks=shape.name("blocks"),
    )  # fmt: skip
    return sql, f"DROP FUNCTION {name}({kind}, bigint)"


def _plain(shape: Shape, event: EventTable) -> Shown:
    """Chain, block, time, hash and addresses as the plain layout has them."""
    columns = ["c.chain_id", "b.number AS block_number", 'b."time" AS block_time']
    columns.append(f"{shape.name('event_log')}(e.event_id) AS log_index")
    joins = []
    if shape.compact:
        columns.append(f"{_hex('a0.address')} AS contract_address")
        joins.append(_dictionary(shape, "a0", "contract_id"))
    else:
        columns.append(f"{_hex('e.contract_address')} AS contract_address")
    plain = columns_of(event.event.parameters, "plain", taken=_PLAIN, schema=shape.settings.schema)
    for place, (spec, as_plain) in enumerate(zip(event.specs, plain, strict=True), 1):
        shown = quote(as_plain.name)
        if spec.address:
            alias = f"a{place}"
            columns.append(f"{_hex(f'{alias}.address')} AS {shown}")
            joins.append(_dictionary(shape, alias, spec.name))
        elif spec.leaf is not None and spec.leaf.type.kind == "address" and spec.leaf.form == "value":
            columns.append(f"{_hex(f'e.{quote(spec.name)}')} AS {shown}")
        else:
            columns.append(f"e.{quote(spec.name)} AS {shown}")
    columns.append("t.hash AS transaction_hash")
    if shape.tenant is not None:
        columns.append(f"e.{shape.tenant}")
    number = f"(e.event_id >> {CHAIN_BITS})::smallint"
    block = f"{shape.name('event_block')}(e.event_id)"
    lines = [
        f"SELECT {', '.join(columns)}",
        f"FROM {event.table.name} e",
        f"JOIN {shape.name('chains')} c ON c.chain_no = {number}",
        f"LEFT JOIN {shape.name('blocks')} b ON b.chain_no = {number} AND b.number = {block}",
        f"LEFT JOIN {shape.name('transactions')} t ON t.chain_no = {number} AND t.block_number = {block}"
        " AND t.transaction_index = e.transaction_index",
        *joins,
    ]
    view = shape.name(joined(event.table.name.name, "plain"))
    comment = f"{event.table.name.name} with chain, block, time and addresses spelt out."
    return Shown(view, (f"CREATE VIEW {view} AS\n" + "\n".join(lines), f"COMMENT ON VIEW {view} IS {literal(comment)}"))


def _dictionary(shape: Shape, alias: str, column: str) -> str:
    return f"LEFT JOIN {shape.name('addresses')} {alias} ON {alias}.id = e.{quote(column)}"


def _hex(column: str) -> str:
    return f"'0x' || encode(coalesce({column}, decode(repeat('00', 20), 'hex')), 'hex')"


def _forced(shape: Shape, transfer: EventTable) -> Shown:
    view = shape.name("forced_transfers")
    selectors = ",".join(selector(s) for s in FORCED)
    table = transfer.table.name
    match = "t.chain_id = e.chain_id AND t.hash = e.transaction_hash"
    if shape.packed:
        match = (
            f"t.chain_no = (e.event_id >> {CHAIN_BITS})::smallint AND"
            f" t.block_number = {shape.name('event_block')}(e.event_id) AND t.transaction_index = e.transaction_index"
        )
    sql = (
        f"CREATE VIEW {view} AS\nSELECT e.*, t.sender AS agent\nFROM {table} e\n"
        # not IN: PostgreSQL prints a list of varchar otherwise than it reads it
        f"JOIN {shape.name('transactions')} t ON {match}\nWHERE t.selector = ANY ('{{{selectors}}}'::varchar[])"
    )
    comment = (
        "Transfers that an agent forced (ERC-3643): the transaction calls forcedTransfer or its batch on the token."
        " A call through another contract is not seen here."
    )
    return Shown(view, (sql, f"COMMENT ON VIEW {view} IS {literal(comment)}"))
