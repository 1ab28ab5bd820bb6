"""Advice on scans, sorts and limits."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model.plans.conditions import Term, bare, columns, terms
from pgassay.model.plans.tree import Node, Plan
from pgassay.model.plans.words import (
    EQUAL,
    FEW,
    MANY,
    Advice,
    count,
    kept_and_read,
    key,
    pairs,
    plain_keys,
    repeated,
    size,
)


def scans(plan: Plan) -> Iterator[Advice]:
    """Sequential scans that throw most of their rows away."""
    inner = {child.number for node in plan.walk() for child in repeated(node)}
    for node in plan.walk():
        condition = node.text_of("Filter")
        if node.kind != "Seq Scan" or not condition or node.number in inner or node.never_run:
            continue
        kept, read = kept_and_read(node)
        if read < MANY or kept > FEW * read:
            continue
        yield Advice(
            node=node.number,
            kind="missing-index",
            share=node.share,
            subject=node.table or "",
            text=f"reads {count(read)} rows of {node.table} to keep {count(kept)}:"
            f" {_index_for(node, terms(condition))}",
        )


def _index_for(node: Node, found: tuple[Term, ...]) -> str:
    """The index that a filter asks for."""
    equal = [t for t in found if t.operator in EQUAL and "NOT NULL" not in t.right]
    patterns = [t for t in found if t.operator in ("~~", "~~*") and t.right.startswith("'")]
    ranges = [t for t in found if t.operator in ("<", ">", "<=", ">=")]
    inside = [t for t in found if t.operator in ("@>", "?", "?|", "?&", "&&", "@@")]
    if inside:
        return f"a GIN index on ({key(inside[0])}) would find them"
    if patterns and not equal:
        term = patterns[0]
        if term.operator == "~~" and not term.right.startswith(("'%", "'_")):
            return f"a B-tree on ({key(term)} text_pattern_ops) would find them"
        return f"a trigram index (GIN, gin_trgm_ops) on ({key(term)}) would find them"
    keys = list(dict.fromkeys(key(t) for t in [*equal, *ranges[:1]] if t.left))
    if keys:
        return f"an index on {node.table} ({', '.join(keys)}) would find them"
    names = columns(node.text_of("Filter"))
    flags = [t.left for t in found if not t.operator and t.column]
    if flags:
        return f"a partial index WHERE {bare(flags[0])} would find them"
    return f"an index on {', '.join(names)} may help" if names else "no index fits this condition"


def index_filters(plan: Plan) -> Iterator[Advice]:
    """Index scans that find far more rows than pass the rest of the condition."""
    for node in plan.walk():
        if node.kind not in ("Index Scan", "Bitmap Heap Scan", "Index Only Scan") or node.actual_rows is None:
            continue
        kept, read = kept_and_read(node)
        condition = node.text_of("Filter")
        if not condition or read < MANY or kept > FEW * read:
            continue
        name = node.index or next((n.index for n in node.walk() if n.index), "the index")
        if node.kind == "Index Scan" and not node.text_of("Index Cond"):  # all of it, for its order
            cure = _index_for(node, terms(condition))
            yield Advice(
                node=node.number,
                kind="missing-index",
                share=node.share,
                subject=node.table or "",
                text=f"reads all {count(read)} rows of {node.table} by {name} to keep {count(kept)}: {cure}",
            )
            continue
        more = ", ".join(dict.fromkeys(key(t) for t in terms(condition) if t.left)) or "the filter's columns"
        yield Advice(
            node=node.number,
            kind="wide-index",
            share=node.share,
            subject=node.table or "",
            text=f"{name} finds {count(read)} rows of {node.table}, the filter keeps {count(kept)}:"
            f" add {more} to the index, or as its WHERE",
        )


def sorts(plan: Plan) -> Iterator[Advice]:
    """Sorts on disk, and sorts of everything for the first few rows."""
    for parent, node in pairs(plan):
        if node.kind not in ("Sort", "Incremental Sort"):
            continue
        keys = node.text_of("Sort Key")
        scan = _only_scan(node)
        order = f", or an index on {scan.table} ({plain_keys(keys)}) that has them in order" if scan else ""
        if node.facts.get("Sort Space Type") == "Disk" or "external" in node.text_of("Sort Method"):
            used = node.number_of("Sort Space Used")
            yield Advice(
                node=node.number,
                kind="sort-spill",
                share=node.share,
                subject=scan.table or "" if scan else "",
                text=f"sorts by {keys} on disk ({size(used)}): work_mem of {size(used * 3)} keeps it in memory{order}",
            )
        elif parent is not None and parent.kind == "Limit" and scan is not None and node.kind == "Sort":
            rows = scan.actual_rows * (scan.loops or 1) if scan.actual_rows is not None else scan.rows
            wanted = parent.actual_rows if parent.actual_rows is not None else parent.rows
            if rows >= MANY and wanted < FEW * rows:
                yield Advice(
                    node=node.number,
                    kind="unsorted-limit",
                    share=min(1.0, node.share + scan.share),
                    subject=scan.table or "",
                    text=f"sorts {count(rows)} rows for the first {count(wanted)}: an index on {scan.table}"
                    f" ({_equal_keys(scan)}{plain_keys(keys)}) gives these without a sort",
                )


def _only_scan(node: Node) -> Node | None:
    """The scan that a sort's rows come from, where nothing but one table is below."""
    while len(node.children) == 1:
        node = node.children[0]
        if node.kind not in ("Sort", "Gather", "Gather Merge", "Seq Scan", "Bitmap Heap Scan", "Index Scan"):
            return None
        if node.table:
            return node
    return None


