"""What a rehearsal saw, statement by statement. Times are milliseconds on the scratch server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgassay.model.names import Name
from pgassay.model.statements import Statement, Transaction

# Table-level locks from weakest to strongest (manual, chapter 13.3.1).
LOCK_MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error of the server. ``cause`` says when it happens: ``always``, also on empty tables; with any ``rows``; or
    only with certain ``values`` in them. ``missing`` where the scratch server lacks something (an extension, a right)
    that production may have: then it is no finding, but something that could not be rehearsed."""

    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    cause: Literal["always", "rows", "values", "missing"] = "always"
    table: str | None = None
    column: str | None = None
    constraint: str | None = None
    left_invalid: tuple[Name, ...] = ()  # indexes that a failed CREATE INDEX CONCURRENTLY left behind

    def __str__(self) -> str:
        return f"{self.message} (SQLSTATE {self.sqlstate})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock on a table that stood before the change: gained by this statement (or made stronger by it).

    ``held_ms``: from this statement's start to the end of the transaction; ``estimated_ms``: the same at production's
    row counts, None where nothing grew with rows. ``held_until``: the last statement that ran while it was held.
    """

    table: Name
    mode: str
    held_ms: float
    held_until: Statement
    estimated_ms: float | None = None

    @property
    def blocks_reads(self) -> bool:
        """Whether SELECT waits for it."""
        return self.mode == "ACCESS EXCLUSIVE"

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE and DELETE wait for it."""
        return LOCK_MODES.index(self.mode) >= LOCK_MODES.index("SHARE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work on a table that stood before the change, which grows with its rows.

    ``estimated_ms`` is the time at ``at_rows`` rows, extrapolated from two measured sizes; None where it was measured
    at one size only.
    """

    kind: Literal["rewrite", "scan", "index build", "rows changed"]
    table: Name
    rows: int
    ms: float
    index: str | None = None
    estimated_ms: float | None = None
    at_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Data that was there before and cannot be reached after: ``rows`` of a table, a ``column``, a ``table``, or
    ``values`` of a column that were changed by a conversion. ``count`` is the number of rows concerned."""

    kind: Literal["rows", "column", "table", "values"]
    table: Name
    column: str | None = None
    count: int = 0
    example: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A statement of the old application that worked before the change and fails after this statement."""

    sql: str
    error: str
    sqlstate: str
    table: Name | None = None
    column: str | None = None
    source: Literal["catalog", "workload"] = "catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that was seen of one statement."""

    statement: Statement
    ms: float = 0.0
    failure: Failure | None = None
    locks: tuple[Lock, ...] = ()
    work: tuple[Work, ...] = ()
    losses: tuple[Loss, ...] = ()
    breaks: tuple[Break, ...] = ()
    skipped: str | None = None  # why it was not run

    def lock(self, table: Name) -> Lock | None:
        """The lock on one table."""
        return next((lock for lock in self.locks if lock.table == table), None)

    def work_on(self, table: Name) -> tuple[Work, ...]:
        """The work on one table."""
        return tuple(work for work in self.work if work.table == table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """One transaction of a runner, rehearsed on populated tables. ``rows`` is what each table held before."""

    transaction: Transaction
    observations: tuple[Observation, ...]
    rows: dict[Name, int]
    ms: float = 0.0
    probed: int = 0
    notes: tuple[str, ...] = ()
    left_out: tuple[Statement, ...] = ()  # what did not run in the end, even on empty tables
