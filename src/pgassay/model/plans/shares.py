"""Whose time, cost and pages: what each node of a plan spends itself.

PostgreSQL counts a node with all below it. A node's own part is that less its children's, where a child's figure for
one loop counts as often as it ran, workers run side by side, and a WITH query is paid by the node that reads it. Parts
are never negative and always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffers:
    """Pages (of 8 KiB as a rule): found in memory, read, dirtied, written; temporary files' read and written."""

    hit: int = 0
    read: int = 0
    dirtied: int = 0
    written: int = 0
    temp_read: int = 0
    temp_written: int = 0

    @classmethod
    def of(cls, raw: Raw) -> Buffers | None:
        """A node's, those below included; None where they were not counted."""
        if "Shared Hit Blocks" not in raw:
            return None
        return cls(
            hit=raw["Shared Hit Blocks"] + raw.get("Local Hit Blocks", 0),
            read=raw["Shared Read Blocks"] + raw.get("Local Read Blocks", 0),
            dirtied=raw["Shared Dirtied Blocks"] + raw.get("Local Dirtied Blocks", 0),
            written=raw["Shared Written Blocks"] + raw.get("Local Written Blocks", 0),
            temp_read=raw.get("Temp Read Blocks", 0),
            temp_written=raw.get("Temp Written Blocks", 0),
        )

    @property
    def touched(self) -> int:
        """Pages of tables and indexes, in memory or not."""
        return self.hit + self.read

    @property
    def temporary(self) -> int:
        """Pages of temporary files, read and written."""
        return self.temp_read + self.temp_written

    def less(self, others: Sequence[Buffers]) -> Buffers:
        """What is left without others', never below none."""
        names = [f.name for f in fields(self)]
        return Buffers(**{n: max(0, getattr(self, n) - sum(getattr(o, n) for o in others)) for n in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """A node's own part, and its total time with all below. ``share`` is from 0 to 1."""

    total_ms: float | None
    own_ms: float | None
    own_cost: float
    share: float
    own_buffers: Buffers | None


def shares(root: Raw) -> dict[int, Shares]:
    """The parts of every node of a plan, by the ``id`` of its object."""
    nodes = list(_walk(root))
    readers = _readers(nodes)
    times = _times(root)
    costs = {id(n): float(n["Total Cost"]) for n in nodes}
    below = {id(n): _paid(n, nodes, readers) for n in nodes}
    own_costs = _parts(root, {id(n): list(n.get("Plans") or ()) for n in nodes}, costs, _planned_loops)
    own_times = None if times is None else _parts(root, below, times, lambda _parent, _child: 1.0)
    whole = (times or costs)[id(root)]
    found = {}
    for node in nodes:
        key = id(node)
        buffers = Buffers.of(node)
        own_buffers = None
        if buffers is not None:
            own_buffers = buffers.less([b for b in map(Buffers.of, below[key]) if b is not None])
        part = own_costs[key] if own_times is None else own_times[key]
        found[key] = Shares(
            total_ms=None if times is None else times[key],
            own_ms=None if own_times is None else own_times[key],
            own_cost=own_costs[key],
            share=part / whole if whole > 0 else 0.0,
            own_buffers=own_buffers,
        )
    return found


def _walk(node: Raw) -> list[Raw]:
    found, waiting = [], [node]
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting.extend(reversed(each.get("Plans") or ()))
    return found


def _times(root: Raw) -> dict[int, float] | None:
    """Milliseconds of the wall clock that each node ran, those below included; None where nothing was timed."""
    if "Actual Total Time" not in root:
        return None
    found: dict[int, float] = {}

    def visit(node: Raw, workers: float) -> None:
        loops = float(node.get("Actual Loops", 0))
        found[id(node)] = float(node.get("Actual Total Time", 0.0)) * loops / workers
        for child in node.get("Plans") or ():
            side_by_side = workers
            if node["Node Type"] in ("Gather", "Gather Merge") and child.get("Parent Relationship") == "Outer":
                side_by_side = workers * max(1.0, float(child.get("Actual Loops", 1)) / max(loops, 1.0))
            visit(child, side_by_side)

    visit(root, 1.0)
    return found


def _readers(nodes: Sequence[Raw]) -> dict[str, Raw]:
    """The node that runs each WITH query: of those that read it, the one that took longest."""
    found: dict[str, Raw] = {}
    for node in nodes:
        name = node.get("CTE Name")
        if node["Node Type"] == "CTE Scan" and name is not None:
            known = found.get(name)
            if known is None or _time(node) > _time(known):
                found[str(name)] = node
    return found


def _time(node: Raw) -> float:
    return float(node.get("Actual Total Time", 0.0)) * float(node.get("Actual Loops", 0))


def _paid(node: Raw, nodes: Sequence[Raw], readers: Mapping[str, Raw]) -> list[Raw]:
    """The nodes whose time is within this one's: its children, but for a WITH query, which is within its reader's."""

    def reader(child: Raw) -> Raw | None:
        name = str(child.get("Subplan Name", ""))
        found = readers.get(name.removeprefix("CTE ")) if name.startswith("CTE ") else None
        return None if found is None or any(found is inner for inner in _walk(child)) else found

    own = [child for child in node.get("Plans") or () if reader(child) is None]
    if node["Node Type"] == "CTE Scan":
        own += [child for parent in nodes for child in parent.get("Plans") or () if reader(child) is node]
    return own


def _planned_loops(parent: Raw, child: Raw) -> float:
    """How often the planner expects a child to run for one run of its parent."""
    if child.get("Parent Relationship") == "Inner" and parent["Node Type"] == "Nested Loop":
        return max(1.0, float(parent["Plans"][0]["Plan Rows"]))
    if child.get("Parent Relationship") == "SubPlan":
        return max(1.0, float(parent["Plan Rows"]))
    return 1.0


def _parts(root: Raw, below: Mapping[int, list[Raw]], totals: Mapping[int, float], loops: Any) -> dict[int, float]:
    """Each node's own part of the root's total: children take what they claim, shortened where they claim too much."""
    own: dict[int, float] = {}
    waiting: list[tuple[Raw, float]] = [(root, totals[id(root)])]
    while waiting:
        node, whole = waiting.pop()
        total = totals[id(node)]
        scale = whole / total if total > 0 else 0.0
        claims = [(child, totals[id(child)] * loops(node, child) * scale) for child in below[id(node)]]
        claimed = sum(claim for _, claim in claims)
        short = whole / claimed if claimed > whole > 0 else 0.0 if claimed > whole else 1.0
        own[id(node)] = max(0.0, whole - claimed * short)
        waiting.extend((child, claim * short) for child, claim in claims)
    return own
