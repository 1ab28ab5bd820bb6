"""How large an index would be, computed from statistics, as CREATE INDEX builds it.

The B-tree model follows nbtsort.c and nbtdedup.c: pages filled to the fill factor, equal keys merged into posting lists
of at most 812 bytes, one high key a page, upper levels of truncated keys (manual, chapter 65.1). GIN, BRIN, hash, GiST
and SP-GiST have coarser ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

PAGE = 8192
_USABLE = PAGE - 24 - 16  # header, special space
_POINTER = 4  # line pointer
_LONGEST_POSTING = (PAGE // 10 // 8) * 8 - _POINTER
_TID = 6
_UPPER_FILL = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A column of an index. ``width`` in bytes with its header, averaged over the values that are not null.

    ``align`` is 1, 2, 4 or 8; a value of a type of variable length (``varying``) that is short is not aligned.
    ``distinct`` values among the rows, nulls not counted; ``common`` are frequencies of the most common ones.
    ``widths`` are lengths seen in samples, where known: their spread decides how often 8-byte alignment costs.
    """

    width: float
    align: int = 8
    varying: bool = False
    distinct: float
    null_frac: float = 0.0
    common: tuple[float, ...] = ()
    merges: bool = True  # equal values have equal images: all types but numeric, float, jsonb, arrays, ranges, records
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Pages of 8 KiB, and the levels above a B-tree's leaves."""

    pages: int
    height: int = 0

    @property
    def bytes(self) -> int:
        """The file's size."""
        return self.pages * PAGE


