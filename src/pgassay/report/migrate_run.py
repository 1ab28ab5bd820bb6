"""What ``pgassay migrate up``, and ``down`` on a database, say as JSON. The wire format is these classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pgassay import __version__
from pgassay.errors import PgassayError
from pgassay.model import Verdict
from pgassay.report.machine import Wire, indented
from pgassay.report.migrate_backfill import ResultPart, result_part
from pgassay.report.words import encodable

if TYPE_CHECKING:
    from pgassay.migrate.runner import Course, Outlook, Ran, Step, Trace
    from pgassay.model import Finding

Outcome = Literal["nothing-to-do", "planned", "refused", "done", "stopped", "noted"]


class LockPart(Wire, frozen=True):
    """The strongest lock of a step in the rehearsal; ``seconds`` held at production's row counts, null: unknown."""

    mode: str
    table: str
    seconds: float | None


class BatchesPart(Wire, frozen=True):
    """How a step in batches goes through ``table``: by ranges of ``key``, of about ``rows`` rows. ``new_rows``:
    ``pass`` or ``trigger``."""

    table: str
    key: tuple[str, ...]
    rows: int | None
    new_rows: str
    notes: tuple[str, ...]


class StepPart(Wire, frozen=True):
    """One step. ``kind``: ``transaction``, ``alone`` or ``batch``. ``status``: ``pending``, ``done-before``, ``done``
    or ``failed`` (``error`` says how). ``retries``: attempts given up for a lock, with ``paused_s`` seconds of pauses;
    ``blocked_by``: who was seen holding it; ``longest_stall_s``: the longest that another session was seen waiting
    behind this step. ``result``: what a step in batches ended with."""

    number: int
    kind: str
    status: Literal["pending", "done-before", "done", "failed"]
    path: str
    line: int
    statements: tuple[str, ...]
    lock: LockPart | None
    batches: BatchesPart | None
    seconds: float | None
    retries: int
    paused_s: float
    longest_stall_s: float
    blocked_by: tuple[str, ...]
    error: str | None
    result: ResultPart | None


class MigrationPart(Wire, frozen=True):
    """One migration of the plan. ``status`` after this call: ``pending``, ``half-done``, ``applied``, ``taken-back`` or
    ``noted`` (as deployed, without being run)."""

    name: str
    path: str
    status: Literal["pending", "half-done", "applied", "taken-back", "noted"]
    steps: tuple[StepPart, ...]


class TablePart(Wire, frozen=True):
    """A table concerned, and its rows by the server's last count; null: never counted."""

    table: str
    rows: int | None


class StopPart(Wire, frozen=True):
    """A finding of the rehearsal. ``stops``: it stops the run; ``allowed``: it would, had it not been allowed."""

    rule: str
    verdict: Verdict
    path: str
    line: int
    message: str
    stops: bool
    allowed: bool


class RunDocument(Wire, frozen=True):
    """``outcome``: ``nothing-to-do``, ``planned`` (a dry run), ``refused``, ``done``, ``stopped`` or ``noted``
    (``--baseline``). ``steps`` ran, ``done_before`` were found done, ``retries`` in all. ``error`` and ``hint``: why it
    stopped. ``next``: the command to go on with; null: nothing is left to do."""

    pgassay: str
    way: Literal["up", "down"]
    project: str
    runner: str
    target: str
    why: str
    outcome: Outcome
    migrations: tuple[MigrationPart, ...]
    tables: tuple[TablePart, ...]
    findings: tuple[StopPart, ...]
    steps: int
    done_before: int
    retries: int
    notes: tuple[str, ...]
    error: str | None
    hint: str | None
    next: str | None


