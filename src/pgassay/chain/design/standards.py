"""Which events of which standards feed which rollup, as data: signatures and positions of parameters.

Sources: ERC-20, ERC-721, ERC-1155, ERC-3643 (T-REX), ERC-173, ERC-734 and ERC-735 (ONCHAINID), AccessControl and
Pausable as commonly implemented.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """A transfer: positions of giver and taker, of the amount (None: one piece), of the item. ``lists``: both are."""

    giver: int
    taker: int
    amount: int | None = None
    item: int | None = None
    lists: bool = False
    indexed: int | None = None  # number of indexed parameters, where that tells two standards apart


MOVES: dict[str, tuple[Moves, ...]] = {
    "Transfer(address,address,uint256)": (
        Moves(giver=0, taker=1, amount=2, indexed=2),
        Moves(giver=0, taker=1, indexed=3),
    ),
    "TransferSingle(address,address,address,uint256,uint256)": (Moves(giver=1, taker=2, item=3, amount=4),),
    "TransferBatch(address,address,address,uint256[],uint256[])": (
        Moves(giver=1, taker=2, item=3, amount=4, lists=True),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What one event says of a state: positions of the key's parts and of the values, and whether it holds after it."""

    keys: tuple[int, ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    active: bool | int = True  # a position: the parameter says it
    indexed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A table that holds what the latest event of each key says. ``held`` names the boolean column."""

    name: str
    purpose: str
    keys: tuple[str, ...]
    signs: dict[str, Sign] = field(default_factory=dict)
    held: str | None = "active"
    compliance: bool = True
    by: tuple[str, ...] = ()  # a column to list by


def _pair(added: str, removed: str, keys: tuple[int, ...], **values: int) -> dict[str, Sign]:
    said = tuple(values.items())
    return {
        added: Sign(keys=keys, values=said, active=True),
        removed: Sign(keys=keys, values=said, active=False),
    }


_CLAIM = "(bytes32,uint256,uint256,address,bytes,bytes,string)"
_CLAIM_VALUES = {"topic": 1, "scheme": 2, "issuer": 3, "signature": 4, "data": 5, "uri": 6}

STATES: tuple[State, ...] = (
    State(
        name="item_owners",
        purpose="Who holds each non-fungible token (ERC-721); the zero address where it was burnt.",
        keys=("token_id",),
        signs={"Transfer(address,address,uint256)": Sign(keys=(2,), values=(("owner", 1),), indexed=3)},
        held=None,
        compliance=False,
        by=("owner",),
    ),
    State(
        name="identities",
        purpose="Identity of each investor's wallet in an identity registry, and whether it is still registered.",
        keys=("investor",),
        signs=_pair("IdentityRegistered(address,address)", "IdentityRemoved(address,address)", (0,), identity=1),
        held="registered",
        by=("identity",),
    ),
    State(
        name="stored_identities",
        purpose="Identity of each wallet in an identity registry's storage, and whether it is still there.",
        keys=("investor",),
        signs=_pair("IdentityStored(address,address)", "IdentityUnstored(address,address)", (0,), identity=1),
        held="stored",
        by=("identity",),
    ),
    State(
        name="investor_countries",
        purpose="Country of each investor as the registry last said it (ISO 3166-1, as a number).",
        keys=("investor",),
        signs={
            "CountryUpdated(address,uint16)": Sign(keys=(0,), values=(("country", 1),)),
            "CountryModified(address,uint16)": Sign(keys=(0,), values=(("country", 1),)),
        },
        held=None,
        by=("country",),
    ),
    State(
        name="wallet_freezes",
        purpose="Whether a token has frozen a wallet as a whole, and which agent said so last.",
        keys=("account",),
        signs={"AddressFrozen(address,bool,address)": Sign(keys=(0,), values=(("agent", 2),), active=1)},
        held="frozen",
    ),
    State(
        name="wallet_recoveries",
        purpose="The latest recovery of each lost wallet: where its holdings went, and whose identity they belong to.",
        keys=("lost_wallet",),
        signs={
            "RecoverySuccess(address,address,address)": Sign(keys=(0,), values=(("new_wallet", 1), ("identity", 2)))
        },
        held=None,
        by=("identity",),
    ),
    State(
        name="agents",
        purpose="Agents of each contract, and whether they still are.",
        keys=("agent",),
        signs=_pair("AgentAdded(address)", "AgentRemoved(address)", (0,)),
    ),
    State(
        name="compliance_modules",
        purpose="Modules of each compliance contract, and whether they are still bound.",
        keys=("module",),
        signs=_pair("ModuleAdded(address)", "ModuleRemoved(address)", (0,)),
    ),
    State(
        name="bound_tokens",
        purpose="Tokens that a compliance contract is bound to.",
        keys=("token",),
        signs=_pair("TokenBound(address)", "TokenUnbound(address)", (0,)),
    ),
    State(
        name="trusted_issuers",
        purpose="Claim issuers that a registry trusts, and for which topics.",
        keys=("issuer",),
        signs={
            "TrustedIssuerAdded(address,uint256[])": Sign(keys=(0,), values=(("claim_topics", 1),)),
            "ClaimTopicsUpdated(address,uint256[])": Sign(keys=(0,), values=(("claim_topics", 1),)),
            "TrustedIssuerRemoved(address)": Sign(keys=(0,), active=False),
        },
        held="trusted",
    ),
    State(
        name="claim_topics",
        purpose="Claim topics that a registry requires.",
        keys=("topic",),
        signs=_pair("ClaimTopicAdded(uint256)", "ClaimTopicRemoved(uint256)", (0,)),
        held="required",
    ),
    State(
        name="claims",
        purpose="Claims on each identity (ERC-735) as last added or changed, and whether they are still there.",
        keys=("claim_id",),
        signs={
            f"ClaimAdded{_CLAIM}": Sign(keys=(0,), values=tuple(_CLAIM_VALUES.items())),
            f"ClaimChanged{_CLAIM}": Sign(keys=(0,), values=tuple(_CLAIM_VALUES.items())),
            f"ClaimRemoved{_CLAIM}": Sign(keys=(0,), values=tuple(_CLAIM_VALUES.items()), active=False),
        },
        by=("issuer", "topic"),
    ),
    State(
        name="identity_keys",
        purpose="Keys of each identity (ERC-734) by purpose, and whether they still hold.",
        keys=("key_hash", "purpose"),
        signs=_pair("KeyAdded(bytes32,uint256,uint256)", "KeyRemoved(bytes32,uint256,uint256)", (0, 1), key_type=2),
    ),
    State(
        name="contract_owners",
        purpose="Owner of each contract (ERC-173).",
        keys=(),
        signs={"OwnershipTransferred(address,address)": Sign(values=(("owner", 1),))},
        held=None,
        compliance=False,
        by=("owner",),
    ),
    State(
        name="contract_pauses",
        purpose="Whether a contract is paused, and who said so last.",
        keys=(),
        signs={
            "Paused(address)": Sign(values=(("account", 0),), active=True),
            "Unpaused(address)": Sign(values=(("account", 0),), active=False),
        },
        held="paused",
        compliance=False,
    ),
    State(
        name="role_members",
        purpose="Members of each role of a contract (AccessControl), and whether they still are.",
        keys=("role", "account"),
        signs=_pair("RoleGranted(bytes32,address,address)", "RoleRevoked(bytes32,address,address)", (0, 1)),
        compliance=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """A sum for each key that some events raise and others lower."""

    name: str
    purpose: str
    key: str
    signs: dict[str, tuple[int, int, int]]  # position of the key, of the amount, and 1 or -1


AMOUNTS: tuple[Amounts, ...] = (
    Amounts(
        name="frozen_amounts",
        purpose="How much of its balance a token has frozen in a wallet (a part: the rest can move).",
        key="account",
        signs={"TokensFrozen(address,uint256)": (0, 1, 1), "TokensUnfrozen(address,uint256)": (0, 1, -1)},
    ),
)

FORCED = ("forcedTransfer(address,address,uint256)", "batchForcedTransfer(address[],address[],uint256[])")
