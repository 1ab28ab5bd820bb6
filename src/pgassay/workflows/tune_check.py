"""``pgassay tune --record`` and ``--check``: the plans and buffers of a workload, and whether they grew worse.

The same project, workload, options and major version of PostgreSQL give the same figures in every run: rows are made by
a seed, every table is analysed whole, nothing runs in parallel, and buffers are counted, not timed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from pgassay.advisor import Ground, Query
from pgassay.advisor.ground import cost
from pgassay.errors import InputError, UsageError
from pgassay.report.plan_baseline import (
    Baseline,
    Comparison,
    Recorded,
    RecordedQuery,
    compare,
    loaded,
    outline,
    written,
)
from pgassay.server import StatementError
from pgassay.workflows.grounds import Filling
from pgassay.workflows.tune_ground import Progress, of_project, planned
from pgassay.workload import read_workload

FILE = "pgassay.plans.json"
ROWS = 20_000
_LIMIT = 10_000.0  # milliseconds for one run
_SAMPLED = 300  # rows that ANALYZE reads for each unit of the statistics target


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """The options of both. ``rows`` and the like are those of recording: a check takes them from the file."""

    filling: Filling | None
    workload: str | None
    plans: str | None = None
    rows: int | None = None
    tolerance: float = 0.2


def record(options: CheckOptions, progress: Progress | None = None) -> tuple[str, Baseline]:
    """Measure and write the file; returns its path. Raises PgassayError."""
    filling, workload = _wanted(options)
    path = options.plans or str(Path(workload).parent / FILE)
    base = _measured(replace(filling, rows=options.rows or ROWS), workload, progress or (lambda _: None))
    try:
        draft = Path(f"{path}.{os.getpid()}")
        draft.write_text(written(base), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", path=path) from None
    return path, base


def check(options: CheckOptions, progress: Progress | None = None) -> Comparison:
    """Measure anew and compare. Raises PgassayError."""
    filling, workload = _wanted(options)
    path = options.plans or str(Path(workload).parent / FILE)
    try:
        base = loaded(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no plans are recorded", path=path, hint="Record them: pgassay tune … --record") from None
    except (OSError, ValueError) as error:
        raise InputError(f"is no record of plans: {error}", path=path, hint="Record them anew: --record") from None
    told = {"rows": options.rows, "seed": filling.seed if filling.seed != 1 else None}
    for name, value in told.items():
        if value is not None and value != getattr(base, name):
            raise UsageError(
                f"--{name} {value}: the plans were recorded with {getattr(base, name)}",
                hint="Record them anew: --record",
            )
    filling = replace(filling, rows=base.rows, table_rows=base.table_rows, seed=base.seed)
    now = _measured(filling, workload, progress or (lambda _: None))
    return compare(base, now, tolerance=options.tolerance)


def _wanted(options: CheckOptions) -> tuple[Filling, str]:
    if options.filling is None:
        raise UsageError("plans are recorded and checked for a PROJECT", hint="Rows of a database change; see --rows.")
    if options.workload is None:
        raise UsageError("a project's statements are in --workload FILE")
    return options.filling, options.workload


def _measured(filling: Filling, workload: str, say: Progress) -> Baseline:
    statements = read_workload(workload)
    most = max([filling.rows, *filling.table_rows.values()])
    # A sample that holds every row is no sample: statistics, and with them plans, are the same in each run.
    target = min(max(100, -(-most // _SAMPLED)), 10_000)
    settings = {"default_statistics_target": str(target), "synchronize_seqscans": "off"}
    with of_project(filling, say, settings) as made:
        queries, skipped = planned(made.ground, statements)
        reads_first = sorted(queries, key=lambda q: (q.writes, q.number))
        found = {q.number: _one(made.ground, q, say) for q in reads_first}
        return Baseline(
            server=made.ground.server.binaries.version,
            rows=filling.rows,
            table_rows=dict(filling.table_rows),
            seed=filling.seed,
            queries=tuple(found[q.number] for q in queries),
            skipped={" ".join(text.split()): reason for text, reason in skipped},
        )


def _one(ground: Ground, query: Query, say: Progress) -> RecordedQuery:
    say(f"running query {query.number}")
    return RecordedQuery(
        query=" ".join(query.text.split()),
        line=query.line,
        clock=_by_the_clock(query.text),
        forms=tuple(_form(ground, sql) for sql in query.forms),
    )


def _form(ground: Ground, sql: str) -> Recorded:
    try:
        plan = ground.plan(sql)
    except StatementError as error:
        return Recorded(plan=(), cost=0.0, buffers=None, error=str(error.report))
    try:
        once = ground.measure(sql, limit_ms=_LIMIT)
        buffers, error_text = (None if once.over else once.buffers), None
    except StatementError as error:
        buffers, error_text = None, str(error.report)
    return Recorded(plan=outline(plan), cost=round(cost(plan), 2), buffers=buffers, error=error_text)


def _by_the_clock(text: str) -> bool:
    """Whether what it touches depends on when it runs."""
    words = text.lower()
    return any(
        w in words
        for w in ("now()", "current_timestamp", "current_date", "localtimestamp", "clock_timestamp", "random()")
    )
