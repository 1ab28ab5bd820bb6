"""How close a synthetic twin comes to its original: columns' statistics, and the planner's estimates for a workload.

A twin may have fewer rows. So that estimates can be held beside each other, both are planned at production's size: on
the export's ghost, and on a ghost that has the twin's own statistics and production's sizes.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pgassay.errors import InputError
from pgassay.model import Name
from pgassay.server import SUPERUSER, Server
from pgassay.twin.export import export
from pgassay.twin.export_file import Attribute, Export
from pgassay.twin.ghost import Ghost, ghost

_ABOVE = {
    "Limit", "Sort", "Incremental Sort", "Aggregate", "Group", "Unique", "Result", "WindowAgg", "LockRows",
    "ModifyTable", "Materialize", "ProjectSet", "SetOp", "Subquery Scan",
}  # fmt: skip
_FAR = 2.0  # times, from where on a column or query is named


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFidelity:
    """A column's statistics there and here; shares are of all rows. ``distinct`` at production's number of rows,
    ``common`` the frequency of the most common value (0 where there is none), ``correlation`` None where unknown."""

    table: Name
    column: str
    null_frac: tuple[float, float]
    distinct: tuple[float, float]
    common: tuple[float, float]
    correlation: tuple[float | None, float | None]

    @property
    def ratio(self) -> float:
        """How many times the distinct counts differ."""
        there, here = (max(n, 1.0) for n in self.distinct)
        return max(there / here, here / there)

    @property
    def far(self) -> bool:
        """Whether it is not much like its original."""
        there, here = self.correlation
        apart = there is not None and here is not None and abs(abs(there) - abs(here)) > 0.3
        return (
            self.ratio > _FAR
            or apart
            or abs(self.null_frac[0] - self.null_frac[1]) > 0.05
            or abs(self.common[0] - self.common[1]) > 0.05
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFidelity:
    """The rows that the planner expects below sorting, grouping and LIMIT: of production, of the twin."""

    text: str
    rows: tuple[float, float]

    @property
    def error(self) -> float:
        """The q-error: how many times one is the other, at least 1."""
        there, here = (max(n, 1.0) for n in self.rows)
        return max(there / here, here / there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Everything that was compared. ``skipped`` queries could not be planned, with the reason."""

    columns: tuple[ColumnFidelity, ...]
    queries: tuple[QueryFidelity, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def median(self) -> float | None:
        """The median q-error."""
        return statistics.median(q.error for q in self.queries) if self.queries else None

    @property
    def worst(self) -> float | None:
        """The largest q-error."""
        return max((q.error for q in self.queries), default=None)


def fidelity(server: Server, original: Export, database: str, queries: Sequence[str] = ()) -> Fidelity:
    """Compare an analysed database on a scratch server with the export that it was made after.

    ``queries`` have no parameters. Raises UsageError where a ghost cannot be made.
    """
    made = export(f"postgresql://{SUPERUSER}@/{database}?host={server.sockets}&port={server.port}")
    columns = _columns(original, made)
    found: list[QueryFidelity] = []
    skipped: list[tuple[str, str]] = []
    if queries:
        own = {(r.schema, r.name): max(r.tuples, 1.0) for r in made.relations}
        attributes = tuple(_grown(a, own.get((a.schema, a.relation), 1.0)) for a in made.attributes)
        grown = replace(original, attributes=attributes, extended=made.extended, ends=())
        plain = replace(original, ends=())  # what an index's end says is of no column's distribution
        with ghost(server, plain) as there, ghost(server, grown) as here:
            for text in queries:
                try:
                    found.append(QueryFidelity(text=text, rows=(_rows(there, text), _rows(here, text))))
                except InputError as error:
                    skipped.append((text, str(error).split("\n", 1)[0]))
        for twin in (there, here):
            server.drop(twin.database)
    return Fidelity(columns=columns, queries=tuple(found), skipped=tuple(skipped))


def _columns(original: Export, made: Export) -> tuple[ColumnFidelity, ...]:
    rows = {(r.schema, r.name): max(r.tuples, 1.0) for r in original.relations}
    own = {(r.schema, r.name): max(r.tuples, 1.0) for r in made.relations}
    here = {(a.schema, a.relation, a.name, a.inherited): a for a in made.attributes if not a.index}
    found = []
    for there in original.attributes:
        twin = here.get((there.schema, there.relation, there.name, there.inherited))
        if there.index or twin is None:
            continue
        place = (there.schema, there.relation)
        both = (there, twin)
        found.append(
            ColumnFidelity(
                table=Name(*place),
                column=there.name,
                null_frac=(there.null_frac, twin.null_frac),
                distinct=(
                    _distinct(there, rows.get(place, 1.0), rows.get(place, 1.0)),
                    _distinct(twin, rows.get(place, 1.0), own.get(place, 1.0)),
                ),
                common=(_common(there), _common(twin)),
                correlation=(both[0].correlation, both[1].correlation),
            )
        )
    return tuple(found)


def _distinct(column: Attribute, rows: float, own: float) -> float:
    """Distinct values at production's number of rows."""
    n = _grown(column, own).n_distinct
    return -n * rows if n < 0 else n


def _grown(column: Attribute, own: float) -> Attribute:
    """With a count that is more than a tenth of a small twin's rows as a share of them: it grows (analyze.c)."""
    return replace(column, n_distinct=-column.n_distinct / own) if column.n_distinct > own / 10 else column


def _common(column: Attribute) -> float:
    return max(column.most_common_freqs or (0.0,))


def _rows(twin: Ghost, text: str) -> float:
    plan: Mapping[str, Any] = twin.explain(text)["Plan"]
    while plan["Node Type"] in _ABOVE and len(plan.get("Plans", ())) == 1:
        plan = plan["Plans"][0]
    return float(plan["Plan Rows"])
