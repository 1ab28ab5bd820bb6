"""The plans of a design's reads as a page of its documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PAGE = 50  # rows of a page


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedQuery:
    """A statement's plan by its node types (``shape``), what the planner expects (``rows``, ``cost``, ``pages`` of
    8 KiB read), and ``faults``: what no read of a design should need. ``pages`` is None where counting them alone
    gives another plan."""

    name: str
    way: str
    cost: float
    rows: float
    pages: int | None
    shape: str
    faults: tuple[str, ...] = ()


def plans_page(planned: Sequence[PlannedQuery], events: int, server: str) -> str:
    """The page, or why there are no plans."""
    lines = ["# Plans", ""]
    if not planned:
        return "\n".join([*lines, "Plans for parameters that nobody told need PostgreSQL 16 or newer.", ""])
    wrong = [p for p in planned if p.faults]
    verdict = "none of them sorts" if not wrong else f"{len(wrong)} of them (see below) sorts"
    lines += [
        f"PostgreSQL {server} on each read, with {events:,} rows in every event table and {PAGE} rows a page.",
        "Nothing was read: the planner was given statistics on a database without rows (a ghost twin). They were",
        "measured on made-up rows, about a thousand a table, and scaled: rows, pages and heights of indexes in",
        "proportion, distinct values too where they are many, the shapes of distributions as they were.",
        "Contracts and dictionaries stay as many as they were, partitions made ahead are empty. Parameters are unknown",
        "to the planner (generic plans), row security is not planned with, and *pages* is the planner's own estimate",
        "of what is read, the upper levels of an index not counted. Your data will differ: try it with",
        "`pgassay explain` on a twin of production.",
        "",
        f"{len(planned)} statements: {verdict} more than a page, reads all of an event table, has OFFSET or counts.",
        "",
        "| read | way | plan | rows | pages | cost |",
        "| --- | --- | --- | ---: | ---: | ---: |",
    ]
    for p in planned:
        pages = "" if p.pages is None else f"{p.pages:,}"
        lines.append(f"| `{p.name}` | {p.way} | {p.shape} | {p.rows:,.0f} | {pages} | {p.cost:,.2f} |")
    if wrong:
        lines += ["", "## Not as it should be", ""]
        lines += [f"- `{p.name}`{' ' + p.way if p.way else ''}: {', '.join(dict.fromkeys(p.faults))}" for p in wrong]
    return "\n".join(lines) + "\n"
