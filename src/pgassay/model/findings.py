"""Findings: a verdict, how sure it is, what was observed, and the cure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """What will happen, worst first."""

    FAILS = "fails"
    LOSES_DATA = "loses-data"
    BREAKS_APP = "breaks-app"
    BLOCKS = "blocks"
    EXPOSES = "exposes"
    SLOWS = "slows"
    STYLE = "style"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _ORDER[self]

    def at_least(self, other: Verdict) -> bool:
        """Whether this verdict is as bad as the other, or worse."""
        return self.rank <= other.rank


_ORDER = {verdict: rank for rank, verdict in enumerate(Verdict)}


class Certainty(StrEnum):
    """How sure a finding is."""

    PROVED = "proved"  # observed on a scratch server
    COMPUTED = "computed"  # from catalog, statistics or planner
    PRESUMED = "presumed"  # from the text alone


EvidenceKind = Literal[
    "error", "lock", "rewrite", "scan", "index", "rows", "lost", "probe", "time", "catalog", "assumed", "runner", "text"
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing observed. ``data`` holds the figures behind the sentence; units are in the keys (``held_ms``)."""

    kind: EvidenceKind
    text: str
    data: dict[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """SQL that removes the finding. ``verified`` only where it was run and seen to work."""

    sql: str
    verified: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause, at the statement that causes it. ``subject`` is the object concerned: a table or a column."""

    rule: str
    verdict: Verdict
    certainty: Certainty
    path: str
    line: int
    statement: str
    message: str
    subject: str = ""
    remedy: Remedy | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Stable under moves of the statement within its file: 16 hex digits of a SHA-256."""
        parts = (self.rule, self.path, " ".join(self.statement.split()), self.subject)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A statement (or table) that pgassay could not run or fill, and why."""

    path: str
    line: int
    statement: str
    reason: str