def run_json(
    outlook: Outlook, ran: Ran | None, *, outcome: Outcome, error: PgassayError | None = None, next: str | None = None
) -> str:
    """Indented JSON, with a line end."""
    plan = outlook.plan
    traces = {(t.migration, t.number): t for t in ran.traces} if ran else {}
    return indented(
        RunDocument(
            pgassay=__version__,
            way=plan.way,
            project=encodable(plan.project.path),
            runner=encodable(plan.project.runner.name),
            target=encodable(outlook.target),
            why=encodable(outlook.why),
            outcome=outcome,
            migrations=tuple(_migration(outlook, c, traces, ran, outcome) for c in plan.courses),
            tables=tuple(TablePart(table=encodable(str(t)), rows=n) for t, n in outlook.rows.items()),
            findings=(
                *(_stop(f, stops=True) for f in outlook.refused),
                *(_stop(f, allowed=True) for f in outlook.allowed),
                *(_stop(f) for f in outlook.others),
            ),
            steps=ran.steps if ran else 0,
            done_before=ran.found_done if ran else 0,
            retries=ran.retries if ran else 0,
            notes=tuple(map(encodable, (*outlook.notes, *(ran.notes if ran else ())))),
            error=None if error is None else encodable(error.problem or str(error)),
            hint=None if error is None or error.hint is None else encodable(error.hint),
            next=next,
        )
    )


def _migration(
    outlook: Outlook, course: Course, traces: Mapping[tuple[str, int], Trace], ran: Ran | None, outcome: Outcome
) -> MigrationPart:
    migration = course.migration
    standing = outlook.standings.get(migration.name)
    half = standing is not None and standing.way == course.way and not standing.whole
    before = set(standing.done) if half and standing is not None else set()
    steps = tuple(_step(outlook, course, s, traces.get((migration.name, s.number)), before) for s in course.steps)
    if outcome == "noted":
        status: Literal["pending", "half-done", "applied", "taken-back", "noted"] = "noted"
    elif ran is not None and migration.name in ran.migrations:
        status = "applied" if course.way == "up" else "taken-back"
    else:
        status = "half-done" if any(s.status in ("done", "done-before") for s in steps) else "pending"
    return MigrationPart(name=encodable(migration.name), path=encodable(migration.path), status=status, steps=steps)


def _step(outlook: Outlook, course: Course, step: Step, trace: Trace | None, before: set[int]) -> StepPart:
    place = (course.migration.name, step.number)
    lock, batches = outlook.locks.get(place), outlook.batches.get(place)
    status: Literal["pending", "done-before", "done", "failed"] = "done-before" if step.number in before else "pending"
    if trace is not None and trace.state is not None:
        status = "done-before" if trace.state == "found done" else trace.state
    first = step.statements[0] if step.statements else None
    return StepPart(
        number=step.number,
        kind=step.kind,
        status=status,
        path=encodable(first.path if first else course.migration.path),
        line=first.line if first else 1,
        statements=tuple(encodable(s.text) for s in step.statements),
        lock=LockPart(mode=lock.mode, table=encodable(str(lock.table)), seconds=lock.seconds) if lock else None,
        batches=BatchesPart(
            table=encodable(batches.table),
            key=tuple(map(encodable, batches.key)),
            rows=batches.rows,
            new_rows=batches.new_rows,
            notes=tuple(map(encodable, batches.notes)),
        )
        if batches
        else None,
        seconds=round(trace.seconds, 3) if trace else None,
        retries=trace.retries if trace else 0,
        paused_s=round(trace.paused, 3) if trace else 0.0,
        longest_stall_s=round(trace.stall, 3) if trace else 0.0,
        blocked_by=tuple(map(encodable, trace.blockers)) if trace else (),
        error=encodable(trace.error) if trace and trace.error else None,
        result=result_part(trace.batch) if trace and trace.batch else None,
    )


def _stop(finding: Finding, *, stops: bool = False, allowed: bool = False) -> StopPart:
    return StopPart(
        rule=finding.rule,
        verdict=finding.verdict,
        path=encodable(finding.path),
        line=finding.line,
        message=encodable(finding.message),
        stops=stops,
        allowed=allowed,
    )
