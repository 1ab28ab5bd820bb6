"""What a run is going to do, as far as a rehearsal shows: for the person who has to say yes."""

from __future__ import annotations

from dataclasses import dataclass, field

from pgassay.migrate.runner.model import Plan
from pgassay.migrate.runner.record import Standing
from pgassay.model import Finding, Name, Oddity


@dataclass(frozen=True, slots=True, kw_only=True)
class Strongest:
    """The strongest lock of a step, and how long it is held: seconds at production's row counts where known."""

    mode: str
    table: Name
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """How a step marked ``-- pgassay: batch`` goes through its ``table``: by ranges of ``key``, of about ``rows`` rows;
    both unknown (empty, None) where the table is only made by this run. ``new_rows``: ``pass`` or ``trigger``."""

    table: str
    key: tuple[str, ...] = ()
    rows: int | None = None
    new_rows: str = "pass"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """``locks`` by migration and step, ``batches`` likewise; ``rows`` of the tables concerned, by the server's last
    count (None: never counted); ``refused`` are findings that stop the run unless allowed by name, ``allowed`` those
    that were."""

    plan: Plan
    target: str
    why: str
    locks: dict[tuple[str, int], Strongest]
    batches: dict[tuple[str, int], Batched] = field(default_factory=dict)
    rows: dict[Name, int | None]
    refused: tuple[Finding, ...] = ()
    allowed: tuple[Finding, ...] = ()
    others: tuple[Finding, ...] = ()
    odd: tuple[Oddity, ...] = ()
    standings: dict[str, Standing]
    notes: tuple[str, ...] = ()
