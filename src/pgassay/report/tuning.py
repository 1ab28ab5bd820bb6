"""Advice in; text, SQL or JSON out: pure functions."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

from pgassay import __version__
from pgassay.advisor.model import Advice, Change, Measure, Query, Recommendation, Rewrite
from pgassay.advisor.proof import slower
from pgassay.model import Certainty
from pgassay.report.machine import Wire, indented
from pgassay.report.tuning_evidence import cpu_words, final, named, names_of, pages_words, plan_words
from pgassay.report.words import count, duration, encodable, one_line, size, visible

_SHOWN = 90  # characters of a query in a list


class MeasurePart(Wire, frozen=True):
    """One execution: milliseconds of CPU of the backend, pages of 8 KiB touched. ``over``: cut off."""

    cpu_ms: float
    buffers: int
    rows: int
    over: bool


class QueryPart(Wire, frozen=True):
    """A query of the workload, by its number; ``line`` in its file."""

    number: int
    text: str
    calls: float
    line: int
    kind: str


class RecommendationPart(Wire, frozen=True):
    """A statement to run, with what takes it back. ``before`` must run first; without ``after`` (ANALYZE) it does not
    count. ``queries`` maps a query's number to how many times less work it
    takes with all recommendations; ``bytes`` and ``build_ms`` are those of the ground."""

    kind: str
    index_kind: str
    sql: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    undo: str
    table: str
    name: str
    certainty: Certainty
    reason: str
    bytes: int
    build_ms: float
    queries: dict[int, float]
    notes: tuple[str, ...]


class ChangePart(Wire, frozen=True):
    """A query with one set of parameters, before and after; the plans as PostgreSQL's own JSON."""

    query: int
    form: int
    certainty: Certainty
    before: MeasurePart | None
    after: MeasurePart | None
    cost_before: float
    cost_after: float
    gain: float
    indexes: tuple[str, ...]
    plan_before: dict[str, Any]
    plan_after: dict[str, Any]


class RewritePart(Wire, frozen=True):
    """Another way to ask. ``same_rows``: whether it returned the same on the ground, null where it was not run."""

    query: int
    rule: str
    why: str
    sql: str
    same_rows: bool | None
    before: MeasurePart | None
    after: MeasurePart | None
    gain: float
    needs: tuple[str, ...]


class WritePart(Wire, frozen=True):
    """Real rows inserted into an empty copy of a table. ``hot_lost``: columns whose UPDATEs are heap-only no more."""

    table: str
    rows: int
    rows_per_second_before: float
    rows_per_second_after: float
    wal_bytes_before: int
    wal_bytes_after: int
    hot_lost: tuple[str, ...]


class RefusedPart(Wire, frozen=True):
    """Something tried and not recommended."""

    sql: str
    reason: str


class SkippedPart(Wire, frozen=True):
    """A statement of the workload that was left out."""

    statement: str
    reason: str


class TuningDocument(Wire, frozen=True):
    """Advice of the version named. ``ground``: on which rows it was proved (synthetic, copied, live). ``written``: the
    files of the migration that holds it."""

    pgassay: str
    server: str
    ground: str
    rows: dict[str, int]
    heap_bytes: int
    budget_bytes: int | None
    index_bytes: int
    queries: tuple[QueryPart, ...]
    recommendations: tuple[RecommendationPart, ...]
    changes: tuple[ChangePart, ...]
    rewrites: tuple[RewritePart, ...]
    writes: tuple[WritePart, ...]
    refused: tuple[RefusedPart, ...]
    skipped: tuple[SkippedPart, ...]
    notes: tuple[str, ...]
    candidates: int
    seconds: float
    written: tuple[str, ...]


def tuning_sql(advice: Advice) -> str:
    """The statements in their order, nothing else. What several need after them comes once, after the last."""
    seen: dict[str, None] = {}
    for each in advice.recommendations:
        for needed in each.after:
            seen.pop(needed, None)
        seen.update(dict.fromkeys((*each.before, each.sql, *each.after)))
    return "".join(f"{statement};\n" for statement in seen)


def tuning_json(advice: Advice, written: Sequence[str] = ()) -> str:
    """The whole advice as indented JSON, with a line end."""
    return indented(tuning_document(advice, written))