def _equal_keys(scan: Node) -> str:
    conditions = " AND ".join(c for c in (scan.text_of("Index Cond"), scan.text_of("Filter")) if c)
    found = [key(t) for t in terms(conditions) if t.operator == "=" and t.left] if conditions else []
    return "".join(f"{key}, " for key in dict.fromkeys(found))


def visibility(plan: Plan) -> Iterator[Advice]:
    for node in plan.walk():
        fetches, rows = node.number_of("Heap Fetches"), (node.actual_rows or 0) * (node.loops or 1)
        if node.kind == "Index Only Scan" and fetches >= MANY and fetches > FEW * rows:
            yield Advice(
                node=node.number,
                kind="heap-fetches",
                share=node.share,
                subject=node.table or "",
                text=f"the index-only scan of {node.index} looked up {count(fetches)} of {count(rows)} rows in"
                f" {node.table} after all: VACUUM {node.table} (and more eager autovacuum) makes its pages all-visible",
            )


def bitmaps(plan: Plan) -> Iterator[Advice]:
    for node in plan.walk():
        lossy, exact = node.number_of("Lossy Heap Blocks"), node.number_of("Exact Heap Blocks")
        if lossy:
            needed = (lossy + exact) * 64 / 1024  # a page's entry in a bitmap takes some 64 bytes
            yield Advice(
                node=node.number,
                kind="lossy-bitmap",
                share=node.share,
                subject=node.table or "",
                text=f"the bitmap of {node.table} did not fit: {count(lossy)} of {count(lossy + exact)} pages were"
                f" kept whole and rechecked by {node.text_of('Recheck Cond')}: work_mem of {size(max(64, needed * 2))}",
            )


def offsets(plan: Plan) -> Iterator[Advice]:
    """Rows that are made to be skipped."""
    for node in plan.walk():
        if node.kind != "Limit" or not node.children:
            continue
        child = node.children[0]
        if node.actual_rows is not None:
            skipped = (child.actual_rows or 0) - node.actual_rows
        else:
            span = child.total_cost - child.startup_cost
            skipped = (node.startup_cost - child.startup_cost) / span * child.rows if span > 0 else 0.0
        if skipped < MANY:
            continue
        keys = next((n.text_of("Sort Key") for n in node.walk() if n.text_of("Sort Key")), "")
        order = f"({plain_keys(keys)})" if keys else "the order's columns"
        yield Advice(
            node=node.number,
            kind="offset",
            share=sum(n.share for n in node.walk()),
            text=f"OFFSET makes {count(skipped)} rows to throw them away: keyset pagination, WHERE {order} beyond the"
            " last row shown, reads only those shown",
        )


RULES = (scans, index_filters, sorts, visibility, bitmaps, offsets)
