"""What every design begins with: chains, blocks, transactions, the registry of tokens, and the functions they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.chain.design.layout import BLOCK_BITS, CHAIN_BITS, Shape
from pgassay.chain.design.retention import Kept, functions
from pgassay.chain.design.tables import Field, Meant, Served, with_tenant
from pgassay.chain.design.templates import filled
from pgassay.chain.model import Listing
from pgassay.model import literal


@dataclass(frozen=True, slots=True)
class Made:
    """Tables with what goes before and after them, each with its way back (in the order to make, to be undone in
    reverse)."""

    before: tuple[tuple[str, str], ...]
    tables: tuple[Meant, ...]
    after: tuple[tuple[str, str], ...]


def base(shape: Shape, kept: Sequence[Kept] = ()) -> Made:
    """Functions, tables and triggers that do not depend on any contract; what lets go of rows past retention."""
    before = [_function(shape, "touch", "set_updated_at"), _function(shape, "refuse", "refuse_change")]
    tables = [_blocks(shape), _transactions(shape), _tokens(shape)]
    after: list[tuple[str, str]] = []
    if shape.packed:
        before += [
            _function(shape, "event_id", "event_id", "smallint, bigint, integer"),
            _function(shape, "event_chain", "event_chain", "bigint"),
            _function(shape, "event_block", "event_block", "bigint"),
            _function(shape, "event_log", "event_log", "bigint"),
        ]
        tables.insert(0, _chains(shape))
        after.append(_function(shape, "chain_number", "chain_number", shape.chain_type))
        after += [
            (f"SELECT {shape.name('chain_number')}({chain}::{shape.chain_type})", "") for chain in shape.settings.chains
        ]
    if shape.compact:
        tables.insert(1, _addresses(shape))
        address = str(shape.name("evm_address"))
        after.append(_function(shape, "address_number", "address_number", f"smallint, {address}"))
    touched = shape.name("tokens")
    after.append(
        (
            f"CREATE TRIGGER set_updated_at BEFORE UPDATE ON {touched} FOR EACH ROW EXECUTE FUNCTION"
            f" {shape.name('set_updated_at')}()",
            f"DROP TRIGGER set_updated_at ON {touched}",
        )
    )
    if shape.partition_key() is not None:
        tables.append(_horizon(shape))
        after += _partitions(shape, kept)
    return Made(tuple(before), tuple(tables), tuple(after))


def _function(shape: Shape, template: str, name: str, arguments: str = "") -> tuple[str, str]:
    words = {
        "touch": shape.name("set_updated_at"), "refuse": shape.name("refuse_change"), "chains": shape.name("chains"),
        "addresses": shape.name("addresses"), "address": shape.name("evm_address"), "chain_type": shape.chain_type,
        **{n: shape.name(n) for n in ("event_id", "event_chain", "event_block", "event_log", "chain_number",
                                      "address_number")},
    }  # fmt: skip
    return filled("base.sql", template, **words), f"DROP FUNCTION {shape.name(name)}({arguments})"


def _chains(shape: Shape) -> Meant:
    return Meant(
        name=shape.name("chains"),
        role="dictionary",
        purpose="Chains by the short number that event ids hold.",
        fields=(
            Field(name="chain_no", type="smallint", generated="GENERATED ALWAYS AS IDENTITY"),
            Field(name="chain_id", type=shape.chain_type, comment="As EIP-155 numbers chains."),
        ),
        key=("chain_no",),
        unique=(("chain_id",),),
        checks=(("chain_no", "chain_no BETWEEN 1 AND 2047"), ("chain_id", "chain_id > 0")),
    )


def _addresses(shape: Shape) -> Meant:
    return Meant(
        name=shape.name("addresses"),
        role="dictionary",
        purpose="Addresses by the number that stands for them in events; one row for each chain and address.",
        fields=(
            Field(name="id", type="integer", generated="GENERATED ALWAYS AS IDENTITY"),
            Field(name="chain_no", type="smallint", references=(shape.name("chains"), "chain_no")),
            Field(name="address", type=str(shape.name("evm_address"))),
        ),
        key=("id",),
        unique=(("chain_no", "address"),),
    )


def _chain_field(shape: Shape) -> Field:
    if not shape.packed:
        return Field(name="chain_id", type=shape.chain_type, comment="As EIP-155 numbers chains.")
    return Field(name="chain_no", type="smallint", references=(shape.name("chains"), "chain_no"))


def _blocks(shape: Shape) -> Meant:
    chain = _chain_field(shape)
    return Meant(
        name=shape.name("blocks"),
        role="chain",
        purpose="Blocks that were read, one row each. Insert a block before its events: that makes their partitions.",
        fields=(
            Field(name="number", type="bigint", check="number >= 0"),
            Field(name="time", type="timestamptz", comment="The block's own time."),
            chain,
            Field(name="hash", type=shape.hash),
            Field(name="parent_hash", type=shape.hash, comment="Differs from the last block's hash after a reorg."),
        ),
        key=(chain.name, "number"),
        unique=((chain.name, "hash"),),
        indexes=(
            Served(keys=(chain.name, "time"), why="the block at a time; the blocks of a day"),
        ),
        listings=(
            Listing(name="blocks_newest", table="blocks", equal=(chain.name,), order=("number",),
                    purpose="blocks of a chain, newest first"),
        ),
    )  # fmt: skip


def _transactions(shape: Shape) -> Meant:
    chain = _chain_field(shape)
    address = str(shape.name("evm_address"))
    order = ("block_number", "transaction_index")
    return Meant(
        name=shape.name("transactions"),
        role="chain",
        purpose="Transactions that logged events.",
        fields=(
            Field(name="block_number", type="bigint", check="block_number >= 0"),
            chain,
            Field(name="transaction_index", type="integer", check="transaction_index >= 0"),
            Field(name="hash", type=shape.hash),
            Field(name="sender", type=address),
            Field(name="recipient", type=address, null=True, comment="NULL where the transaction made a contract."),
            Field(name="selector", type="varchar(10)", null=True, check="selector ~ '^0x[0-9a-f]{8}$'",
                  comment="First four bytes of the input: the function called."),
            Field(name="value", type="numeric(78,0)", default="0", check="value >= 0", comment="Wei."),
        ),
        key=(chain.name, *order),
        unique=((chain.name, "hash"),),
        indexes=(
            Served(keys=(chain.name, "sender", *order), why="transactions of a sender, newest first"),
        ),
        listings=(
            Listing(name="transactions_newest", table="transactions", equal=(chain.name,), order=order,
                    purpose="transactions of a chain, newest first"),
            Listing(name="transactions_by_sender", table="transactions", equal=(chain.name, "sender"), order=order,
                    purpose="transactions of a sender, newest first"),
        ),
    )  # fmt: skip


def _tokens(shape: Shape) -> Meant:
    address = f"{shape.name('evm_address')}" if shape.settings.layout == "plain" else "varchar(42)"
    check = None if shape.settings.layout == "plain" else "contract_address ~ '^0x[0-9a-f]{40}$'"
    table = Meant(
        name=shape.name("tokens"),
        role="registry",
        purpose="The registry: one row for each token contract and chain.",
        fields=(
            Field(name="id", type="uuid", default="gen_random_uuid()"),
            Field(name="contract_address", type=address, check=check, comment="Lower case; EIP-55 at the edge."),
            Field(name="chain_id", type=shape.chain_type, check="chain_id > 0"),
            Field(name="symbol", type="text"),
            Field(name="name", type="text"),
            Field(name="decimals", type="smallint", default="18", check="decimals BETWEEN 0 AND 255"),
            Field(name="total_supply", type="numeric(78,0)", default="0",
                  check="total_supply BETWEEN 0 AND 2::numeric ^ 256 - 1",
                  comment="In the smallest unit, as the contract last said it."),
            Field(name="created_at", type="timestamptz", default="now()"),
            Field(name="updated_at", type="timestamptz", default="now()", comment="Maintained by a trigger."),
        ),
        key=("id",),
        unique=(("chain_id", "contract_address"),),
        indexes=(
            Served(keys=("symbol", "id"), why="tokens by symbol; symbols are not unique"),
            Served(keys=("created_at", "id"), why="newest tokens first"),
        ),
        listings=(
            Listing(name="tokens_newest", table="tokens", order=("created_at", "id"), purpose="newest tokens first"),
            Listing(name="tokens_by_symbol", table="tokens", equal=("symbol",), order=("id",), descending=False,
                    purpose="tokens of a symbol"),
        ),
    )  # fmt: skip
    return table if shape.tenant_field is None else with_tenant(table, shape.tenant_field)


def _horizon(shape: Shape) -> Meant:
    by_time = shape.partition_key() == "block_time"
    chain = (Field(name="chain_no", type="smallint"),) if shape.packed else ()
    low = Field(name="low", type="timestamptz" if by_time else "bigint")
    return Meant(
        name=shape.name("partition_horizon"),
        role="chain",
        purpose="Which slices of the chain have their partitions, and those ahead of them.",
        fields=(low, *chain),
        key=(*(f.name for f in chain), "low"),
    )


def _partitions(shape: Shape, kept: Sequence[Kept]) -> list[tuple[str, str]]:
    settings = shape.settings
    size = settings.partition_size
    by_time = shape.partition_key() == "block_time"
    make, trigger, renew = (shape.name(n) for n in ("make_partitions", "on_new_blocks", "renew_partitions"))
    words: dict[str, object] = {
        "make": make, "on_blocks": trigger, "renew": renew, "ahead": settings.partitions_ahead, "size": size,
        "schema_text": literal(settings.schema), "namespace": shape.namespace,
        "horizon": shape.name("partition_horizon"),
        "chain_parameter": "for_chain smallint, " if shape.packed else "",
        "chain_mark": " || for_chain || '_'" if shape.packed else "",
        "low": "low", "high": f"low + {size}", "lock_name": literal(str(shape.name("make_partitions"))),
    }  # fmt: skip
    if shape.packed:
        ends = [f"(for_chain::bigint << {CHAIN_BITS}) + (({low}) << {BLOCK_BITS})" for low in ("low", f"low + {size}")]
        words |= {"low": ends[0], "high": ends[1]}
    words["secure"] = f"\n      {filled('partitions.sql', 'secure', **words)};" if shape.tenant else ""
    if by_time:
        low = f"date_bin('{size} days', n.\"time\", '2015-07-27 00:00+00')"
        words |= {"reached": f"{low} AS low", "known": "h.low = reached.low", "call": f"{make}(reached.low)",
                  "marks": "low", "values": "reached.low", "made": f"{make}(reached.low)"}  # fmt: skip
    elif shape.packed:
        words |= {
            "reached": f"n.chain_no, n.number / {size} * {size} AS low",
            "known": "h.chain_no = reached.chain_no AND h.low = reached.low",
            "call": f"{make}(reached.chain_no, reached.low)", "made": f"{make}(reached.chain_no, reached.low)",
            "marks": "chain_no, low", "values": "reached.chain_no, reached.low",
        }  # fmt: skip
    else:
        words |= {"reached": f"n.number / {size} * {size} AS low", "known": "h.low = reached.low",
                  "call": f"{make}(reached.low)", "marks": "low", "values": "reached.low",
                  "made": f"{make}(reached.low)"}  # fmt: skip
    first = "timestamptz" if by_time else "smallint, bigint" if shape.packed else "bigint"
    blocks = shape.name("blocks")
    return [
        (filled("partitions.sql", "time" if by_time else "block", **words), f"DROP FUNCTION {make}({first}, integer)"),
        (filled("partitions.sql", "on_blocks", **words), f"DROP FUNCTION {trigger}()"),
        *(
            functions(shape, kept, words)
            if kept
            else [(filled("partitions.sql", "renew", **words), f"DROP FUNCTION {renew}()")]
        ),
        (
            f"CREATE TRIGGER make_partitions AFTER INSERT ON {blocks} REFERENCING NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {trigger}()",
            f"DROP TRIGGER make_partitions ON {blocks}",
        ),
        *((f"REVOKE ALL ON FUNCTION {f} FROM PUBLIC", "") for f in (f"{make}({first}, integer)", f"{renew}()")),
    ]
