"""A plan as nested lists that a page shows: a line a node with its part of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pgassay.model.plans import Node, advice, read_plan
from pgassay.report.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A node: what it is, its share of the plan (0 to 1), figures in words, and its children."""

    words: str
    share: float
    figures: str
    advice: tuple[str, ...]
    children: tuple[Branch, ...]


def branches(raw: Mapping[str, Any]) -> Branch | None:
    """The tree of what EXPLAIN (FORMAT JSON) printed; None where there is none."""
    if not raw:
        return None
    plan = read_plan({"Plan": raw} if "Plan" not in raw else raw)
    said: dict[int, list[str]] = {}
    for found in advice(plan):
        said.setdefault(found.node, []).append(found.text)
    return _branch(plan.root, said)


def _branch(node: Node, said: Mapping[int, list[str]]) -> Branch:
    on = f" on {node.table}" if node.table else ""
    by = f" by {node.index}" if node.index else ""
    rows = (
        f"{node.actual_rows:,.0f} of {count(round(node.rows), 'row')}"
        if node.actual_rows is not None
        else count(round(node.rows), "row")
    )
    time = f", {node.own_ms:.2f} ms" if node.own_ms is not None else f", cost {node.own_cost:,.0f}"
    return Branch(
        words=f"{node.kind}{on}{by}",
        share=min(max(node.share, 0.0), 1.0),
        figures=rows + time,
        advice=tuple(said.get(node.number, ())),
        children=tuple(_branch(child, said) for child in node.children),
    )
