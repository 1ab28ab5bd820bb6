"""A plan and what was seen of it, as text, SQL, JSON or a hand-off: pure functions of the document."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from pgassay.report.machine import Wire, indented
from pgassay.report.words import count, duration, one_line, visible

DEPLOY = "deploy the new application here; what follows waits until the old one is gone"


class LockPart(Wire, frozen=True):
    """The strongest lock on a table, and its longest hold on the scratch server."""

    table: str
    lock: str
    hold_ms: float


class StepPart(Wire, frozen=True):
    """One unit of work. ``transaction``: ``transaction`` (all statements in one), ``alone`` (PostgreSQL refuses it
    inside one) or ``batch`` (may be cut into small ones). ``lock`` and ``hold_ms``: the strongest that was seen."""

    phase: str
    name: str
    sql: tuple[str, ...]
    transaction: str
    lock: str | None
    table: str | None
    hold_ms: float | None
    why: str
    source: str
    file: str | None = None
    by_hand: str | None = None


class UnsafePart(Wire, frozen=True):
    """What cannot be made safe: ``step`` counts from 1; ``ms`` is the outage at ``rows`` rows."""

    what: str
    step: int | None
    source: str
    table: str | None
    lock: str | None
    ms: float | None
    rows: int | None


class PlanDocument(Wire, frozen=True):
    """``verified``: run on a scratch server with rows, the plan led to the schema and the rows of the original.
    ``deploy_after``: so many steps come before the new application. ``probes_*``: statements tried after each step."""

    pgassay: str
    project: str
    runner: str
    server: str
    pending: tuple[str, ...]
    why_pending: str
    steps: tuple[StepPart, ...]
    deploy_after: int
    verified: bool
    safe: bool
    differences: tuple[str, ...]
    unsafe: tuple[UnsafePart, ...]
    before: tuple[LockPart, ...]
    after: tuple[LockPart, ...]
    rows: int
    probes_old: int
    probes_new: int
    files: tuple[str, ...]
    notes: tuple[str, ...]


def plan_json(document: PlanDocument) -> str:
    """Indented JSON, with a line end."""
    return indented(document)


def plan_sql(document: PlanDocument) -> str:
    """The steps as a script. Each begins with a comment; what is unsafe stands on top."""
    lines = [f"-- unsafe: {one_line(u.what)}\n" for u in document.unsafe]
    if not document.verified:
        lines.append("-- NOT VERIFIED: on a scratch server this did not lead where the migrations lead\n")
    for number, step in enumerate(document.steps):
        if number == document.deploy_after and number:
            lines.append(f"\n-- {DEPLOY}\n")
        lines.append(f"\n-- {number + 1}. {step.phase}: {one_line(step.why)}\n")
        many = step.transaction == "transaction" and len(step.sql) > 1
        lines += ["BEGIN;\n"] * many + [f"{sql};\n" for sql in step.sql] + ["COMMIT;\n"] * many
    return "".join(lines).lstrip("\n")


def plan_text(document: PlanDocument, *, width: int = 100) -> str:
    """The steps, where the new application is deployed, locks before and after, what stays unsafe."""
    parts = ["\n".join(_steps(document, width))] if document.steps else ["No step is left."]
    if document.before or document.after:
        parts.append("\n".join(_locks(document)))
    parts.append("\n".join(_verdict(document, width)))
    if document.unsafe:
        parts.append("\n".join(["Cannot be made safe", *(_wrapped(_unsafe(u), "  ", width) for u in document.unsafe)]))
    if document.files:
        parts.append("\n".join(["Written", *(f"  {visible(f)}" for f in document.files)]))
    parts += [_wrapped(f"Note: {visible(n)}", "", width) for n in document.notes]
    return "\n\n".join(parts) + "\n"


def _steps(document: PlanDocument, width: int) -> Iterator[str]:
    yield f"{count(len(document.steps), 'step')} instead of {count(len(document.pending), 'migration')}"
    how = {"alone": " (outside a transaction)", "batch": " (in batches)", "transaction": ""}
    for number, step in enumerate(document.steps):
        if number == document.deploy_after and number:
            yield f"\n  ── {DEPLOY} ──"
        lock = f" · {step.lock} on {visible(step.table or '')} {duration(step.hold_ms or 0)}" if step.lock else ""
        yield f"\n  {number + 1}. {step.phase}{how[step.transaction]}{lock}"
        yield _wrapped(visible(step.why), "     ", width)
        for sql in step.sql:
            yield textwrap.indent(visible(sql) + ";", "       ")


def _locks(document: PlanDocument) -> Iterator[str]:
    yield f"Strongest lock and its longest hold, with {document.rows:,} rows a table"
    after = {part.table: part for part in document.after}
    before = {part.table: part for part in document.before}
    for table in dict.fromkeys([*before, *after]):
        yield f"  {visible(table)}: {_lock(before.get(table))} → {_lock(after.get(table))}"


def _lock(part: LockPart | None) -> str:
    return f"{part.lock} {duration(part.hold_ms)}" if part else "none"


def _verdict(document: PlanDocument, width: int) -> Iterator[str]:
    if document.verified:
        said = "Verified: the same schema and the same rows as the migrations give."
    else:
        said = "Not verified: on a scratch server the plan did not lead where the migrations lead."
    tried = f" {document.probes_old} statements of the old application were tried after each step up to the deployment,"
    tried += f" {document.probes_new} of the new one from there on."
    yield _wrapped(said + (tried if document.probes_old or document.probes_new else ""), "", width)
    for line in document.differences:
        yield f"  {visible(line)}"


def _unsafe(part: UnsafePart) -> str:
    place = f"step {part.step}: " if part.step is not None else f"{part.source}: " if part.source else ""
    lock = f" [{part.lock} on {part.table}" if part.lock else ""
    if lock and part.ms is not None:
        lock += f", about {duration(part.ms)} at {part.rows or 0:,} rows"
    return visible(f"{place}{part.what}{lock}{']' if lock else ''}")


def _wrapped(text: str, indent: str, width: int) -> str:
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


def plan_handoff(document: PlanDocument, seconds: float) -> str:
    """The plan as a hand-off: steps are snippets, what stays unsafe are tasks."""
    from pgassay.report.handover import (
        ContextHandoff,
        Deliverables,
        Documentation,
        Handoff,
        Metrics,
        Performance,
        QualityGates,
        ReadyForAgent,
        Security,
        Summary,
        TaskCompletion,
        Tests,
        handoff_json,
    )

    errors = [u for u in document.unsafe if "fails" in u.what]
    longest = max((p.hold_ms for p in document.after), default=0.0)
    was = max((p.hold_ms for p in document.before), default=0.0)
    safe = document.safe and document.verified
    return handoff_json(
        Handoff(
            task_completion=TaskCompletion(
                status="completed" if safe else "partial",
                blockers=(),
                partial_reason=None if safe else f"{count(len(document.unsafe), 'point')} cannot be made safe",
            ),
            summary=Summary(
                primary_outcome=f"{count(len(document.pending), 'migration')} as {count(len(document.steps), 'step')},"
                f" {'verified' if document.verified else 'not verified'}: "
                f"longest lock {was:.1f} ms → {longest:.1f} ms.",
                confidence_level="high" if document.verified else "low",
                key_decisions=(f"Tried on PostgreSQL {document.server}", *document.notes),
            ),
            deliverables=Deliverables(
                files_modified=(),
                artifacts_created=document.files,
                configurations_changed=(),
                code_snippets=tuple(
                    f"-- {step.phase}: {one_line(step.why)}\n" + "".join(f"{s};\n" for s in step.sql)
                    for step in document.steps
                ),
            ),
            context_handoff=ContextHandoff(
                ready_for_agents=tuple(
                    ReadyForAgent(
                        agent="backend-engineer",
                        task=_unsafe(part),
                        priority="high",
                        required_context=tuple(filter(None, (part.source,))),
                    )
                    for part in document.unsafe
                ),
                blocked_dependencies=tuple(one_line(u.what) for u in errors),
                shared_resources=_tables(document.before, document.after),
            ),
            quality_gates=QualityGates(
                tests=Tests(
                    unit_tests="not_applicable",
                    integration_tests="passed" if document.verified else "failed",
                    e2e_tests="not_applicable",
                    coverage=None,
                ),
                security=Security(vulnerabilities=0, manual_review_needed=False, findings=()),
                performance=Performance(
                    impact="neutral" if document.safe else "negative",
                    metrics={"holdBeforeMs": round(was, 3), "holdAfterMs": round(longest, 3)},
                ),
                documentation=Documentation(inline="not_applicable", readme="not_applicable", api="not_applicable"),
            ),
            cache_keys=(),
            metrics=Metrics(
                time_invested=round(seconds * 1000),
                time_estimated=None,
                tokens_used=0,
                confidence=1.0 if document.verified else 0.5,
            ),
        )
    )


def _tables(*locks: Sequence[LockPart]) -> tuple[str, ...]:
    return tuple(sorted({part.table for parts in locks for part in parts}))
