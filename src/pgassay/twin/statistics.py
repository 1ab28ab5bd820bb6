"""Rows that follow production's ``pg_stats``: distinct counts, common values, histograms, correlation.

A row takes a place between 0 and 1: its own share of the way through the table where the column is correlated to the
physical order, else a random one. Common values and the buckets of the histogram lie side by side in their order, each
as wide as its share of the rows; within a bucket a place counts out one of its distinct values.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pgassay.catalog import Column, ColumnStats
from pgassay.model import literal
from pgassay.twin.axes import axis_of, read_value
from pgassay.twin.values import hashed

_BOUNDS = 1_000
_HEX = re.compile(r".*[0-9a-f-]{8}", re.S)
_NUMBERED = re.compile(r"(.*?)(\d{1,18})( *)", re.S)
_ALMOST = 0.995  # a correlation that is as good as order
_NEGLIGIBLE = 0.05
_OFTEN = 0.2  # distinct values a row
_TAIL = 8  # hexadecimal digits that tell values of a bucket apart

Maker = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Followed:
    """A column's statistics scaled to the number of rows made."""

    known: ColumnStats
    rows: int

    def distinct(self, most: int) -> int:
        """How many distinct values, at most ``most``."""
        n = self.known.n_distinct
        count = n if n > 0 else -n * self.rows if n < 0 else self.rows
        return max(1, min(round(count), most))

    def place(self, i: str, salt: int) -> str:
        """SQL: where row ``i`` lies between 0 and 1, as correlated to its number as the column is."""
        correlation = self.known.correlation or 0.0
        drawn = uniform(i, salt + 3)
        if self.distinct(2**62) > self.rows * _OFTEN:  # drawn at random, a third of the values would come twice
            mixed = shuffled(f"({i} - 1)", self.rows, salt)
            drawn = f"(({mixed} + 0.5::float8) / {self.rows})"
        if abs(correlation) < _NEGLIGIBLE:
            return drawn
        way = f"least(({i} - 0.5::float8) / {self.rows}, 0.999999)"
        way = way if correlation > 0 else f"(1 - {way})"
        if abs(correlation) > _ALMOST:
            return way
        return f"CASE WHEN {uniform(i, salt + 4)} < {abs(correlation):.4f} THEN {way} ELSE {drawn} END"

    def values(self, column: Column, other: Maker, salt: int) -> Maker:
        """Values by their frequency and order; ``other`` makes those of which nothing is known."""
        common = list(zip(self.known.most_common_vals or (), self.shares, strict=False))[:_BOUNDS]
        bounds = list(self.known.histogram_bounds or ())[:_BOUNDS]
        rest = max(1 - sum(part for _, part in common), 0.0)
        how = _Kind.of(column, bounds)
        left = self.distinct(2**62) - len(common)
        if bounds and left <= len(bounds):  # these are all that there are
            how = how or _Kind.plain()
            bounds = bounds[: max(left, 1)]
            segments = [_Segment(v, v, part, 1.0) for v, part in common]
            segments += [_Segment(v, v, rest / len(bounds), 1.0) for v in bounds if rest * self.rows > 1e-3]
            segments.sort(key=lambda s: how.key(s.low))
            return lambda i: how.sql(segments, self.place(i, salt), column.type)
        if not common and (len(bounds) < 2 or how is None):
            return other
        if len(bounds) < 2 or how is None:
            return self._among(column, common, rest, other, salt)
        each = left / (len(bounds) - 1)
        segments = [_Segment(value, value, part, 1.0) for value, part in common]
        part = rest / (len(bounds) - 1)
        if part * self.rows > 1e-3:
            segments += [_Segment(low, high, part, max(each, 1.0)) for low, high in itertools.pairwise(bounds)]
        segments.sort(key=lambda s: how.key(s.low))
        return lambda i: how.sql(segments, self.place(i, salt), column.type)

    def _among(
        self, column: Column, common: Sequence[tuple[str, float]], rest: float, other: Maker, salt: int
    ) -> Maker:
        """Common values, and for the rest made-up ones."""
        ends = list(itertools.accumulate(part for _, part in common))
        listed = f"ARRAY[{', '.join(literal(value) for value, _ in common)}]::text[]"
        if rest < 1e-6:
            ends = ends[:-1]
        found = f"width_bucket(u.at, {_floats(ends)})" if ends else "0"

        def expression(i: str) -> str:
            chosen = f"({listed})[1 + {found}]::{column.type}"
            if rest >= 1e-6:
                chosen = f"CASE WHEN u.at < {ends[-1]:.9f} THEN {chosen} ELSE {other(i)} END"
            return f"(SELECT {chosen} FROM (SELECT {uniform(i, salt + 1)} AS at OFFSET 0) AS u)"

        return expression

    def parent(self, size: int, salt: int, named: Sequence[str] = ()) -> Maker:
        """SQL for the number (from 0) of a parent's row of ``size``: some have more children than others.

        ``named`` are the keys that the parent's first rows have, where those are known.
        """
        used = self.distinct(size)
        places = {value: n for n, value in enumerate(named)}
        common = (self.known.most_common_vals or [])[: len(self.shares[: used - 1])]
        if not common or len(common) > size or any(value not in places for value in common):
            return lambda i: self.along(self.place(i, salt), used)
        # The common ones where their keys are; the others wherever those are not.
        order = [places[value] for value in common]
        order += [n for n in range(len(named)) if n not in set(order)]
        listed = f"'{{{','.join(map(str, order))}}}'::bigint[]"

        def number(i: str) -> str:
            found = f"SELECT {self.along(self.place(i, salt), used)} AS n OFFSET 0"
            return f"(SELECT CASE WHEN m.n < {len(order)} THEN ({listed})[m.n + 1] ELSE m.n END FROM ({found}) AS m)"

        return number

    @property
    def valueless(self) -> bool:
        """Whether no value is known (an export without values, or there are none)."""
        return not self.known.most_common_vals and not self.known.histogram_bounds

    @property
    def shares(self) -> list[float]:
        """The frequencies of the common values among those that are not null."""
        return [f / max(1 - self.known.null_frac, 1e-9) for f in self.known.most_common_freqs or ()]

    def along(self, place: str, used: int) -> str:
        """SQL: which of ``used`` values (from 0) a place between 0 and 1 falls on, the common ones first."""
        share = self.shares[: used - 1]
        if not share:
            return f"floor({place} * {used})::bigint"
        ends = list(itertools.accumulate(share))
        rest = f"least((u.at - {ends[-1]:.9f}) / {max(1 - ends[-1], 1e-9):.9f}, 0.999999)"
        return (
            f"(SELECT CASE WHEN u.at < {ends[-1]:.9f} THEN width_bucket(u.at, {_floats(ends)})::bigint"
            f" ELSE {len(share)} + floor({rest} * {used - len(share)})::bigint END"
            f" FROM (SELECT {place} AS at OFFSET 0) AS u)"
        )

    def longest(self, rows: int, used: int) -> int:
        """How many of so many rows have the most frequent value, by ``along``."""
        share = self.shares[: used - 1]
        each = max(1 - sum(share), 0.0) / max(used - len(share), 1)
        return math.ceil(rows * max([*share, each]))


