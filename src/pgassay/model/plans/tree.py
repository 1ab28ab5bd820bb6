"""A plan of PostgreSQL as a typed tree, from ``EXPLAIN (FORMAT JSON)`` (manual, chapter 14.1, and EXPLAIN's page)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgassay.model.plans.shares import Buffers, Shares, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node. ``number`` counts in the order of the tree, from 1.

    ``rows`` is what the planner expected of one loop, ``actual_rows`` what came on average, None where nothing was run.
    ``own_ms`` and ``own_cost`` are the node's part alone, without the nodes below; ``share`` is that part of the whole
    plan's (of its time where it was run, else of its cost). ``own_buffers`` are pages the node itself touched.
    ``cut`` says that the nodes above may have stopped it early: fewer rows than expected mean nothing then.
    ``facts`` are the node's fields as PostgreSQL names them.
    """

    number: int
    kind: str
    facts: Mapping[str, Any] = field(compare=False, repr=False)
    children: tuple[Node, ...] = ()
    startup_cost: float
    total_cost: float
    rows: float
    actual_rows: float | None = None
    loops: float | None = None
    total_ms: float | None = None
    own_ms: float | None = None
    own_cost: float
    share: float
    own_buffers: Buffers | None = None
    cut: bool = False

    @property
    def table(self) -> str | None:
        """The table that it reads or writes, without a schema of everyday."""
        name, schema = self.facts.get("Relation Name"), self.facts.get("Schema")
        return f"{schema}.{name}" if name and schema not in (None, "public") else name

    @property
    def index(self) -> str | None:
        """The index that it reads."""
        return self.facts.get("Index Name")

    @property
    def never_run(self) -> bool:
        """Whether the plan was run, and this node was not."""
        return self.loops == 0

    @property
    def misestimate(self) -> float | None:
        """Rows that came over rows expected: 10 is ten times more, 0.1 ten times fewer; None where it says nothing."""
        if self.actual_rows is None or self.never_run:
            return None
        ratio = max(self.actual_rows, 1.0) / max(self.rows, 1.0)
        return None if self.cut and ratio < 1 else ratio

    def number_of(self, name: str) -> float:
        """One of its figures, 0 where it has none."""
        value = self.facts.get(name, 0)
        return float(value) if isinstance(value, int | float) else 0.0

    def text_of(self, name: str) -> str:
        """One of its texts, lists joined by commas."""
        value = self.facts.get(name, "")
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    def walk(self) -> Iterator[Node]:
        """This node and all below, in the order of the tree."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole plan. Times are milliseconds, None where nothing was run. ``raw`` is PostgreSQL's own object."""

    root: Node
    planning_ms: float | None = None
    execution_ms: float | None = None
    triggers: tuple[Mapping[str, Any], ...] = ()
    jit: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def analyzed(self) -> bool:
        """Whether it was run."""
        return self.root.actual_rows is not None

    @property
    def total_cost(self) -> float:
        """The planner's price."""
        return self.root.total_cost

    @property
    def buffers(self) -> Buffers | None:
        """All pages touched."""
        return Buffers.of(self.raw["Plan"])

    def walk(self) -> Iterator[Node]:
        """Every node in the order of the tree."""
        return self.root.walk()


def read_plan(raw: Mapping[str, Any] | Sequence[Any]) -> Plan:
    """The plan in what ``EXPLAIN (FORMAT JSON)`` printed: its list of one, or the object in it.

    Raises ValueError where it is no plan.
    """
    document = raw[0] if isinstance(raw, Sequence) and not isinstance(raw, str) and raw else raw
    if not isinstance(document, Mapping) or not isinstance(document.get("Plan"), Mapping):
        raise ValueError("it is no plan of PostgreSQL: it has no Plan")
    try:
        counted = shares(document["Plan"])
        root = _Reader(counted).node(document["Plan"], cut=False)
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is no plan of PostgreSQL: {error}") from None
    return Plan(
        root=root,
        planning_ms=document.get("Planning Time"),
        execution_ms=document.get("Execution Time"),
        triggers=tuple(document.get("Triggers") or ()),
        jit=document.get("JIT") or {},
        raw=document,
    )


# Nodes that read all of their input before they give a row: a LIMIT above does not cut what is below.
_BLOCKING = frozenset({"Sort", "Hash", "Bitmap Heap Scan", "ModifyTable"})


class _Reader:
    def __init__(self, counted: Mapping[int, Shares]) -> None:
        self.counted = counted
        self.number = 0

    def node(self, raw: Mapping[str, Any], *, cut: bool) -> Node:
        self.number += 1
        number, own = self.number, self.counted[id(raw)]
        kind = str(raw["Node Type"])
        blocking = kind in _BLOCKING or (kind == "Aggregate" and raw.get("Strategy") != "Sorted")
        below = [self.node(child, cut=_cuts(raw, child) or (cut and not blocking)) for child in raw.get("Plans") or ()]
        return Node(
            number=number,
            kind=kind,
            facts={name: value for name, value in raw.items() if name != "Plans"},
            children=tuple(below),
            startup_cost=float(raw["Startup Cost"]),
            total_cost=float(raw["Total Cost"]),
            rows=float(raw["Plan Rows"]),
            actual_rows=raw.get("Actual Rows"),
            loops=raw.get("Actual Loops"),
            total_ms=own.total_ms,
            own_ms=own.own_ms,
            own_cost=own.own_cost,
            share=own.share,
            own_buffers=own.own_buffers,
            cut=cut,
        )


def _cuts(parent: Mapping[str, Any], child: Mapping[str, Any]) -> bool:
    """Whether a node may stop reading from its child before the end."""
    kind, inner = parent["Node Type"], child.get("Parent Relationship") == "Inner"
    if kind in ("Limit", "Merge Join") or child.get("Parent Relationship") == "SubPlan":
        return True
    return (
        kind == "Nested Loop"
        and inner
        and (parent.get("Join Type") in ("Semi", "Anti") or bool(parent.get("Inner Unique")))
    )
