"""Ways back in; text, JSON or a hand-off out: pure functions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from pgassay import __version__
from pgassay.migrate.down import Lost, Trial, Verdict
from pgassay.report.handover import (
    ContextHandoff,
    Deliverables,
    Documentation,
    FileModified,
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
from pgassay.report.machine import Wire, indented
from pgassay.report.words import count, encodable, visible

_SAID = {
    "proved": "proved",
    "loses-data": "loses data",
    "differs": "not the same afterwards",
    "fails": "fails",
    "none": "no way back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEntry:
    """A migration that parks what it drops, with its way back."""

    up: tuple[str, ...]
    down: tuple[str, ...]
    contract: tuple[str, ...]
    trial: Trial
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DownEntry:
    """One migration as it is reported."""

    path: str
    name: str
    statements: tuple[str, ...] | None
    own: bool
    alone: bool
    verdict: Verdict
    proved: bool
    trial: Trial
    notes: tuple[str, ...] = ()
    written: str | None = None
    offer: OfferEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownReport:
    """All of them. ``server`` is the version that they were proved on; ``seconds`` it took."""

    project: str
    runner: str
    server: str
    entries: tuple[DownEntry, ...]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class LossPart(Wire, frozen=True):
    """Data that are gone after there and back. ``when`` is ``forward`` where the migration destroys them, ``back``
    where the way back destroys what was written since (or stops at it); ``rows`` of the rehearsal, ``live`` of a
    database."""

    when: str
    table: str
    column: str | None
    rows: int
    live: int | None
    what: str


class ParkedPart(Wire, frozen=True):
    """The migration in a form that keeps what it drops: ``up``, its way back ``down``, and ``contract``, which destroys
    what was kept; ``left_out`` could not be kept."""

    up: str
    down: str
    contract: str
    proved: bool
    loses: tuple[LossPart, ...]
    reason: str | None
    left_out: tuple[str, ...]


class MigrationPart(Wire, frozen=True):
    """One migration. ``down`` is the way back as SQL, null where there is none. ``proved``: there, back, there, back
    and there again gave equal schemas and equal rows (with ``parked``, where that is not null). ``verdict`` is that of
    ``down`` itself: ``proved``, ``loses-data``, ``differs``, ``fails`` or ``none``; ``reason`` says why it is not
    ``proved``. ``written``: the file. ``own``: the project's own way back, not derived. ``alone``: it cannot run in one
    transaction."""

    path: str
    name: str
    down: str | None
    proved: bool
    verdict: str
    loses: tuple[LossPart, ...]
    reason: str | None
    own: bool
    alone: bool
    written: str | None
    parked: ParkedPart | None
    notes: tuple[str, ...]


class DownDocument(Wire, frozen=True):
    """``proved``: every one of ``migrations`` is. ``files`` were written."""

    pgassay: str
    project: str
    runner: str
    server: str
    proved: bool
    migrations: tuple[MigrationPart, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]


def down_json(report: DownReport) -> str:
    """Indented JSON, with a line end."""
    document = DownDocument(
        pgassay=__version__,
        project=encodable(report.project),
        runner=report.runner,
        server=report.server,
        proved=all(entry.proved for entry in report.entries),
        migrations=tuple(_part(entry) for entry in report.entries),
        files=tuple(map(encodable, report.files)),
        notes=tuple(map(encodable, report.notes)),
    )
    return indented(document)


def _part(entry: DownEntry) -> MigrationPart:
    offer = entry.offer
    return MigrationPart(
        path=encodable(entry.path),
        name=encodable(entry.name),
        down=None if entry.statements is None else encodable(_script(entry.statements)),
        proved=entry.proved,
        verdict=entry.verdict,
        loses=_losses(entry.trial.lost),
        reason=encodable(entry.trial.reason) if entry.trial.reason else None,
        own=entry.own,
        alone=entry.alone,
        written=encodable(entry.written) if entry.written else None,
        parked=ParkedPart(
            up=encodable(_script(offer.up)),
            down=encodable(_script(offer.down)),
            contract=encodable(_script(offer.contract)),
            proved=offer.trial.verdict == "proved",
            loses=_losses(offer.trial.lost),
            reason=encodable(offer.trial.reason) if offer.trial.reason else None,
            left_out=tuple(map(encodable, offer.left_out)),
        )
        if offer
        else None,
        notes=tuple(map(encodable, (*entry.notes, *entry.trial.notes))),
    )


def _losses(lost: Sequence[Lost]) -> tuple[LossPart, ...]:
    return tuple(
        LossPart(
            when=e.when,
            table=encodable(e.table),
            column=encodable(e.column) if e.column else None,
            rows=e.rows,
            live=e.live,
            what=encodable(e.what),
        )
        for e in lost
    )


def _script(statements: Sequence[str]) -> str:
    return "".join(f"{statement}{_end(statement)}\n" for statement in statements)


def _end(statement: str) -> str:
    return "\n;" if "--" in statement.rsplit("\n", 1)[-1] else ";"


def down_text(report: DownReport, *, width: int = 100) -> str:
    """Each migration with its way back, what that loses, and how far it was proved."""
    parts = [_entry(entry, width) for entry in report.entries]
    if not report.entries:
        parts.append("Every migration has a way back. To prove them: --prove.")
    proved = sum(entry.proved for entry in report.entries)
    parked = sum(entry.proved and entry.verdict != "proved" for entry in report.entries)
    only = f" ({parked} only with what is parked)" if parked else ""
    if report.entries:
        parts.append(
            f"{proved} of {count(len(report.entries), 'way')} back proved{only} on PostgreSQL {report.server}: there,"
            " back, there, back and there again, with rows."
        )
    if report.files:
        parts.append("Written\n" + "\n".join(f"  {visible(path)}" for path in report.files))
    parts += [_wrapped(f"Note: {note}", width) for note in report.notes]
    return "\n\n".join(parts) + "\n"


def _entry(entry: DownEntry, width: int) -> str:
    whose = " (the project's own)" if entry.own else ""
    lines = [f"{visible(entry.path)}: {_SAID[entry.verdict]}{whose}"]
    if entry.trial.reason:
        lines.append(textwrap.indent(_wrapped(entry.trial.reason, width - 2), "  "))
    if entry.statements is not None and not entry.own:
        lines.append(textwrap.indent(visible(_script(entry.statements) or "-- nothing to do\n"), "    ").rstrip())
    lines += [f"  {_loss(lost)}" for lost in entry.trial.lost]
    lines += [
        textwrap.indent(_wrapped(f"Note: {note}", width - 2), "  ") for note in (*entry.notes, *entry.trial.notes)
    ]
    if entry.offer:
        lines.append(_offer(entry.offer, width))
    return "\n".join(lines)


def _offer(offer: OfferEntry, width: int) -> str:
    said = _SAID[offer.trial.verdict]
    lines = [f"  parked instead of dropped: {said}"]
    if offer.trial.reason:
        lines.append(textwrap.indent(_wrapped(offer.trial.reason, width - 4), "    "))
    for word, statements in (("up", offer.up), ("down", offer.down), ("contract", offer.contract)):
        if statements:
            lines.append(f"    {word}\n" + textwrap.indent(visible(_script(statements)), "      ").rstrip())
    lines += [f"    not parked: {visible(each)}" for each in offer.left_out]
    return "\n".join(lines)


def _loss(lost: Lost) -> str:
    numbers = [f"{lost.rows:,} in the rehearsal"] if lost.rows else []
    if lost.live is not None:
        numbers.append(f"{lost.live:,} in the database")
    counted = f" ({', '.join(numbers)})" if numbers else ""
    word = "loses" if lost.when == "forward" else "goes with it" if ": " not in lost.what else "beware"
    return f"{word}: {visible(lost.what)}{counted}"


def _wrapped(words: str, width: int) -> str:
    return "\n".join(textwrap.wrap(visible(words), max(width, 40)))


def down_handoff(report: DownReport) -> str:
    """The hand-off as indented JSON: who deploys knows what can be taken back, and who reviews what cannot."""
    unproved = [entry for entry in report.entries if not entry.proved]
    lost = [loss for entry in report.entries for loss in entry.trial.lost if loss.when == "forward"]
    blockers = tuple(encodable(f"{e.path}: {_SAID[e.verdict]}: {e.trial.reason}") for e in unproved)
    proved = f"{len(report.entries) - len(unproved)} of {count(len(report.entries), 'way')} back proved with rows"
    return handoff_json(
        Handoff(
            task_completion=TaskCompletion(
                status="partial" if unproved else "completed",
                blockers=blockers,
                partial_reason="not every migration can be taken back" if unproved else None,
            ),
            summary=Summary(
                primary_outcome=f"{proved} on PostgreSQL {encodable(report.server)}.",
                confidence_level="high",
                key_decisions=tuple(encodable(loss.what) for loss in lost[:20]),
            ),
            deliverables=Deliverables(
                files_modified=tuple(
                    FileModified(
                        path=encodable(path), change_type="created", specific_changes=(), lines_added=0, lines_removed=0
                    )
                    for path in report.files
                ),
                artifacts_created=tuple(map(encodable, report.files)),
                configurations_changed=(),
                code_snippets=(),
            ),
            context_handoff=ContextHandoff(
                ready_for_agents=(
                    ReadyForAgent(
                        agent="devops-engineer",
                        task="Deploy with the ways back at hand; what cannot be taken back needs a backup first.",
                        priority="high" if unproved else "medium",
                        required_context=tuple(encodable(e.path) for e in report.entries[:40]),
                    ),
                ),
                blocked_dependencies=(),
                shared_resources=(),
            ),
            quality_gates=QualityGates(
                tests=Tests(
                    unit_tests="not_applicable",
                    integration_tests="failed" if unproved else "passed",
                    e2e_tests="not_applicable",
                    coverage=100.0,
                ),
                security=Security(vulnerabilities=0, manual_review_needed=bool(lost), findings=()),
                performance=Performance(impact="unknown", metrics={}),
                documentation=Documentation(inline="passed", readme="not_applicable", api="not_applicable"),
            ),
            cache_keys=(),
            metrics=Metrics(
                time_invested=round(report.seconds * 1_000), time_estimated=None, tokens_used=0, confidence=1.0
            ),
        )
    )
