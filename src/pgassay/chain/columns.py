"""The columns that hold the parameters of an event or function, for every ABI type.

elementary types        one column of a domain (``types.py``); ``string`` has a second one for what text cannot hold
tuples                  one column a component, its name behind the tuple's
arrays of elementary    an array over the domain
all other arrays        jsonb with an exact check (``json_shape.py``)
indexed dynamic values  only their hash is in the log: ``<name>_hash``
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pgassay.chain.json_shape import shape_check
from pgassay.chain.model import AbiType, Layout, Parameter
from pgassay.chain.names import positional, snake
from pgassay.chain.types import ADDRESS_ID, HASH, RAW_STRING, domain_name, elementary, sql_type
from pgassay.errors import InputError
from pgassay.model.names import Name, quote

MOST_COLUMNS = 1_200  # PostgreSQL has 1,600 a table (manual, appendix K); the design adds its own

Form = Literal["value", "address id", "hash", "text", "raw text", "array", "text array", "raw text array", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What one column holds: the part of the values that ``path`` leads to (the parameter's position, then those of
    components), in which ``form``; ``words`` are the names on that way."""

    path: tuple[int, ...]
    words: tuple[str, ...]
    type: AbiType
    form: Form
    indexed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """A column: ``type`` as written in SQL, ``checks`` as conditions for the table, ``domains`` that it needs.
    ``address`` says that it refers to the compact layout's dictionary of addresses, ``references`` to which entity;
    ``leaf`` is what it holds."""

    name: str
    type: str
    not_null: bool = True
    checks: tuple[str, ...] = ()
    comment: str = ""
    domains: frozenset[str] = frozenset()
    address: bool = False
    references: str | None = None
    leaf: Leaf | None = None


def columns(
    parameters: Sequence[Parameter], layout: Layout, *, taken: Collection[str] = (), schema: str | None = None
) -> tuple[ColumnSpec, ...]:
    """The columns for these parameters, in order, named apart from each other and from ``taken``.

    Raises InputError where PostgreSQL has no room for so many.
    """
    held = leaves(parameters, layout)
    if len(held) > MOST_COLUMNS:
        raise InputError(f"{len(parameters)} parameters need {len(held)} columns; PostgreSQL has 1,600 a table")
    names = positional([_source(leaf) for leaf in held], taken=taken, kinds=[_kind(leaf) for leaf in held])
    made = [_column(name, leaf, schema) for name, leaf in zip(names, held, strict=True)]
    return tuple(_one_of_two(made))


def leaves(parameters: Sequence[Parameter], layout: Layout) -> tuple[Leaf, ...]:
    """What the columns for these parameters hold. Tuples become columns, or jsonb where these would be too many."""
    flat = tuple(_leaves(parameters, layout, flatten=True))
    return flat if len(flat) <= MOST_COLUMNS else tuple(_leaves(parameters, layout, flatten=False))


def _leaves(parameters: Sequence[Parameter], layout: Layout, *, flatten: bool) -> Iterator[Leaf]:
    for number, parameter in enumerate(parameters):
        words = (parameter.name or f"arg{number + 1}",)
        if parameter.hashed:
            yield Leaf(path=(number,), words=words, type=parameter.type, form="hash", indexed=True)
            continue
        for leaf in _of_type(parameter.type, (number,), words, layout, flatten=flatten):
            yield replace(leaf, indexed=parameter.indexed)


def _of_type(
    of: AbiType, path: tuple[int, ...], words: tuple[str, ...], layout: Layout, *, flatten: bool
) -> Iterator[Leaf]:
    def leaf(form: Form) -> Leaf:
        return Leaf(path=path, words=words, type=of, form=form)

    if of.kind == "tuple" and flatten:
        for number, component in enumerate(of.components):
            name = component.name or f"arg{number + 1}"
            yield from _of_type(component.type, (*path, number), (*words, name), layout, flatten=True)
    elif of.kind == "string":
        yield from (leaf("text"), leaf("raw text"))
    elif of.kind == "address" and layout == "compact":
        yield leaf("address id")
    elif elementary(of):
        yield leaf("value")
    elif of.element is not None and of.element.kind == "string":
        yield from (leaf("text array"), leaf("raw text array"))
    elif of.element is not None and elementary(of.element):
        yield leaf("array")
    else:
        yield leaf("json")