def tuning_document(advice: Advice, written: Sequence[str] = ()) -> TuningDocument:
    """The advice as it goes over the wire."""
    return TuningDocument(
        pgassay=__version__,
        server=encodable(advice.server),
        ground=advice.ground,
        rows={encodable(k): v for k, v in advice.rows.items()},
        heap_bytes=advice.heap_bytes,
        budget_bytes=advice.budget,
        index_bytes=_index_bytes(advice),
        queries=tuple(
            QueryPart(number=q.number, text=encodable(q.text), calls=q.calls, line=q.line, kind=q.kind)
            for q in advice.queries
        ),
        recommendations=tuple(map(_recommendation, advice.recommendations)),
        changes=tuple(_change(c, names_of(advice)) for c in advice.changes),
        rewrites=tuple(map(_rewrite, advice.rewrites)),
        writes=tuple(
            WritePart(
                table=str(w.table),
                rows=w.rows,
                rows_per_second_before=round(w.rows_per_second_before),
                rows_per_second_after=round(w.rows_per_second_after),
                wal_bytes_before=w.wal_bytes_before,
                wal_bytes_after=w.wal_bytes_after,
                hot_lost=w.hot_lost,
            )
            for w in advice.writes
        ),
        refused=tuple(RefusedPart(sql=encodable(r.sql), reason=encodable(r.reason)) for r in advice.refused),
        skipped=tuple(SkippedPart(statement=encodable(s), reason=encodable(why)) for s, why in advice.skipped),
        notes=tuple(map(encodable, advice.notes)),
        candidates=advice.candidates,
        seconds=round(advice.seconds, 3),
        written=tuple(map(encodable, written)),
    )


def _index_bytes(advice: Advice) -> int:
    return sum(r.bytes for r in advice.recommendations if r.kind == "create index")


def _recommendation(each: Recommendation) -> RecommendationPart:
    return RecommendationPart(
        kind=each.kind,
        index_kind=each.index_kind,
        sql=encodable(each.sql),
        before=each.before,
        after=each.after,
        undo=encodable(each.undo),
        table=str(each.table),
        name=encodable(each.name),
        certainty=each.certainty,
        reason=encodable(each.reason),
        bytes=each.bytes,
        build_ms=round(each.build_ms, 1),
        queries={q: round(g, 2) for q, g in each.queries},
        notes=each.notes,
    )


def _measure(one: Measure | None) -> MeasurePart | None:
    if one is None:
        return None
    return MeasurePart(cpu_ms=round(one.cpu_ms, 3), buffers=one.buffers, rows=one.rows, over=one.over)


def _change(each: Change, names: Collection[str]) -> ChangePart:
    return ChangePart(
        query=each.query,
        form=each.form,
        certainty=each.certainty,
        before=_measure(each.before),
        after=_measure(each.after),
        cost_before=each.cost_before,
        cost_after=each.cost_after,
        gain=round(each.gain, 2),
        indexes=tuple(final(n, names) for n in each.used),
        plan_before=dict(each.plan_before),
        plan_after=named(each.plan_after, names),
    )


def _rewrite(each: Rewrite) -> RewritePart:
    return RewritePart(
        query=each.query,
        rule=each.rule,
        why=each.why,
        sql=encodable(each.sql),
        same_rows=each.same,
        before=_measure(each.before),
        after=_measure(each.after),
        gain=round(each.gain, 2),
        needs=each.needs,
    )


# text


def tuning_text(
    advice: Advice, *, width: int = 100, verbose: bool = False, written: Sequence[str] | None = None
) -> str:
    """The advice for people. ``written``: the migration's files, where one was asked for."""
    return "\n".join(_lines(advice, width, verbose, written)) + "\n"


def _lines(advice: Advice, width: int, verbose: bool, written: Sequence[str] | None) -> Iterator[str]:
    reads = sum(not q.writes for q in advice.queries)
    rows = sum(advice.rows.values())
    yield f"{count(len(advice.queries), 'statement')} ({reads:,} reading) on PostgreSQL {one_line(advice.server)}"
    where = f"{count(rows, f'{advice.ground} row')} in {count(len(advice.rows), 'table')}"
    heap = f"{where}, {size(advice.heap_bytes)} of heap"
    budget = f", budget {size(advice.budget)}" if advice.budget is not None else ""
    yield f"  {heap}{budget}; {count(advice.candidates, 'candidate')} built"
    queries = {q.number: q for q in advice.queries}
    for number, each in enumerate(advice.recommendations, 1):
        yield ""
        yield f"{number}. {each.kind} · {each.certainty.value} · {size(each.bytes)}" + _built(each)
        yield from (f"     {visible(line)};" for line in (*each.before, each.sql, *each.after))
        yield f"   {one_line(each.reason)}; undone by {one_line(each.undo)}"
        for note in each.notes:
            yield f"   Note: {note}"
    if advice.changes:
        yield ""
        yield from _table(advice, queries, width, verbose)
    for rewrite in advice.rewrites:
        yield ""
        yield from _rewritten(rewrite, width)
    if advice.writes:
        yield ""
        yield "Writes, rows inserted into an empty copy of the table:"
        for w in advice.writes:
            words = f"  {w.table}  {w.rows_per_second_before:,.0f} → {w.rows_per_second_after:,.0f} rows/s of CPU"
            words += f", WAL {size(w.wal_bytes_before / w.rows)} → {size(w.wal_bytes_after / w.rows)} a row"
            yield words
            if w.hot_lost:
                yield f"    UPDATEs of {', '.join(w.hot_lost)} are no longer heap-only (HOT)"
    if advice.refused and verbose:
        yield ""
        yield "Tried and refused:"
        yield from (f"  {one_line(r.sql)}: {one_line(r.reason)}" for r in advice.refused)
    if advice.skipped:
        yield ""
        yield "Left out of the workload:"
        for statement, why in advice.skipped if verbose else advice.skipped[:10]:
            yield f"  {shortened(statement, _SHOWN)}: {one_line(why)}"
        if len(advice.skipped) > 10 and not verbose:
            yield f"  and {len(advice.skipped) - 10} more (--verbose)"
    for note in advice.notes:
        yield from textwrap.wrap(f"Note: {one_line(note)}", width, subsequent_indent="  ")
    if written is not None:
        yield ""
        yield "Written:" if written else "Nothing to write."
        yield from (f"  {visible(path)}" for path in written)
    yield ""
    yield f"{_summary(advice)} in {duration(advice.seconds * 1_000)}"


