"""What the runner does: courses of steps, one course a migration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pgassay.model import Migration, Project, Statement

if TYPE_CHECKING:
    from pgassay.migrate.backfill import BackfillResult

Way = Literal["up", "down"]
Kind = Literal["transaction", "alone", "batch"]
State = Literal["started", "done", "failed"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens at once: statements in one transaction, one that no transaction can hold, or one in batches.

    ``number`` counts from 1 within the migration. ``before`` are the settings that the file's earlier steps made and
    that this one's session needs again.
    """

    number: int
    kind: Kind
    statements: tuple[Statement, ...] = ()
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One migration's steps, forth (``up``) or back."""

    migration: Migration
    way: Way
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The courses of a run, in order. ``deployed`` are the names of the migrations that the database has before it."""

    project: Project
    way: Way
    courses: tuple[Course, ...]
    deployed: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """How many there are in all."""
        return sum(len(course.steps) for course in self.courses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to wait for locks. ``lock_timeout`` and ``pause`` are seconds; the pause doubles with each of ``retries``."""

    lock_timeout: float = 1.0
    retries: int = 10
    pause: float = 0.25
    longest_pause: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A row of the record. ``steps`` is how many the migration had when it was run; ``detail`` what was looked at
    before a statement that no transaction holds, or how far a batch has come."""

    migration: str
    way: Way
    number: int
    steps: int
    digest: str
    kind: Kind
    state: State
    statement: str = ""
    error: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    began: str = ""
    ended: str | None = None


@dataclass(slots=True)
class Trace:
    """How a step went in this run: seconds in all, of them ``paused`` between attempts. ``retries`` are attempts that
    were given up for a lock, ``blockers`` who was seen to hold it; ``stall`` is the longest that another session was
    seen waiting behind us. ``state`` None: it was not reached. ``batch``: what a backfill ended with."""

    migration: str = ""
    number: int = 0
    kind: Kind = "transaction"
    state: Literal["done", "found done", "failed"] | None = None
    seconds: float = 0.0
    paused: float = 0.0
    retries: int = 0
    stall: float = 0.0
    blockers: list[str] = field(default_factory=list)
    error: str | None = None
    batch: BackfillResult | None = None

    def kept(self) -> dict[str, Any]:
        """What the record keeps of it."""
        made = {"retries": self.retries, "paused": round(self.paused, 3), "stall": round(self.stall, 3)}
        return {"run": made | ({"blockers": self.blockers[:5]} if self.blockers else {})}


@dataclass(slots=True)
class Ran:
    """What a run did: names of migrations, and steps that ran, were found done, or had to be tried again."""

    migrations: list[str] = field(default_factory=list)
    steps: int = 0
    found_done: int = 0
    retries: int = 0
    notes: list[str] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
