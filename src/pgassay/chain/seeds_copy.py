"""Made-up transactions as rows of a designed schema, in the text format of COPY, batch after batch.

Source: PostgreSQL manual, COPY, "Text Format".
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pgassay.chain.design.events import EventTable
from pgassay.chain.design.layout import BLOCK_BITS, CHAIN_BITS, Shape
from pgassay.chain.seeds_identity import START
from pgassay.chain.seeds_schema import Recognised
from pgassay.chain.seeds_world import Transaction, World
from pgassay.model import Name, quote

BATCH = 300_000  # rows of all tables that are sent together
_SECONDS = 12  # a block
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL = "\\N"


@dataclass(frozen=True, slots=True)
class Rows:
    """A COPY statement and its data: ``number`` rows of ``table``. ``tenant`` is whose they are."""

    table: Name
    copy: str
    data: bytes
    number: int
    tenant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """``id`` as EIP-155 has it, ``number`` as packed layouts have it; about so many ``transactions`` in ``days``."""

    id: int = 1
    number: int = 1
    transactions: int = 1000
    days: int = 120


class _Table:
    """Rows that wait, of one table: a list for each tenant."""

    def __init__(self, name: Name, columns: Sequence[str]) -> None:
        self.name = name
        self.copy = f"COPY {name} ({', '.join(map(quote, columns))}) FROM STDIN"
        self.waiting: dict[int, list[str]] = {}

    def add(self, tenant: int, row: str) -> None:
        rows = self.waiting.get(tenant)
        if rows is None:
            rows = self.waiting[tenant] = []
        rows.append(row)


class Writer:
    """Turns transactions into rows."""

    def __init__(self, found: Recognised, world: World, chain: Chain, tenants: Sequence[str]) -> None:
        self.shape, self.world, self.chain, self.tenants = found.shape, world, chain, tenants
        shape = found.shape
        self.key = "chain_no" if shape.packed else "chain_id"
        self.chain_value = chain.number if shape.packed else chain.id
        self.blocks = _Table(shape.name("blocks"), ("number", "time", self.key, "hash", "parent_hash"))
        self.transactions = _Table(
            shape.name("transactions"),
            ("block_number", self.key, "transaction_index", "hash", "sender", "recipient", "selector", "value"),
        )
        self.addresses = _Table(shape.name("addresses"), ("id", "chain_no", "address"))
        self.known = 1  # addresses that are written: number 0 needs no row
        self.texts: list[str] = []  # addresses as columns of the domain have them
        self.events = {of: self._event(e) for of, e in found.events.items()}
        self.block, self.index, self.log = 999, 0, 0
        self.parent = hashlib.sha256(b"genesis %d" % world.seed).hexdigest()
        self.time, self.place, self.in_block = "", "", 0
        self.per_block = max(1, min(40, chain.transactions // 200))
        self.gap = max(1, int(chain.days * 86_400 / _SECONDS / max(chain.transactions / self.per_block, 1)))
        self.hashed = 0

    def _event(self, event: EventTable) -> tuple[_Table, Callable[[int, Sequence[Any]], str]]:
        shape = self.shape
        place = [f.name for f in shape.place]
        tail = [] if shape.packed else ["transaction_hash"]
        tenant = [shape.tenant] if shape.tenant else []
        columns = [*place, shape.contract, *(s.name for s in event.specs), *tail, *tenant]
        encoders = []
        for spec in event.specs:
            assert spec.leaf is not None
            encoders.append((spec.leaf.path[0], self._encoder(spec.leaf.form, spec.leaf.type.kind)))

        def values(contract: int, given: Sequence[Any]) -> str:
            return "\t".join([self._contract(contract), *[encode(given[n]) for n, encode in encoders]])

        return _Table(event.table.name, columns), values

    def _contract(self, number: int) -> str:
        return str(number) if self.shape.compact else self._address(number)

    def _address(self, number: int) -> str:
        """An address in a column of the domain."""
        texts = self.texts
        if number >= len(texts):
            prefix = "\\\\x" if self.shape.packed else "0x"
            texts.extend(prefix + a.hex() for a in self.world.addresses[len(texts) :])
        return texts[number]

    def _encoder(self, form: str, kind: str) -> Callable[[Any], str]:
        if form == "address id":
            return str
        if form == "raw text":
            return lambda _: _NULL
        if form == "hash":
            return _bytes
        if form == "array":
            return _numbers
        if form == "text":
            return lambda text: str(text).translate(_ESCAPES)
        if kind == "address":
            return self._address
        if kind == "bool":
            return lambda value: "t" if value else "f"
        return _bytes if kind in ("bytes", "fixed bytes") else str

    def write(self, happened: Iterable[Transaction]) -> Iterator[list[Rows]]:
        """Batches: blocks first, then what is in them."""
        waiting = 0
        for transaction in happened:
            waiting += self._transaction(transaction)
            if waiting >= BATCH and self.index == 0:
                yield self._taken()
                waiting = 0
        yield self._taken()

    def _transaction(self, made: Transaction) -> int:
        logs = [found for each in made.logs if (found := (self.events.get(each[0]), each))[0] is not None]
        if not logs:
            return 0
        if self.index >= self.in_block:
            self._next_block()
        self.hashed += 1
        digest = hashlib.sha256(b"%d %d" % (self.world.seed, self.hashed)).hexdigest()
        shape = self.shape
        self.transactions.add(
            0,
            f"{self.block}\t{self.chain_value}\t{self.index}\t\\\\x{digest}\t{self._address(made.sender)}"
            f"\t{self._address(made.recipient)}\t{made.selector}\t0",
        )
        owner = self.world.owner
        for event, (_, contract, given) in logs:
            assert event is not None
            table, values = event
            tenant = owner[contract]
            if shape.packed:
                head = f"{self.base + self.log}\t{self.index}"
                row = f"{head}\t{values(contract, given)}"
            else:
                row = (
                    f"{self.block}\t{self.time}\t{self.chain.id}\t{self.log}\t{values(contract, given)}\t\\\\x{digest}"
                )
            if shape.tenant:
                row = f"{row}\t{self.tenants[tenant]}"
            table.add(tenant, row)
            self.log += 1
        self.index += 1
        if self.index >= self.in_block:
            self.index = 0
            self.in_block = 0
        return 1 + len(logs)

    def _next_block(self) -> None:
        draw = self.world.random.random
        self.block += 1 + int(draw() * (2 * self.gap - 1))
        self.index = self.log = 0
        self.in_block = 1 + int(draw() * (2 * self.per_block - 1))
        seconds = self.block * _SECONDS
        self.world.days = seconds / 86_400
        self.time = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(START + seconds))
        self.base = (self.chain.number << CHAIN_BITS) + (self.block << BLOCK_BITS)
        own = hashlib.sha256(b"block %d %d" % (self.world.seed, self.block)).hexdigest()
        row = f"{self.block}\t{self.time}\t{self.chain_value}\t\\\\x{own}\t\\\\x{self.parent}"
        self.blocks.add(0, row)
        self.parent = own

    def _taken(self) -> list[Rows]:
        if self.shape.compact:
            for number in range(self.known, len(self.world.addresses)):
                self.addresses.add(0, f"{number}\t{self.chain.number}\t{self._address(number)}")
            self.known = len(self.world.addresses)
        tables = [self.addresses, self.blocks, self.transactions, *(t for t, _ in self.events.values())]
        found = []
        for table in tables:
            for tenant, rows in sorted(table.waiting.items()):
                owner = self.tenants[tenant] if self.tenants else None
                found.append(Rows(table.name, table.copy, _text(rows), len(rows), owner))
            table.waiting = {}
        return found

    def registry(self) -> list[Rows]:
        """The registry of tokens, with what they are worth in the end."""
        shape, found = self.shape, []
        columns = ["id", "contract_address", "chain_id", "symbol", "name", "decimals", "total_supply", "created_at",
                   "updated_at", *([shape.tenant] if shape.tenant else [])]  # fmt: skip
        table = _Table(shape.name("tokens"), columns)
        for token in self.world.tokens:
            made = uuid.UUID(int=self.world.random.getrandbits(128), version=4)
            tenant = self.world.owner[token.contract]
            values = [made, "0x" + self.world.addresses[token.contract].hex(), self.chain.id,
                      token.symbol.translate(_ESCAPES), token.name.translate(_ESCAPES), token.decimals, token.supply,
                      time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(START)),
                      self.time or _NULL, *([self.tenants[tenant]] if shape.tenant else [])]  # fmt: skip
            table.add(tenant, "\t".join(map(str, values)))
        for tenant, rows in sorted(table.waiting.items()):
            owner = self.tenants[tenant] if self.tenants else None
            found.append(Rows(table.name, table.copy, _text(rows), len(rows), owner))
        return found


def tenants_of(shape: Shape, seed: int, number: int) -> tuple[str, ...]:
    """Made-up tenants, or none."""
    if shape.tenant is None:
        return ()
    made = (hashlib.sha256(f"tenant {seed} {n}".encode()).digest()[:16] for n in range(number))
    return tuple(str(uuid.UUID(bytes=m, version=4)) for m in made)


def _bytes(value: bytes) -> str:
    return "\\\\x" + value.hex()


def _numbers(values: Sequence[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _text(rows: Sequence[str]) -> bytes:
    return ("\n".join(rows) + "\n").encode() if rows else b""
