"""Security tokens (ERC-3643): investors with identities and claims, agents who freeze, force and recover."""

from __future__ import annotations

import hashlib

from pgassay.chain.keccak import keccak256
from pgassay.chain.seeds_names import COUNTRIES, SECURITY, named
from pgassay.chain.seeds_tokens import Book, Fungible, move
from pgassay.chain.seeds_world import SELECTORS, TRANSFER, ZERO, Log, Transaction, World, log

KYC, AML, ACCREDITED = 1, 2, 7  # claim topics
_ECDSA = 1  # scheme of a claim's signature and type of a key (ERC-734)
_MANAGEMENT, _CLAIM_SIGNER = 1, 3  # purposes of keys
_DAY = 86_400
START = 1_767_225_600  # 2026-01-01 00:00 UTC, in seconds since 1970
_URI = "https://claims.example.org/"


class Suite:
    """What one issuer runs: registries, claim issuers, agents, tokens; ``verified`` are the wallets that may hold."""

    def __init__(self, world: World, tenant: int, tokens: int, left: int) -> None:
        self.world, self.tenant, self.left = world, tenant, left
        contract = world.contract
        self.registry, self.storage = contract(tenant), contract(tenant)
        self.issuers_registry, self.topics_registry = contract(tenant), contract(tenant)
        self.compliance, self.factory, self.module = contract(tenant), contract(tenant), contract(tenant)
        self.issuers = [contract(tenant), contract(tenant)]
        self.owner, self.agents = world.account(), [world.account(), world.account()]
        first = tenant * tokens
        self.books = [Book(world.token(tenant, *named(SECURITY, first + n))) for n in range(tokens)]
        self.verified: list[int] = []
        self.identity: dict[int, int] = {}
        self.claims: dict[tuple[int, int], tuple[int, bytes, bytes]] = {}  # identity and topic: issuer, signature, data
        self.ids = {i: {t: self._claim_id(i, t) for t in (KYC, AML, ACCREDITED)} for i in self.issuers}
        self.moving: Secured | None = None

    def _claim_id(self, issuer: int, topic: int) -> bytes:
        return keccak256(self.world.addresses[issuer].rjust(32, b"\0") + topic.to_bytes(32, "big"))

    def begin(self) -> list[Transaction]:
        """What is set up before anybody can hold a token, and the first investors."""
        registry, owner, storage = self.registry, self.owner, self.storage
        every = [registry, storage, self.issuers_registry, self.topics_registry, self.compliance]
        logs = [log("ERC3643Token.OwnershipTransferred", c, ZERO, owner) for c in every]
        logs += [
            log("IdentityRegistry.ClaimTopicsRegistrySet", registry, self.topics_registry),
            log("IdentityRegistry.TrustedIssuersRegistrySet", registry, self.issuers_registry),
            log("IdentityRegistry.IdentityStorageSet", registry, storage),
            log("IdentityRegistryStorage.IdentityRegistryBound", storage, registry),
            *(log("ClaimTopicsRegistry.ClaimTopicAdded", self.topics_registry, t) for t in (KYC, AML)),
        ]
        for issuer in self.issuers:
            topics = [KYC, AML, ACCREDITED] if issuer == self.issuers[0] else [KYC, AML]
            logs.append(log("TrustedIssuersRegistry.TrustedIssuerAdded", self.issuers_registry, issuer, topics))
            signer = keccak256(self.world.addresses[issuer].rjust(32, b"\0"))
            logs.append(log("Identity.KeyAdded", issuer, signer, _CLAIM_SIGNER, _ECDSA))
        logs.append(log("Compliance.ModuleAdded", self.compliance, self.module))
        logs += [log("ERC3643Token.AgentAdded", registry, agent) for agent in self.agents]
        made = [Transaction(owner, registry, SELECTORS["setup"], logs)]
        for book in self.books:
            token, world = book.token, self.world
            told = (world.account(), keccak256(token.name.encode()), keccak256(token.symbol.encode()))
            logs = [
                log("ERC3643Token.OwnershipTransferred", token.contract, ZERO, owner),
                log("ERC3643Token.IdentityRegistryAdded", token.contract, registry),
                log("ERC3643Token.ComplianceAdded", token.contract, self.compliance),
                log(
                    "ERC3643Token.UpdatedTokenInformation", token.contract, *told[1:], token.decimals, "4.1.3", told[0]
                ),
                log("Compliance.TokenBound", self.compliance, token.contract),
                log("IdentityFactory.TokenLinked", self.factory, token.contract, told[0]),
                *(log("ERC3643Token.AgentAdded", token.contract, agent) for agent in self.agents),
                log("ERC3643Token.Unpaused", token.contract, self.agents[0]),
            ]
            made.append(Transaction(owner, token.contract, SELECTORS["setup"], logs))
        return [*made, *(self._register() for _ in range(5))]

    def step(self) -> Transaction | None:
        """An investor more, or something that an agent does."""
        self.left -= 1
        world = self.world
        chance = world.random.random() * (1 if self.books else 0.66)
        if chance < 0.5:
            return self._register()
        if not self.books:
            return self._renew() if chance < 0.6 else self._revoke()
        book = self.books[int(len(self.books) * world.random.random())]
        if chance < 0.6:
            return self._renew()
        if chance < 0.66:
            return self._country()
        if chance < 0.8:
            return self._part(book)
        if chance < 0.9:
            return self._freeze(book)
        if chance < 0.93:
            return self._recover()
        if chance < 0.95:
            return self._revoke()
        if chance < 0.96:
            return self._agent()
        if chance < 0.965:
            return self._pause(book)
        return None

    def agent(self) -> int:
        """One of those who may do what agents do."""
        return self.agents[int(len(self.agents) * self.world.random.random())]

    def _wallet(self) -> int:
        return self.verified[int(len(self.verified) * self.world.random.random() ** 2)]

    def _key(self, wallet: int) -> bytes:
        return keccak256(self.world.addresses[wallet].rjust(32, b"\0"))

    def _claim(self, identity: int, topic: int, days: int, *, name: str = "ClaimAdded") -> Log:
        issuer = self.issuers[int(2 * self.world.random.random()) if topic != ACCREDITED else 0]
        if name == "ClaimChanged":
            issuer = self.claims[identity, topic][0]
        issued = int(self.world.days * _DAY) + START
        data = issued.to_bytes(32, "big") + (issued + days * _DAY).to_bytes(32, "big")
        signature = hashlib.sha512(self.world.addresses[identity] + bytes([topic]) + data).digest() + b"\x1b"
        self.claims[identity, topic] = (issuer, signature, data)
        uri = f"{_URI}{identity}/{topic}"
        return log(f"Identity.{name}", identity, self.ids[issuer][topic], topic, _ECDSA, issuer, signature, data, uri)

    def _register(self) -> Transaction:
        world, draw = self.world, self.world.random.random
        wallet, identity = world.account(), world.contract(self.tenant)
        self.identity[wallet] = identity
        logs = [
            log("IdentityFactory.Deployed", self.factory, identity),
            log("IdentityFactory.WalletLinked", self.factory, wallet, identity),
            log("Identity.KeyAdded", identity, self._key(wallet), _MANAGEMENT, _ECDSA),
        ]
        for topic in (KYC, AML) if draw() < 0.8 else (KYC, AML, ACCREDITED):
            logs.append(self._claim(identity, topic, 20 if draw() < 0.15 else 365))
        logs += self._enter(wallet, identity)
        if draw() < 0.6:
            logs += self._say_country(wallet)
        self.verified.append(wallet)
        return Transaction(self.agent(), self.registry, SELECTORS["register"], logs)

    def _enter(self, wallet: int, identity: int) -> list[Log]:
        return [
            log("IdentityRegistryStorage.IdentityStored", self.storage, wallet, identity),
            log("IdentityRegistry.IdentityRegistered", self.registry, wallet, identity),
        ]

    def _leave(self, wallet: int, identity: int) -> list[Log]:
        return [
            log("IdentityRegistryStorage.IdentityUnstored", self.storage, wallet, identity),
            log("IdentityRegistry.IdentityRemoved", self.registry, wallet, identity),
        ]

    def _say_country(self, wallet: int) -> list[Log]:
        country = self.world.random.choice(COUNTRIES)
        return [
            log("IdentityRegistryStorage.CountryModified", self.storage, wallet, country),
            log("IdentityRegistry.CountryUpdated", self.registry, wallet, country),
        ]

    def _country(self) -> Transaction:
        logs = self._say_country(self._wallet())
        return Transaction(self.agent(), self.registry, SELECTORS["country"], logs)

    def _renew(self) -> Transaction:
        wallet = self._wallet()
        identity = self.identity[wallet]
        name = "ClaimChanged" if (identity, KYC) in self.claims else "ClaimAdded"
        return Transaction(wallet, identity, SELECTORS["claim"], [self._claim(identity, KYC, 365, name=name)])

    def _revoke(self) -> Transaction | None:
        """The issuer takes a claim back; half of the holders remove it then."""
        identity = self.identity[self._wallet()]
        told = self.claims.get((identity, AML))
        if told is None:
            return None
        issuer, signature, data = told
        logs = [log("ClaimIssuer.ClaimRevoked", issuer, keccak256(signature))]
        if self.world.random.random() < 0.5:
            claim = (self.ids[issuer][AML], AML, _ECDSA, issuer, signature, data, f"{_URI}{identity}/{AML}")
            logs.append(log("Identity.ClaimRemoved", identity, *claim))
            del self.claims[identity, AML]
        return Transaction(self.owner, issuer, SELECTORS["revoke"], logs)

    def _part(self, book: Book) -> Transaction | None:
        """A part of a balance is frozen, or set free again: never more than there is."""
        draw, contract = self.world.random.random, book.token.contract
        if not book.holders:
            return None
        wallet = book.holders[int(len(book.holders) * draw())]
        frozen = book.frozen.get(wallet, 0)
        if frozen and draw() < 0.6:
            amount = frozen if draw() < 0.5 else max(1, int(frozen * draw()))
            book.frozen[wallet] = frozen - amount
            logs = [log("ERC3643Token.TokensUnfrozen", contract, wallet, amount)]
            return Transaction(self.agent(), contract, SELECTORS["unpart"], logs)
        amount = int(book.free(wallet) * draw())
        if not amount:
            return None
        book.frozen[wallet] = frozen + amount
        logs = [log("ERC3643Token.TokensFrozen", contract, wallet, amount)]
        return Transaction(self.agent(), contract, SELECTORS["part"], logs)

    def _freeze(self, book: Book) -> Transaction | None:
        """A wallet as a whole; six times of ten it is one that is frozen, if there is one."""
        agent = self.agent()
        if book.locked and self.world.random.random() < 0.6:
            wallet = min(book.locked)
            book.locked.discard(wallet)
        else:
            wallet = self._wallet()
            if wallet in book.locked:
                return None
            book.locked.add(wallet)
        logs = [log("ERC3643Token.AddressFrozen", book.token.contract, wallet, wallet in book.locked, agent)]
        return Transaction(agent, book.token.contract, SELECTORS["freeze"], logs)

    def _recover(self) -> Transaction | None:
        """A lost wallet's holdings go to a new one of the same identity, with what is frozen of them."""
        if len(self.verified) < 10 or self.moving is None or self.moving.left < len(self.books):
            return None
        place = int(len(self.verified) * self.world.random.random())
        lost, new = self.verified[place], self.world.account()
        identity = self.identity.pop(lost)
        self.identity[new], self.verified[place] = identity, new
        logs: list[Log] = [log("Identity.KeyAdded", identity, self._key(new), _MANAGEMENT, _ECDSA)]
        logs += self._enter(new, identity)
        first = self.books[0].token.contract
        for book in self.books:
            held, contract = book.balance.get(lost, 0), book.token.contract
            frozen = book.frozen.pop(lost, 0)
            if not held:
                continue
            first = contract
            if frozen:
                logs.append(log("ERC3643Token.TokensUnfrozen", contract, lost, frozen))
            book.take(lost, held)
            book.give(new, held)
            self.moving.left -= 1
            logs.append((TRANSFER, contract, (lost, new, held)))
            if frozen:
                book.frozen[new] = frozen
                logs.append(log("ERC3643Token.TokensFrozen", contract, new, frozen))
            if lost in book.locked:
                book.locked.discard(lost)
                book.locked.add(new)
                logs.append(log("ERC3643Token.AddressFrozen", contract, lost, False, self.agents[0]))
                logs.append(log("ERC3643Token.AddressFrozen", contract, new, True, self.agents[0]))
            logs.append(log("ERC3643Token.RecoverySuccess", contract, lost, new, identity))
        logs += self._leave(lost, identity)
        logs.append(log("IdentityFactory.WalletUnlinked", self.factory, lost, identity))
        logs.append(log("IdentityFactory.WalletLinked", self.factory, new, identity))
        logs.append(log("Identity.KeyRemoved", identity, self._key(lost), _MANAGEMENT, _ECDSA))
        return Transaction(self.agents[0], first, SELECTORS["recover"], logs)

    def _agent(self) -> Transaction:
        """One comes, or goes while two are left."""
        if len(self.agents) > 3:
            gone = self.agents.pop()
            logs = [log("ERC3643Token.AgentRemoved", b.token.contract, gone) for b in self.books]
            return Transaction(self.owner, self.registry, SELECTORS["unagent"], logs)
        self.agents.append(self.world.account())
        logs = [log("ERC3643Token.AgentAdded", b.token.contract, self.agents[-1]) for b in self.books]
        return Transaction(self.owner, self.registry, SELECTORS["agent"], logs)

    def _pause(self, book: Book) -> Transaction:
        """Paused and unpaused in one transaction: nothing has to move meanwhile."""
        agent, contract = self.agent(), book.token.contract
        logs = [log("ERC3643Token.Paused", contract, agent), log("ERC3643Token.Unpaused", contract, agent)]
        return Transaction(agent, contract, SELECTORS["pause"], logs)


