"""Indexes that nobody needs: duplicates and those that another one covers, tried by dropping them on the ground."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pgassay.advisor.candidates import World
from pgassay.advisor.coverage import covered, covers
from pgassay.advisor.ground import Ground, cost
from pgassay.advisor.indexes import unused
from pgassay.advisor.model import Recommendation
from pgassay.advisor.proof import Case
from pgassay.catalog import Index, Table
from pgassay.model import Certainty, Name
from pgassay.server import StatementError

_TOLERANCE = 1.05
_COUNTED = 10_000  # scans of all indexes together, below which the counters are too young to say anything


def droppable(ground: Ground, world: World, cases: Sequence[Case], on: frozenset[str]) -> tuple[Recommendation, ...]:
    """DROP INDEX for indexes that were never used or whose work others do, where no query plans dearer without."""
    ground.only(on)
    found = list(_unused(ground, world, cases))
    gone = {r.name for r in found}
    for table in world.catalog.tables:
        for index, other in covered(table):
            if index.name in gone or other.name in gone:
                continue
            name = Name(table.name.schema, index.name)
            if not _missed(ground, cases, [name, *(Name(r.table.schema, r.name) for r in found)]):
                found.append(_drop(ground, table, index, other))
    return tuple(found)


def _unused(ground: Ground, world: World, cases: Sequence[Case]) -> Iterator[Recommendation]:
    """Indexes that production never used since it counts, where it counted others often, and the workload neither."""
    used = ground.usage
    if used is None or sum(used.scans.values()) < _COUNTED:
        return
    names: list[Name] = []
    for table in world.catalog.tables:
        for problem in unused(table, used):
            name = Name(table.name.schema, problem.index or "")
            if not _missed(ground, cases, [*names, name]):
                names.append(name)
                yield Recommendation(
                    kind="drop index",
                    sql=problem.sql,
                    undo=problem.undo,
                    table=table.name,
                    certainty=Certainty.COMPUTED,
                    reason=f"{problem.message}, and no query of the workload plans dearer without",
                    name=problem.index or "",
                    bytes=problem.bytes or 0,
                )


def _missed(ground: Ground, cases: Sequence[Case], names: Sequence[Name]) -> bool:
    before = [_cost(ground, case) for case in cases]
    try:
        with ground.without(names):
            after = [_cost(ground, case) for case in cases]
    except StatementError:  # something depends on it
        return True
    return any(b is not None and (a is None or a > b * _TOLERANCE) for b, a in zip(before, after, strict=True))


def _cost(ground: Ground, case: Case) -> float | None:
    try:
        return cost(ground.plan(case.sql))
    except StatementError:
        return None


def _drop(ground: Ground, table: Table, index: Index, other: Index) -> Recommendation:
    name = Name(table.name.schema, index.name)
    size = int(ground.session.value("SELECT pg_catalog.pg_relation_size($1::regclass)", [str(name)]) or 0)
    same = covers(index, other)
    words = f"{other.name} has the same definition" if same else f"{other.name} begins with the same keys"
    return Recommendation(
        kind="drop index",
        sql=f"DROP INDEX CONCURRENTLY {name}",
        undo=re.sub(r"^(CREATE (?:UNIQUE )?INDEX) ", r"\1 CONCURRENTLY ", index.definition),
        table=table.name,
        certainty=Certainty.COMPUTED,
        reason=f"{words}, and no query of the workload plans dearer without",
        name=index.name,
        bytes=size,
    )
