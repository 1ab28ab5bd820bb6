"""A plan as a tree that a person reads: whose time, how many rows, how far off, which pages, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pgassay.model.plans import Advice, Node, Plan, advice
from pgassay.report.words import duration, one_line, visible

# What a person asks of a node, in the order of reading; the rest is in the JSON.
_DETAILS = (
    "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "One-Time Filter", "TID Cond",
    "Order By", "Sort Key", "Presorted Key", "Group Key", "Conflict Arbiter Indexes", "Cache Key", "Sort Method",
    "Subplans Removed", "Workers Planned",
)  # fmt: skip
_REMOVED = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")
_SMALL = 10  # rows below which no estimate is wrong
_LONGEST = 400  # characters of one condition
_NARROW = 34  # columns that a tree needs
_SPOTS = 8  # pieces of advice shown
_HOT, _WARM, _COLD, _BAD = "bold red", "yellow", "dim", "magenta"


@dataclass(frozen=True, slots=True)
class Span:
    """Text with a style of rich's, or none."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def plan_tree(plan: Plan, *, width: int = 100, colour: bool = False, remarks: Sequence[str] = ()) -> str:
    """One plan: a line of totals, the tree with each node's own part beside it, and what to do about bad nodes."""
    found = advice(plan)
    lines = [(Span(_totals(plan), "bold"),), ()]
    lines += _tree(plan, found, max(width, 40))
    lines += _todo(found, max(width, 40), "time" if plan.analyzed else "cost")
    lines += [
        (Span(part),) for remark in remarks for part in _wrapped(f"note: {visible(one_line(remark))}", width, "  ")
    ]
    return _rendered(lines, colour=colour)


def plans_compared(
    before: Plan,
    after: Plan,
    *,
    width: int = 100,
    colour: bool = False,
    titles: tuple[str, str] = ("before", "after"),
    remarks: Sequence[str] = (),
) -> str:
    """Two plans: their figures, then their trees side by side where there is room for both, else one by one."""
    lines: list[Line] = [*_figures(before, after, titles), ()]
    half = (width - 3) // 2
    trees = [(title, plan, advice(plan)) for title, plan in zip(titles, (before, after), strict=True)]
    if half >= 2 * _NARROW - 10:
        left, right = ([(Span(t, "bold"),), *_tree(p, a, half, compact=True)] for t, p, a in trees)
        lines += _beside(left, right, half)
    else:
        for title, plan, found in trees:
            lines += [(Span(title, "bold"),), *_tree(plan, found, max(width, 40)), ()]
    for title, plan, found in trees:
        lines += _todo(found, max(width, 40), "time" if plan.analyzed else "cost", of=f" about {title}")
    lines += [
        (Span(part),) for remark in remarks for part in _wrapped(f"note: {visible(one_line(remark))}", width, "  ")
    ]
    return _rendered(lines, colour=colour)


def _totals(plan: Plan) -> str:
    parts = []
    if plan.execution_ms is not None:
        parts.append(f"ran {duration(plan.execution_ms)}")
    if plan.planning_ms is not None:
        parts.append(f"planned in {duration(plan.planning_ms)}")
    buffers = plan.buffers
    if buffers is not None and (plan.analyzed or buffers.touched):
        parts.append(f"{buffers.touched:,} pages" + (f" ({buffers.read:,} not in memory)" if buffers.read else ""))
        if buffers.temporary:
            parts.append(f"{buffers.temporary:,} temporary")
    parts.append(f"cost {plan.total_cost:,.2f}")
    text = ", ".join(parts)
    return text[0].upper() + text[1:]


def _figures(before: Plan, after: Plan, titles: tuple[str, str]) -> Iterator[Line]:
    rows: list[tuple[str, str, str, str]] = []
    if before.analyzed and after.analyzed:
        one, two = before.execution_ms or 0.0, after.execution_ms or 0.0
        rows.append(("time", duration(one), duration(two), _ratio(one, two)))
        pages = [b.touched if (b := plan.buffers) else 0 for plan in (before, after)]
        rows.append(("pages", f"{pages[0]:,}", f"{pages[1]:,}", _ratio(*pages)))
    costs = before.total_cost, after.total_cost
    rows.append(("cost", f"{costs[0]:,.2f}", f"{costs[1]:,.2f}", _ratio(*costs)))
    wide = [max(len(row[i]) for row in (("", *titles, ""), *rows)) for i in range(3)]
    yield (Span(f"{'':{wide[0]}}  {titles[0]:>{wide[1]}}  {titles[1]:>{wide[2]}}", "bold"),)
    for name, one_, two_, ratio in rows:
        style = "green" if "less" in ratio else "red" if "more" in ratio else ""
        yield (Span(f"{name:{wide[0]}}  {one_:>{wide[1]}}  {two_:>{wide[2]}}"), Span(f"  {ratio}".rstrip(), style))