def _source(leaf: Leaf) -> str:
    behind = {"hash": "_hash", "raw text": "_raw", "raw text array": "_raw", "address id": "_id"}.get(leaf.form, "")
    return "_".join(leaf.words) + behind


def _kind(leaf: Leaf) -> str:
    return snake(leaf.type.canonical) if elementary(leaf.type) else "value"


def _column(name: str, leaf: Leaf, schema: str | None) -> ColumnSpec:
    def spec(type: str, *domains: str | None, checks: tuple[str, ...] = (), not_null: bool = True) -> ColumnSpec:
        return ColumnSpec(
            name=name,
            type=type,
            not_null=not_null,
            checks=checks,
            comment=_comment(leaf),
            domains=frozenset(d for d in domains if d),
            address=leaf.form == "address id",
            leaf=leaf,
        )

    match leaf.form:
        case "value":
            return spec(sql_type(leaf.type, schema), domain_name(leaf.type))
        case "address id":
            return spec(ADDRESS_ID)
        case "hash":
            return spec(str(Name(schema, HASH)), HASH)
        case "text":
            return spec("text", not_null=False)
        case "raw text":
            return spec(str(Name(schema, RAW_STRING)), RAW_STRING, not_null=False)
        case "json":
            return spec("jsonb", checks=(shape_check(name, leaf.type),))
    element = leaf.type.element
    assert element is not None
    checks = array_checks(name, leaf.type.length)
    match leaf.form:
        case "text array":
            return spec("text[]", checks=checks, not_null=False)
        case "raw text array":
            return spec("bytea[]", checks=checks, not_null=False)
        case _:
            return spec(f"{sql_type(element, schema)}[]", domain_name(element), checks=checks)


def array_checks(column: str, length: int | None = None, *, nulls: bool = False) -> tuple[str, ...]:
    """Conditions under which an array column holds a list: one dimension counted from 1, ``length`` elements, no NULL
    unless ``nulls``."""
    name = quote(column)
    plain = f"array_ndims({name}) = 1 AND array_lower({name}, 1) = 1"
    none_null = "" if nulls else f" AND array_position({name}, NULL) IS NULL"
    listed = f"cardinality({name}) = 0 OR ({plain}{none_null})"
    return (listed,) if length is None else (listed, f"cardinality({name}) = {length}")


def _one_of_two(made: Sequence[ColumnSpec]) -> Iterator[ColumnSpec]:
    """A string is in its text column or, where that cannot hold it, in the raw one: never in both, never in none."""
    for number, column in enumerate(made):
        if column.leaf and column.leaf.form in ("raw text", "raw text array"):
            check = f"num_nonnulls({quote(made[number - 1].name)}, {quote(column.name)}) = 1"
            yield replace(column, checks=(*column.checks, check))
        else:
            yield column


def _comment(leaf: Leaf) -> str:
    said = f"{leaf.type.canonical} {'.'.join(leaf.words)}"
    if leaf.type.internal and leaf.type.internal.split(" ")[0] in ("enum", "struct", "contract"):
        said += f", {leaf.type.internal}"
    match leaf.form:
        case "hash":
            return f"Keccak-256 hash of the indexed {said}; the value itself is not in the log"
        case "raw text" | "raw text array":
            return f"{said} as bytes where text cannot hold it (not UTF-8, or a NUL)"
        case "address id":
            return f"{said}, its number in the dictionary of addresses"
        case _:
            return f"{said}{', indexed' if leaf.indexed else ''}"
