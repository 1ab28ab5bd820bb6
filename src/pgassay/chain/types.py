"""PostgreSQL types that hold exactly the values of an ABI type, as domains named after it.

Sources: ABI specification, "Types"; PostgreSQL manual, chapters 8.1 (numbers), 8.18 (domains).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from pgassay.chain.model import AbiType, Layout
from pgassay.model.names import Name, literal

ADDRESS = "evm_address"
HASH = "evm_hash"
RAW_STRING = "raw_string"
BIG_INT = "evm_bigint"  # a subgraph's BigInt
ADDRESS_ID = "integer"  # the compact layout's key into the dictionary of addresses: two thousand million of them

_DOMAIN = re.compile(r"(?:evm_)?(u?int|bytes)(\d+)\Z|(u?)fixed(\d+)x(\d+)\Z")
_INT8 = "evm_int8"  # PostgreSQL's own int8 is bigint, and found first
_SMALL = (("smallint", 15), ("integer", 31), ("bigint", 63))

# A string's bytes, in hexadecimal, that `text` can hold: UTF-8 as RFC 3629 has it, without NUL.
_TAIL = "[89ab][0-9a-f]"
_TEXT_IN_HEX = (
    f"^(0[1-9a-f]|[1-7][0-9a-f]|(c[2-9a-f]|d[0-9a-f]){_TAIL}|e0[ab][0-9a-f]{_TAIL}|e[1-9a-cef]({_TAIL}){{2}}"
    f"|ed[89][0-9a-f]{_TAIL}|f0[9ab][0-9a-f]({_TAIL}){{2}}|f[1-3]({_TAIL}){{3}}|f48[0-9a-f]({_TAIL}){{2}})*$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain: ``base`` with its collation, and the condition on ``VALUE``."""

    name: str
    base: str
    check: str
    comment: str

    def create(self, schema: str | None) -> tuple[str, str]:
        """The statements that make it."""
        name = Name(schema, self.name)
        return (
            f"CREATE DOMAIN {name} AS {self.base} CONSTRAINT {self.name}_is_valid CHECK ({self.check});",
            f"COMMENT ON DOMAIN {name} IS {literal(self.comment)};",
        )


def bounds(kind: str, bits: int) -> tuple[int, int]:
    """The least and the greatest integer of ``uint`` or ``int`` (``ufixed``, ``fixed``) of that width."""
    if kind.startswith("u"):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


@lru_cache(maxsize=512)
def domain(name: str, layout: Layout) -> Domain:
    """The domain of that name. Raises KeyError for a name that is none of ours."""
    if name == ADDRESS:
        return _address(layout)
    if name == HASH:
        return _bytes(HASH, 32, "A Keccak-256 hash: 32 bytes")
    if name == BIG_INT:
        limit = 10**78
        return Domain(
            name=BIG_INT,
            base="numeric",
            check=f"VALUE > -{limit} AND VALUE < {limit} AND scale(VALUE) = 0",
            comment="Whole numbers of at most 78 digits",
        )
    if name == RAW_STRING:
        return Domain(
            name=RAW_STRING,
            base="bytea",
            check=f"encode(VALUE, 'hex') !~ {literal(_TEXT_IN_HEX)}",
            comment="A string that text cannot hold, as its bytes: not UTF-8, or with a NUL",
        )
    found = _DOMAIN.match(name)
    if not found:
        raise KeyError(name)
    kind, size, unsigned, bits, places = found.groups()
    if kind == "bytes":
        return _bytes(name, int(size), f"Exactly {size} bytes")
    if kind:
        return _integer(name, kind, int(size))
    return _fixed(name, unsigned, int(bits), int(places))


def domains(
    layout: Layout, used: Collection[str], schema: str | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Statements that create the domains ``used`` (see ``ColumnSpec.domains``), and those that drop them again."""
    made = [domain(name, layout) for name in sorted(used)]
    forward = tuple(statement for d in made for statement in d.create(schema))
    return forward, tuple(f"DROP DOMAIN {Name(schema, d.name)};" for d in reversed(made))


def is_domain_name(name: str) -> bool:
    """Whether a table of that name would meet a domain of ours: a table makes a type of its own name."""
    return name in (ADDRESS, HASH, RAW_STRING, BIG_INT) or bool(_DOMAIN.match(name))


def domain_name(of: AbiType) -> str | None:
    """The domain that holds an elementary type; None for ``bool``, ``bytes`` and ``string``, which need none.

    Raises ValueError for tuples and arrays.
    """
    match of.kind:
        case "uint" | "int" | "fixed" | "ufixed" | "fixed bytes":
            return _INT8 if of.canonical == "int8" else of.canonical
        case "address":
            return ADDRESS
        case "function":
            return "bytes24"  # an address and a selector
        case "bool" | "bytes" | "string":
            return None
    raise ValueError(f"{of.canonical} is not elementary")


def elementary(of: AbiType) -> bool:
    """Whether the type is neither tuple nor array."""
    return of.kind not in ("tuple", "array")


def sql_type(of: AbiType, schema: str | None = None) -> str:
    """The type of a column for an elementary ABI type, as written in SQL."""
    name = domain_name(of)
    return str(Name(schema, name)) if name else {"bool": "boolean", "bytes": "bytea", "string": "text"}[of.kind]


def _address(layout: Layout) -> Domain:
    if layout != "plain":
        return _bytes(ADDRESS, 20, "An account's or contract's address: 20 bytes")
    return Domain(
        name=ADDRESS,
        base='varchar(42) COLLATE "C"',
        # the same as '^0x[0-9a-f]{40}$' for a tenth of the time: PostgreSQL's automaton is slow at counting
        check="length(VALUE) = 42 AND VALUE ~ '^0x[0-9a-f]*$'",
        comment="An account's or contract's address: 0x and 40 hexadecimal digits in lower case",
    )


def _bytes(name: str, length: int, comment: str) -> Domain:
    return Domain(name=name, base="bytea", check=f"octet_length(VALUE) = {length}", comment=comment)


def _integer(name: str, kind: str, bits: int) -> Domain:
    least, greatest = bounds(kind, bits)
    needed = bits if kind == "uint" else bits - 1
    between = f"VALUE >= {least} AND VALUE <= {greatest}"
    for base, room in _SMALL:
        if needed <= room:
            return Domain(name=name, base=base, check=between, comment=f"{kind}{bits}: {least} to {greatest}")
    return Domain(
        name=name,
        # numeric(78,0) would round 0.5 to 1 before any check sees it: no precision, and a check of the scale
        base="numeric",
        check=f"{between} AND scale(VALUE) = 0",
        comment=f"{name}: whole numbers from {least} to {greatest}, at most {len(str(greatest))} digits",
    )


def _fixed(name: str, unsigned: str, bits: int, places: int) -> Domain:
    low, high = (decimal(n, places) for n in bounds(f"{unsigned}fixed", bits))
    return Domain(
        name=name,
        base="numeric",
        check=f"VALUE >= {low} AND VALUE <= {high} AND scale(VALUE) <= {places}",
        comment=f"{name}: at most {places} decimal places",
    )


def decimal(units: int, places: int) -> str:
    """``units / 10**places`` in decimal digits, exactly."""
    digits = str(abs(units)).rjust(places + 1, "0")
    sign = "-" if units < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