class Secured(Fungible):
    """Transfers of a suite's tokens among its verified wallets; a few are forced by an agent."""

    def __init__(self, suite: Suite, left: int, approvals: int) -> None:
        super().__init__(suite.world, suite.books, suite.verified, left, approvals)
        self.suite, self.forced = suite, 0
        suite.moving = self

    def step(self) -> Transaction | None:
        """A transfer that compliance lets through, or one that an agent forces."""
        draw = self.world.random.random
        book = self.books[int(len(self.books) * draw() ** 2)]
        if len(book.holders) > 3 and (draw() < 0.01 or not self.forced):
            return self._force(book)
        return move(self, book, self.accounts, draw() < 0.8)

    def _force(self, book: Book) -> Transaction:
        """An agent can move frozen tokens: they are set free first."""
        draw, contract = self.world.random.random, book.token.contract
        giver = book.holders[int(len(book.holders) * draw())]
        taker = self.accounts[int(len(self.accounts) * draw())]
        amount = max(1, int(book.balance[giver] * draw()))
        missing = amount - book.free(giver)
        logs: list[Log] = []
        if missing > 0:
            book.frozen[giver] -= missing
            logs.append(log("ERC3643Token.TokensUnfrozen", contract, giver, missing))
        book.take(giver, amount)
        book.give(taker, amount)
        self.left -= 1
        self.forced += 1
        logs.append((TRANSFER, contract, (giver, taker, amount)))
        return Transaction(self.suite.agent(), contract, SELECTORS["forced"], logs)
