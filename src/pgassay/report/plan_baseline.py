"""Recorded plans and buffers, and what of today's is worse: pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import msgspec

from pgassay import __version__
from pgassay.report.words import encodable, one_line

_FORMAT = 1
SLACK = 8  # pages that are never called worse: a root that split, a page that filled


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query with one set of values. ``buffers`` in pages of 8 KiB, null where it was cut off or failed."""

    plan: tuple[str, ...]
    cost: float
    buffers: int | None
    error: str | None = None


class RecordedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query of the workload by its text; ``clock``: it depends on when it runs, so its buffers are not compared."""

    query: str
    line: int
    clock: bool
    forms: tuple[Recorded, ...]


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All queries of a workload, with what they were run on."""

    format: int = _FORMAT
    pgassay: str = __version__
    server: str
    rows: int
    table_rows: dict[str, int]
    seed: int
    queries: tuple[RecordedQuery, ...]
    skipped: dict[str, str]


@dataclass(frozen=True, slots=True)
class Worse:
    """A query with one set of values that grew worse. ``before`` or ``after`` is None where it does not plan."""

    query: str
    line: int
    form: int
    why: str
    before: Recorded | None
    after: Recorded | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``better`` and ``changed`` are queries by text; so are ``added`` and ``removed``."""

    tolerance: float
    compared: int
    worse: tuple[Worse, ...]
    better: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def written(base: Baseline) -> str:
    """The file's text, in a fixed order, for version control."""
    raw = msgspec.json.encode(base)
    return msgspec.json.format(raw, indent=2).decode() + "\n"


def loaded(text: str) -> Baseline:
    """The record in a file's text. Raises ValueError."""
    found = msgspec.json.decode(text, type=Baseline)  # msgspec's errors are ValueErrors
    if found.format != _FORMAT:
        raise ValueError(f"format {found.format}, not {_FORMAT}")
    return found


def outline(plan: Mapping[str, Any], depth: int = 0) -> tuple[str, ...]:
    """A plan without its numbers, a line a node, indented by two."""
    words = str(plan.get("Node Type", ""))
    if plan.get("Join Type") not in (None, "Inner"):
        words += f" ({plan['Join Type']})"
    if plan.get("Scan Direction") == "Backward":
        words += " Backward"
    if "Index Name" in plan:
        words += f" using {plan['Index Name']}"
    if "Relation Name" in plan:
        words += f" on {plan['Relation Name']}"
    inner = tuple(line for part in plan.get("Plans", ()) for line in outline(part, depth + 1))
    return ("  " * depth + encodable(one_line(words)), *inner)


def compare(before: Baseline, after: Baseline, *, tolerance: float) -> Comparison:
    """What grew worse by more than the tolerance (0.2 is a fifth) and by more than SLACK pages."""
    old = {q.query: q for q in before.queries}
    new = {q.query: q for q in after.queries}
    shared = [text for text in old if text in new]
    worse = [w for text in shared for w in _query(old[text], new[text], tolerance)]
    worse += [
        Worse(text, q.line, 1, f"it no longer plans: {after.skipped[text]}", q.forms[0], None)
        for text, q in old.items()
        if text in after.skipped
    ]
    bad = {w.query for w in worse}
    fine = [text for text in shared if text not in bad]
    better = [text for text in fine if _better(old[text], new[text], tolerance)]
    notes = []
    if before.server.split(".")[0] != after.server.split(".")[0]:
        notes.append(f"recorded on PostgreSQL {before.server}, checked on {after.server}: other plans may come of that")
    return Comparison(
        tolerance=tolerance,
        compared=len(shared),
        worse=tuple(worse),
        better=tuple(better),
        changed=tuple(t for t in fine if t not in better and _plans(old[t]) != _plans(new[t])),
        added=tuple(text for text in new if text not in old),
        removed=tuple(text for text in old if text not in new and text not in after.skipped),
        notes=tuple(notes),
    )


def _query(old: RecordedQuery, new: RecordedQuery, tolerance: float) -> Iterator[Worse]:
    for form, (before, after) in enumerate(zip_longest(old.forms, new.forms), 1):
        was = before or max(old.forms, key=lambda f: f.buffers or 0)
        if after is not None and (why := _why(was, after, tolerance, clock=new.clock)):
            yield Worse(new.query, new.line, form, why, was, after)


def _why(before: Recorded, after: Recorded, tolerance: float, *, clock: bool) -> str | None:
    if after.error and not before.error:
        return f"it fails: {after.error}"
    if before.error or after.error:
        return None
    if before.buffers is not None and after.buffers is None and not clock:
        return "it was cut off: it takes longer than 10 s"
    grown = before.buffers is not None and after.buffers is not None and not clock and more(before, after, tolerance)
    if grown:
        return f"{before.buffers:,} → {after.buffers:,} pages"
    dearer = after.cost > before.cost * (1 + tolerance) and after.plan != before.plan
    fewer = not clock and before.buffers is not None and after.buffers is not None and after.buffers < before.buffers
    if dearer and not fewer:
        return f"another plan, of cost {before.cost:,.0f} → {after.cost:,.0f}"
    return None


def more(before: Recorded, after: Recorded, tolerance: float) -> bool:
    """Whether the pages grew beyond tolerance and slack."""
    was, now = before.buffers or 0, after.buffers or 0
    return now > was * (1 + tolerance) and now - was > SLACK


def _better(old: RecordedQuery, new: RecordedQuery, tolerance: float) -> bool:
    return not new.clock and any(more(a, b, tolerance) for b, a in zip(old.forms, new.forms, strict=False) if a.buffers)


def _plans(query: RecordedQuery) -> list[tuple[str, ...]]:
    return [form.plan for form in query.forms]