def btree(
    rows: float, keys: Sequence[Key], *, unique: bool = False, include: Sequence[Key] = (), fill: int = 90
) -> Size:
    """A B-tree over ``rows`` entries just built. ``include``: columns that are stored and not searched for."""
    if rows < 1:
        return Size(pages=1)
    merging = not unique and not include and all(key.merges for key in keys)
    tuple_bytes = _entry([*keys, *include])
    total = 0.0  # bytes with line pointers
    entries = 0.0  # index tuples on leaves
    if merging:
        for groups, count in _groups(rows, keys):
            size, number = _group(tuple_bytes, count)
            total += groups * size
            entries += groups * number
    else:
        total, entries = rows * (tuple_bytes + _POINTER), rows
    average = total / max(entries, 1.0)
    high_key = _pivot(keys, distinct=_combinations(rows, keys) / rows) + _POINTER
    # A page is closed once less than its reserve is free; the tuple that crosses the line moves on, its key stays.
    room = _USABLE - PAGE * (100 - fill) / 100 + average / 2 - high_key
    room = max(math.floor(room / average), 1) * average if average > room / 8 else max(room, average)
    leaves = max(1, math.ceil(total / room))
    pages, height, level = leaves, 0, leaves
    fan_out = max(2, int(_USABLE * _UPPER_FILL // high_key))
    while level > 1:
        level = math.ceil(level / fan_out)
        pages += level
        height += 1
    return Size(pages=pages + 1, height=height)


def height_of(pages: int, key_bytes: float) -> int:
    """The levels above the leaves of a B-tree that has so many pages, from the bytes of its keys."""
    fan_out = max(2, int(_USABLE * _UPPER_FILL // (_aligned(8 + key_bytes) + _POINTER)))
    level, height = max(pages - 1, 1), 0
    while level > 1:
        level = math.ceil(level / fan_out)
        height += 1
    return height


def hash_index(rows: float, fill: int = 75) -> Size:
    """A hash index: buckets of a power of two, grown in four steps a doubling, and about one overflow page in ten."""
    wanted = max(rows / (PAGE * fill / 100 // 20), 2.0)
    buckets = 2.0 ** math.ceil(math.log2(wanted))
    if buckets > 512:
        quarter = buckets / 8
        buckets = buckets / 2 + math.ceil((wanted - buckets / 2) / quarter) * quarter
    full = rows / buckets / (_USABLE // 20)
    return Size(pages=math.ceil(buckets * (1 + (0.1 if full > 0.65 else 0.03))) + 2)


def brin(table_pages: int, keys: Sequence[Key], pages_per_range: int = 128) -> Size:
    """A BRIN index: a tuple of two values a column for each range of pages, and a map of 1,360 ranges a page."""
    ranges = max(1, math.ceil(table_pages / pages_per_range))
    tuple_bytes = _aligned(8 + sum(2 * (key.width if key.varying else _ceil(key.width, key.align)) for key in keys))
    regular = math.ceil(ranges / max(1, (PAGE - 24 - 8) // (tuple_bytes + _POINTER)))
    return Size(pages=1 + math.ceil(ranges / 1360) + regular)


def gin(rows: float, entries_per_row: float, distinct: float, entry_width: float) -> Size:
    """A GIN index: a B-tree of the distinct entries, each with its rows' addresses compressed to about two bytes."""
    total = rows * entries_per_row
    distinct = max(1.0, min(distinct, total))
    each = total / distinct
    gap = max(rows / max(each, 1.0), 1.0)
    # Addresses are deltas in seven-bit groups; a table has far fewer than 2048 rows a page, so a page is 11 bits.
    per_address = max(1.0, math.ceil((math.log2(gap) + 3) / 7)) if each > 1 else 6.0
    posting = each * per_address
    entry = _aligned(8 + entry_width) + _POINTER
    if posting > 2000:
        pages = distinct * (entry + 8) / (_USABLE * 0.7) + distinct * math.ceil(posting / (_USABLE * 0.95))
    else:
        pages = distinct * (entry + _aligned(posting + 2)) / (_USABLE * 0.72)
    return Size(pages=2 + math.ceil(pages))


def gist(rows: float, width: float, fill: float = 0.68) -> Size:
    """A GiST or SP-GiST index built by insertion: pages about two thirds full."""
    entry = _aligned(8 + width) + _POINTER
    leaves = max(1, math.ceil(rows * entry / (_USABLE * fill)))
    return Size(pages=leaves + math.ceil(leaves * entry / (_USABLE * fill)) + 1)


def _ceil(value: float, step: int) -> float:
    return math.ceil(value / step) * step


def _aligned(value: float) -> float:
    return _ceil(value, 8)


def _entry(keys: Sequence[Key]) -> float:
    """The average bytes of an index tuple, aligned, without its line pointer."""
    nulls = 1 - math.prod(1 - key.null_frac for key in keys)
    return (1 - nulls) * _tuple(keys, 8) + nulls * _tuple(keys, 16, sparse=True)


def _tuple(keys: Sequence[Key], header: int, *, sparse: bool = False) -> float:
    fixed: float = header
    spread: tuple[int, ...] | None = None
    loose = False
    for key in keys:
        share = 1.0
        if sparse and key.null_frac > 0:
            share = 0.0 if len(keys) == 1 else 1 - key.null_frac
        if key.varying and key.width < 127:
            if len(set(key.widths)) > 1 and spread is None and share == 1:
                spread = key.widths
                continue
            loose = loose or (not key.widths and key.width != int(key.width)) or share < 1
            fixed += key.width * share
        else:
            fixed = _ceil(fixed, key.align) if share == 1 else fixed
            loose = loose or share < 1
            fixed += key.width * share
    if spread:
        return sum(_aligned(fixed + width) for width in spread) / len(spread)
    return fixed + 3.5 if loose else _aligned(fixed)


def _pivot(keys: Sequence[Key], distinct: float) -> float:
    """A key of an upper level: columns that do not tell neighbours apart are cut off, equal keys are kept apart."""
    needed: list[Key] = []
    combined = 1.0
    for key in keys:
        needed.append(key)
        combined *= max(key.distinct, 1.0)
        if distinct > 0.05 and combined > 10 * max(k.distinct for k in keys):
            break
    tie = 8 if distinct < 0.02 else 0
    return _aligned(8 + sum(k.width if k.varying else _ceil(k.width, k.align) for k in needed)) + tie


def _combinations(rows: float, keys: Sequence[Key]) -> float:
    """Distinct keys among the rows, columns taken as independent."""
    possible = math.prod(max(key.distinct, 1.0) + (1 if key.null_frac > 0 else 0) for key in keys)
    if len(keys) == 1 or possible > rows * 1e6:
        return min(possible, rows)
    return min(rows, possible * -math.expm1(-rows / possible))


def _groups(rows: float, keys: Sequence[Key]) -> Iterator[tuple[float, float]]:
    """Runs of equal keys: (how many, of how many rows each)."""
    if len(keys) == 1:
        key = keys[0]
        left, distinct = rows * (1 - key.null_frac), max(key.distinct, 1.0)
        if key.null_frac * rows >= 1:
            yield 1.0, rows * key.null_frac
        for frequency in key.common:
            if frequency * rows >= 1:
                yield 1.0, frequency * rows
                left -= frequency * rows
                distinct -= 1
        if left >= 1:
            yield from _spread(left, min(max(distinct, 1.0), left))
        return
    # One column's common values with all combinations of the others.
    skewed = max(keys, key=lambda k: sum(k.common))
    others = _others(keys, skewed)
    left = rows
    parts = [frequency * rows for frequency in skewed.common if frequency * rows >= 1]
    if skewed.null_frac * rows >= 1:
        parts.append(skewed.null_frac * rows)
    for part in parts:
        yield from _spread(part, _occupied(part, others))
        left -= part
    if left >= 1:
        yield from _spread(left, _occupied(left, max(skewed.distinct - len(skewed.common), 1.0) * others))


def _others(keys: Sequence[Key], skewed: Key) -> float:
    return math.prod(max(k.distinct, 1.0) + (1 if k.null_frac > 0 else 0) for k in keys if k is not skewed)


def _occupied(rows: float, possible: float) -> float:
    if possible > rows * 1e6:
        return rows
    return max(1.0, min(rows, possible * -math.expm1(-rows / possible)))


def _spread(rows: float, groups: float) -> Iterator[tuple[float, float]]:
    """Rows over groups: alike where they are large, as chance has it (zero-truncated Poisson) where they are small."""
    mean = rows / groups
    if mean <= 1.0001 or mean > 40:
        yield groups, mean
        return
    rate = _rate(round(mean, 3))
    chance = math.exp(-rate)
    scale = 1 - chance
    for count in range(1, int(mean * 4) + 12):
        chance *= rate / count
        yield groups * chance / scale, float(count)


@lru_cache(4096)
def _rate(mean: float) -> float:
    """The rate of a Poisson distribution whose mean without zeros is ``mean``."""
    rate = mean
    for _ in range(60):
        rate = mean * -math.expm1(-rate)
    return rate


def _group(tuple_bytes: float, count: float) -> tuple[float, float]:
    """Bytes and tuples of a run of equal keys, merged into posting lists."""
    most = max(1, int((_LONGEST_POSTING - tuple_bytes) // _TID))
    whole, rest = divmod(count, most)
    size = whole * (_aligned(tuple_bytes + _TID * most) + _POINTER)
    number = whole
    if rest >= 1:
        size += (tuple_bytes if rest < 2 else _aligned(tuple_bytes + _TID * rest)) + _POINTER
        number += 1
    return size, max(number, 1.0)
