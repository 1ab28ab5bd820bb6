"""Tokens of ERC-20, ERC-721 and ERC-1155 that are minted, moved, approved and burnt. No balance is ever negative."""

from __future__ import annotations

from typing import Protocol

from pgassay.chain.seeds_world import (
    APPROVAL,
    BATCH,
    ITEM_TRANSFER,
    SELECTORS,
    SINGLE,
    TRANSFER,
    ZERO,
    Log,
    Token,
    Transaction,
    World,
    log,
)

_UNLIMITED = 2**256 - 1
_URI = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"


class Engine(Protocol):
    """Something that goes on until ``left`` steps (of transfers, or of its own kind) are done."""

    @property
    def left(self) -> int:
        """How many there are still to do."""
        ...

    def step(self) -> Transaction | None:
        """What happens next."""
        ...


class Book:
    """The balances of one token, and its holders in the order in which they came."""

    __slots__ = ("balance", "frozen", "holders", "locked", "place", "token", "unit")

    def __init__(self, token: Token) -> None:
        self.token, self.unit = token, int(10**token.decimals)
        self.balance: dict[int, int] = {}
        self.holders: list[int] = []
        self.place: dict[int, int] = {}
        self.frozen: dict[int, int] = {}
        self.locked: set[int] = set()

    def give(self, account: int, amount: int) -> None:
        """Raise a balance."""
        held = self.balance.get(account, 0)
        if not held and amount:
            self.place[account] = len(self.holders)
            self.holders.append(account)
        self.balance[account] = held + amount

    def take(self, account: int, amount: int) -> None:
        """Lower a balance; there must be so much."""
        held = self.balance[account] - amount
        assert held >= self.frozen.get(account, 0) >= 0, "more than the account can move"
        self.balance[account] = held
        if not held and amount:
            place, last = self.place.pop(account), self.holders.pop()
            if last != account:
                self.holders[place], self.place[last] = last, place

    def free(self, account: int) -> int:
        """What an account can move."""
        return self.balance.get(account, 0) - self.frozen.get(account, 0)


class Fungible:
    """Transfers of ERC-20 among accounts of whom few do most (a power law)."""

    def __init__(self, world: World, books: list[Book], accounts: list[int], left: int, approvals: int) -> None:
        self.world, self.books, self.accounts, self.left = world, books, accounts, left
        self.whole, self.approvals, self.approved = left, approvals / max(left, 1), 0

    def step(self) -> Transaction | None:
        """A transfer or a batch of them, a mint, a burn; now and then an approval goes before."""
        draw = self.world.random.random
        book = self.books[int(len(self.books) * draw() ** 3)]
        return move(self, book, self.accounts, draw() < 0.6)


def move(engine: Fungible, book: Book, accounts: list[int], alone: bool) -> Transaction:
    """Something moves in one token, to some of these accounts."""
    world = engine.world
    draw = world.random.random
    contract, many = book.token.contract, len(accounts)
    chance = draw()
    logs: list[Log] = []
    if len(book.holders) < 3 + len(book.locked) or chance < 0.04:
        taker = accounts[int(many * draw() ** 3)]
        amount = minted(world, book)
        book.give(taker, amount)
        book.token.supply += amount
        engine.left -= 1
        return Transaction(taker, contract, SELECTORS["mint"], [(TRANSFER, contract, (ZERO, taker, amount))])
    giver = book.holders[int(len(book.holders) * draw() ** 2)]
    while giver in book.locked:
        giver = book.holders[int(len(book.holders) * draw())]
    free = book.free(giver)
    sender = giver
    if engine.approved < engine.approvals * (engine.whole - engine.left) and giver != accounts[0]:
        engine.approved += 1
        limit = _UNLIMITED if draw() < 0.4 else max(free, 1)
        logs.append((APPROVAL, contract, (giver, accounts[0], limit)))
    if chance < 0.055 and free > 0:
        amount = int(free * draw()) or 1
        book.take(giver, amount)
        book.token.supply -= amount
        engine.left -= 1
        logs.append((TRANSFER, contract, (giver, ZERO, amount)))
        return Transaction(sender, contract, SELECTORS["burn"], logs)
    wanted = 1 if alone else min(engine.left, 2 + int(draw() * 5))
    for n in range(wanted):
        taker = accounts[int(many * draw() ** 3)]
        if taker == giver or taker in book.locked:
            taker = accounts[int(many * draw())]
            if taker in book.locked:
                taker = giver
        part = draw()
        amount = free if part > 0.97 and n == wanted - 1 else int(free * part * part / wanted)
        if amount:
            book.take(giver, amount)
            book.give(taker, amount)
            free -= amount
        logs.append((TRANSFER, contract, (giver, taker, amount)))  # of nothing, too: ERC-20 says that it is logged
    engine.left -= wanted
    return Transaction(sender, contract, SELECTORS["transfer" if wanted == 1 else "batch"], logs)


