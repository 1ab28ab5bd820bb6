"""An end for what never ends: a stranger's function can switch off its own timeout and ignore being cancelled."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from pgassay.errors import InputError
from pgassay.server import SUPERUSER, Connection, ConnectionLost, Server

Allow = Callable[[float | None], None]


@contextlib.contextmanager
def watch(server: Server, session: Connection, what: str) -> Iterator[Allow]:
    """``allow(seconds)`` gives the session's next statement so long, None as long as it likes; then the session is
    terminated. Raises InputError with ``what`` it was doing where nobody below deals with the ConnectionLost."""
    done = threading.Event()
    deadline: float | None = None
    given = 0.0
    ended = False

    def allow(seconds: float | None) -> None:
        nonlocal deadline, given
        given = seconds or 0.0
        deadline = None if seconds is None else time.monotonic() + seconds

    def patrol() -> None:
        nonlocal ended
        while not done.wait(0.25):
            if deadline is not None and time.monotonic() > deadline:
                ended = True
                with contextlib.suppress(ConnectionLost), server.connect("postgres", role=SUPERUSER) as guard:
                    guard.run(f"SELECT pg_catalog.pg_terminate_backend({session.pid})")
                return

    thread = threading.Thread(target=patrol, daemon=True)
    thread.start()
    try:
        yield allow
    except ConnectionLost:
        if not ended:
            raise
        raise InputError(
            f"{what} did not end within {given:g} s on the scratch server",
            hint="Does a trigger or a function of a check, a default or a view never end?",
        ) from None
    finally:
        done.set()
        thread.join()
