"""Unique keys → digits: which part of the row number each member of a key shows, so that no two rows agree.

A single-column key shows the whole number. The members of a composite key share its digits like the hands of a clock,
so that each of them alone repeats, as it would in real rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Digit:
    """``(number / divisor) % modulus``; the whole number where the modulus is None. ``how`` instead says it in SQL."""

    divisor: int = 1
    modulus: int | None = None
    how: Callable[[str], str] | None = None

    @property
    def whole(self) -> bool:
        return self.modulus is None


WHOLE = Digit()


@dataclass(slots=True)
class Assignment:
    """The digits by member, and how many rows can differ."""

    digits: dict[int, Digit] = field(default_factory=dict)
    capacity: int = 2**50


def assign(keys: Sequence[frozenset[int]], sizes: Sequence[int], rows: int) -> Assignment:
    """Digits for the members (numbers into ``sizes``, the distinct values each can show) of every key."""
    result = Assignment()
    wanted = rows + 1  # one more than asked for: the spare row
    for key in sorted(keys, key=lambda k: (len(k), sorted(k))):
        if any(result.digits.get(member) == WHOLE for member in key):
            continue
        if len(key) == 1:
            (member,) = key
            result.digits[member] = WHOLE
            result.capacity = min(result.capacity, sizes[member])
            continue
        free = [member for member in key if member not in result.digits]
        if len(free) == len(key):
            _share(result, free, sizes, wanted)
        else:
            _complete(result, key, free, sizes, wanted)
    return result


def _share(result: Assignment, members: list[int], sizes: Sequence[int], wanted: int) -> None:
    product = 1
    members = sorted(members, key=lambda member: (sizes[member], member))
    for place, member in enumerate(members):
        rest = -(-wanted // product)
        root = math.ceil(round(rest ** (1 / (len(members) - place)), 9))
        radix = max(1, min(sizes[member], root))
        result.digits[member] = Digit(product, radix)
        product *= radix
    result.capacity = min(result.capacity, product) if product < wanted else result.capacity


def _complete(result: Assignment, key: frozenset[int], free: list[int], sizes: Sequence[int], wanted: int) -> None:
    """Some members have digits from another key: the others show what is missing."""
    able = [member for member in free if sizes[member] >= wanted]
    gaps = _gaps([result.digits[member] for member in key if member in result.digits], wanted)
    if not gaps:
        return
    for divisor, radix in gaps:
        fitting = [member for member in free if sizes[member] >= radix]
        if not fitting:
            break
        member = min(fitting, key=lambda m: (sizes[m], m))
        free.remove(member)
        result.digits[member] = Digit(divisor, radix)
    else:
        return
    able = able or [member for member in key if sizes[member] >= wanted]
    if able:
        result.digits[able[0]] = WHOLE
    else:
        largest = max(key, key=lambda m: sizes[m])
        result.digits[largest] = WHOLE
        result.capacity = min(result.capacity, sizes[largest])


def _gaps(digits: list[Digit], wanted: int) -> list[tuple[int, int]]:
    gaps: list[tuple[int, int]] = []
    reached = 1
    for digit in sorted(digits, key=lambda d: d.divisor):
        if digit.divisor > reached:
            gaps.append((reached, -(-digit.divisor // reached)))
        reached = max(reached, digit.divisor * (digit.modulus or 1))
    if reached < wanted:
        gaps.append((reached, -(-wanted // reached)))
    return gaps
