"""What a review finds on its way: shared by the static review and the rehearsed one."""

from __future__ import annotations

from dataclasses import dataclass, field

from pgassay.model import Finding, Held, Pending, Project, ServerFacts, Skipped, Statement, Transaction
from pgassay.model.observations import Rehearsed
from pgassay.rules import Judgement
from pgassay.sources import transactions


@dataclass(slots=True)
class Found:
    """``ms``: the time that each file's statements took, by path."""

    findings: list[Finding] = field(default_factory=list)
    suppressed: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ms: dict[str, float] = field(default_factory=dict)
    probed: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    locks: list[Held] = field(default_factory=list)
    rehearsed: list[Rehearsed] = field(default_factory=list)
    server: ServerFacts = field(
        default_factory=lambda: ServerFacts(version=None, source="none: only the text was read")
    )

    def add(self, judged: Judgement) -> None:
        """Take the findings of one unit."""
        self.findings.extend(judged.findings)
        self.suppressed.extend(judged.suppressed)


def units(project: Project, pending: Pending) -> list[Transaction]:
    """What is rehearsed as one: each file by itself in a history, else what the runner runs together."""
    if pending.history:
        return [unit for migration in pending.pending for unit in transactions(project, [migration])]
    return list(transactions(project, pending.pending))


def skipped(statement: Statement, reason: str) -> Skipped:
    """A statement that was not run."""
    return Skipped(path=statement.path, line=statement.line, statement=statement.text, reason=reason)
