"""A second session that looks who waits behind a batch, and has the batch cancelled before that takes too long."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from pgassay.errors import PgassayError
from pgassay.migrate.backfill.plan import QUERIES
from pgassay.server import Connection, StatementError

_EVERY = 0.02  # seconds between looks


class Watch:
    """``with Watch(connect, pid, limit) as watch:`` and ``with watch.batch():`` around each.

    ``waited``: the longest that another session was seen waiting behind the last batch, in seconds; ``cancelled``: that
    it took longer than ``limit``, so that the batch was cancelled; ``blocker``: who was seen holding what we wait for.
    """

    def __init__(self, connect: Callable[[], Connection], pid: int, limit: float) -> None:
        self._connect = connect
        self._pid = pid
        self._limit = limit
        self._active = threading.Event()
        self._turn = threading.Lock()  # held while a look and what follows from it are under way
        self._done = threading.Event()
        self._since: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self.waited = 0.0
        self.cancelled = False
        self.blocker: str | None = None
        self.small = False  # a batch so small that cancelling it is no use
        self.cancelled_at = float("-inf")

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._patrol, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._active.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    @contextlib.contextmanager
    def batch(self, *, small: bool = False) -> Iterator[None]:
        """Watch what happens inside."""
        with self._turn:
            self.waited, self.cancelled, self.blocker, self.small = 0.0, False, None, small
            self._since.clear()
            self._active.set()
        try:
            yield
        finally:
            with self._turn:
                self._active.clear()

    def _patrol(self) -> None:
        # Without this session a backfill goes on all the same: lock_timeout and small batches are still there.
        with contextlib.suppress(PgassayError, StatementError), self._connect() as session:
            while not self._done.is_set():
                self._active.wait()
                if self._done.is_set():
                    return
                time.sleep(_EVERY)
                with self._turn:
                    if self._active.is_set():
                        self._look(session)

    def _look(self, session: Connection) -> None:
        now = time.monotonic()
        behind = {row[0] for row in session.run(QUERIES["behind"], [self._pid])}
        self._since = {pid: self._since.get(pid, now - _EVERY) for pid in behind}
        longest = max((now - since for since in self._since.values()), default=0.0)
        self.waited = max(self.waited, longest)
        if longest > self._limit and not self.cancelled and not self.small:
            self.cancelled, self.cancelled_at = True, now
            session.run("SELECT pg_catalog.pg_cancel_backend($1::int)", [self._pid])
        self.blocker = session.value(QUERIES["blockers"], [self._pid]) or self.blocker
