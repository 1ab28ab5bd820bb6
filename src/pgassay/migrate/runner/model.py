"""What the runner does: courses of steps, one course a migration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from pgassay.model import Migration, Project, Statement

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
class Ran:
    """What a run did: names of migrations, and steps that ran, were found done, or had to be tried again."""

    migrations: list[str] = field(default_factory=list)
    steps: int = 0
    found_done: int = 0
    retries: int = 0
    notes: list[str] = field(default_factory=list)
