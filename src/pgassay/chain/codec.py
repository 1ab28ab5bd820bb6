"""Values of ABI types to and from PostgreSQL, checked on the way in.

    uint, int             int                       tuple       tuple, list or dict in; tuple out
    fixed, ufixed         Decimal                   array       list or tuple in; list out
    bool                  bool                      string      str; bytes where they are no text
    address               ``0x`` and 40 digits      bytes, bytesN, function, hashes      bytes, or ``0x…`` in

An address in mixed case must have the checksum of EIP-55; it comes out in lower case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, cast

from pgassay.chain.columns import Leaf, leaves
from pgassay.chain.json_shape import RAW, keys
from pgassay.chain.keccak import checksummed
from pgassay.chain.model import AbiType, Layout, Parameter
from pgassay.chain.types import bounds, decimal
from pgassay.errors import InputError
from pgassay.workload.arrays import read_array, write_array

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_HEX = re.compile(r"0x([0-9a-fA-F]{2})*\Z")
_PLACES = 120  # digits of a Decimal context: uint256 has 78, and fixed-point numbers up to 80 places


def address(text: str, place: str = "address") -> str:
    """An address in lower case. Raises InputError where it is none, or where its capitals are no EIP-55 checksum."""
    if not _ADDRESS.match(text):
        raise InputError(f"{place}: {text!r} is no address: 0x and 40 hexadecimal digits are needed")
    digits = text[2:]
    lower = text.lower()
    if digits not in (digits.lower(), digits.upper()) and text != checksummed(lower):
        raise InputError(
            f"{place}: the checksum of {text} is wrong: a digit was mistyped, or its capitals were",
            hint=f"If the digits are right, write {checksummed(lower)}, or all in lower case.",
        )
    return lower


def checked(of: AbiType, value: object, place: str = "value") -> Any:
    """The value in the form that ``decode`` gives it back. Raises InputError, naming ``place``, where the type cannot
    hold it."""
    match of.kind:
        case "uint" | "int":
            return _integer(of, value, place)
        case "fixed" | "ufixed":
            return _fixed(of, value, place)
        case "bool":
            if isinstance(value, bool):
                return value
        case "address":
            if isinstance(value, str):
                return address(value, place)
            if isinstance(value, bytes) and len(value) == 20:
                return "0x" + value.hex()
        case "fixed bytes" | "function" | "bytes":
            return _bytes(of, value, place)
        case "string":
            if isinstance(value, bytes):
                return _text_or_bytes(value)
            if isinstance(value, str):
                try:
                    return _text_or_bytes(value.encode())
                except UnicodeEncodeError:
                    raise InputError(f"{place}: a lone surrogate is no character; pass the string's bytes") from None
        case "tuple":
            return _tuple(of, value, place)
        case "array":
            return _array(of, value, place)
    raise _wrong(of, value, place)


def encode(parameters: Sequence[Parameter], values: Sequence[object], layout: Layout) -> tuple[str | None, ...]:
    """What to send to PostgreSQL, as text, for each of the columns that ``columns(parameters, layout)`` gives.

    For an ``address id`` column that is the address itself, to be looked up in the dictionary. Raises InputError where
    a parameter cannot hold its value.
    """
    if len(values) != len(parameters):
        raise InputError(f"{len(parameters)} parameters, but {len(values)} values")
    held = []
    for number, (parameter, value) in enumerate(zip(parameters, values, strict=True), 1):
        place = parameter.name or f"arg{number}"
        held.append(_hash(value, place) if parameter.hashed else checked(parameter.type, value, place))
    return tuple(_text(leaf, _at(held, leaf.path), layout) for leaf in leaves(parameters, layout))


def decode(parameters: Sequence[Parameter], texts: Sequence[str | None], layout: Layout) -> tuple[Any, ...]:
    """The values again, from the text of the columns that ``columns(parameters, layout)`` gives (an ``address id``
    already looked up). Raises InputError where a column is missing."""
    columns = list(zip(leaves(parameters, layout), texts, strict=True))
    return tuple(_gathered(p, (number,), columns, layout) for number, p in enumerate(parameters))


def _integer(of: AbiType, value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(of, value, place)
    least, greatest = bounds(of.kind, of.size or 0)
    if not least <= value <= greatest:
        raise InputError(f"{place}: {value} does not fit {of.canonical} ({least} to {greatest})")
    return value


def _fixed(of: AbiType, value: object, place: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _wrong(of, value, place)
    number = Decimal(value)
    least, greatest = bounds(of.kind, of.size or 0)
    with localcontext(prec=2 * _PLACES):
        units = number.scaleb(of.places or 0) if number.is_finite() else None
        if units is None or units != units.to_integral_value() or not least <= units <= greatest:
            raise InputError(f"{place}: {value} does not fit {of.canonical}")
        return Decimal(decimal(int(units), of.places or 0)).normalize()


def _bytes(of: AbiType, value: object, place: str) -> bytes:
    if isinstance(value, str) and _HEX.match(value):
        value = bytes.fromhex(value[2:])
    if not isinstance(value, bytes):
        raise _wrong(of, value, place)
    length = {"function": 24, "fixed bytes": of.size}.get(of.kind)
    if length is not None and len(value) != length:
        raise InputError(f"{place}: {of.canonical} has {length} bytes, not {len(value)}")
    return value


def _hash(value: object, place: str) -> bytes:
    return _bytes(AbiType(kind="fixed bytes", size=32), value, f"{place} (the hash of an indexed value)")


def _text_or_bytes(data: bytes) -> str | bytes:
    """A string as ``text`` can hold it, or its bytes."""
    try:
        return data if b"\0" in data else data.decode()
    except UnicodeDecodeError:
        return data


def _tuple(of: AbiType, value: object, place: str) -> tuple[Any, ...]:
    names = [c.name or str(n) for n, c in enumerate(of.components)]
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise InputError(f"{place}: the components are {', '.join(names)}, not {', '.join(map(str, value))}")
        value = [value[n] for n in names]
    if not isinstance(value, list | tuple):
        raise _wrong(of, value, place)
    if len(value) != len(names):
        raise InputError(f"{place}: {len(names)} components are needed, not {len(value)}")
    return tuple(
        checked(c.type, v, f"{place}.{n}")
        for n, c, v in zip(names, of.components, cast(list[object], value), strict=True)
    )


def _array(of: AbiType, value: object, place: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _wrong(of, value, place)
    if of.length is not None and len(value) != of.length:
        raise InputError(f"{place}: {of.canonical} has {of.length} elements, not {len(value)}")
    assert of.element is not None
    return [checked(of.element, item, f"{place}[{number}]") for number, item in enumerate(value)]


def _wrong(of: AbiType, value: object, place: str) -> InputError:
    shown = repr(value)
    return InputError(f"{place}: {shown[:60]}{'…' if len(shown) > 60 else ''} is no {of.canonical}")


def _at(values: Sequence[Any], path: tuple[int, ...]) -> Any:
    found: Any = values
    for step in path:
        found = found[step]
    return found


def _text(leaf: Leaf, value: Any, layout: Layout) -> str | None:
    match leaf.form:
        case "hash":
            return _bytea(value)
        case "text":
            return value if isinstance(value, str) else None
        case "raw text":
            return _bytea(value) if isinstance(value, bytes) else None
        case "text array":
            return write_array(value) if all(isinstance(v, str) for v in value) else None
        case "raw text array":
            if all(isinstance(v, str) for v in value):
                return None
            return write_array(_bytea(v if isinstance(v, bytes) else v.encode()) for v in value)
        case "array":
            assert leaf.type.element is not None
            return write_array([_plain(leaf.type.element, v, layout) for v in value])
        case "json":
            return json.dumps(_jsonable(leaf.type, value), ensure_ascii=False, separators=(",", ":"))
        case _:
            return _plain(leaf.type, value, layout)


def _plain(of: AbiType, value: Any, layout: Layout) -> str:
    match of.kind:
        case "bool":
            return "true" if value else "false"
        case "address":
            return cast(str, value) if layout == "plain" else "\\x" + value[2:]
        case "fixed bytes" | "bytes" | "function":
            return _bytea(value)
        case "fixed" | "ufixed":
            return f"{value:f}"
        case _:
            return str(value)


def _bytea(data: bytes) -> str:
    return "\\x" + data.hex()


def _jsonable(of: AbiType, value: Any) -> Any:
    match of.kind:
        case "bool":
            return value
        case "uint" | "int":
            return str(value)
        case "fixed" | "ufixed":
            with localcontext(prec=2 * _PLACES):
                return str(int(value.scaleb(of.places or 0)))
        case "string":
            return value if isinstance(value, str) else {RAW: "0x" + value.hex()}
        case "address":
            return value
        case "tuple":
            parts = [_jsonable(c.type, v) for c, v in zip(of.components, value, strict=True)]
            names = keys(of)
            return parts if names is None else dict(zip(names, parts, strict=True))
        case "array":
            assert of.element is not None
            return [_jsonable(of.element, v) for v in value]
        case _:
            return "0x" + value.hex()


def _gathered(
    parameter: Parameter, path: tuple[int, ...], columns: Sequence[tuple[Leaf, str | None]], layout: Layout
) -> Any:
    mine = [(leaf, text) for leaf, text in columns if leaf.path[: len(path)] == path]
    if any(leaf.path == path for leaf, _ in mine):
        return _read(mine, layout)
    return tuple(_gathered(c, (*path, n), mine, layout) for n, c in enumerate(parameter.type.components))


def _read(columns: Sequence[tuple[Leaf, str | None]], layout: Layout) -> Any:
    given = [(leaf, text) for leaf, text in columns if text is not None]
    if not given:
        raise InputError(f"{'.'.join(columns[0][0].words)}: no value; its column is NULL")
    leaf, text = given[0]
    match leaf.form:
        case "hash" | "raw text":
            return bytes.fromhex(text[2:])
        case "text":
            return text
        case "text array":
            return read_array(text)
        case "raw text array":
            return [_text_or_bytes(bytes.fromhex((item or "")[2:])) for item in read_array(text)]
        case "array":
            assert leaf.type.element is not None
            return [_value(leaf.type.element, item or "", layout) for item in read_array(text)]
        case "json":
            return _from_json(leaf.type, json.loads(text))
        case _:
            return _value(leaf.type, text, layout)


def _value(of: AbiType, text: str, layout: Layout) -> Any:
    match of.kind:
        case "bool":
            return text in ("t", "true")
        case "address":
            return text if layout == "plain" else "0x" + text[2:]
        case "fixed bytes" | "bytes" | "function":
            return bytes.fromhex(text[2:])
        case "fixed" | "ufixed":
            with localcontext(prec=2 * _PLACES):
                return Decimal(text).normalize()
        case _:
            return int(text)


def _from_json(of: AbiType, value: Any) -> Any:
    match of.kind:
        case "bool" | "address":
            return value
        case "uint" | "int":
            return int(value)
        case "fixed" | "ufixed":
            with localcontext(prec=2 * _PLACES):
                return Decimal(decimal(int(value), of.places or 0)).normalize()
        case "string":
            return value if isinstance(value, str) else bytes.fromhex(value[RAW][2:])
        case "tuple":
            names = keys(of)
            parts = value if names is None else [value[n] for n in names]
            return tuple(_from_json(c.type, v) for c, v in zip(of.components, parts, strict=True))
        case "array":
            assert of.element is not None
            return [_from_json(of.element, v) for v in value]
        case _:
            return bytes.fromhex(value[2:])
