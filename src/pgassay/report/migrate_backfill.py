"""What ``pgassay migrate backfill`` says, for people and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pgassay import __version__
from pgassay.errors import PgassayError
from pgassay.report.machine import Wire, indented
from pgassay.report.words import encodable

if TYPE_CHECKING:
    from pgassay.migrate.backfill import BackfillResult, Felt, Plan
    from pgassay.model import Statement

_PROOFS = {
    "where": "nothing meets WHERE any more",
    "target": "every row has its row in the target",
    "ranges": "every range of keys was done once",
}
_BACKUP = "Is there a backup, or a way back? What a backfill writes, nothing takes back.\n"


class FeltPart(Wire, frozen=True):
    """How the application's own statements went meanwhile, by pg_stat_statements: the 99th percentiles of ``calls``
    calls before and during the backfill, in milliseconds, estimated from each statement's mean and standard deviation
    (log-normal). ``worst``: the largest ratio of the two within about a second, ``throttled``: how often it made for
    longer rests. ``why``: why there is nothing."""

    calls: int
    p99_before_ms: float | None
    p99_ms: float | None
    worst: float | None
    throttled: int
    why: str | None


class ResultPart(Wire, frozen=True):
    """What a backfill ended with, since its very beginning. ``proof``: ``where`` (nothing meets WHERE any more),
    ``target`` (every row has its row in the target) or ``ranges`` (every range of keys was done once), null where rows
    are left. ``new_rows`` that came meanwhile: gone after in later passes (``pass``) or done by a ``trigger``.
    ``retries``: batches tried anew; ``longest_batch_s`` and ``longest_stall_s`` (of another session seen waiting behind
    one) of this call."""

    table: str
    key: tuple[str, ...]
    batches: int
    changed: int
    left: int
    proof: str | None
    passes: int
    new_rows: str
    resumed: bool
    retries: int
    seconds: float
    rested_s: float
    longest_batch_s: float
    longest_stall_s: float
    application: FeltPart
    notes: tuple[str, ...]


class FilledPart(Wire, frozen=True):
    """One statement of the file. ``status``: ``planned``, ``done``, ``rows-left`` or ``stopped``; ``rows``: about how
    many its table has; ``record``: its name in pgassay.backfill."""

    path: str
    line: int
    kind: str
    table: str
    key: tuple[str, ...]
    rows: int
    record: str
    status: Literal["planned", "done", "rows-left", "stopped"]
    result: ResultPart | None
    notes: tuple[str, ...]


class BackfillDocument(Wire, frozen=True):
    """``outcome``: ``planned`` (a dry run), ``done``, ``rows-left`` or ``stopped``; ``error`` and ``hint`` say why.
    ``next``: the command to go on with; null: nothing is left to do."""

    pgassay: str
    target: str
    outcome: Literal["planned", "done", "rows-left", "stopped"]
    statements: tuple[FilledPart, ...]
    error: str | None
    hint: str | None
    next: str | None


def backfill_json(
    target: str,
    tasks: Sequence[tuple[Statement, Plan, str]],
    results: Mapping[str, BackfillResult],
    *,
    run: bool,
    error: PgassayError | None = None,
    next: str,
) -> str:
    """Indented JSON, with a line end. ``results`` by the name of the record; ``run``: it was more than a dry run."""
    parts = []
    stopped = error is not None
    for statement, plan, record in tasks:
        result = results.get(record)
        status: Literal["planned", "done", "rows-left", "stopped"] = "planned"
        if result is not None:
            status = "done" if result.proved else "rows-left"
        elif stopped:
            status, stopped = "stopped", False
        parts.append(
            FilledPart(
                path=encodable(statement.path),
                line=statement.line,
                kind=plan.statement.kind,
                table=encodable(plan.table),
                key=tuple(map(encodable, plan.ranges.columns)),
                rows=plan.total,
                record=encodable(record),
                status=status,
                result=None if result is None else result_part(result),
                notes=tuple(map(encodable, plan.notes)),
            )
        )
    whole = all(p.status == "done" for p in parts)
    outcome: Literal["planned", "done", "rows-left", "stopped"] = "planned"
    if run:
        outcome = "stopped" if error is not None else "done" if whole else "rows-left"
    return indented(
        BackfillDocument(
            pgassay=__version__,
            target=encodable(target),
            outcome=outcome,
            statements=tuple(parts),
            error=None if error is None else encodable(error.problem or str(error)),
            hint=None if error is None or error.hint is None else encodable(error.hint),
            next=None if outcome == "done" else next,
        )
    )


def result_part(result: BackfillResult) -> ResultPart:
    """A backfill's result as it goes over the wire."""
    return ResultPart(
        table=encodable(result.table),
        key=tuple(map(encodable, result.key)),
        batches=result.batches,
        changed=result.changed,
        left=result.left,
        proof=result.proof,
        passes=result.passes,
        new_rows=result.new_rows,
        resumed=result.resumed,
        retries=result.retries,
        seconds=round(result.seconds, 3),
        rested_s=round(result.rested, 3),
        longest_batch_s=round(result.longest, 3),
        longest_stall_s=round(result.waited, 3),
        application=_felt(result.application),
        notes=tuple(map(encodable, result.notes)),
    )


def _felt(felt: Felt) -> FeltPart:
    return FeltPart(
        calls=felt.calls,
        p99_before_ms=_rounded(felt.p99_before),
        p99_ms=_rounded(felt.p99),
        worst=_rounded(felt.worst),
        throttled=felt.throttled,
        why=None if felt.why is None else encodable(felt.why),
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def outlook_text(target: str, tasks: Sequence[tuple[Statement, Plan, str]]) -> str:
    """What would be done."""
    words = [f"{target}\n"]
    for statement, plan, _ in tasks:
        words.append(
            f"{statement.path}:{statement.line}: {plan.statement.kind.upper()} by {', '.join(plan.ranges.columns)} of"
            f" {plan.table} (about {plan.total:,} rows)\n"
        )
        words += [f"  {note}\n" for note in plan.notes]
    return "".join([*words, _BACKUP])


def told(statement: Statement, plan: Plan, result: BackfillResult) -> str:
    """What was done."""
    end = f"proved: {_PROOFS[result.proof]}" if result.proof else f"{result.left:,} rows are left"
    resumed = ", resumed" if result.resumed else ""
    words = (
        f"{statement.path}:{statement.line}: {result.changed:,} rows in {result.batches:,} batches{resumed}, "
        f"{result.seconds:.1f} s; longest batch {result.longest * 1000:.0f} ms,"
        f" longest wait behind one {result.waited * 1000:.0f} ms; {end}\n"
        f"  the application: {result.application}\n"
    )
    notes = [note for note in result.notes if note not in plan.notes]
    if result.new_rows == "trigger":
        notes.append("rows that came meanwhile were done by a trigger, which is gone again")
    return words + "".join(f"  {note}\n" for note in notes)
