"""A plan as a tree."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pgassay.report.plan import plan_text

SCAN = {
    "Node Type": "Index Scan", "Index Name": "orders_pkey", "Relation Name": "orders", "Alias": "o",
    "Startup Cost": 0.29, "Total Cost": 8.31, "Plan Rows": 1, "Plan Width": 8, "Index Cond": "(id = 5)",
}  # fmt: skip
JOIN = {
    "Node Type": "Hash Join", "Join Type": "Left", "Startup Cost": 1, "Total Cost": 20.5, "Plan Rows": 1234,
    "Plan Width": 8, "Hash Cond": "(a.id = b.id)",
    "Plans": [SCAN, SCAN | {"Parallel Aware": True, "Scan Direction": "Backward"}],
}  # fmt: skip


def test_a_join_with_its_two_sides() -> None:
    assert plan_text({"Plan": JOIN}, remarks=("planned elsewhere",)) == (
        "Hash Join (left)  1,234 rows, cost 1.00 to 20.50\n"
        "│  hash cond: (a.id = b.id)\n"
        "├─ Index Scan using orders_pkey on orders o  1 row, cost 0.29 to 8.31\n"
        "│     index cond: (id = 5)\n"
        "└─ Parallel Index Scan backward using orders_pkey on orders o  1 row, cost 0.29 to 8.31\n"
        "      index cond: (id = 5)\n"
        "note: planned elsewhere\n"
    )


def test_names_cannot_repaint_the_terminal() -> None:
    text = plan_text({"Plan": SCAN | {"Relation Name": "a\x1b[2Jb\nc", "Filter": "(x = '\x07')"}})
    assert "\x1b" not in text and "\x07" not in text and text.count("\n") == 3


def trees() -> st.SearchStrategy[dict[str, Any]]:
    leaf = st.builds(lambda kind: SCAN | {"Node Type": kind}, st.sampled_from(["Seq Scan", "Sort", "Limit"]))
    return st.recursive(
        leaf, lambda below: st.builds(lambda plans: JOIN | {"Plans": plans}, st.lists(below, max_size=3))
    )


def size(plan: dict[str, Any]) -> int:
    return 1 + sum(map(size, plan.get("Plans", ())))


@given(trees())
def test_every_node_has_one_line_with_its_cost(plan: dict[str, Any]) -> None:
    assert plan_text({"Plan": plan}).count(", cost ") == size(plan)
