"""What counts as worse than recorded, and what advice says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgassay.report.plan_baseline import SLACK, Baseline, Recorded, RecordedQuery, compare, loaded, outline, written
from pgassay.report.tuning_check import check_json, check_text
from pgassay.report.tuning_evidence import final, named, plan_words

FAST, SLOW = ("Index Scan using i on t",), ("Seq Scan on t",)


def base(*queries: RecordedQuery, server: str = "18.6", skipped: dict[str, str] | None = None) -> Baseline:
    return Baseline(server=server, rows=10, table_rows={}, seed=1, queries=queries, skipped=skipped or {})


def query(
    buffers: int | None,
    plan: tuple[str, ...] = FAST,
    cost: float = 10.0,
    *,
    text: str = "SELECT 1",
    clock: bool = False,
    error: str | None = None,
) -> RecordedQuery:
    form = Recorded(plan=plan, cost=cost, buffers=buffers, error=error)
    return RecordedQuery(query=text, line=3, clock=clock, forms=(form,))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (query(100), query(120), None),  # within the tolerance
        (query(100), query(121), "100 → 121 pages"),
        (query(3), query(3 + SLACK), None),  # within the slack
        (query(3), query(4 + SLACK), "3 → 12 pages"),
        (query(100), query(10), None),
        (query(100), query(None), "cut off"),
        (query(None), query(None), None),
        (query(None), query(100), None),
        (query(100, FAST, 10), query(100, SLOW, 11), None),
        (query(100, FAST, 10), query(100, SLOW, 13), "another plan, of cost 10 → 13"),
        (query(100, FAST, 10), query(90, SLOW, 13), None),  # the planner expects more than there is
        (query(100, FAST, 10), query(100, FAST, 13), None),
        (query(100, clock=True), query(900, clock=True), None),
        (query(100, FAST, 10, clock=True), query(10, SLOW, 90, clock=True), "another plan"),
        (query(100), query(None, (), 0, error="no such table"), "it fails: no such table"),
        (query(None, error="x"), query(None, error="y"), None),
    ],
)
def test_worse(before: RecordedQuery, after: RecordedQuery, words: str | None) -> None:
    found = compare(base(before), base(after), tolerance=0.2)
    assert [words in w.why for w in found.worse if words] == [True] * bool(words)
    assert bool(found.worse) == bool(words)
    assert (words or "none worse") in check_text(found)
    assert f'"passed": {str(not words).lower()}' in check_json(found)


def test_queries_come_and_go() -> None:
    old = base(query(9, text="a"), query(9, text="b"), query(9, text="c"))
    new = base(query(9, text="a"), query(9, text="d"), server="17.2", skipped={"c": "no such column"})
    found = compare(old, new, tolerance=0.2)
    assert (found.added, found.removed, [w.query for w in found.worse]) == (("d",), ("b",), ["c"])
    text = check_text(found)
    assert "new: d" in text and "gone: b" in text and "it no longer plans: no such column" in text
    assert "recorded on PostgreSQL 18.6, checked on 17.2" in " ".join(text.split())


@given(st.lists(st.builds(query, st.one_of(st.none(), st.integers(0, 10**9)), text=st.text(max_size=9)), max_size=4))
def test_a_record_is_read_back_and_equals_itself(queries: list[RecordedQuery]) -> None:
    recorded = base(*{q.query: q for q in queries}.values())
    assert loaded(written(recorded)) == recorded
    assert not compare(recorded, recorded, tolerance=0.0).worse


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 2}', "null"])
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(ValueError):
        loaded(text)


def test_plans_in_few_words() -> None:
    inner = {"Node Type": "Bitmap Index Scan", "Index Name": "t_a_idx3"}
    scan = {"Node Type": "Bitmap Heap Scan", "Relation Name": "t", "Plans": [inner]}
    plan = {"Node Type": "Limit", "Plans": [{"Node Type": "Hash Join", "Join Type": "Left", "Plans": [scan]}]}
    assert plan_words(plan) == "Hash Join, Bitmap Heap Scan on t by t_a_idx3"
    assert plan_words(named(plan, {"t_a_idx"})).endswith("by t_a_idx")
    assert outline(plan)[1:3] == ("  Hash Join (Left)", "    Bitmap Heap Scan on t")
    assert final("t_a_idx3", {"t_a_idx3", "t_a_idx"}) == "t_a_idx3"
    assert plan_words({}) == "no plan"
