"""What jsonb may hold for an ABI type that no column type fits (nested arrays, arrays of tuples), as one jsonpath
predicate (PostgreSQL manual, 9.16.2).

Integers are strings of decimal digits, since JavaScript's numbers hold 53 bits (fixed-point numbers in their smallest
units); bytes and addresses are strings of ``0x`` and lower-case hexadecimal digits; tuples are objects where every
component has a name of its own, else arrays. A string that jsonb cannot hold is ``{"raw": "0x…"}``.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from pgassay.chain.model import AbiType
from pgassay.chain.types import bounds
from pgassay.model.names import literal, quote

_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
RAW = "raw"


def shape_check(column: str, of: AbiType) -> str:
    """The condition under which a jsonb column holds a value of the type, and nothing else."""
    # @@ is NULL where the path fails, and a CHECK takes NULL for consent.
    return f"({quote(column)} @@ {literal('strict ' + _shape('$', of))}) IS TRUE"


def keys(of: AbiType) -> tuple[str, ...] | None:
    """The keys of a tuple's object, or None where it is an array."""
    names = tuple(c.name for c in of.components)
    usable = names and len(set(names)) == len(names) and all(_KEY.match(n) for n in names)
    return names if usable else None


def _shape(path: str, of: AbiType) -> str:
    """True or false, never unknown: what could fail stands behind a test of the type that is false then."""
    match of.kind:
        case "bool":
            return f'{path}.type() == "boolean"'
        case "string":
            raw = f'exists({path}.keyvalue() ? (@.key == "{RAW}" && {_matches("@.value", "^0x([0-9a-f]{2})*$")}))'
            only = f'!exists({path}.keyvalue() ? (@.key != "{RAW}"))'
            return f'({path}.type() == "string" || ({path}.type() == "object" && {raw} && {only}))'
        case "tuple":
            return _tuple(path, of)
        case "array":
            assert of.element is not None
            length = "" if of.length is None else f" && {path}.size() == {of.length}"
            return f'({path}.type() == "array"{length} && !exists({path}[*] ? (!({_shape("@", of.element)}))))'
        case "uint" | "int" | "fixed" | "ufixed":
            return _integer(path, of)
        case "address":
            return _matches(path, "^0x[0-9a-f]{40}$")
        case "bytes":
            return _matches(path, "^0x([0-9a-f]{2})*$")
        case _:
            return _matches(path, f"^0x[0-9a-f]{{{2 * (24 if of.kind == 'function' else of.size or 0)}}}$")


def _integer(path: str, of: AbiType) -> str:
    """A whole number within bounds. Most are far from these, which a float tells; only the others need the pattern that
    knows every digit, which takes PostgreSQL half a millisecond to match."""
    assert of.size is not None
    least, greatest = bounds(of.kind, of.size)
    exact = _matches(path, _digits(least, greatest))
    if of.size <= 16:
        return exact
    far = f"1e{len(str(greatest)) - 2}"
    below = f"@.double() < {far} && @.double() > -{far}" if least else f"@.double() < {far}"
    whole = _matches(path, "^(0|-?[1-9][0-9]*)$" if least else "^(0|[1-9][0-9]*)$")
    return f"({whole} && (exists({path} ? ({below})) || {exact}))"


def _tuple(path: str, of: AbiType) -> str:
    names = keys(of)
    if names is None:
        parts = [f"{path}.size() == {len(of.components)}"]
        parts += [_shape(f"{path}[{n}]", c.type) for n, c in enumerate(of.components)]
        return f'({path}.type() == "array" && {" && ".join(parts)})'
    parts = [
        f"exists({path}.keyvalue() ? (@.key == {json.dumps(name)} && {_shape('@.value', c.type)}))"
        for name, c in zip(names, of.components, strict=True)
    ]
    others = " && ".join(f"@.key != {json.dumps(name)}" for name in names)
    return f'({path}.type() == "object" && {" && ".join(parts)} && !exists({path}.keyvalue() ? ({others})))'


def _matches(path: str, pattern: str) -> str:
    return f'({path}.type() == "string" && {path} like_regex "{pattern}")'


@lru_cache(maxsize=256)
def _digits(least: int, greatest: int) -> str:
    positive = _up_to(greatest)
    return f"^(0|{positive}|-({_up_to(-least)}))$" if least else f"^(0|{positive})$"


def _up_to(greatest: int) -> str:
    """A pattern for the decimal digits of 1 to ``greatest``, without leading zeros."""
    digits = str(greatest)
    same_length = ""
    for place in range(len(digits) - 1, -1, -1):
        digit, rest = int(digits[place]), len(digits) - place - 1
        lowest = 0 if place else 1
        ways = [f"{digit}{same_length}"]
        if digit > lowest:
            below = f"[{lowest}-{digit - 1}]" if digit - 1 > lowest else str(lowest)
            ways.append(f"{below}[0-9]{{{rest}}}" if rest else below)
        same_length = ways[0] if len(ways) == 1 and place else f"(?:{'|'.join(ways)})"
    shorter = f"[1-9][0-9]{{0,{len(digits) - 2}}}|" if len(digits) > 1 else ""
    return shorter + same_length
