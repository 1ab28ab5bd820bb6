"""Rows that follow production's ``pg_stats``: distinct counts, common values, histograms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pgassay.catalog import ColumnStats
from pgassay.model import literal
from pgassay.twin.values import hashed

_BOUNDS = 100


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

    def values(self, type_text: str, other: Callable[[str], str], salt: int) -> Callable[[str], str]:
        """Common values by their frequency, then values from the histogram, then made-up ones."""
        common = list(self.known.most_common_vals or ())
        share = [f / max(1 - self.known.null_frac, 1e-9) for f in (self.known.most_common_freqs or ())]
        bounds = list(self.known.histogram_bounds or ())[:_BOUNDS]
        rest = _listed(bounds, type_text, salt + 2) if bounds else other
        if not common:
            return rest

        def expression(i: str) -> str:
            total, cases = 0.0, []
            for value, part in zip(common[:_BOUNDS], share, strict=False):
                total += part
                cases.append(f"WHEN u.at < {total:.6f} THEN {literal(value)}::{type_text}")
            drawn = f"(SELECT {hashed(i, salt + 1)} / 1152921504606846976.0 AS at) AS u"
            return f"(SELECT CASE {' '.join(cases)} ELSE {rest(i)} END FROM {drawn})"

        return expression


def followed(known: ColumnStats, rows: int) -> Followed:
    """Statistics for that many rows."""
    return Followed(known, max(rows, 1))


def _listed(values: list[str], type_text: str, salt: int) -> Callable[[str], str]:
    # As texts: an array of arrays is one array of more dimensions, and its members are no arrays.
    listed = ", ".join(literal(value) for value in values)
    return lambda i: f"(ARRAY[{listed}]::text[])[1 + ({hashed(i, salt)} % {len(values)})::integer]::{type_text}"
