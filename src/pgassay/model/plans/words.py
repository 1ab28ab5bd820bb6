"""What every advice is made of: its parts, thresholds, and the words for figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pgassay.model.plans.conditions import Term, bare, columns
from pgassay.model.plans.tree import Node, Plan

Kind = Literal[
    "missing-index", "wide-index", "sort-spill", "hash-spill", "unsorted-limit", "misestimate", "repeated-scan",
    "misestimated-loop", "heap-fetches", "lossy-bitmap", "function-rows", "offset", "correlated-subquery", "not-in",
    "join-filter", "jit", "trigger", "workers", "temporary-storage", "planning",
]  # fmt: skip

MANY = 1_000  # rows below which no scan is worth an advice
FEW = 0.1  # share of rows kept that an index would find faster
WRONG = 10  # times off: what PostgreSQL's own developers call a bad estimate
DEFAULT_ROWS = (1000.0, 100.0)  # of functions: of PL and SQL ones, and of those that return arrays unnested
EQUAL = frozenset({"=", "IS"})
ROW_COST = 0.0125  # cpu_tuple_cost and one cpu_operator_cost: the least that a sequential scan pays for a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """``node`` is the number of the node; ``share`` of the plan's time (or cost) that is at stake, from 0 to 1."""

    node: int
    kind: Kind
    text: str
    share: float
    subject: str = ""


def kept_and_read(node: Node) -> tuple[float, float]:
    """Rows kept and read by a scan in all its loops; where nothing was run, what the planner paid for."""
    if node.actual_rows is None:
        return node.rows, max(node.rows, (node.total_cost - node.startup_cost) / (2 * ROW_COST))
    loops = node.loops or 1
    kept = node.actual_rows * loops
    return kept, kept + node.number_of("Rows Removed by Filter") * loops


def key(term: Term) -> str:
    """An index key: a column, or an expression, in parentheses unless it is a function's call."""
    if term.column:
        return term.column
    text = term.left
    for name in columns(text):  # without aliases
        text = text.replace(f"{_alias(text, name)}{name}", name)
    call = text.endswith(")") and text.split("(", 1)[0].replace(".", "").replace("_", "").isalnum()
    return text if call else f"({text})"


def _alias(text: str, name: str) -> str:
    before = text.split(name, 1)[0]
    return before[before.rfind(" ") + 1 :].split("(")[-1] if before.endswith(".") else ""


def plain_keys(keys: str) -> str:
    return ", ".join(bare(key.split(" ", 1)[0]) + key[len(key.split(" ", 1)[0]) :] for key in keys.split(", "))


def repeated(node: Node) -> tuple[Node, ...]:
    """The sequential scan that a nested loop runs again for each row, also behind Materialize."""
    if node.kind != "Nested Loop" or len(node.children) < 2:
        return ()
    inner = node.children[1]
    if inner.kind == "Materialize" and inner.children and node.text_of("Join Filter"):
        return ()
    return (inner,) if inner.kind == "Seq Scan" else ()


def pairs(plan: Plan) -> Iterator[tuple[Node | None, Node]]:
    """Each node with the one above it."""
    waiting: list[tuple[Node | None, Node]] = [(None, plan.root)]
    while waiting:
        parent, node = waiting.pop()
        yield parent, node
        waiting.extend((node, child) for child in node.children)


def what(node: Node) -> str:
    if node.index:
        return f"{node.index} on {node.table}" if node.table else node.index
    return node.table or next((n.table for n in node.walk() if n.table), node.kind)


def count(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:,.1f}"


def size(kilobytes: float) -> str:
    for unit, size in (("GB", 1024 * 1024), ("MB", 1024)):
        if kilobytes >= size:
            return f"{kilobytes / size:,.0f} {unit}" if kilobytes >= 10 * size else f"{kilobytes / size:,.1f} {unit}"
    return f"{kilobytes:,.0f} kB"
