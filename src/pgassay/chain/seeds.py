"""Rows for a designed schema that agree with each other: pure, a catalog in, data for COPY out.

Tokens are minted before they move, no balance is negative, no more is frozen than there is, items have one holder, and
what triggers keep (balances, statistics, states) follows from the events. The same seed makes the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pgassay.chain.seeds_copy import Chain, Rows, Writer, tenants_of
from pgassay.chain.seeds_identity import Secured, Suite
from pgassay.chain.seeds_names import FUNGIBLE, ITEMS, MULTI, named
from pgassay.chain.seeds_schema import Recognised, recognised
from pgassay.chain.seeds_tokens import Book, Engine, Fungible, Goods, Items
from pgassay.chain.seeds_world import APPROVAL, BATCH, ITEM_TRANSFER, KEYS, SINGLE, TRANSFER, Transaction, World

TENANTS = 3
_SUITE = ("ERC3643Token.AddressFrozen", "ERC3643Token.TokensFrozen", "IdentityRegistry.IdentityRegistered",
          "IdentityRegistryStorage.IdentityStored", "Identity.KeyAdded", "Identity.ClaimAdded",
          "IdentityFactory.Deployed")  # fmt: skip
_INVESTORS = 10_000  # at most; each has an identity, claims, keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How many transfers of each kind (by what their table was made of), and approvals of ERC-20."""

    transfers: Mapping[str, int]
    approvals: int = 0


def amounts(found: Recognised, rows: Mapping[str, int]) -> Amounts:
    """From rows by table: a transfer's table gets as many as are wanted, approvals are a tenth. What else there is of
    events follows from the transfers."""

    def wanted(of: str) -> int:
        event = found.events.get(of)
        return rows.get(event.table.name.name, 0) if event is not None else 0

    kinds = {of: wanted(of) for of in (TRANSFER, ITEM_TRANSFER, SINGLE, BATCH)}
    return Amounts(transfers=kinds, approvals=-(-wanted(APPROVAL) // 10))


def batches(
    found: Recognised, wanted: Amounts, *, seed: int = 1, chain_id: int = 1, chain_number: int = 1, others: int = 1000
) -> Iterator[list[Rows]]:
    """Rows to load, batch after batch and in this order; the registry's come last. ``others``: how much of identities
    there is where a schema has no transfers."""
    world = World(seed)
    tenants = tenants_of(found.shape, seed, TENANTS)
    total = sum(wanted.transfers.values())
    chain = Chain(id=chain_id, number=chain_number, transactions=max(1, int(total * 0.75) or others))
    writer = Writer(found, world, chain, tenants)
    yield from writer.write(happenings(world, set(found.events), wanted, tenants=len(tenants) or 1, others=others))
    yield writer.registry()


def happenings(
    world: World, has: set[str], wanted: Amounts, *, tenants: int = 1, others: int = 1000
) -> Iterator[Transaction]:
    """What happens on the chain, in order. ``has``: what the tables there are were made of."""
    engines: list[Engine] = []
    total = sum(wanted.transfers.values())
    accounts = [world.account() for _ in range(max(10, min(total // 40, 100_000)))]
    moves = wanted.transfers.get(TRANSFER, 0)
    with_suite = any(KEYS[k] in has for k in _SUITE)
    for tenant in range(tenants):
        own = _share(moves, tenants, tenant)
        secured = own // 2 if with_suite else 0
        approvals = _share(wanted.approvals, tenants, tenant)
        if with_suite and (own or TRANSFER not in has):
            suite = Suite(world, tenant, _tokens(secured, 4), max(10, min((own or others) // 10, _INVESTORS)))
            if TRANSFER not in has:
                suite.books.clear()
            yield from suite.begin()
            engines.append(suite)
            if secured:
                engines.append(Secured(suite, secured, approvals // 2))
        if own - secured:
            number = _tokens(own, 40)
            books = [Book(world.token(tenant, *named(FUNGIBLE, tenant * number + n))) for n in range(number)]
            free = approvals - (approvals // 2 if secured else 0)
            engines.append(Fungible(world, books, accounts, own - secured, free))
        engines += _collections(world, wanted.transfers, accounts, tenants, tenant)
    draw = world.random.random
    while (left := sum(e.left for e in engines)) > 0:
        # A run of steps of one kind: choosing anew for each would cost more than it tells.
        at = draw() * left
        for engine in engines:
            at -= engine.left
            if at < 0:
                break
        for _ in range(min(20, engine.left)):
            if engine.left > 0 and (made := engine.step()) is not None:
                yield made


def _collections(
    world: World, transfers: Mapping[str, int], accounts: list[int], tenants: int, tenant: int
) -> Iterator[Engine]:
    items, single, batch = (_share(transfers.get(k, 0), tenants, tenant) for k in (ITEM_TRANSFER, SINGLE, BATCH))
    known = tuple((name, symbol, 0) for name, symbol in ITEMS)
    if items:
        number = _tokens(items, 12)
        made = [world.token(tenant, *named(known, tenant * number + n)) for n in range(number)]
        yield Items(world, made, accounts, items)
    if single + batch:
        number = _tokens(single + batch, 6)
        goods = tuple((name, symbol, 0) for name, symbol in MULTI)
        made = [world.token(tenant, *named(goods, tenant * number + n)) for n in range(number)]
        yield Goods(world, made, accounts, single, batch)


def _share(whole: int, parts: int, part: int) -> int:
    return whole * (part + 1) // parts - whole * part // parts


def _tokens(transfers: int, most: int) -> int:
    """Contracts for so many transfers."""
    return max(1, min(most, 1 + int(transfers**0.4) // 3))


__all__ = ["TENANTS", "Amounts", "Rows", "amounts", "batches", "happenings", "recognised"]
