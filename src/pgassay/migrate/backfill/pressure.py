"""How the database feels while a backfill runs: standbys that lag, the application's statements that take longer."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from pgassay.migrate.backfill.plan import QUERIES
from pgassay.server import Connection, StatementError

_EVERY = 1.0  # seconds between looks at statistics
_FEWEST = 20  # calls, below which a mean says nothing
_MOST_REST = 1.0  # then a backfill takes twice its time


@dataclass(slots=True)
class Pressure:
    """``rest``: the pause after a batch, as a share of its time; it grows while the application is slower than
    ``slower`` times what it was before, and shrinks again down to where it began."""

    rest: float
    slower: float
    least: float = field(init=False)
    ratio: float | None = field(default=None, init=False)
    _schema: str | None = field(default=None, init=False)
    _base: dict[str, float] = field(default_factory=dict, init=False)
    _last: dict[str, tuple[int, float]] = field(default_factory=dict, init=False)
    _looked: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.least = self.rest

    def begin(self, session: Connection) -> None:
        """What the application's statements took on average until now."""
        with contextlib.suppress(StatementError):
            self._schema = session.value(QUERIES["statements_in"])
            self._last = self._read(session)
        self._base = {key: total / calls for key, (calls, total) in self._last.items() if calls >= _FEWEST}
        self._looked = time.monotonic()

    def look(self, session: Connection) -> None:
        """After a batch: compare what the statements took since the last look with what they took before."""
        if not self._base or time.monotonic() - self._looked < _EVERY:
            return
        self._looked = time.monotonic()
        try:
            now = self._read(session)
        except StatementError:
            self._base = {}
            return
        took = expected = 0.0
        counted = 0
        for key, (calls, total) in now.items():
            before_calls, before_total = self._last.get(key, (calls, total))
            if key in self._base and calls > before_calls:
                counted += calls - before_calls
                took += total - before_total
                expected += (calls - before_calls) * self._base[key]
        self._last = now
        if counted < _FEWEST or not expected:
            return
        self.ratio = took / expected
        if self.ratio > self.slower:
            self.rest = min(max(self.rest, 0.1) * 2, _MOST_REST)
        else:
            self.rest = max(self.rest * 0.8, self.least)

    def lag(self, session: Connection) -> float | None:
        """Seconds that the slowest standby lags, None where there is none or we may not see it."""
        try:
            text = session.value(QUERIES["lag"])
        except StatementError:
            return None
        return None if text is None else float(text)

    def _read(self, session: Connection) -> dict[str, tuple[int, float]]:
        if self._schema is None:
            return {}
        rows = session.run(
            f"SELECT queryid || '/' || userid, sum(calls), sum(total_exec_time) FROM {self._schema}.pg_stat_statements"
            " WHERE queryid IS NOT NULL AND query NOT ILIKE '%pgassay%' AND query NOT ILIKE '%pg_catalog%'"
            " AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
            " AND query ~* '^\\s*(with|select|insert|update|delete)' GROUP BY 1"
        )
        return {key: (int(calls), float(total)) for key, calls, total in rows}
