"""Composite keys that repeat as production's do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgassay.twin.keys import Digit
from pgassay.twin.statistics import Followed, shuffled
from pgassay.twin.values import hashed

_ORDERED = 0.9  # a correlation that is nearly order


def like_production(
    keys: Sequence[frozenset[int]], known: Mapping[int, Followed], sizes: list[int], rows: int, salt: int
) -> dict[int, Digit]:
    """Digits for keys of two columns of which statistics are known; ``sizes`` of other keys' members are limited to how
    many distinct values production has."""
    found: dict[int, Digit] = {}
    for key in keys:
        others = {m for k in keys if k is not key for m in k}
        if len(key) < 2 or any(m not in known for m in key):
            continue
        pair = _pair(sorted(key), known, sizes, rows + 1, salt) if len(key) == 2 and not key & others else {}
        if pair:
            found |= pair
        elif not key & set(found):
            _limit(sorted(key), known, sizes, others)
    return found


def _limit(key: list[int], known: Mapping[int, Followed], sizes: list[int], others: set[int]) -> None:
    """The one with the most values is free: it tells apart what is left."""
    distinct = {m: known[m].distinct(sizes[m]) for m in key}
    for member in sorted(key, key=lambda m: (distinct[m], m))[:-1]:
        if member not in others:
            sizes[member] = min(sizes[member], distinct[member])


def _pair(key: list[int], known: Mapping[int, Followed], sizes: list[int], rows: int, salt: int) -> dict[int, Digit]:
    """A key of two columns that is no grid, such as token and account: the one by its frequencies, along the row
    numbers, so that rows with the same value are neighbours; the other counted on from one to the next."""
    distinct = {m: known[m].distinct(sizes[m]) for m in key}
    if distinct[key[0]] * distinct[key[1]] < 1.2 * rows:
        return {}
    first = max(key, key=lambda m: (_ordered(known[m]), max(known[m].shares, default=0.0)))
    second = key[0] if first == key[1] else key[1]
    around = max(distinct[second], known[first].longest(rows, distinct[first]) + 2)
    if around > sizes[second]:
        return {}
    salt += first

    def number(i: str) -> str:
        return f"({i} - 1)" if _ordered(known[first]) else shuffled(f"({i} - 1)", rows, salt)

    def one(i: str) -> str:
        return known[first].along(f"(({number(i)} + 0.5::float8) / {rows})", distinct[first])

    def other(i: str) -> str:
        return f"(({number(i)} + {hashed(one(i), salt)} % {around}) % {around})"

    return {first: Digit(1, distinct[first], one), second: Digit(1, around, other)}


def _ordered(known: Followed) -> bool:
    return abs(known.known.correlation or 0) > _ORDERED
