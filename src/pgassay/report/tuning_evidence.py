"""Why an index is recommended, in a few lines of plain text, for a comment in a migration."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pgassay import __version__
from pgassay.advisor.model import Advice, Change, Measure, Query, Recommendation
from pgassay.report.words import count, duration, one_line, size

_NODES = 4  # of a plan, in one line
_SHOWN = 300  # characters of a query


def headline(advice: Advice) -> str:
    """Whose advice it is, and on what it was proved."""
    where = count(sum(advice.rows.values()), f"{advice.ground} row")
    return f"pgassay tune {__version__}, tried on {where}, PostgreSQL {one_line(advice.server)}."


def evidence(advice: Advice, each: Recommendation) -> str:
    """What the recommendation does to each query that it serves, and what it takes."""
    return "\n".join(_lines(advice, each))


def _lines(advice: Advice, each: Recommendation) -> Iterator[str]:
    queries = {q.number: q for q in advice.queries}
    if each.kind == "create index":
        yield f"{each.certainty.value.capitalize()}: {size(each.bytes)}, built in {duration(each.build_ms)} there."
    else:
        yield f"{each.certainty.value.capitalize()}: {one_line(each.reason)}."
    for number, _ in each.queries:
        changes = [c for c in advice.changes if c.query == number]
        if not changes or number not in queries:
            continue
        yield f"{_query(queries[number])}: {figures(changes, 'time' if advice.ground == 'live' else 'CPU')}."
        yield f"  {one_line(queries[number].text)[:_SHOWN]}"
        best = max(changes, key=lambda c: c.gain)
        before, after = plan_words(best.plan_before), plan_words(named(best.plan_after, names_of(advice)))
        if before != after:
            yield f"  {before} → {after}"
    for write in advice.writes:
        if write.table == each.table and each.kind == "create index":
            yield (
                f"Inserting into {write.table} with all of the advice: {write.rows_per_second_before:,.0f} →"
                f" {write.rows_per_second_after:,.0f} rows a second of CPU."
            )
    yield from each.notes


def _query(query: Query) -> str:
    calls = f" ({count(int(query.calls), 'call')})" if query.calls != 1 else ""
    return f"Query {query.number}{calls}"


def figures(changes: Sequence[Change], clock: str) -> str:
    """The mean over all sets of parameters, before and after."""
    pairs = [(c.before, c.after) for c in changes if c.before is not None and c.after is not None]
    if len(pairs) < len(changes):
        before = sum(c.cost_before for c in changes) / len(changes)
        after = sum(c.cost_after for c in changes) / len(changes)
        return f"the planner's cost {before:,.0f} → {after:,.0f}"
    befores, afters = [b for b, _ in pairs], [a for _, a in pairs]
    cpu = f"{clock} {cpu_words(befores)} → {cpu_words(afters)}"
    return f"{pages_words(befores)} → {pages_words(afters)} pages, {cpu}"


def cpu_words(measures: Sequence[Measure]) -> str:
    """The mean time, with ``>`` where a run was cut off."""
    mean = sum(m.cpu_ms for m in measures) / len(measures)
    return ("> " if any(m.over for m in measures) else "") + duration(mean)


def pages_words(measures: Sequence[Measure]) -> str:
    """The mean number of pages; a question mark where a run was cut off."""
    if any(m.over for m in measures):
        return "?"
    return f"{sum(m.buffers for m in measures) / len(measures):,.0f}"


def plan_words(plan: Mapping[str, Any]) -> str:
    """The nodes that matter in one line: ``Sort, Seq Scan on transfer``."""
    found = list(dict.fromkeys(_nodes(plan)))
    more = f" and {len(found) - _NODES} more" if len(found) > _NODES else ""
    return ", ".join(found[:_NODES]) + more if found else "no plan"


def _nodes(plan: Mapping[str, Any]) -> Iterator[str]:
    kind = str(plan.get("Node Type", ""))
    relation = plan.get("Relation Name")
    parts = plan.get("Plans", ())
    if relation:
        indexes = [plan["Index Name"]] if "Index Name" in plan else list(_bitmaps(parts))
        by = f" by {one_line(', '.join(map(str, indexes)))}" if indexes else ""
        yield f"{kind} on {one_line(str(relation))}{by}"
    elif kind and kind not in (
        "Limit",
        "Bitmap Index Scan",
        "BitmapAnd",
        "BitmapOr",
        "Result",
        "ModifyTable",
        "Gather",
    ):
        yield kind
    for part in parts:
        yield from _nodes(part)


def _bitmaps(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for part in parts:
        if part.get("Node Type") == "Bitmap Index Scan":
            yield str(part.get("Index Name"))
        elif part.get("Node Type") in ("BitmapAnd", "BitmapOr"):
            yield from _bitmaps(part.get("Plans", ()))


def names_of(advice: Advice) -> frozenset[str]:
    """The names of the recommended indexes."""
    return frozenset(r.name for r in advice.recommendations)


def final(name: str, names: Collection[str]) -> str:
    """An index's name as it is recommended: among many that were tried it had a number at its end."""
    plain = re.sub(r"_idx\d+$", "_idx", name)
    return plain if name not in names and plain in names else name


def named(plan: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A plan with the indexes' names as they are recommended."""
    made = dict(plan)
    if "Index Name" in made:
        made["Index Name"] = final(str(made["Index Name"]), names)
    if "Plans" in made:
        made["Plans"] = [named(part, names) for part in made["Plans"]]
    return made
