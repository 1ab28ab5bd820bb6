"""Who and what is on a made-up chain: accounts, contracts, tenants, and the transactions that they log events in."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgassay.chain.design.events import key
from pgassay.chain.keccak import selector
from pgassay.chain.presets import PRESETS, preset

Log = tuple[str, int, tuple[Any, ...]]  # what the table was made of, the contract, the parameters
ZERO = 0  # of the addresses, as in the compact layout's dictionary


@dataclass(slots=True)
class Transaction:
    """Logs that happen together. Addresses are numbers of ``World.addresses``."""

    sender: int
    recipient: int
    selector: str
    logs: list[Log]


@dataclass(slots=True, kw_only=True)
class Token:
    """A row of the registry. ``supply`` is in the smallest unit."""

    contract: int
    name: str
    symbol: str
    decimals: int
    supply: int = 0


@dataclass(slots=True)
class World:
    """``addresses`` are 20 bytes each, number 0 the zero address; ``owner`` maps a contract to its tenant's number."""

    seed: int
    tenants: int = 1
    random: random.Random = field(init=False)
    addresses: list[bytes] = field(default_factory=lambda: [bytes(20)])
    owner: dict[int, int] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)
    days: float = 0.0  # of the chain's time that have passed: claims expire

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def account(self) -> int:
        """One more address."""
        number = len(self.addresses)
        self.addresses.append(hashlib.sha256(f"{self.seed}:{number}".encode()).digest()[:20])
        return number

    def contract(self, tenant: int) -> int:
        """One more contract, of a tenant."""
        made = self.account()
        self.owner[made] = tenant
        return made

    def token(self, tenant: int, name: str, symbol: str, decimals: int) -> Token:
        """One more row of the registry."""
        made = Token(contract=self.contract(tenant), name=name, symbol=symbol, decimals=decimals)
        self.tokens.append(made)
        return made


def _keys() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in PRESETS:
        for contract in preset(name):
            for event in contract.events:
                found.setdefault(f"{contract.name}.{event.name}", key(event))
    return found


KEYS = _keys()  # "ERC20.Transfer" → what its table is made of
TRANSFER = KEYS["ERC20.Transfer"]
APPROVAL = KEYS["ERC20.Approval"]
ITEM_TRANSFER = KEYS["ERC721.Transfer"]
SINGLE = KEYS["ERC1155.TransferSingle"]
BATCH = KEYS["ERC1155.TransferBatch"]


def log(name: str, contract: int, *values: Any) -> Log:
    """A log of an event, named as ``ERC3643Token.TokensFrozen``."""
    return KEYS[name], contract, values


SELECTORS = {
    name: selector(signature)
    for name, signature in {
        "transfer": "transfer(address,uint256)",
        "approve": "approve(address,uint256)",
        "mint": "mint(address,uint256)",
        "burn": "burn(address,uint256)",
        "batch": "batchTransfer(address[],uint256[])",
        "forced": "forcedTransfer(address,address,uint256)",
        "freeze": "setAddressFrozen(address,bool)",
        "part": "freezePartialTokens(address,uint256)",
        "unpart": "unfreezePartialTokens(address,uint256)",
        "recover": "recoveryAddress(address,address,address)",
        "register": "registerIdentity(address,address,uint16)",
        "country": "updateCountry(address,uint16)",
        "delete": "deleteIdentity(address)",
        "claim": "addClaim(uint256,uint256,address,bytes,bytes,string)",
        "unclaim": "removeClaim(bytes32)",
        "revoke": "revokeClaim(bytes32,address)",
        "agent": "addAgent(address)",
        "unagent": "removeAgent(address)",
        "pause": "pause()",
        "unpause": "unpause()",
        "item": "transferFrom(address,address,uint256)",
        "all": "setApprovalForAll(address,bool)",
        "single": "safeTransferFrom(address,address,uint256,uint256,bytes)",
        "several": "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
        "deploy": "createIdentity(address,string)",
        "setup": "init(address,address)",
    }.items()
}
