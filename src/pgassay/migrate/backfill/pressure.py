"""How the database feels while a backfill runs: standbys that lag, the application's statements that take longer.

The application's are those that pg_stat_statements knew before; ours name pgassay, and are not among them.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from pgassay.migrate.backfill.model import Felt
from pgassay.migrate.backfill.moments import Moments, compared
from pgassay.migrate.backfill.plan import QUERIES
from pgassay.server import Connection, StatementError

_EVERY = 1.0  # seconds between looks at statistics
_FEWEST = 20  # calls of a statement, below which what it took before says nothing
_ENOUGH = 50  # calls between two looks, below which the next look counts them too
_MOST_REST = 1.0  # then a backfill takes twice its time
_LEAST_REST = 0.05


@dataclass(slots=True)
class Pressure:
    """``rest``: the pause after a batch, as a share of its time; it grows while the application's 99th percentile is
    more than ``slower`` times what it was before, and shrinks while it is well below. ``ratio``: of the last look."""

    rest: float
    slower: float
    why: str = "not looked yet"
    ratio: float | None = None
    now: float | None = None  # the last 99th percentile, in milliseconds
    least: float = field(init=False)
    worst: float | None = None
    throttled: int = 0
    _sql: str = ""
    _base: dict[str, Moments] = field(default_factory=dict)
    _begun: dict[str, Moments] = field(default_factory=dict)
    _last: dict[str, Moments] = field(default_factory=dict)
    _looked: float = 0.0

    def __post_init__(self) -> None:
        self.least = min(self.rest, _LEAST_REST)

    def begin(self, session: Connection) -> None:
        """What the application's statements took until now."""
        try:
            found = session.json(QUERIES["statements_in"])
            if found is None:
                self.why = "pg_stat_statements is not in this database"
                return
            top = "AND toplevel" if found["toplevel"] else ""
            words = {"schema": found["schema"], "top": top}
            known = _moments(session.run(QUERIES["statements"].format(**words)))
            self._sql = QUERIES["statements_again"].format(**words)
        except StatementError as error:
            self.why = f"pg_stat_statements cannot be read: {error.report.message}"
            return
        self._base = {key: each for key, each in known.items() if each.calls >= _FEWEST}
        self._begun = self._last = self._base
        if not self._base:
            self.why = f"pg_stat_statements has no statement of the application with {_FEWEST} calls that we may see"
        self._looked = time.monotonic()

    def look(self, session: Connection) -> None:
        """After a batch: compare what the statements took since the last look with what they took before."""
        if not self._base or time.monotonic() - self._looked < _EVERY:
            return
        self._looked = time.monotonic()
        try:
            standing = self._read(session)
        except StatementError:
            self._base, self.why = {}, "pg_stat_statements could not be read to the end"
            return
        if any(key in standing and standing[key].calls < each.calls for key, each in self._last.items()):
            self._last = self._begun = standing  # somebody has reset the statistics, or the server has lost them
            return
        mine, other, calls = compared(_since(standing, self._last), self._base)
        if calls < _ENOUGH or not other:
            return
        self._last = standing
        self.now, self.ratio = mine, mine / other
        self.worst = max(self.worst or 0.0, self.ratio)
        if self.ratio > self.slower:
            self.rest = min(max(self.rest, 0.1) * 2, _MOST_REST)
            self.throttled += 1
        elif self.ratio < (1 + self.slower) / 2:
            self.rest = max(self.rest * 0.8, self.least)

    def felt(self, session: Connection) -> Felt:
        """The same over all the time since ``begin``."""
        if not self._base:
            return Felt(why=self.why)
        try:
            mine, other, calls = compared(_since(self._read(session), self._begun), self._base)
        except StatementError:
            return Felt(why="pg_stat_statements could not be read to the end")
        if not calls:
            return Felt(why="the application sent none of its statements meanwhile")
        return Felt(calls=calls, p99_before=other, p99=mine, worst=self.worst, throttled=self.throttled)

    def lag(self, session: Connection) -> float | None:
        """Seconds that the slowest standby lags, None where there is none or we may not see it."""
        try:
            text = session.value(QUERIES["lag"])
        except StatementError:
            return None
        return None if text is None else float(text)

    def _read(self, session: Connection) -> dict[str, Moments]:
        """Of the same statements as at the beginning, without their texts, which are dear to read."""
        return _moments(session.run(self._sql, [json.dumps(list(self._base))]))


def _moments(rows: list[list[str]]) -> dict[str, Moments]:
    return {key: Moments.of(int(calls), float(mean), float(spread)) for key, calls, mean, spread in rows}


def _since(standing: dict[str, Moments], before: dict[str, Moments]) -> dict[str, Moments]:
    return {key: made for key, each in standing.items() if (made := each.since(before.get(key))) is not None}
