"""What tables and columns mean, from names, types and company: whether a database holds on-chain data, and where.

A word alone is no sign. ``chain_id`` may belong to a supermarket, ``block_number`` to a street, ``amount`` to a recipe
and ``address`` to a postman. So a database counts as one of on-chain data only where several signs agree, and a column
is read as an amount, address or hash only within it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pgassay.catalog import Catalog, Column, Table
from pgassay.model import Name

UINT256 = 2**256 - 1
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TYPE = re.compile(r"(?P<name>[^(]+)(?:\((?P<arguments>[\d, -]+)\))?")

# Names that mean little outside of on-chain data …
_HARD = {
    "tx_hash": {"tx_hash", "transaction_hash", "txn_hash", "txhash", "trx_hash"},
    "log_index": {"log_index", "logindex", "log_idx"},
    "block_hash": {"block_hash", "blockhash"},
    "contract": {"contract_address", "token_address", "token_contract_address", "pool_address", "pair_address"},
    "wallet": {"wallet_address", "eth_address", "evm_address", "holder_address", "ethereum_address"},
    "gas_used": {"gas_used", "gas_limit", "effective_gas_price"},
}
# … and such as have other meanings too.
_SOFT = {
    "chain": {"chain_id", "chainid", "blockchain", "blockchain_id"},
    "block": {"block_number", "block_num", "block_height", "blocknumber", "block_no"},
    "supply": {"total_supply"},
    "topic": {"topic_0", "topic0", "topics"},
    "parties": {"from_address", "to_address"},
    "gas": {"gas_price", "gas"},
}
_CHAINS = _SOFT["chain"] | {"chain", "network", "network_id"}
_NAMED = re.compile(
    r"(.*_)?(erc_?(20|223|721|777|1155|3643|4626)(_.*)?|(token|nft)_(transfer|balance|holder|mint|burn)s?)"
)
_TIME = re.compile(r"(block_)?(time|timestamp|datetime|date|ts)|occurred_at|mined_at|(block_)?timestamp_utc")
_TOKENS = {
    "tx_hash",
    "log_index",
    "block_hash",
    "contract",
    "gas_used",
    "named",
}  # signs of a table about tokens or events
_POSTAL = {"street", "city", "zip", "zipcode", "zip_code", "postcode", "postal_code", "phone", "phone_number"}
_OTHER_ADDRESSES = set(
    "email e mail ip ipv4 ipv6 mac street postal billing shipping home mailing web url city line remote host office"
    " delivery physical legal registered business residential server client bitcoin btc solana".split()
)
_OTHER_CHAINS = {"solana", "sol", "bitcoin", "btc", "tron", "ton", "aptos", "sui", "near", "cosmos", "xrpl", "stellar"}
_AMOUNTS = {"amount", "balance", "supply", "allowance", "wei"}
_SCARCER = {"liquidity", "minted", "burned", "staked", "reserve"}
_NO_AMOUNTS = set(
    "usd eur gbp chf fiat price pct percent percentage rate ratio count formatted display human ui decimal decimals"
    " score type id at hash key name label currency unit units index status gas bps symbol address updated change"
    " block date time text string pretty readable adjusted scaled norm normalized number cents".split()
)
_COLLECTIONS = {"nft", "nfts", "collection", "collections", "erc721", "edition", "editions", "drop", "drops"}


@lru_cache(maxsize=20_000)
def words(name: str) -> tuple[str, ...]:
    """A name's words in lower case: ``contractAddress`` and ``contract_address`` have the same."""
    return tuple(part.lower() for part in _PART.findall(name))


@lru_cache(maxsize=20_000)
def plain(name: str) -> str:
    """A name as snake case."""
    return "_".join(words(name))


