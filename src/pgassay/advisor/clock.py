"""A clock that stands still while others have the processor: what is found in a time does not depend on who else works.

Linux tells how long a process was ready to run and had to wait (the manual of proc, ``/proc/PID/schedstat``); elsewhere
this is the monotonic clock.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_MOST = 0.5  # of the time that passes, the most that is taken off


class Clock:
    """Counts from the first look, for this process and the backends that it waits for."""

    def __init__(self, *pids: int) -> None:
        self._began = time.monotonic()
        self._files = [Path(f"/proc/{pid}/schedstat") for pid in ("self", *pids)]
        self._before = self._waited = 0.0
        self._before = self._delay()

    def now(self) -> float:
        """Seconds, comparable with each other."""
        passed = time.monotonic() - self._began
        return passed - min(self._delay(), passed * _MOST)

    def _delay(self) -> float:
        """Seconds of waiting; what was last known once a backend has ended."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            self._waited = sum(int(file.read_text().split()[1]) for file in self._files) / 1e9 - self._before
        return self._waited


@dataclass(frozen=True, slots=True)
class Limits:
    """``deadline`` on the clock ``now``; ``budget`` in bytes of new indexes; ``kinds`` of indexes to try.

    ``least``: seconds for building candidates even where the deadline is near: without any there is no advice.
    """

    deadline: float
    budget: int | None = None
    kinds: frozenset[str] = frozenset()
    least: float = 0.0
    now: Callable[[], float] = time.monotonic

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.now() > self.deadline

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(self.deadline - self.now(), 0.0)
