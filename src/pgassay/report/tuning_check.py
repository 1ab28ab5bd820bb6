"""What grew worse since it was recorded: text or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from pgassay import __version__
from pgassay.report.machine import Wire, indented
from pgassay.report.plan_baseline import SLACK, Baseline, Comparison, Recorded, Worse
from pgassay.report.tuning import shortened
from pgassay.report.words import count, encodable, one_line


class RecordedPart(Wire, frozen=True):
    """A run: pages of 8 KiB touched (null: cut off), the planner's cost, and the plan's nodes, indented by two."""

    buffers: int | None
    cost: float
    plan: tuple[str, ...]


class WorsePart(Wire, frozen=True):
    """A query that grew worse with one set of values, and why."""

    query: str
    line: int
    form: int
    why: str
    before: RecordedPart | None
    after: RecordedPart | None


class CheckDocument(Wire, frozen=True):
    """``tolerance`` as a share; ``added``, ``removed``, ``better`` and ``changed`` are texts of queries."""

    pgassay: str
    passed: bool
    tolerance: float
    compared: int
    worse: tuple[WorsePart, ...]
    better: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    notes: tuple[str, ...]


def check_json(found: Comparison) -> str:
    """Indented JSON, with a line end."""
    return indented(
        CheckDocument(
            pgassay=__version__,
            passed=not found.worse,
            tolerance=found.tolerance,
            compared=found.compared,
            worse=tuple(
                WorsePart(
                    query=encodable(w.query),
                    line=w.line,
                    form=w.form,
                    why=encodable(w.why),
                    before=_part(w.before),
                    after=_part(w.after),
                )
                for w in found.worse
            ),
            better=tuple(map(encodable, found.better)),
            changed=tuple(map(encodable, found.changed)),
            added=tuple(map(encodable, found.added)),
            removed=tuple(map(encodable, found.removed)),
            notes=tuple(map(encodable, found.notes)),
        )
    )


def _part(one: Recorded | None) -> RecordedPart | None:
    return None if one is None else RecordedPart(buffers=one.buffers, cost=one.cost, plan=one.plan)


def check_text(found: Comparison, *, width: int = 100) -> str:
    """For people."""
    return "\n".join(_lines(found, width)) + "\n"


def _lines(found: Comparison, width: int) -> Iterator[str]:
    for _, group in groupby(found.worse, key=_place):
        forms = list(group)
        first = forms[0]
        yield f"line {first.line}: {shortened(first.query, width - 8)}"
        for each in forms:
            values = f"values {each.form}: " if each.before and each.after else ""
            yield from textwrap.wrap(values + one_line(each.why), width, initial_indent="  ", subsequent_indent="    ")
        for word, one in (("before", first.before), ("after", first.after)):
            if one is not None and one.plan:
                yield f"  {word}, cost {one.cost:,.0f}:"
                yield from (f"    {line}" for line in one.plan)
        yield ""
    told = (("better", found.better), ("another plan, no worse", found.changed), ("new", found.added))
    for word, queries in (*told, ("gone", found.removed)):
        yield from (f"{word}: {shortened(q, width - len(word) - 2)}" for q in queries)
    for note in found.notes:
        yield from textwrap.wrap(f"Note: {one_line(note)}", width, subsequent_indent="  ")
    if found.better or found.added or found.removed:
        yield "Record anew (--record) to hold on to it."
    worse = len({w.query for w in found.worse})
    words = f"{count(worse, 'query', 'queries')} worse" if worse else "none worse"
    limit = f"more than {found.tolerance:.0%} and {SLACK} pages"
    yield f"{count(found.compared, 'query', 'queries')} compared: {words} by {limit}"


def _place(each: Worse) -> tuple[str, object, object]:
    """Values that change the plan in the same way are told together."""
    return each.query, each.before and each.before.plan, each.after and each.after.plan


def recorded_text(path: str, base: Baseline) -> str:
    """What was recorded where."""
    lines = [f"{count(len(base.queries), 'query', 'queries')} recorded in {path}, on PostgreSQL {base.server},"]
    lines[0] += f" {base.rows:,} rows a table"
    lines += [f"Left out: {shortened(text, 90)}: {one_line(why)}" for text, why in base.skipped.items()]
    return "\n".join(lines) + "\n"
