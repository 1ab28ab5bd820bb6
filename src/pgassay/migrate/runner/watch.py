"""A second connection that watches the first: who blocks it, whom it keeps waiting, how far it is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pgassay.errors import PgassayError
from pgassay.migrate.runner.model import Progress
from pgassay.server import Connection, StatementError
from pgassay.sql.queries import queries

_SQL = queries("pgassay.migrate.runner", "guard.sql")
_EVERY = 0.1  # seconds


@dataclass(slots=True)
class Watch:
    """What the watcher saw last. ``cancelled`` once it has ended a statement that kept others waiting too long; since
    ``begin``, ``stall`` is the longest that anybody was seen waiting behind us, ``met`` who held what we waited for."""

    limit: float
    say: Progress
    blockers: str = ""
    doing: str = ""
    cancelled: bool = False
    stall: float = 0.0
    met: dict[int, str] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)
    _busy: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """A step begins."""
        self.stall, self.met = 0.0, {}

    @contextlib.contextmanager
    def over(self, doing: str) -> Iterator[None]:
        """A statement runs within."""
        self.doing, self.blockers, self.cancelled = doing, "", False
        self._busy.set()
        try:
            yield
        finally:
            self._busy.clear()

    def run(self, connect: Callable[[], Connection], pid: int) -> None:
        """Watch until ``end``; a watcher that cannot connect, or loses its connection, watches no more."""
        with contextlib.suppress(PgassayError, StatementError, OSError), connect() as eye:
            while not self._end.wait(_EVERY):
                if self._busy.is_set():
                    self._look(eye, pid)

    def end(self) -> None:
        """Stop watching."""
        self._end.set()

    def _look(self, eye: Connection, pid: int) -> None:
        behind = float(eye.value(_SQL["behind"], [pid]) or 0)
        self.stall = max(self.stall, behind)
        if eye.value(_SQL["state"], [pid]) == "t":
            found = {row["pid"]: _described(row) for row in eye.json(_SQL["blockers"], [pid]) or []}
            self.met |= found
            self.blockers = "; ".join(found.values())
            if self.blockers:
                self.say(f"{self.doing}: waiting for {self.blockers}")
            # Several locks of one statement each have their own timeout: together they may be too long for others.
            if behind > self.limit and self._busy.is_set():
                self.cancelled = True
                eye.value(f"SELECT pg_catalog.pg_cancel_backend({pid})")
            return
        words = eye.value(_SQL["progress"], [pid])
        if words:
            self.say(f"{self.doing}: {words}")


def _described(row: dict[str, object]) -> str:
    named = f'"{row["application"]}"' if row["application"] else "an unnamed application"
    seconds = row["seconds"]
    age = f", for {float(str(seconds)):.1f} s" if seconds is not None else ""
    return f"process {row['pid']} ({named}, {row['user']}, {row['state']}{age}): {row['query']}"


@contextlib.contextmanager
def watching(connect: Callable[[], Connection], pid: int, limit: float, say: Progress) -> Iterator[Watch]:
    """A watcher of the session ``pid`` for the length of a block."""
    watch = Watch(limit=limit, say=say)
    thread = threading.Thread(target=watch.run, args=(connect, pid), name="pgassay-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join(timeout=10)
