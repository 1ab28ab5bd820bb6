"""What a backfill may be told, what it tells on its way, and what it ends with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# How it is known that nothing is left: nothing meets WHERE; every row of the sliced table has its row in the target;
# or, where the statement itself cannot tell, every range of keys that stood at the beginning was done once.
Proof = Literal["where", "target", "ranges"]
# What is done about rows that come meanwhile: gone after in later passes, or by a trigger as they are written.
NewRows = Literal["pass", "trigger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOptions:
    """Times in seconds.

    ``batch``: the longest that a transaction should take; ranges are sized for less than half of it. ``rest``: pause
    after a batch, as a share of its time; where ``slower`` can be seen it is what it begins with. ``max_lag``: of a
    standby's replay, beyond which we wait. ``max_wait``: of another session behind our locks, beyond which the batch is
    given up and tried smaller. ``lock_timeout``: for our own waiting. ``patience``: for rows that others hold, for a
    server that is away, for standbys that do not catch up. ``slower``: by how much the 99th percentile of the
    application's statements may grow over what it was before we began (estimated, where pg_stat_statements is there).
    ``passes``: how often rows that came meanwhile are gone after; ``new_rows``: whether a trigger does them as they
    come. ``paused``: asked before each batch. ``size``: rows of the first range. ``again``: run it even though the
    record says that it is done.
    """

    batch: float = 0.25
    rest: float = 0.25
    max_lag: float | None = 10.0
    max_wait: float = 0.15
    lock_timeout: float = 0.1
    patience: float = 600.0
    slower: float = 1.4
    passes: int = 20
    new_rows: NewRows = "pass"
    paused: Callable[[], bool] | None = None
    size: int = 1000
    largest: int = 500_000
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """How the application's own statements went meanwhile: ``calls`` of them, the 99th percentile of their times before
    the backfill (``p99_before``) and during it (``p99``), in milliseconds, estimated as ``moments`` says. ``worst``:
    the largest ratio of the two within about a second; ``throttled``: how often that made for longer rests. ``why``
    there is nothing, else None."""

    calls: int = 0
    p99_before: float | None = None
    p99: float | None = None
    worst: float | None = None
    throttled: int = 0
    why: str | None = None

    def __str__(self) -> str:
        if self.p99 is None or self.p99_before is None:
            return f"not seen: {self.why}"
        ratio = f" ({self.p99 / self.p99_before:.2f} times)" if self.p99_before else ""
        return (
            f"99th percentile of {self.calls:,} calls about {self.p99:.1f} ms, before {self.p99_before:.1f} ms{ratio};"
            f" throttled {self.throttled} times"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """After a batch. ``seen``: rows of the table gone through, ``total``: about how many there are, ``changed``: rows
    changed; ``size``: rows of the next range; ``waiting``: why nothing happens right now; ``hint``: what would do the
    table good; ``p99``: of the application's statements as a multiple of before. Times in seconds."""

    table: str
    seen: int
    total: int
    changed: int
    size: int
    run: int = 1
    took: float = 0.0
    eta: float | None = None
    waiting: str | None = None
    hint: str | None = None
    p99: float | None = None

    def __str__(self) -> str:
        share = min(self.seen / self.total, 1.0) if self.total else 1.0
        words = f"{self.table}: {self.changed:,} rows changed, {share:.0%} gone through"
        if self.run > 1:
            words = f"{self.table}: pass {self.run} for rows that came meanwhile, {self.changed:,} rows changed"
        elif self.eta is not None:
            words += f", about {_span(self.eta)} left"
        if self.p99 is not None:
            words += f", the application's p99 {self.p99:.1f} times as before"
        return words + (f" ({self.waiting})" if self.waiting else f" ({self.size:,} rows a batch)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillResult:
    """What was done, since the very beginning: ``batches`` and ``changed`` count those before a kill too.

    ``left``: rows that still wait; ``proof`` says how that is known, None where rows are left. ``retries``: batches
    tried anew. ``longest``: of the batches of this run, ``waited``: the longest that another session was seen behind
    us, ``rested``: what the pauses took, all in seconds. ``resumed``: the record had a position already. ``new_rows``:
    what was done about them. ``application``: how that felt.
    """

    table: str
    key: tuple[str, ...]
    batches: int
    changed: int
    left: int
    proof: Proof | None
    seconds: float
    passes: int = 1
    retries: int = 0
    longest: float = 0.0
    waited: float = 0.0
    rested: float = 0.0
    resumed: bool = False
    new_rows: NewRows = "pass"
    application: Felt = Felt()
    notes: tuple[str, ...] = ()

    @property
    def proved(self) -> bool:
        """Nothing is left."""
        return self.proof is not None and self.left == 0


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
