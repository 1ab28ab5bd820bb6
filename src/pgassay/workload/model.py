"""What an application sends: statements with their frequency, their time and the values they were sent with."""

from __future__ import annotations

from dataclasses import dataclass

from pgassay.model import Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A statement. ``total_ms`` is the time of all calls, None where it is not known.

    ``parameters`` are sets of values for ``$1`` …, as texts (None is NULL), the most typical first; empty where the
    text has no parameters, or where nobody told their values. ``source`` and ``line`` say where it was found.
    """

    text: str
    calls: int = 1
    total_ms: float | None = None
    parameters: tuple[tuple[str | None, ...], ...] = ()
    source: str = ""
    line: int = 1

    @property
    def mean_ms(self) -> float | None:
        """The time of one call."""
        return None if self.total_ms is None else self.total_ms / max(self.calls, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Statements that can be planned, and those that cannot, each with its reason."""

    queries: tuple[Query, ...]
    skipped: tuple[Skipped, ...] = ()
