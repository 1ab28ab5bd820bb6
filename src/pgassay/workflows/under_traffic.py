"""What traffic adds to a review: waits as evidence, statements that stop working, how well times were foreseen."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import replace

from pgassay.model import Evidence, Finding, Transaction
from pgassay.rehearsal import Conditions, Outcome
from pgassay.rehearsal.traffic import Stall, Traffic, under_traffic
from pgassay.server import Server
from pgassay.workflows.found import Found

_WORTH_MS = 20.0  # a stall that a note is for
_TIMES = 3.0  # the 99th percentile before, from which on it is one


def with_traffic(
    server: Server, database: str, unit: Transaction, conditions: Conditions, outcome: Outcome
) -> tuple[Outcome, Traffic]:
    """The outcome with what broke under traffic among its breaks, and what was measured."""
    rehearsed = outcome.rehearsed
    seen = under_traffic(
        server, database, unit, conditions, before=outcome.before, after=outcome.after, rehearsed=rehearsed
    )
    observations = tuple(
        replace(o, breaks=(*o.breaks, *seen.breaks.get(id(o.statement), ()))) for o in rehearsed.observations
    )
    return replace(outcome, rehearsed=replace(rehearsed, observations=observations)), seen


def told(traffic: Traffic, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of a statement, with the waits on its tables as evidence."""
    return tuple(
        replace(f, evidence=(*f.evidence, *(_evidence(s) for s in traffic.stalls if _concerns(s, f)))) for f in findings
    )


def _concerns(stall: Stall, finding: Finding) -> bool:
    statement = stall.statement
    return (
        (statement.path, statement.line, statement.text) == (finding.path, finding.line, finding.statement)
        and bool(finding.subject)
        and str(stall.table).removeprefix("public.") in finding.subject
        and (stall.held_ms is not None or _worth(stall))
    )


def _evidence(stall: Stall) -> Evidence:
    data: dict[str, str | int | float | bool | None] = {
        "table": str(stall.table),
        "reader_stall_ms": round(stall.reader_ms, 3),
        "writer_stall_ms": round(stall.writer_ms, 3),
        "p99_before_ms": round(stall.before_ms, 3),
        "p99_during_ms": round(stall.during_ms, 3),
        "calls": stall.calls,
    }
    if stall.ratio is not None:
        data["observed_to_measured"] = round(stall.ratio, 2)
    return Evidence(kind="time", text=f"under traffic {_words(stall)}", data=data)


def _words(stall: Stall) -> str:
    words = (
        f"a reader of {stall.table} took up to {stall.reader_ms:.1f} ms, a writer {stall.writer_ms:.1f} ms"
        f" (99th percentile {stall.during_ms:.1f} ms, before {stall.before_ms:.1f} ms)"
    )
    if stall.ratio is not None:
        words += f", {stall.ratio:.1f} times what its lock took without traffic"
    return words + (f"; errors that passed: {', '.join(stall.errors)}" if stall.errors else "")


def _worth(stall: Stall) -> bool:
    return bool(stall.errors) or (
        stall.longest_ms >= _WORTH_MS and stall.longest_ms >= _TIMES * max(stall.before_ms, 1.0)
    )


def note_traffic(found: Found, traffic: Traffic) -> None:
    """Numbers for JSON, a line for each stall that is worth one, and how well the times were foreseen."""
    if traffic.note:
        found.notes.append(traffic.note)
    for stall in traffic.stalls:
        place = f"{stall.statement.path}:{stall.statement.line}"
        key = f"traffic {place} {stall.table}"
        found.metrics |= {
            f"{key} reader_ms": round(stall.reader_ms, 3),
            f"{key} writer_ms": round(stall.writer_ms, 3),
            f"{key} p99_before_ms": round(stall.before_ms, 3),
            f"{key} p99_during_ms": round(stall.during_ms, 3),
        }
        if stall.held_ms is not None:
            found.metrics[f"{key} held_ms"] = round(stall.held_ms, 3)
        if _worth(stall):
            found.notes.append(f"{place}: under traffic {_words(stall)}")
    ratios = [s.ratio for s in traffic.stalls if s.ratio is not None]
    if traffic.calls:
        found.metrics["traffic calls"] = found.metrics.get("traffic calls", 0) + traffic.calls
    if ratios:
        first = traffic.stalls[0].statement.path
        found.metrics[f"traffic {first} observed_to_measured"] = round(statistics.median(ratios), 3)
        found.notes.append(
            f"{first}: waits under traffic were {min(ratios):.1f} to {max(ratios):.1f} times (median"
            f" {statistics.median(ratios):.1f}) the lock times measured without: read the estimates with this factor"
        )
