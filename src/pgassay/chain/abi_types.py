"""One entry of an ABI: its events and functions, with types as trees (ABI specification, "JSON")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, cast

from pgassay.chain.model import AbiType, Event, Function, Parameter

_TYPE = re.compile(r"([a-z]+)(\d+)?(?:x(\d+))?((?:\[\d*\])*)\Z")
_DEEPEST = 16  # arrays and tuples in each other; Solidity's stack allows fewer

# Short forms that the specification lets a writer use; signatures need the long ones.
_ALIASES = {"uint": "uint256", "int": "int256", "byte": "bytes1", "fixed": "fixed128x18", "ufixed": "ufixed128x18"}


class NoAbi(Exception):
    """Something in an ABI is not as the specification has it. The reader of files says where."""

    def __init__(self, problem: str, *, near: str = "") -> None:
        self.near = near  # a string of the file, to find the line by
        super().__init__(problem)


def read_event(entry: Mapping[str, Any]) -> Event:
    """Raises NoAbi."""
    name = _name(entry, "an event")
    anonymous = entry.get("anonymous", False)
    return Event(name=name, parameters=_parameters(entry, "inputs", f"event {name}"), anonymous=bool(anonymous))


def read_function(entry: Mapping[str, Any]) -> Function:
    """Raises NoAbi. Before Solidity 0.5 ``constant`` and ``payable`` were what ``stateMutability`` is."""
    name = _name(entry, "a function")
    older = "payable" if entry.get("payable") else "view" if entry.get("constant") else "nonpayable"
    mutability = entry.get("stateMutability", older)
    if not isinstance(mutability, str):
        raise NoAbi(f"function {name}: stateMutability is {mutability!r}", near="stateMutability")
    return Function(
        name=name,
        inputs=_parameters(entry, "inputs", f"function {name}"),
        outputs=_parameters(entry, "outputs", f"function {name}"),
        mutability=mutability,
    )


def read_type(text: str, components: tuple[Parameter, ...] = (), internal: str | None = None) -> AbiType:
    """A type as the ABI writes it: ``uint256``, ``bytes32[2][]``, ``tuple[]``. Raises NoAbi for what is none."""
    found = _TYPE.match(text)
    if not found:
        raise NoAbi(f"{text!r} is no ABI type", near=text)
    base, size, _, suffix = found.groups()
    lengths = re.findall(r"\[(\d*)\]", suffix)
    if len(lengths) > _DEEPEST:
        raise NoAbi(f"{text!r} has more than {_DEEPEST} dimensions", near=text)
    word = _ALIASES.get(base, base) if size is None else text[: found.start(4)]
    element_internal = internal.split("[")[0] if internal else None
    made = _elementary(word, components, element_internal)
    if made is None:
        raise NoAbi(f"{text!r} is no ABI type", near=text)
    for length in lengths:
        made = AbiType(kind="array", element=made, length=int(length) if length else None, internal=internal)
    return made


def _elementary(word: str, components: tuple[Parameter, ...], internal: str | None) -> AbiType | None:
    found = _TYPE.match(word)
    assert found
    base, size, places = found[1], int(found[2] or 0), int(found[3] or 0)
    if base in ("uint", "int") and size in range(8, 257, 8) and found[3] is None:
        return AbiType(kind=cast(Literal["uint", "int"], base), size=size, internal=internal)
    if base in ("fixed", "ufixed") and size in range(8, 257, 8) and places in range(1, 81):
        return AbiType(kind=cast(Literal["fixed", "ufixed"], base), size=size, places=places, internal=internal)
    if found[3] is not None:
        return None
    if base == "bytes" and size in range(1, 33):
        return AbiType(kind="fixed bytes", size=size, internal=internal)
    if found[2] is not None:
        return None
    if base in ("bool", "address", "bytes", "string", "function"):
        kind = cast(Literal["bool", "address", "bytes", "string", "function"], base)
        return AbiType(kind=kind, internal=internal)
    return AbiType(kind="tuple", components=components, internal=internal) if base == "tuple" else None


def _name(entry: Mapping[str, Any], what: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise NoAbi(f"{what} has no name", near=what.split()[-1])
    return name


def _parameters(entry: Mapping[str, Any], key: str, place: str, depth: int = 0) -> tuple[Parameter, ...]:
    listed = entry.get(key, ())
    if not isinstance(listed, list | tuple):
        raise NoAbi(f"{place}: {key} is no list", near=key)
    if depth > _DEEPEST:
        raise NoAbi(f"{place}: tuples in tuples, more than {_DEEPEST} deep")
    return tuple(_parameter(p, f"{place}, parameter {n}", depth) for n, p in enumerate(listed, 1))


def _parameter(given: object, place: str, depth: int) -> Parameter:
    if not isinstance(given, Mapping):
        raise NoAbi(f"{place} is {str(given)[:40]!r}, not an object with name and type")
    name, type, internal = given.get("name") or "", given.get("type"), given.get("internalType")
    if not isinstance(name, str) or not isinstance(type, str):
        raise NoAbi(f"{place} has no type" if type is None else f"{place}: name and type are strings")
    if type.startswith("tuple") and "components" not in given:
        raise NoAbi(f"{place}: a tuple without components", near=name or type)
    components = _parameters(given, "components", place, depth + 1) if type.startswith("tuple") else ()
    try:
        read = read_type(type, components, internal if isinstance(internal, str) else None)
    except NoAbi as problem:
        raise NoAbi(f"{place}{f' ({name})' if name else ''}: {problem}", near=problem.near) from None
    return Parameter(name=name, type=read, indexed=bool(given.get("indexed", False)))