def followed(known: ColumnStats, rows: int) -> Followed:
    """Statistics for that many rows."""
    return Followed(known, max(rows, 1))


def uniform(i: str, salt: int) -> str:
    """SQL: a pseudo-random number from 0 to 1."""
    return f"({hashed(i, salt)}::float8 / 1152921504606846976)"


@dataclass(frozen=True, slots=True)
class _Segment:
    """From ``low`` to ``high``: a ``share`` of the rows, ``distinct`` values."""

    low: str
    high: str
    share: float
    distinct: float


@dataclass(frozen=True, slots=True)
class _Kind:
    """How values between two others are made."""

    between: Callable[[str, str, str], str]  # low, high and a fraction of the way
    type: str  # of low and high
    key: Callable[[str], tuple[Decimal, str]]

    @classmethod
    def of(cls, column: Column, bounds: Sequence[str]) -> _Kind | None:
        """None where there is no way but to repeat the values themselves."""
        base, axis = column.base, axis_of(column.base, column.type)
        if axis is not None and all(read_value(b, axis.kind) is not None for b in bounds):
            kind = axis.kind

            def key(value: str) -> tuple[Decimal, str]:
                return (read_value(value, kind) or Decimal(0), "")

            if base == "numeric":
                digits = max((len(b.partition(".")[2]) for b in bounds), default=0)
                return cls(lambda a, b, f: f"{a} + round(({b} - {a}) * ({f})::numeric, {digits})", "numeric", key)
            if base in ("smallint", "integer", "bigint", "oid"):
                return cls(lambda a, b, f: f"{a} + floor(({b} - {a}) * ({f}))::bigint", "bigint", key)
            if base in ("date",):
                return cls(lambda a, b, f: f"{a} + floor(({b} - {a}) * ({f}))::integer", "date", key)
            return cls(lambda a, b, f: f"{a} + ({b} - {a}) * ({f})", base, key)
        plain = cls.plain()
        if column.category == "S" and (numbered := _counted(bounds)) is not None:
            return cls(numbered, "text", plain.key)
        heads = {b[:-_TAIL] for b in bounds}
        hexadecimal = base == "uuid" or (column.category == "S" and all(map(_HEX.fullmatch, bounds)))
        if hexadecimal and len(heads) == len(bounds):
            return cls(_tailed, "text", plain.key)
        if column.type in ("text", "character varying"):
            return cls(lambda a, _b, f: f"{a} || {_numbered(f)}", "text", plain.key)
        return None if column.category == "S" else plain

    @classmethod
    def plain(cls) -> _Kind:
        """The lower of two values."""
        return cls(lambda a, _b, _f: a, "text", lambda value: (Decimal(0), value))

    def sql(self, segments: Sequence[_Segment], place: str, type_text: str) -> str:
        """The value of a row at that place."""
        total = sum(s.share for s in segments) or 1.0
        starts = [0.0, *itertools.accumulate(s.share / total for s in segments)][:-1]
        lows, highs = (
            f"(ARRAY[{', '.join(literal(v) for v in values)}]::{self.type}[])[j.n]"
            for values in ([s.low for s in segments], [s.high for s in segments])
        )
        inside = f"(j.at - ({_floats(starts)})[j.n]) / ({_floats([s.share / total for s in segments])})[j.n]"
        steps = f"({_floats([s.distinct for s in segments])})[j.n]"
        numbered = f"SELECT u.at, width_bucket(u.at, {_floats(starts)}) AS n FROM (SELECT {place} AS at OFFSET 0) AS u"
        within = f"floor(least({inside}, 0.999999) * {steps}) / {steps}"
        made = f"SELECT {lows} AS low, {highs} AS high, {within} AS way FROM ({numbered} OFFSET 0) AS j OFFSET 0"
        return f"(SELECT ({self.between('v.low', 'v.high', 'v.way')})::{type_text} FROM ({made}) AS v)"


