"""How large an index would be, computed from statistics, as CREATE INDEX builds it.

The B-tree model follows nbtsort.c and nbtdedup.c: pages filled to the fill factor, equal keys merged into posting lists
of at most 812 bytes, one high key a page, upper levels of truncated keys (manual, chapter 65.1). GIN, BRIN, hash, GiST
and SP-GiST have coarser ones.
"""

from __future__ import annotations

import itertools
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
    """Pages of 8 KiB, the levels above a B-tree's leaves, and of a GIN index its pages of entries and its entries."""

    pages: int
    height: int = 0
    entry_pages: int = 0
    entries: int = 0

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
    leaves = max(1, math.ceil(entries / _kept(average, average - tuple_bytes - _POINTER, fill)))
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
    # Entries come in sorted batches and halve the page that they overflow.
    if posting > 2000:
        inside, outside = entry + 8, distinct * math.ceil(posting / (_USABLE * 0.66))
    else:
        inside, outside = entry + _aligned(posting + 2), 0.0
    pages = math.ceil(distinct * inside / (_USABLE * 0.5))
    return Size(pages=2 + pages + math.ceil(outside), entry_pages=pages, entries=round(distinct))


def gist(rows: float, width: float, fill: float = 0.68) -> Size:
    """A GiST or SP-GiST index built by insertion: pages about two thirds full."""
    entry = _aligned(8 + width) + _POINTER
    leaves = max(1, math.ceil(rows * entry / (_USABLE * fill)))
    return Size(pages=leaves + math.ceil(leaves * entry / (_USABLE * fill)) + 1)


def _kept(average: float, posting: float, fill: int) -> float:
    """Index tuples that stay on a leaf. It is closed when less than the reserve is free, a posting list counted as free
    where it would be cut off a high key; the last tuple then moves on and leaves its key."""
    reserve = max(PAGE * (100 - fill) / 100 - max(posting, 0.0), average + 8)
    number = (_USABLE - _POINTER - reserve) / average
    return max(1.0, math.floor(number + 0.1) if average > 200 else number - 0.5)


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
            loose = loose or not key.widths or share < 1
            fixed += (key.widths[0] if len(set(key.widths)) == 1 else key.width) * share
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
    """Runs of equal keys: (how many, of how many rows each). Columns are taken as independent of each other."""
    for parts in itertools.product(*(_parts(key, rows) for key in keys)):
        share = math.prod(part[0] for part in parts) * rows
        if share > 0:
            yield from _spread(share, _occupied(share, math.prod(part[1] for part in parts), exact=len(keys) == 1))


def _parts(key: Key, rows: float) -> list[tuple[float, float]]:
    """A column's rows by how common their values are: (share of the rows, distinct values)."""
    parts = [(key.null_frac, 1.0)] if key.null_frac * rows >= 1 else []
    common = sorted((f for f in key.common if f * rows >= 1), reverse=True)
    start = 0
    while start < len(common):
        end = start
        while end < len(common) and common[end] > common[start] / 2:
            end += 1
        parts.append((sum(common[start:end]), float(end - start)))
        start = end
    rest = 1 - sum(share for share, _ in parts)
    if rest * rows >= 1:
        parts.append((rest, max(key.distinct - len(common), 1.0)))
    return parts


def _occupied(rows: float, possible: float, *, exact: bool) -> float:
    """How many of so many possible values occur in so many rows; ``exact`` where all of them do."""
    if exact or possible > rows * 1e6:
        return max(1.0, min(rows, possible))
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