def _built(each: Recommendation) -> str:
    return f", built in {duration(each.build_ms)}" if each.kind == "create index" else " freed"


def _table(advice: Advice, queries: dict[int, Query], width: int, verbose: bool) -> Iterator[str]:
    clock = "time" if advice.ground == "live" else "CPU"
    yield (
        f"{'query':>5} {'calls':>9} {f'{clock} before':>11} {'after':>10}"
        f" {'pages before':>13} {'after':>9} {'better':>8}"
    )
    names, same = names_of(advice), 0
    for number, group in groupby(advice.changes, key=lambda c: c.query):
        changes, query = list(group), queries[number]
        if not verbose and all(abs(c.gain - 1) < 0.05 for c in changes):
            same += 1
            continue
        yield f"{number:>5} {query.calls:>9,.0f} {_row(changes)}"
        if verbose and len(changes) > 1:
            yield from (f"{'· values ' + str(c.form + 1):>15} {_row([c])}" for c in changes)
        yield f"      {shortened(query.text, width - 6)}"
        best = max(changes, key=lambda c: abs(c.gain - 1))
        before, after = plan_words(best.plan_before), plan_words(named(best.plan_after, names))
        if before != after and best.plan_before:
            yield from textwrap.wrap(f"{before} → {after}", width, initial_indent=" " * 6, subsequent_indent=" " * 8)
        if slow := [c for c in changes if slower(c)]:
            yield f"      slower with {count(len(slow), 'set of values', 'sets of values')} of {len(changes)}"
    if same:
        yield f"      {count(same, 'other query', 'other queries')} unchanged"


def _row(changes: Sequence[Change]) -> str:
    """The mean over a query's sets of values."""
    gain = math.exp(sum(math.log(max(c.gain, 1e-9)) for c in changes) / len(changes))
    befores = [c.before for c in changes if c.before is not None]
    afters = [c.after for c in changes if c.after is not None]
    if len(befores) == len(afters) == len(changes):
        cpu, pages = (cpu_words(befores), cpu_words(afters)), (pages_words(befores), pages_words(afters))
    else:
        costs = (sum(c.cost_before for c in changes), sum(c.cost_after for c in changes))
        cpu = ("computed", "")
        pages = (f"{costs[0] / len(changes):,.0f}", f"{costs[1] / len(changes):,.0f}")
    return f"{cpu[0]:>11} {cpu[1]:>10} {pages[0]:>13} {pages[1]:>9} {gain:>7,.1f}×"


def shortened(text: str, width: int) -> str:
    """A statement on one line of at most so many characters."""
    line = one_line(text)
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def _rewritten(each: Rewrite, width: int) -> Iterator[str]:
    known = {True: "same rows on the ground", False: "OTHER rows on the ground", None: "not run"}[each.same]
    gain = f", {each.gain:,.1f} times less work" if each.before and each.after else ""
    yield f"Query {each.query}, another way to ask ({each.rule}; {known}{gain}):"
    yield from textwrap.wrap(one_line(each.why), width, initial_indent="   ", subsequent_indent="   ")
    yield from (f"     {line}" for line in visible(each.sql).split("\n"))
    yield from (f"   With {visible(needed)}" for needed in each.needs)


def _summary(advice: Advice) -> str:
    created = sum(r.kind == "create index" for r in advice.recommendations)
    dropped = sum(r.kind == "drop index" for r in advice.recommendations)
    parts = [f"{count(created, 'index', 'indexes')} to create ({size(_index_bytes(advice))})"] if created else []
    parts += [f"{count(dropped, 'index', 'indexes')} to drop"] if dropped else []
    forms = Counter(c.query for c in advice.changes)
    weight = {q.number: q.calls / max(forms[q.number], 1) for q in advice.queries}
    pairs = [(c, weight[c.query]) for c in advice.changes if c.before is not None and c.after is not None]
    before = sum(c.before.cpu_ms * w for c, w in pairs if c.before is not None)
    after = sum(c.after.cpu_ms * w for c, w in pairs if c.after is not None)
    if parts and after > 0:
        clock = "time" if advice.ground == "live" else "CPU"
        parts.append(f"the workload's {clock} {duration(before)} → {duration(after)}")
    return ", ".join(parts) or "nothing to recommend"
