"""Strategies for the chain room's tests: ABI types, and values that they hold."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from hypothesis import strategies as st

from pgassay.chain.model import AbiType, Contract, Event, Parameter
from pgassay.chain.types import bounds

WIDTHS = range(8, 257, 8)
ELEMENTARY = [
    *(AbiType(kind="uint", size=n) for n in WIDTHS),
    *(AbiType(kind="int", size=n) for n in WIDTHS),
    *(AbiType(kind="fixed bytes", size=n) for n in range(1, 33)),
    AbiType(kind="bool"),
    AbiType(kind="address"),
    AbiType(kind="function"),
    AbiType(kind="bytes"),
    AbiType(kind="string"),
    AbiType(kind="fixed", size=168, places=10),
    AbiType(kind="ufixed", size=256, places=80),
    AbiType(kind="fixed", size=8, places=1),
]
NAMES = st.sampled_from(["", "value", "from", "to", "order", "Order", "_from", "note", "note_raw", "x" * 70, "block"])

elementary = st.sampled_from(ELEMENTARY)


def _array(of: st.SearchStrategy[AbiType]) -> st.SearchStrategy[AbiType]:
    lengths = st.one_of(st.none(), st.integers(1, 3))
    return st.builds(lambda e, n: AbiType(kind="array", element=e, length=n), of, lengths)


def _tuple(of: st.SearchStrategy[AbiType]) -> st.SearchStrategy[AbiType]:
    components = st.lists(st.builds(lambda n, t: Parameter(name=n, type=t), NAMES, of), min_size=1, max_size=3)
    return st.builds(lambda c: AbiType(kind="tuple", components=tuple(c)), components)


types = st.recursive(elementary, lambda inner: st.one_of(_array(inner), _tuple(inner)), max_leaves=4)
parameters = st.builds(lambda n, t, i: Parameter(name=n, type=t, indexed=i), NAMES, types, st.booleans())


def values(of: AbiType) -> st.SearchStrategy[Any]:
    """Values of the type, in the form that ``decode`` gives back."""
    match of.kind:
        case "uint" | "int":
            least, greatest = bounds(of.kind, of.size or 0)
            return st.one_of(st.sampled_from([least, greatest]), st.integers(least, greatest))
        case "fixed" | "ufixed":
            least, greatest = bounds(of.kind, of.size or 0)
            units = st.one_of(st.sampled_from([least, greatest]), st.integers(least, greatest))
            return units.map(lambda n: _scaled(n, of.places or 0))
        case "bool":
            return st.booleans()
        case "address":
            return st.binary(min_size=20, max_size=20).map(lambda b: "0x" + b.hex())
        case "fixed bytes":
            return st.binary(min_size=of.size or 0, max_size=of.size)
        case "function":
            return st.binary(min_size=24, max_size=24)
        case "bytes":
            return st.binary(max_size=70)
        case "string":
            texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
            raw = st.sampled_from(
                [b"\0", b"a\0b", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]
            )
            return st.one_of(texts, st.sampled_from(["", "NULL", '{"a"}', "\\x00", "a,b", "'; DROP TABLE t; --"]), raw)
        case "tuple":
            return st.tuples(*(values(c.type) for c in of.components))
        case "array":
            assert of.element is not None
            return st.lists(values(of.element), min_size=of.length or 0, max_size=3 if of.length is None else of.length)


def _scaled(units: int, places: int) -> Decimal:
    with localcontext(prec=200):
        return Decimal(units).scaleb(-places).normalize()


def rows(of: tuple[Parameter, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Values for the parameters; hashes for those of which only these are logged."""
    return st.tuples(*(st.binary(min_size=32, max_size=32) if p.hashed else values(p.type) for p in of))


_PLAIN = "Transfer Order order Select uint256 Token tokens Blocks _ $ transfer_ TransferEvent pg_class Balances"
_ODD = ["🪙", "Gold🪙", "токен", "Robert'); DROP TABLE tokens;--", "x" * 70, "X" * 70, "x" * 69 + "y", "evm_address"]
EVENT_NAMES = st.sampled_from([*_PLAIN.split(), *_ODD])
events = st.builds(
    lambda name, held, anonymous: Event(name=name, parameters=tuple(held), anonymous=anonymous),
    EVENT_NAMES,
    st.lists(parameters, max_size=5),
    st.booleans(),
)
contracts = st.builds(
    lambda name, held: Contract(name=name, path=f"{name}.json", events=tuple(held)),
    EVENT_NAMES,
    st.lists(events, max_size=4),
)
