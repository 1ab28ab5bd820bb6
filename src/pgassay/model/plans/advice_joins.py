"""Advice on joins, subqueries and wrong estimates."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model.plans.conditions import columns, terms
from pgassay.model.plans.tree import Node, Plan
from pgassay.model.plans.words import (
    DEFAULT_ROWS,
    FEW,
    MANY,
    WRONG,
    Advice,
    count,
    kept_and_read,
    pairs,
    repeated,
    what,
)


def estimates(plan: Plan) -> Iterator[Advice]:
    """Where estimates first go wrong: nodes that are off by a lot while those below are not."""
    joins = any(len(node.children) > 1 for node in plan.walk())
    for node in plan.walk():
        off = _wrong(node)
        if not joins and (node.misestimate or 1) < 1:
            continue  # too many expected, and nothing that was chosen for it
        if off is None or any(_wrong(child) is not None for child in node.children):
            continue
        expected, came = node.rows, node.actual_rows or 0.0
        if node.kind == "Function Scan":
            name = node.text_of("Function Name") or "its function"
            if node.rows in DEFAULT_ROWS:
                yield Advice(
                    node=node.number,
                    kind="function-rows",
                    share=_above(plan, node),
                    subject=name,
                    text=f"{name}() gives {count(came)} rows, PostgreSQL assumes {count(expected)}:"
                    f" ALTER FUNCTION {name} ROWS {max(1, round(came))}",
                )
            continue
        yield Advice(
            node=node.number,
            kind="misestimate",
            share=_above(plan, node),
            subject=node.table or "",
            text=f"{count(came)} rows came where {count(expected)} were expected ({off}): {_statistics(node)}",
        )


def _wrong(node: Node) -> str | None:
    ratio = node.misestimate
    if (
        ratio is None
        or 1 / WRONG < ratio < WRONG
        or max(node.rows, node.actual_rows or 0) * (node.loops or 1) < MANY / 10
    ):
        return None
    return f"{ratio:,.0f} times more" if ratio > 1 else f"{1 / ratio:,.0f} times fewer"


def _statistics(node: Node) -> str:
    condition = " AND ".join(
        text for text in map(node.text_of, ("Index Cond", "Recheck Cond", "Filter", "Hash Cond", "Merge Cond")) if text
    )
    names = columns(condition)
    expressions = [t.left for t in terms(condition) if t.left and not t.column and "(" in t.left] if condition else []
    if node.kind == "Aggregate":
        keys = node.text_of("Group Key")
        many = "," in keys
        return (
            f"CREATE STATISTICS (ndistinct) ON {keys}" if many else f"n_distinct of {keys or 'the key'} is off: ANALYZE"
        )
    if not node.table:
        joined = f" of {condition}" if condition else ""
        return f"the join's selectivity{joined} is not known: statistics on both sides' columns, then ANALYZE"
    if expressions:
        return f"ANALYZE {node.table}; CREATE STATISTICS ON ({expressions[0]}) FROM {node.table}"
    if len(names) > 1:
        return f"CREATE STATISTICS (dependencies, mcv) ON {', '.join(names)} FROM {node.table}; ANALYZE {node.table}"
    if names:
        return f"ANALYZE {node.table}; if that is not enough, ALTER TABLE … ALTER {names[0]} SET STATISTICS 1000"
    return f"ANALYZE {node.table}"


def _above(plan: Plan, node: Node) -> float:
    """What a wrong estimate may have cost: the share of the nodes above and of this one."""

    def find(each: Node) -> float | None:
        if each.number == node.number:
            return each.share
        for child in each.children:
            found = find(child)
            if found is not None:
                siblings = sum(n.share for c in each.children if c is not child for n in c.walk())
                return found + each.share + siblings
        return None

    return min(1.0, find(plan.root) or 0.0)


def loops(plan: Plan) -> Iterator[Advice]:
    """Nested loops: an inner side without an index, and an outer side that gives more rows than expected."""
    for node in plan.walk():
        if node.kind != "Nested Loop" or len(node.children) < 2:
            continue
        outer, inner = node.children[0], node.children[1]
        for scan in repeated(node):
            loops = scan.loops if scan.loops is not None else outer.rows
            condition = scan.text_of("Filter") or node.text_of("Join Filter")
            if (
                loops < 2
                or not condition
                or (scan.actual_rows is not None and kept_and_read(scan)[1] < MANY and scan.share < FEW)
            ):
                continue
            names = _columns_of(scan, condition)
            yield Advice(
                node=scan.number,
                kind="repeated-scan",
                share=min(1.0, scan.share + (node.share if node.text_of("Join Filter") else 0)),
                subject=scan.table or "",
                text=f"scans all of {scan.table} {count(loops)} times, once a row of the other side:"
                f" an index on {scan.table} ({', '.join(names)}) would find the rows of each",
            )
        off = outer.misestimate
        if off is not None and off >= WRONG and (inner.loops or 0) >= MANY / 10:
            share = sum(n.share for n in inner.walk()) + node.share
            yield Advice(
                node=node.number,
                kind="misestimated-loop",
                share=share,
                subject=inner.table or "",
                text=f"runs {what(inner)} {count(inner.loops or 0)} times where {count(outer.rows)} were expected:"
                f" chosen for a wrong estimate of {what(outer)} (node {outer.number}); with a right one a hash join"
                " would be considered",
            )


def _columns_of(scan: Node, condition: str) -> tuple[str, ...]:
    """The columns of a condition that are the scanned table's, as far as aliases tell."""
    alias = str(scan.facts.get("Alias", ""))
    own = [n for n in columns(condition) if f"{alias}.{n}" in condition]
    return tuple(own) or columns(condition)


def join_filters(plan: Plan) -> Iterator[Advice]:
    """Joins that make far more pairs than they keep."""
    for node in plan.walk():
        removed = node.number_of("Rows Removed by Join Filter") * (node.loops or 1)
        kept = (node.actual_rows or 0) * (node.loops or 1)
        if removed >= 10 * MANY and kept <= FEW * removed and not repeated(node):
            yield Advice(
                node=node.number,
                kind="join-filter",
                share=sum(n.share for n in node.walk()),
                text=f"compares {count(removed + kept)} pairs of rows to keep {count(kept)}, by"
                f" {node.text_of('Join Filter')}: an equality, or an index on one side's"
                f" {' or '.join(columns(node.text_of('Join Filter'))[:2])}, would pair them directly",
            )


def subqueries(plan: Plan) -> Iterator[Advice]:
    for parent, node in pairs(plan):
        name = node.text_of("Subplan Name")
        if node.facts.get("Parent Relationship") != "SubPlan" or parent is None:
            continue
        tables = ", ".join(dict.fromkeys(n.table for n in node.walk() if n.table)) or "its tables"
        share = sum(n.share for n in node.walk())
        conditions = " ".join(map(parent.text_of, ("Filter", "Join Filter")))
        if f"NOT ({name}" in conditions or "NOT (ANY" in conditions or "<> ALL" in conditions:
            yield Advice(
                node=node.number,
                kind="not-in",
                share=share,
                text=f"NOT IN reads {tables} again for each row ({name}): NOT EXISTS is an anti-join",
            )
        elif (node.loops or 0) >= MANY:
            yield Advice(
                node=node.number,
                kind="correlated-subquery",
                share=share,
                text=f"the subquery on {tables} ran {count(node.loops or 0)} times ({name}): a join with a grouped"
                " subquery, or LATERAL with an index on what it compares, runs it once",
            )


RULES = (estimates, loops, join_filters, subqueries)
