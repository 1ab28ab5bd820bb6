"""Plans as trees: what each node has of the whole, what conditions compare, and how it is drawn."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.model.plans import advice, read_plan
from pgassay.model.plans.conditions import columns, terms
from pgassay.report.plan_tree import plan_tree, plans_compared

SCAN = {
    "Node Type": "Index Scan", "Index Name": "orders_pkey", "Relation Name": "orders", "Schema": "public", "Alias": "o",
    "Startup Cost": 0.29, "Total Cost": 8.31, "Plan Rows": 1, "Plan Width": 8, "Index Cond": "(id = 5)",
}  # fmt: skip
JOIN = {
    "Node Type": "Hash Join", "Join Type": "Left", "Startup Cost": 1, "Total Cost": 20.5, "Plan Rows": 1234,
    "Plan Width": 8, "Hash Cond": "(a.id = b.id)",
    "Plans": [SCAN, SCAN | {"Parallel Aware": True, "Scan Direction": "Backward"}],
}  # fmt: skip


def test_a_join_with_its_two_sides() -> None:
    assert plan_tree(read_plan([{"Plan": JOIN}]), remarks=("planned elsewhere",)) == (
        "Cost 20.50\n"
        "\n"
        "cost  share   rows  node\n"
        " 3.9    19%  1,234  Hash Join (left)\n"
        "                    │  hash cond: (a.id = b.id)\n"
        " 8.3    41%      1  ├─ Index Scan using orders_pkey on orders o\n"
        "                    │     index cond: (id = 5)\n"
        " 8.3    41%      1  └─ Parallel Index Scan backward using orders_pkey on orders o\n"
        "                          index cond: (id = 5)\n"
        "note: planned elsewhere\n"
    )


def test_names_cannot_repaint_the_terminal() -> None:
    plan = read_plan({"Plan": SCAN | {"Relation Name": "a\x1b[2Jb\nc", "Filter": "(x = '\x07')"}})
    text = plan_tree(plan) + plans_compared(plan, plan, width=160)
    assert "\x1b" not in text and "\x07" not in text


def test_colours_only_where_they_are_wanted() -> None:
    plan = read_plan({"Plan": JOIN})
    assert "\x1b[" in plan_tree(plan, colour=True)
    assert "\x1b" not in plan_tree(plan, colour=False)


numbers = st.floats(0, 1e6, allow_nan=False)
whole = st.integers(0, 10**6)


def _node(kind: str, figures: tuple[float, float, int, float, int, int], plans: list[dict[str, Any]]) -> dict[str, Any]:
    startup, total, rows, ms, loops, pages = figures
    node: dict[str, Any] = {
        "Node Type": kind, "Startup Cost": min(startup, total), "Total Cost": total, "Plan Rows": rows, "Plan Width": 8,
        "Actual Startup Time": 0, "Actual Total Time": ms, "Actual Rows": rows / 2, "Actual Loops": loops,
        "Relation Name": "ein langer Name", "Filter": "((a = 5) AND (lower(b) ~~ 'x%'::text))",
        "Rows Removed by Filter": rows,
    }  # fmt: skip
    node |= {f"Shared {what} Blocks": pages for what in ("Hit", "Read", "Dirtied", "Written")}
    for position, plan in enumerate(plans):
        plan["Parent Relationship"] = ("Outer", "Inner", "SubPlan", "InitPlan")[position % 4]
    return node | ({"Plans": plans} if plans else {})


def trees() -> st.SearchStrategy[dict[str, Any]]:
    kinds = st.sampled_from(
        ["Seq Scan", "Sort", "Limit", "Nested Loop", "Gather", "CTE Scan", "Aggregate", "Hash Join"]
    )
    figures = st.tuples(numbers, numbers, whole, numbers, st.integers(0, 50), whole)
    return st.recursive(
        st.builds(_node, kinds, figures, st.just([])),
        lambda below: st.builds(_node, kinds, figures, st.lists(below, min_size=1, max_size=3)),
        max_leaves=12,
    )


@given(trees())
def test_own_parts_are_never_negative_and_add_up_to_the_whole(raw: dict[str, Any]) -> None:
    plan = read_plan({"Plan": json.loads(json.dumps(raw))})
    assert sum(n.own_cost for n in plan.walk()) == pytest.approx(plan.total_cost)
    assert sum(n.own_ms or 0 for n in plan.walk()) == pytest.approx(plan.root.total_ms)
    assert min(n.own_cost for n in plan.walk()) >= 0
    assert all(0 <= n.share <= 1.000001 for n in plan.walk())
    assert [n.number for n in plan.walk()] == list(range(1, len(list(plan.walk())) + 1))


@given(trees(), st.integers(30, 200))
def test_no_line_is_wider_than_asked_and_every_node_has_its_line(raw: dict[str, Any], width: int) -> None:
    plan = read_plan({"Plan": json.loads(json.dumps(raw))})
    text = plan_tree(plan, width=width)
    assert len(text.splitlines()) > len(list(plan.walk()))
    depth = max(_depth(plan.root), 1)
    assert max(map(len, text.splitlines())) <= max(width, 40) + 3 * depth + 40
    for each in advice(plan):
        assert 0 < each.node <= len(list(plan.walk()))
    assert plans_compared(plan, plan, width=width)


def _depth(node: Any) -> int:
    return 1 + max(map(_depth, node.children), default=0)


@pytest.mark.parametrize("wrong", [[], {}, "x", [{}], {"Plan": {}}, {"Plan": {"Node Type": "Limit"}}, {"Plan": 5}])
def test_what_is_no_plan_is_said(wrong: Any) -> None:
    with pytest.raises(ValueError, match="no plan"):
        read_plan(wrong)


@pytest.mark.parametrize(
    ("condition", "wanted", "named"),
    [
        ("(t.c AND (t.a = 5))", [("t.c", "", ""), ("t.a", "=", "5")], ("c", "a")),
        ("((status)::text = 'op AND en'::text)", [("status", "=", "'op AND en'")], ("status",)),
        ("(lower(email) ~~ '%x%'::text)", [("lower(email)", "~~", "'%x%'")], ("email",)),
        ("((data ->> 'k'::text) = 'v'::text)", [("data ->> 'k'", "=", "'v'")], ("data",)),
        (
            '((o."accountId" = a.id) OR (x > 3))',
            [('(o."accountId" = a.id) OR (x > 3)', "", "")],
            ('"accountId"', "id", "x"),
        ),
        ("(NOT (hashed SubPlan 1))", [("NOT (hashed SubPlan 1)", "", "")], ()),
        (
            "(date_trunc('day'::text, at) = '2024'::timestamp with time zone)",
            [("date_trunc('day', at)", "=", "'2024'")],
            ("at",),
        ),
        ("(amount IS NOT NULL)", [("amount", "IS", "NOT NULL")], ("amount",)),
        ("(a = ANY ('{1,2}'::integer[]))", [("a", "=", "ANY ('{1,2}')")], ("a",)),
    ],
)
def test_what_conditions_compare(condition: str, wanted: list[tuple[str, str, str]], named: tuple[str, ...]) -> None:
    assert [(t.left, t.operator, t.right) for t in terms(condition)] == wanted
    assert columns(condition) == named


@given(st.text(max_size=60))
def test_no_condition_upsets_the_reader(condition: str) -> None:
    terms(condition)
    columns(condition)
