"""A set of values: how many, and SQL for each of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from pgassay.model import literal

PLENTY = 2**50


@dataclass(frozen=True, slots=True)
class Values:
    """``render(k, count, salt)`` is SQL for value ``k`` (an SQL expression, 0-based) where ``count`` are in use."""

    size: int
    render: Callable[[str, int, int], str]


class NoValues(Exception):
    """No way is known to make a value of this type."""


def salt_of(*parts: object) -> int:
    """A number that says where a pseudo-random stream belongs; the same in every run."""
    return zlib.crc32("/".join(map(str, parts)).encode()) & 0x3FFFFFFF


def hashed(i: str, salt: int) -> str:
    """SQL: a pseudo-random whole number from 0 to 2^60 - 1."""
    return f"(hashint8extended({i}, {salt}) & 1152921504606846975)"


def chosen(choices: tuple[str, ...], type_text: str) -> Values:
    """One of a few values, given as texts."""
    if not choices:
        raise NoValues(type_text)
    if len(choices) == 1:
        only = f"{literal(choices[0])}::{type_text}"
        return Values(1, lambda _k, _count, _salt: only)
    # As texts: an array of arrays is one array of more dimensions, and its members are no arrays.
    listed = ", ".join(literal(choice) for choice in choices)

    def render(k: str, _count: int, _salt: int) -> str:
        return f"(ARRAY[{listed}]::text[])[1 + (({k}) % {len(choices)})::integer]::{type_text}"

    return Values(len(choices), render)