def _ratio(one: float, two: float) -> str:
    if one == two or min(one, two) < 0:
        return "the same" if one == two else ""
    small, large = sorted((one, two))
    times = large / small if small else large
    if times < 1.05:
        return "much the same"
    shown = f"{times:,.1f} times" if times < 10 else f"{times:,.0f} times"
    return f"{shown} {'less' if two < one else 'more'}"


# The tree


def _tree(plan: Plan, found: Sequence[Advice], width: int, *, compact: bool = False) -> list[Line]:
    marks: dict[int, list[str]] = {}
    for position, each in enumerate(found[:_SPOTS], 1):
        marks.setdefault(each.node, []).append(str(position))
    rows = [(_cells(node, plan), node, first, rest) for node, first, rest in _branches(plan.root, "", "")]
    columns = _columns(plan, rows, width, compact=compact)
    widths = {c: max(len(c), *(len(cells[c].text) for cells, *_ in rows)) for c in columns}
    margin = "".join(" " * (widths[c] + 2) for c in columns)
    room = max(width - len(margin), _NARROW // 2)
    lines: list[Line] = [(Span("".join(f"{c:>{widths[c]}}  " for c in columns), _COLD), Span("node", _COLD))]
    for cells, node, first, rest in rows:
        figures = tuple(Span(f"{cells[c].text:>{widths[c]}}  ", cells[c].style) for c in columns)
        mark = f"  ← {', '.join(marks[node.number])}" if node.number in marks else ""
        style = _COLD if node.never_run else ""
        title = _wrapped(first + _title(node) + mark, room, rest + "  ")
        lines.append((*figures, Span(title[0], style)))
        lines += [(Span(margin), Span(part, style)) for part in title[1:]]
        bar = rest + ("│  " if node.children else "   ")
        for detail in _details(node):
            lines += [(Span(margin), Span(part, _COLD)) for part in _wrapped(bar + detail, room, bar + "  ")]
    return lines


def _branches(node: Node, first: str, rest: str) -> Iterator[tuple[Node, str, str]]:
    yield node, first, rest
    for position, child in enumerate(node.children, 1):
        last = position == len(node.children)
        yield from _branches(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


def _cells(node: Node, plan: Plan) -> dict[str, Span]:
    """What stands beside a node, by the heading of its column."""
    share = f"{node.share:.0%}"
    style = _HOT if node.share >= 0.5 else _WARM if node.share >= 0.15 else _COLD if node.share < 0.01 else ""
    if not plan.analyzed:
        return {
            "cost": Span(f"{node.own_cost:,.1f}"),
            "share": Span(share, style),
            "rows": Span(f"{node.rows:,.0f}"),
        }
    if node.never_run:
        return {
            c: Span(t, _COLD)
            for c, t in zip(("time", "share", "rows", "expected", "pages"), ("", "", "never run", "", ""), strict=True)
        }
    buffers = node.own_buffers
    pages = f"{buffers.touched:,}" if buffers is not None and buffers.touched else ""
    if buffers is not None and buffers.temporary:
        pages = f"{pages} +{buffers.temporary:,} temp".strip()
    off, bad = _off(node)
    return {
        "time": Span(duration(node.own_ms or 0.0)),
        "share": Span(share, style),
        "rows": Span(f"{(node.actual_rows or 0) * (node.loops or 1):,.0f}"),
        "expected": Span(off, _BAD if bad else ""),
        "pages": Span(pages),
    }


def _off(node: Node) -> tuple[str, bool]:
    """How far the estimate is off, and whether that is bad."""
    ratio = node.misestimate
    if ratio is None:
        return "", False
    times = ratio if ratio >= 1 else 1 / ratio
    if times < 2 or max(node.rows, node.actual_rows or 0) < _SMALL:
        return "right", False
    return f"{times:,.0f}× {'fewer' if ratio > 1 else 'more'}", times >= 10


def _columns(
    plan: Plan, rows: Sequence[tuple[dict[str, Span], Node, str, str]], width: int, *, compact: bool
) -> list[str]:
    """The columns that leave the tree enough room, and that have anything to say."""
    names = ["time", "share", "rows", "expected", "pages"] if plan.analyzed else ["cost", "share", "rows"]
    names = [n for n in names if any(cells[n].text for cells, *_ in rows)]
    if compact:
        names = [n for n in names if n in ("share", "rows", "pages")]
    dropped = ["pages", "time", "cost", "expected"]
    while dropped and width - sum(2 + max(len(n), *(len(c[n].text) for c, *_ in rows)) for n in names) < _NARROW:
        gone = dropped.pop(0)
        names = [n for n in names if n != gone]
    return names


def _title(node: Node) -> str:
    facts, kind = node.facts, node.kind
    if facts.get("Operation") and kind == "ModifyTable":
        kind = str(facts["Operation"])
    if facts.get("Strategy") in ("Hashed", "Sorted", "Mixed") and kind == "Aggregate":
        kind = f"{facts['Strategy']} {kind}"
    if facts.get("Join Type", "Inner") != "Inner":
        kind = f"{kind} ({str(facts['Join Type']).lower()})"
    words = [("Parallel " if facts.get("Parallel Aware") else "") + kind]
    if facts.get("Scan Direction") == "Backward":
        words.append("backward")
    if node.index:
        words.append(f"using {node.index}")
    for key in ("Relation Name", "CTE Name", "Function Name"):
        if key in facts:
            name = node.table if key == "Relation Name" else facts[key]
            words.append(f"on {name}")
            if facts.get("Alias", facts[key]) != facts[key]:
                words.append(str(facts["Alias"]))
    if "Subplan Name" in facts:
        words.append(f"[{facts['Subplan Name']}]")
    if (node.loops or 0) > 1:
        words.append(f"× {node.loops:,.0f}")
    return visible(one_line(" ".join(words)))


def _details(node: Node) -> Iterator[str]:
    for name in _DETAILS:
        text = node.text_of(name)
        if text and (name != "Sort Method" or node.facts.get("Sort Space Type") == "Disk"):
            yield f"{name.lower()}: {_short(text)}"
    for name in _REMOVED:
        removed = node.number_of(name) * (node.loops or 1)
        if removed:
            yield f"{name.lower()}: {removed:,.0f}"
    if node.number_of("Hash Batches") > 1:
        yield f"hash batches: {node.number_of('Hash Batches'):,.0f}"
    if node.number_of("Heap Fetches"):
        yield f"heap fetches: {node.number_of('Heap Fetches'):,.0f}"
    if node.number_of("Lossy Heap Blocks"):
        yield f"lossy pages: {node.number_of('Lossy Heap Blocks'):,.0f}"


def _todo(found: Sequence[Advice], width: int, measure: str, of: str = "") -> list[Line]:
    if not found:
        return []
    lines: list[Line] = [(), (Span(f"What to do{of}", "bold"),)]
    for position, each in enumerate(found[:_SPOTS], 1):
        first = f"{position:>2}. "
        parts = _wrapped(
            f"{first}{visible(one_line(each.text))} ({each.share:.0%} of the {measure})", width, " " * len(first)
        )
        lines += [(Span(part),) for part in parts]
    if len(found) > _SPOTS:
        lines.append((Span(f"    and {len(found) - _SPOTS} more"),))
    return lines


def _short(text: str) -> str:
    text = visible(one_line(text))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Lines of at most that width; what follows the first is indented, but for long words without a break."""
    if len(text) <= width:
        return [text]
    lead = text[: len(text) - len(text.lstrip(" │├└─"))]
    body = text[len(lead) :]
    room = max(width - max(len(lead), len(indent)), 12)
    parts = textwrap.wrap(body, room, break_on_hyphens=False, break_long_words=True) or [""]
    return [lead + parts[0], *(indent + part for part in parts[1:])]


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> Iterator[Line]:
    from rich.cells import cell_len

    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else ()
        two = right[number] if number < len(right) else ()
        used = sum(cell_len(span.text) for span in one)
        yield (*one, Span(" " * max(width - used, 0)), Span(" │ ", _COLD), *two)


def _rendered(lines: Sequence[Line], *, colour: bool) -> str:
    if not colour:
        return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)
    from rich.style import Style

    def painted(span: Span) -> str:
        return Style.parse(span.style).render(span.text) if span.style and span.text.strip() else span.text

    return "".join("".join(map(painted, line)).rstrip() + "\n" for line in lines)
