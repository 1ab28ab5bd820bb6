"""Events and functions as people write them: ``event Transfer(address indexed from, address to, uint256 value)``.

Tuples are written out: ``(address maker, uint256[2] amounts)[] orders``.
"""

from __future__ import annotations

import re

from pgassay.chain.abi_types import NoAbi, read_type
from pgassay.chain.model import Event, Function, Parameter

_TOKEN = re.compile(r"\s*([A-Za-z_$][\w$]*|\[\d*\]|[(),])")
_MUTABILITY = ("pure", "view", "nonpayable", "payable")
_IGNORED = frozenset(("external", "public", "memory", "calldata", "storage", "virtual", "override", "tuple"))


def read_declaration(text: str) -> Event | Function | None:
    """An event or function; None for errors, constructors and the like, which leave nothing to store. Raises NoAbi."""
    words = _words(text)
    match words[:1]:
        case ["event" | "function" as kind] if len(words) > 1:
            name = words[1]
        case ["error" | "constructor" | "fallback" | "receive" | "struct"]:
            return None
        case _:
            raise NoAbi(f"{text.strip()[:60]!r} is no event or function", near=text)
    parameters, at = _parameters(words, 2, text)
    if kind == "event":
        return Event(name=name, parameters=parameters, anonymous="anonymous" in words[at:])
    behind = [w for w in words[at:] if w in _MUTABILITY]
    outputs: tuple[Parameter, ...] = ()
    if "returns" in words[at:]:
        outputs, _ = _parameters(words, words.index("returns", at) + 1, text)
    return Function(name=name, inputs=parameters, outputs=outputs, mutability=behind[0] if behind else "nonpayable")


def _words(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    body = text.strip().removesuffix(";").rstrip()
    while at < len(body):
        match = _TOKEN.match(body, at)
        if match is None:
            raise NoAbi(f"{body[:60]!r} cannot be read from {body[at : at + 10]!r} on", near=text)
        found.append(match[1])
        at = match.end()
    return found


def _parameters(words: list[str], at: int, text: str) -> tuple[tuple[Parameter, ...], int]:
    """The parameters in the bracket at ``at``, and where it goes on behind it."""
    if words[at : at + 1] != ["("]:
        raise NoAbi(f"{text.strip()[:60]!r}: a bracket is missing", near=text)
    at += 1
    read: list[Parameter] = []
    while words[at : at + 1] != [")"]:
        if at >= len(words):
            raise NoAbi(f"{text.strip()[:60]!r}: a closing bracket is missing", near=text)
        at += bool(read)  # the comma
        parameter, at = _parameter(words, at, text)
        read.append(parameter)
    return tuple(read), at + 1


def _parameter(words: list[str], at: int, text: str) -> tuple[Parameter, int]:
    while words[at : at + 1] == ["tuple"]:
        at += 1
    components: tuple[Parameter, ...] = ()
    written = "tuple"
    if words[at : at + 1] == ["("]:
        components, at = _parameters(words, at, text)
    elif at < len(words):
        written = words[at]
        at += 1
    while at < len(words) and words[at].startswith("["):
        written += words[at]
        at += 1
    behind = []
    while at < len(words) and words[at] not in (",", ")"):
        behind.append(words[at])
        at += 1
    names = [w for w in behind if w not in _IGNORED and w not in ("indexed", "payable")]
    if len(names) > 1:
        raise NoAbi(f"{text.strip()[:60]!r}: {' '.join(names)!r} is no name", near=text)
    type = read_type(written, components)
    return Parameter(name=names[0] if names else "", type=type, indexed="indexed" in behind), at