def _tailed(low: str, _high: str, way: str) -> str:
    """The last digits are told by how far it is; a bucket's first value is as it is."""
    digits = f"lpad(to_hex(({way} * 4294967295)::bigint), {_TAIL}, '0')"
    return f"CASE WHEN {way} = 0 THEN {low} ELSE left({low}, -{_TAIL}) || {digits} END"


def _counted(bounds: Sequence[str]) -> Callable[[str, str, str], str] | None:
    """For texts that end in a number of the same width behind the same words, such as INV-000123."""
    found = [_NUMBERED.fullmatch(b) for b in bounds]
    if not bounds or len({(m[1], len(m[2])) if m else None for m in found}) != 1 or found[0] is None:
        return None
    words, width = literal(found[0][1]), len(found[0][2])
    low, high = (f"substr({{}}, {len(found[0][1]) + 1}, {width})::bigint".format(side) for side in ("v.low", "v.high"))
    return lambda _a, _b, f: f"{words} || lpad(({low} + floor(({high} - {low}) * ({f}))::bigint)::text, {width}, '0')"


def shuffled(number: str, count: int, salt: int) -> str:
    """SQL: the numbers below ``count`` in another order, each once."""
    step = max(int(count * (0.382 + salt % 997 / 4_200)), 1)
    while math.gcd(step, count) != 1:
        step += 1
    return f"(({number} * {step} + {salt % count}) % {count})"


def _numbered(way: str) -> str:
    return f"CASE WHEN {way} = 0 THEN '' ELSE '~' || to_hex(({way} * 4294967295)::bigint) END"


def _floats(numbers: Sequence[float]) -> str:
    return f"'{{{','.join(f'{n:.9g}' for n in numbers)}}}'::float8[]"


def named_first(values: Sequence[str], type_text: str, number: str, other: str) -> str:
    """SQL: the n-th of some known values, and from there on made-up ones."""
    listed = ", ".join(literal(value) for value in values)
    known = f"(ARRAY[{listed}]::text[])[({number}) + 1]::{type_text}"
    return f"CASE WHEN ({number}) < {len(values)} THEN {known} ELSE {other} END"
