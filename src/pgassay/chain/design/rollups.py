"""Balances, statistics, daily series: sums that triggers keep, whatever is inserted or, after a reorg, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pgassay.chain.design.events import EventTable
from pgassay.chain.design.layout import CHAIN_BITS, Shape
from pgassay.chain.design.standards import AMOUNTS, MOVES, Amounts, Moves
from pgassay.chain.design.tables import Field, Meant, Served, listed, relisted
from pgassay.chain.design.templates import filled
from pgassay.chain.model import Listing
from pgassay.chain.names import joined
from pgassay.model import Name, quote


@dataclass(frozen=True, slots=True)
class Kept:
    """Rollup tables and the functions and triggers that keep them, each with its way back. ``read``: event tables that
    they are read from again later, each with the tables that do so."""

    tables: tuple[Meant, ...]
    triggers: tuple[tuple[str, str], ...]
    read: Mapping[str, Sequence[str]] = field(default_factory=dict)


def rollups(shape: Shape, events: Sequence[EventTable]) -> Kept:
    """Tables of sums for the transfers and amounts among these events."""
    tables: dict[str, Meant] = {}
    triggers: list[tuple[str, str]] = []
    for event in events:
        for moves in moved(event):
            made = _balances(shape, item=moves.item is not None)
            tables |= {t.name.name: t for t in made}
            triggers += _transfers(shape, event, moves)
    for amounts in AMOUNTS:
        sources = [(e, amounts.signs[e.event.signature]) for e in events if e.event.signature in amounts.signs]
        if sources:
            tables[amounts.name] = _amounts(shape, amounts)
        for event, (key, value, sign) in sources:
            function = shape.name(joined("keep", amounts.name, event.table.name.name))
            sql = filled(
                "rollups.sql", "amounts", function=function, sign=sign, table=shape.name(amounts.name),
                scope=scope_names(shape), key=quote(amounts.key), read=read(shape), by=by(shape),
                column=quote(event.column(key)), value=quote(event.column(value)),
            )  # fmt: skip
            triggers += kept(function, sql, event)
    return Kept(tuple(tables.values()), tuple(triggers))


def moved(event: EventTable) -> Iterable[Moves]:
    """The transfers that an event tells of."""
    indexed = sum(p.indexed for p in event.event.parameters)
    return (m for m in MOVES.get(event.event.signature, ()) if m.indexed in (None, indexed))


def kept(function: Name, body: str, event: EventTable) -> list[tuple[str, str]]:
    """A trigger function, and its triggers on an event's table for rows that come and rows that go."""
    return kept_by(function, body, event.table.name)


def kept_by(function: Name, body: str, table: Name) -> list[tuple[str, str]]:
    """The same for any table."""
    made = [(body, f"DROP FUNCTION {function}()")]
    for operation, side in (("insert", "NEW"), ("delete", "OLD")):
        name = quote(joined(function.name, operation))
        sql = filled("rollups.sql", "trigger", name=name, operation=operation.upper(), table=table, side=side,
                     function=function)  # fmt: skip
        made.append((sql, f"DROP TRIGGER {name} ON {table}"))
    return made


def scope_names(shape: Shape) -> str:
    """The columns of a rollup's scope, as SQL."""
    return listed(s.name for s in shape.scope)


def read(shape: Shape) -> str:
    """The scope read from an event's row ``e``, named."""
    return ", ".join(f"{s.source} AS {quote(s.name)}" for s in shape.scope)


def by(shape: Shape) -> str:
    """The same for GROUP BY."""
    return ", ".join(s.source for s in shape.scope)


def scope_fields(shape: Shape) -> tuple[Field, ...]:
    """The columns that a rollup's row begins with."""
    tenant = shape.tenant_field
    return tuple(
        tenant if tenant is not None and s.name == tenant.name else Field(name=s.name, type=s.type) for s in shape.scope
    )


def scope_columns(shape: Shape) -> tuple[str, ...]:
    """Their names."""
    return tuple(s.name for s in shape.scope)


def zero(shape: Shape) -> str:
    """The zero address, which tokens are minted from and burnt to. It is number 0 of the compact layout."""
    if shape.compact:
        return "0"
    return "'0x" + "0" * 40 + "'" if shape.settings.layout == "plain" else "'\\x" + "00" * 20 + "'::bytea"


def _transfers(shape: Shape, event: EventTable, moves: Moves) -> list[tuple[str, str]]:
    amount = "1::numeric"
    items = ""
    scope = shape
    sources = list(shape.scope)
    if moves.amount is not None:
        amount = f"e.{quote(event.column(moves.amount))}::numeric"
    extra_name = extra_read = extra_by = extra_returned = ""
    if moves.item is not None:
        item = f"e.{quote(event.column(moves.item))}"
        if moves.lists:
            assert moves.amount is not None
            lists = f"e.{quote(event.column(moves.item))}, e.{quote(event.column(moves.amount))}"
            items = f"CROSS JOIN LATERAL unnest({lists}) AS i (token_id, amount)\n    "
            item, amount = "i.token_id", "coalesce(i.amount, 0)::numeric"
        extra_name, extra_read, extra_by = ", token_id", f", {item} AS token_id", f", {item}"
        extra_returned = ", b.token_id"
    prefix = "item" if moves.item is not None else "token"
    function = scope.name(joined("keep", "balances", event.table.name.name))
    day, time = "(e.block_time AT TIME ZONE 'UTC')::date", ""
    if shape.packed:
        day = "(k.\"time\" AT TIME ZONE 'UTC')::date"
        time = (
            f"LEFT JOIN {shape.name('blocks')} k ON k.chain_no = (e.event_id >> {CHAIN_BITS})::smallint"
            " AND k.number = ((e.event_id >> 20) & 4294967295)"
        )
    sql = filled(
        "rollups.sql", "transfers", function=function, items=items, amount=amount, zero=zero(shape),
        giver=quote(event.column(moves.giver)), taker=quote(event.column(moves.taker)),
        scope=scope_names(shape) + extra_name, read=read(shape) + extra_read, by=by(shape) + extra_by,
        returned=", ".join(f"b.{quote(s.name)}" for s in sources) + extra_returned,
        balances=shape.name("balances" if prefix == "token" else "item_balances"),
        statistics=shape.name(f"{prefix}_statistics"), daily=shape.name(f"{prefix}_daily"), day=day, time=time,
    )  # fmt: skip
    return kept(function, sql, event)


