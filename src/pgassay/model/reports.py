"""The report of a review: what every face shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from pgassay.model.findings import Certainty, Finding, Skipped, Verdict
from pgassay.model.names import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """What was reviewed. ``migrations`` and ``pending`` are counts."""

    kind: str
    path: str
    runner: str
    migrations: int
    pending: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Which PostgreSQL the verdicts come from; ``version`` is None in a static review."""

    version: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One reviewed file: its statements, its worst verdict, and the time its run took on the scratch server."""

    path: str
    statements: int
    worst: Verdict | None
    findings: int
    ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lock as it was seen: taken ``from_ms`` after the start of its transaction's run, for ``held_ms``."""

    path: str
    line: int
    table: Name
    mode: str
    from_ms: float
    held_ms: float
    blocks_reads: bool
    blocks_writes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A review, whole. ``findings`` are worst first; ``notes`` say what was assumed or left unobserved."""

    project: ProjectFacts
    server: ServerFacts
    files: tuple[FileFacts, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    rows: int | None = None
    seconds: float = 0.0
    probed: int = 0  # statements of the old application that were run
    metrics: dict[str, float] = field(default_factory=dict)
    locks: tuple[Held, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        """How many findings of each verdict, worst first, zeros included."""
        return {v.value: sum(f.verdict is v for f in self.findings) for v in Verdict}

    def failed(self, threshold: Verdict) -> bool:
        """Whether any finding is at the threshold or worse."""
        return any(f.verdict.at_least(threshold) for f in self.findings)

    def certainties(self) -> dict[Certainty, int]:
        """How many findings of each certainty."""
        return {c: sum(f.certainty is c for f in self.findings) for c in Certainty}
