"""The report as JSON. The wire format is these classes; its schema is generated from them."""

from __future__ import annotations

import msgspec

from pgassay import __version__
from pgassay.model import Certainty, EvidenceKind, Finding, Remedy, Report, Verdict
from pgassay.report.words import encodable


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a document."""


class ProjectPart(Wire, frozen=True):
    """What was reviewed. ``migrations`` and ``pending`` are counts; ``why`` says why these are pending."""

    kind: str
    path: str
    runner: str
    migrations: int
    pending: int
    why: str


class ServerPart(Wire, frozen=True):
    """Which PostgreSQL the verdicts come from; ``version`` is null in a static review."""

    version: str | None
    source: str


class FilePart(Wire, frozen=True):
    """One reviewed file. ``ms`` is the time of its run on the scratch server in milliseconds."""

    path: str
    statements: int
    worst: Verdict | None
    findings: int
    ms: float | None


class EvidencePart(Wire, frozen=True):
    """One thing observed, and the figures behind it; units are in the keys (``held_ms``)."""

    kind: EvidenceKind
    text: str
    data: dict[str, str | int | float | bool | None]


class RemedyPart(Wire, frozen=True):
    """SQL that removes the finding; ``verified`` only where it was run and seen to work."""

    sql: str
    verified: bool
    note: str | None


class FindingPart(Wire, frozen=True):
    """One cause, at the statement that causes it. ``fingerprint`` survives moves within the file."""

    rule: str
    verdict: Verdict
    certainty: Certainty
    path: str
    line: int
    statement: str
    message: str
    subject: str
    remedy: RemedyPart | None
    evidence: tuple[EvidencePart, ...]
    fingerprint: str


class SkippedPart(Wire, frozen=True):
    """What could not be run or filled, and why."""

    path: str
    line: int
    statement: str
    reason: str


class Document(Wire, frozen=True):
    """A review by pgassay of the version named. ``summary`` counts the findings of each verdict, worst first; ``rows``:
    rows a table; ``seconds``: the time the review took; ``probed``: statements of the old application that were run."""

    pgassay: str
    project: ProjectPart
    server: ServerPart
    summary: dict[Verdict, int]
    files: tuple[FilePart, ...]
    findings: tuple[FindingPart, ...]
    suppressed: tuple[FindingPart, ...]
    skipped: tuple[SkippedPart, ...]
    notes: tuple[str, ...]
    rows: int | None
    seconds: float
    probed: int
    metrics: dict[str, float]


def document(report: Report) -> Document:
    """The report as it goes over the wire."""
    project, server = report.project, report.server
    return Document(
        pgassay=__version__,
        project=ProjectPart(
            kind=encodable(project.kind),
            path=encodable(project.path),
            runner=encodable(project.runner),
            migrations=project.migrations,
            pending=project.pending,
            why=encodable(project.why),
        ),
        server=ServerPart(
            version=None if server.version is None else encodable(server.version), source=encodable(server.source)
        ),
        summary={verdict: report.summary[verdict.value] for verdict in Verdict},
        files=tuple(
            FilePart(
                path=encodable(f.path),
                statements=f.statements,
                worst=f.worst,
                findings=f.findings,
                ms=None if f.ms is None else round(f.ms, 3),
            )
            for f in report.files
        ),
        findings=tuple(map(_finding, report.findings)),
        suppressed=tuple(map(_finding, report.suppressed)),
        skipped=tuple(
            SkippedPart(
                path=encodable(s.path), line=s.line, statement=encodable(s.statement), reason=encodable(s.reason)
            )
            for s in report.skipped
        ),
        notes=tuple(map(encodable, report.notes)),
        rows=report.rows,
        seconds=round(report.seconds, 3),
        probed=report.probed,
        metrics={encodable(key): value for key, value in report.metrics.items()},
    )


def _finding(finding: Finding) -> FindingPart:
    remedy = finding.remedy
    return FindingPart(
        rule=encodable(finding.rule),
        verdict=finding.verdict,
        certainty=finding.certainty,
        path=encodable(finding.path),
        line=finding.line,
        statement=encodable(finding.statement),
        message=encodable(finding.message),
        subject=encodable(finding.subject),
        remedy=None if remedy is None else _remedy(remedy),
        evidence=tuple(
            EvidencePart(
                kind=e.kind,
                text=encodable(e.text),
                data={encodable(k): encodable(v) if isinstance(v, str) else v for k, v in e.data.items()},
            )
            for e in finding.evidence
        ),
        fingerprint=finding.fingerprint,
    )


def _remedy(remedy: Remedy) -> RemedyPart:
    note = None if remedy.note is None else encodable(remedy.note)
    return RemedyPart(sql=encodable(remedy.sql), verified=remedy.verified, note=note)


def json_text(report: Report) -> str:
    """The report as indented JSON, with a line end."""
    return indented(document(report))


def indented(value: object) -> str:
    """Any wire value as indented JSON, with a line end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