def _balances(shape: Shape, *, item: bool) -> tuple[Meant, ...]:
    """Balances, statistics and daily series, of tokens or of the items of ERC-1155."""
    scope = scope_fields(shape)
    columns = scope_columns(shape)
    lead = columns[:-1]  # without the contract
    part = (Field(name="token_id", type=str(shape.name("uint256"))),) if item else ()
    part_columns = tuple(f.name for f in part)
    noun = "item" if item else "token"
    name = "item_balances" if item else "balances"
    whose = f"each {noun} and account"
    balances = Meant(
        name=shape.name(name),
        role="rollup",
        purpose=f"Balance of {whose}, kept by triggers from transfers. Negative only while earlier ones are missing.",
        fields=(*scope, *part, Field(name="account", type=shape.address), Field(name="balance", type="numeric")),
        key=(*columns, *part_columns, "account"),
        indexes=(
            Served(keys=(*lead, "account", columns[-1], *part_columns), why=f"what an account holds, by {noun}"),
            Served(keys=(*columns, *part_columns, "balance", "account"), where="balance > 0",
                   why=f"holders of a {noun}, greatest first"),
        ),
        listings=(
            Listing(name=f"{name}_of_account", table=name, equal=(*lead, "account"),
                    order=(columns[-1], *part_columns), descending=False, purpose="what an account holds"),
            Listing(name=f"{noun}_holders", table=name, equal=(*columns, *part_columns), order=("balance", "account"),
                    where="balance > 0", purpose=f"holders of a {noun}, greatest first"),
        ),
        options=("fillfactor = 80",),
    )  # fmt: skip
    flows = tuple(
        Field(name=n, type="numeric", default="0", comment=c)
        for n, c in (
            ("volume", "Sum of the amounts moved."),
            ("minted", "Sum of what came from the zero address."),
            ("burned", "Sum of what went to the zero address."),
        )
    )
    transfers = Field(name="transfers", type="bigint", default="0")
    statistics = Meant(
        name=shape.name(f"{noun}_statistics"),
        role="rollup",
        purpose=f"Counters of each {noun}, kept by triggers from transfers: read one row instead of counting events.",
        fields=(
            *scope, *part, transfers,
            Field(name="holders", type="bigint", default="0", comment="Accounts with a balance above zero."), *flows,
            Field(name="supply", type="numeric", generated="GENERATED ALWAYS AS (minted - burned) STORED", null=True),
        ),
        key=(*columns, *part_columns),
        indexes=(
            Served(keys=(*lead, "holders", columns[-1], *part_columns), why=f"{noun}s by number of holders"),
        ),
        listings=(
            Listing(name=f"{noun}s_by_holders", table=f"{noun}_statistics", equal=lead,
                    order=("holders", columns[-1], *part_columns), purpose=f"{noun}s by number of holders"),
        ),
        options=("fillfactor = 50",),
    )  # fmt: skip
    daily = Meant(
        name=shape.name(f"{noun}_daily"),
        role="rollup",
        purpose=f"Transfers of each {noun} a day (UTC), kept by triggers.",
        fields=(*scope, *part, Field(name="day", type="date"), transfers, *flows),
        key=(*columns, *part_columns, "day"),
        listings=(
            Listing(name=f"{noun}_days", table=f"{noun}_daily", equal=(*columns, *part_columns), order=("day",),
                    purpose=f"days of a {noun}, newest first"),
        ),
        options=("fillfactor = 80",),
    )  # fmt: skip
    return tuple(_owned(shape, t) for t in (balances, statistics, daily))


def _owned(shape: Shape, table: Meant) -> Meant:
    return relisted(replace(table, tenant_column=shape.tenant))


def _amounts(shape: Shape, amounts: Amounts) -> Meant:
    columns = scope_columns(shape)
    amount = Field(name="amount", type="numeric")
    table = Meant(
        name=shape.name(amounts.name),
        role="compliance",
        purpose=f"{amounts.purpose} Kept by triggers.",
        fields=(*scope_fields(shape), Field(name=amounts.key, type=shape.address), amount),
        key=(*columns, amounts.key),
        indexes=(Served(keys=(*columns[:-1], amounts.key, columns[-1]), why="everything of an account"),),
        listings=(
            Listing(name=f"{amounts.name}_of_contract", table=amounts.name, equal=columns, order=(amounts.key,),
                    descending=False, purpose="of a contract, by account"),
            Listing(name=f"{amounts.name}_of_account", table=amounts.name, equal=(*columns[:-1], amounts.key),
                    order=(columns[-1],), descending=False, purpose="of an account, by contract"),
        ),
        options=("fillfactor = 80",),
    )  # fmt: skip
    return _owned(shape, table)
