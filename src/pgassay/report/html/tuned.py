"""Advice on indexes as a page: what to run, and each query before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pgassay.advisor.model import Advice, Change
from pgassay.report.html.page import render
from pgassay.report.html.plans import Branch, branches


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One query with one set of values: widths are of the longest bar, 0 to 1."""

    number: int
    text: str
    before: str
    after: str
    before_width: float
    after_width: float
    verdict: str
    proved: bool
    plan_before: Branch | None
    plan_after: Branch | None


def tune_html(advice: Advice) -> str:
    """The page. Bars are logarithmic, of milliseconds of CPU where a query was run, else of the planner's cost."""
    texts = {query.number: query for query in advice.queries}
    most = max((max(_value(c, before=True), _value(c, before=False)) for c in advice.changes), default=1.0)
    rows = [
        Row(
            number=change.query,
            text=texts[change.query].forms[change.form] if change.query in texts else "",
            before=_words(change, before=True),
            after=_words(change, before=False),
            before_width=_width(_value(change, before=True), most),
            after_width=_width(_value(change, before=False), most),
            verdict=_verdict(change.gain),
            proved=change.certainty.value == "proved",
            plan_before=branches(change.plan_before),
            plan_after=branches(change.plan_after),
        )
        for change in advice.changes
    ]
    return render("tune.html", advice=advice, rows=rows)


def _verdict(gain: float) -> str:
    if gain >= 1.05:
        return f"{gain:,.1f} times less work"
    return "as much work as before" if gain > 0.95 else f"{1 / max(gain, 0.001):,.1f} times more work"


def _value(change: Change, *, before: bool) -> float:
    measure = change.before if before else change.after
    if change.before is not None and change.after is not None and measure is not None:
        return measure.cpu_ms
    return change.cost_before if before else change.cost_after


def _words(change: Change, *, before: bool) -> str:
    measure = change.before if before else change.after
    if change.before is not None and change.after is not None and measure is not None:
        more = "at least " if measure.over else ""
        return f"{more}{measure.cpu_ms:,.2f} ms, {measure.buffers:,} pages"
    return f"cost {change.cost_before if before else change.cost_after:,.0f}"


def _width(value: float, most: float) -> float:
    return math.log1p(max(value, 0.0) * 20) / math.log1p(max(most, 0.001) * 20)