def minted(world: World, book: Book) -> int:
    """An amount to mint: few are large, some have a fraction."""
    whole = int(100 * min(world.random.paretovariate(1.16), 1e6))
    fraction = world.random.randrange(book.unit) if book.unit > 1 and world.random.random() < 0.5 else 0
    return whole * book.unit + fraction


class Items:
    """Non-fungible tokens (ERC-721)."""

    def __init__(self, world: World, tokens: list[Token], accounts: list[int], left: int) -> None:
        self.world, self.tokens, self.accounts, self.left = world, tokens, accounts, left
        self.held: dict[int, list[tuple[int, int]]] = {t.contract: [] for t in tokens}  # item and holder

    def step(self) -> Transaction | None:
        """A mint, a sale, a burn."""
        draw = self.world.random.random
        token = self.tokens[int(len(self.tokens) * draw() ** 2)]
        contract, held = token.contract, self.held[token.contract]
        chance = draw()
        self.left -= 1
        if not held or chance < 0.35:
            taker = self.accounts[int(len(self.accounts) * draw() ** 3)]
            item = self._next(token)
            held.append((item, taker))
            return Transaction(taker, contract, SELECTORS["mint"], [(ITEM_TRANSFER, contract, (ZERO, taker, item))])
        place = int(len(held) * draw())
        item, giver = held[place]
        if chance < 0.37:
            held[place] = held[-1]
            held.pop()
            return Transaction(giver, contract, SELECTORS["burn"], [(ITEM_TRANSFER, contract, (giver, ZERO, item))])
        taker = self.accounts[int(len(self.accounts) * draw() ** 3)]
        held[place] = (item, taker)
        logs: list[Log] = []
        if chance < 0.45:
            logs.append(log("ERC721.Approval", contract, giver, taker, item))
        elif chance < 0.48:
            logs.append(log("ERC721.ApprovalForAll", contract, giver, self.accounts[0], draw() < 0.8))
        logs.append((ITEM_TRANSFER, contract, (giver, taker, item)))
        return Transaction(giver, contract, SELECTORS["item"], logs)

    def _next(self, token: Token) -> int:
        token.supply += 1
        return token.supply


class Goods:
    """Items of which there are many pieces (ERC-1155); ``single`` and ``batch`` transfers are counted apart."""

    def __init__(self, world: World, tokens: list[Token], accounts: list[int], single: int, batch: int) -> None:
        self.world, self.tokens, self.accounts = world, tokens, accounts
        self.single, self.batch = single, batch
        self.held: dict[int, dict[int, dict[int, int]]] = {t.contract: {} for t in tokens}  # holder, item, pieces
        self.order: dict[int, list[int]] = {t.contract: [] for t in tokens}  # who ever held something
        self.told: set[tuple[int, int]] = set()

    @property
    def left(self) -> int:
        """Transfers of either kind."""
        return self.single + self.batch

    def step(self) -> Transaction | None:
        """A mint or a transfer, of one item or of several."""
        draw = self.world.random.random
        token = self.tokens[int(len(self.tokens) * draw() ** 2)]
        contract = token.contract
        several = draw() * self.left < self.batch
        if several:
            self.batch -= 1
        else:
            self.single -= 1
        order, held = self.order[contract], self.held[contract]
        giver = order[int(len(order) * draw())] if order and draw() > 0.25 else ZERO
        mine = held.get(giver, {})
        rich = [i for i, n in mine.items() if n] if giver else []
        logs: list[Log] = []
        if not rich:
            giver = ZERO
            items = sorted({1 + int(60 * draw() ** 2) for _ in range(1 + several * int(1 + draw() * 4))})
            pieces = [1 + int(100 * draw() ** 2) for _ in items]
        else:
            items = rich[: 1 + several * int(1 + draw() * 4)]
            pieces = [1 + int(mine[i] * draw() * 0.999) for i in items]
        burnt = giver != ZERO and draw() < 0.03
        taker = ZERO if burnt else self.accounts[int(len(self.accounts) * draw() ** 3)]
        for item, number in zip(items, pieces, strict=True):
            if giver:
                mine[item] -= number
            if not burnt:
                theirs = held.get(taker)
                if theirs is None:
                    theirs = held[taker] = {}
                    order.append(taker)
                theirs[item] = theirs.get(item, 0) + number
            token.supply += number * ((giver == ZERO) - burnt)
            if (contract, item) not in self.told:
                self.told.add((contract, item))
                logs.append(log("ERC1155.URI", contract, f"{_URI}/{item}.json", item))
        who = giver or self.accounts[0]
        if several:
            logs.append((BATCH, contract, (who, giver, taker, items, pieces)))
        else:
            logs.append((SINGLE, contract, (who, giver, taker, items[0], pieces[0])))
        if giver and draw() < 0.04:
            logs.append(log("ERC1155.ApprovalForAll", contract, giver, self.accounts[0], True))
        return Transaction(who, contract, SELECTORS["several" if several else "single"], logs)
