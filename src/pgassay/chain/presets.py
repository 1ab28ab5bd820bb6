"""Contracts of the standards, for those who have no ABI at hand, and which standards a contract keeps."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from pgassay.chain.abi_text import read_declaration
from pgassay.chain.model import Contract, Event, Function
from pgassay.errors import UsageError

_HEAD = re.compile(r"interface (\w+)(?: is ([\w, ]+))? \{")

# The presets and the interfaces of each.
PRESETS: dict[str, tuple[str, ...]] = {
    "erc20": ("ERC20",),
    "erc721": ("ERC721",),
    "erc1155": ("ERC1155",),
    "erc3643": (
        "ERC3643Token",
        "IdentityRegistry",
        "IdentityRegistryStorage",
        "TrustedIssuersRegistry",
        "ClaimTopicsRegistry",
        "Compliance",
        "Identity",
        "ClaimIssuer",
    ),
    "onchainid": ("Identity", "ClaimIssuer", "IdentityFactory"),
}
_ALSO = {"trex": "erc3643", "security": "erc3643", "nft": "erc721"}

# What `standards` answers, and the interface that a contract keeps then.
_STANDARDS = {
    "erc20": "ERC20",
    "erc721": "ERC721",
    "erc1155": "ERC1155",
    "erc3643": "ERC3643Token",
    "ownable": "Ownable",
    "access-control": "AccessControl",
    "agent-role": "AgentRole",
    "identity-registry": "IdentityRegistry",
    "identity-registry-storage": "IdentityRegistryStorage",
    "trusted-issuers-registry": "TrustedIssuersRegistry",
    "claim-topics-registry": "ClaimTopicsRegistry",
    "compliance": "Compliance",
    "erc734": "KeyHolder",
    "erc735": "ClaimHolder",
    "claim-issuer": "ClaimIssuer",
    "identity-factory": "IdentityFactory",
}


@dataclass(frozen=True, slots=True)
class _Interface:
    contract: Contract
    needed: frozenset[object]  # what a contract must have to keep it


def preset(name: str) -> tuple[Contract, ...]:
    """The contracts of ``erc20``, ``erc721``, ``erc1155``, ``erc3643`` or ``onchainid``, however it is spelt
    (``ERC-20``). Raises UsageError for another name."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    chosen = _ALSO.get(plain, plain)
    if chosen not in PRESETS:
        close = difflib.get_close_matches(chosen, PRESETS, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(PRESETS)}."
        raise UsageError(f"no preset {name!r}", hint=hint)
    return tuple(_interfaces()[i].contract for i in PRESETS[chosen])


def presets(names: tuple[str, ...]) -> tuple[Contract, ...]:
    """The contracts of several presets, each once. Raises UsageError."""
    return tuple(dict.fromkeys(contract for name in names for contract in preset(name)))


def standards(contract: Contract) -> frozenset[str]:
    """The standards that the contract keeps: it has all of their events, with the same parameters indexed, and their
    functions (an ABI of events alone needs none). Names as in ``PRESETS``, and those of ERC-3643's parts."""
    events = {_mark(e) for e in contract.events}
    functions = {_mark(f) for f in contract.functions}

    def keeps(interface: _Interface) -> bool:
        missing = interface.needed - events - functions
        return not missing or (not functions and all(isinstance(m, str) for m in missing))

    return frozenset(name for name, of in _STANDARDS.items() if keeps(_interfaces()[of]))


def is_standard(event: Event) -> bool:
    """Whether one of the standards has this event, with the same parameters indexed."""
    return _mark(event) in _standard_events()


def standard_names(event: Event) -> Event:
    """The event with its parameters named as the standard that it belongs to has them: one contract says ``from`` and
    ``value``, another ``src`` and ``wad``, and both log into one table. Other events stay as they are."""
    standard = _standard_events().get(_mark(event))
    if standard is None:
        return event
    pairs = zip(event.parameters, standard.parameters, strict=True)
    return replace(event, parameters=tuple(replace(own, name=s.name) for own, s in pairs))


@lru_cache(maxsize=1)
def _standard_events() -> dict[object, Event]:
    return {_mark(e): e for i in reversed(_interfaces().values()) for e in i.contract.events}


def _mark(of: Event | Function) -> object:
    """What two implementations of a standard have in common: names of parameters differ."""
    if isinstance(of, Function):
        return of.signature
    return of.signature, tuple(p.indexed for p in of.parameters), of.anonymous


@lru_cache(maxsize=1)
def _interfaces() -> dict[str, _Interface]:
    text = files("pgassay.chain").joinpath("presets.sol").read_text(encoding="utf-8")
    found: dict[str, _Interface] = {}
    for name, parents, body in _blocks(text):
        needed, _, optional = body.partition("// optional")
        above = [found[p] for p in parents]
        must, may = _members(needed), _members(optional)
        inherited = [m for a in above for m in (*a.contract.events, *a.contract.functions)]
        every = list(dict.fromkeys((*inherited, *must, *may)))
        found[name] = _Interface(
            Contract(
                name=name,
                path=f"preset {name}",
                events=tuple(m for m in every if isinstance(m, Event)),
                functions=tuple(m for m in every if isinstance(m, Function)),
            ),
            frozenset((*(n for a in above for n in a.needed), *map(_mark, must))),
        )
    return found


def _blocks(text: str) -> list[tuple[str, tuple[str, ...], str]]:
    made = []
    for match in _HEAD.finditer(text):
        body = text[match.end() : text.index("\n}", match.end())]
        made.append((match[1], tuple(p.strip() for p in (match[2] or "").split(",") if p.strip()), body))
    return made


def _members(body: str) -> list[Event | Function]:
    lines = [line.strip() for line in body.splitlines()]
    read = [read_declaration(line) for line in lines if line and not line.startswith("//")]
    return [m for m in read if m is not None]