@dataclass(frozen=True, slots=True)
class Type:
    """A column's type behind domains: ``numeric(78,0)`` is ``numeric`` with (78, 0)."""

    name: str
    arguments: tuple[int, ...] = ()

    @property
    def text(self) -> bool:
        """Whether it is a string type."""
        return self.name in {"text", "character varying", "character", "citext", "public.citext", "varchar"}

    @property
    def integer(self) -> bool:
        """Whether it is an integer type."""
        return self.name in {"smallint", "integer", "bigint"}

    @property
    def float(self) -> bool:
        """Whether it is a binary floating-point type."""
        return self.name in {"real", "double precision"}

    @property
    def length(self) -> int | None:
        """The longest string, where there is a limit."""
        return self.arguments[0] if self.text and self.arguments else None


def type_of(catalog: Catalog, column: Column) -> Type:
    """The type of a column with its modifier, behind domains."""
    text = column.type
    for _ in range(8):
        domain = catalog.domain(text)
        if domain is None:
            break
        text = domain.type
    match = _TYPE.match(text)
    assert match is not None
    rest = text[match.end() :]
    found = tuple(int(a) for a in (match["arguments"] or "").split(",") if a.strip())
    return Type(match["name"].strip() + rest, found)


@dataclass(frozen=True, slots=True)
class Chain:
    """Which tables of a database hold on-chain data, and which signs each of them bears."""

    catalog: Catalog
    signs: dict[Name, frozenset[str]]
    on_chain: bool
    tokens: frozenset[Name]  # tables about tokens, contracts and events, and those that refer to them

    def table(self, table: Table) -> bool:
        """Whether a table bears signs of on-chain data itself, or refers to one about tokens."""
        signs = self.signs[table.name]
        return self.on_chain and bool(signs & {*_HARD, "named"} or len(signs) > 1 or table.name in self.tokens)

    def event(self, table: Table) -> bool:
        """Whether a row is an event (log) of a contract."""
        return self.on_chain and "log_index" in self.signs[table.name]

    def appended(self, table: Table) -> bool:
        """Whether rows come in with the blocks of a chain."""
        signs = self.signs[table.name]
        return self.event(table) or (self.on_chain and ({"tx_hash", "block"} <= signs or {"named", "parties"} <= signs))

    def amount(self, table: Table, column: Column) -> bool:
        """Whether a column holds an amount of a token."""
        parts = words(column.name)
        if not self.table(table) or set(parts) & _NO_AMOUNTS or not parts:
            return False
        if set(parts) & _AMOUNTS:
            signs = self.signs[table.name]
            return table.name in self.tokens or bool(signs & {"wallet", "parties", "chain", "supply"})
        if plain(column.name) in {"value", "token_value", "transfer_value"}:
            return self.appended(table) and self._parties(table)
        return self.appended(table) and bool(set(parts) & _SCARCER)

    def _parties(self, table: Table) -> bool:
        names = {plain(c.name) for c in table.columns}
        return any(n.startswith(("from", "sender")) for n in names) and any(n.startswith(("to", "rec")) for n in names)

    def address(self, table: Table, column: Column) -> bool:
        """Whether a column of a string type holds addresses of accounts or contracts."""
        kind = type_of(self.catalog, column)
        parts = words(column.name)
        if not self.on_chain or not kind.text or not parts or (kind.length or 42) not in range(40, 67):
            return False
        if set(parts) & _OTHER_ADDRESSES or _POSTAL & {plain(c.name) for c in table.columns}:
            return False
        if kind.length != 42 and self._other_chains(table):
            return False
        if any(plain(column.name) in _HARD[sign] for sign in ("contract", "wallet")):
            return True
        if parts[-1] in {"address", "addr"}:
            return kind.length == 42 or self.table(table)
        return plain(column.name) in _ROLES and self.appended(table) and (kind.length == 42 or self._parties(table))

    def _other_chains(self, table: Table) -> bool:
        """Whether chains may be meant whose addresses have another form, in which upper and lower case differ."""
        column = self.chain_column(table)
        labels = {label.lower() for enum in self.catalog.enums for label in enum.labels}
        return bool(labels & _OTHER_CHAINS) or (column is not None and column.category == "S")

    def hash(self, column: Column) -> bool:
        """Whether a column holds 32-byte hashes."""
        return self.on_chain and plain(column.name) in _HARD["tx_hash"] | _HARD["block_hash"] | {
            "parent_hash", "user_op_hash", "state_root", "transactions_root", "receipts_root",
        }  # fmt: skip

    def block(self, table: Table, column: Column) -> bool:
        """Whether a column holds block numbers."""
        name = plain(column.name)
        if name in _SOFT["block"]:
            return self.on_chain
        return self.table(table) and (
            (name.endswith(("_block", "_block_number", "_block_height")) and not set(words(name)) & _NO_BLOCKS)
            or (name == "block" and self.appended(table))
        )

    def time(self, table: Table, column: Column) -> bool:
        """Whether a column holds the time of a block or event."""
        return self.table(table) and _TIME.fullmatch(plain(column.name)) is not None

    def chain_column(self, table: Table) -> Column | None:
        """The column that says which chain."""
        return next((c for c in table.columns if self.on_chain and plain(c.name) in _CHAINS), None)

    def named(self, table: Table, sign: str) -> tuple[str, ...]:
        """The columns by which a table bears a sign."""
        names = (_HARD | _SOFT)[sign]
        return tuple(c.name for c in table.columns if plain(c.name) in names)

    def fiat(self, table: Table) -> bool:
        """Whether a currency stands beside the amounts: they may be minor units of it."""
        return any(words(c.name)[-1:] == ("currency",) or plain(c.name) == "currency_code" for c in table.columns)

    def collection(self, table: Table) -> bool:
        """Whether a table is about non-fungible tokens, which are counted in units."""
        parts = words(table.name.name)
        return bool((set(parts) | {a + b for a, b in pairwise(parts)}) & _COLLECTIONS)


_NO_BLOCKS = {"in", "per", "index", "count", "number_of", "hash", "time", "size"}
_ROLES = {"from", "to", "owner", "sender", "recipient", "spender", "operator", "holder", "account", "minter", "payer"}


def chain(catalog: Catalog) -> Chain:
    """What is known of a catalog. The last few are remembered, since every rule asks."""
    found = next((c for c in _known if c.catalog is catalog), None)
    if found is None:
        found = _look(catalog)
        _known.append(found)
    return found


_known: deque[Chain] = deque(maxlen=4)


def _look(catalog: Catalog) -> Chain:
    """Look for on-chain data. Two signs that mean little else are enough, or one with two of the others, or a pair."""
    signs = {t.name: _signs(catalog, t) for t in catalog.tables}
    everything = frozenset().union(*signs.values())
    hard = everything & {*_HARD, "named"}
    pairs = ({"contract", "chain"}, {"wallet", "chain"}, {"named", "parties"})
    together = any(pair <= found for found in signs.values() for pair in pairs)
    on_chain = len(hard) > 1 or (len(hard) == 1 and len(everything - hard) > 1) or together
    about = {name for name, found in signs.items() if found & _TOKENS or {"chain", "supply"} <= found}
    referring = {t.name for t in catalog.tables if any(k.references in about for k in t.foreign_keys)}
    return Chain(catalog, signs, on_chain, frozenset(about | referring) if on_chain else frozenset())


def _signs(catalog: Catalog, table: Table) -> frozenset[str]:
    found = {"named"} if _NAMED.fullmatch(plain(table.name.name)) else set()
    for column in table.columns:
        name = plain(column.name)
        found |= {sign for sign, names in (_HARD | _SOFT).items() if name in names}
        length = type_of(catalog, column).length
        if length == 42 and words(column.name)[-1:] in (("address",), ("addr",)):
            found.add("wallet" if table.name.name.startswith(("user", "account", "wallet", "holder")) else "contract")
    return frozenset(found)
