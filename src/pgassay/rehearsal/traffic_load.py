"""Readers and writers on connections of their own, and how long each of their statements took."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType

from pgassay.model import Name
from pgassay.server import Connection, ConnectionLost, ServerMessage, StatementError

Text = str | Callable[[random.Random], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A statement of the application: its text, or what makes one. ``undone``: run in a transaction that is rolled
    back, so that it can be sent again and again."""

    sql: Text
    table: Name | None
    writes: bool
    undone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One statement as sent: when it began (``time.perf_counter``) and how long it took, in seconds."""

    request: Request
    began: float
    seconds: float
    error: ServerMessage | None = None

    @property
    def ended(self) -> float:
        """When its answer was there."""
        return self.began + self.seconds


class Load:
    """``with Load(connect, requests) as load:``; ``load.calls()`` are those answered so far.

    Reads and writes of each table have ``each`` connections, so that nobody who waits keeps others from being sent.
    ``pause`` is what each sleeps between two statements, ``limit`` its statement_timeout, in seconds.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        requests: Iterable[Request],
        *,
        each: int = 1,
        pause: float = 0.005,
        limit: float = 60.0,
        seed: int = 1,
    ) -> None:
        self._connect = connect
        self._pause = pause
        self._limit = limit
        self._seed = seed
        self._done = threading.Event()
        self._calls: list[Call] = []
        self._threads: list[threading.Thread] = []
        parts: dict[tuple[Name | None, bool], list[Request]] = {}
        for request in requests:
            parts.setdefault((request.table, request.writes), []).append(request)
        for part in parts.values():
            for number in range(each):
                self._threads.append(threading.Thread(target=self._drive, args=(part, number), daemon=True))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(timeout=self._limit + 5)

    def calls(self) -> list[Call]:
        """A copy of what was seen."""
        return list(self._calls)

    def _drive(self, requests: Sequence[Request], number: int) -> None:
        source = random.Random(self._seed * 1000 + number)
        try:
            with self._connect() as session:
                session.run(f"SET statement_timeout = {int(self._limit * 1000)}")
                while True:
                    for request in requests:
                        if self._done.wait(self._pause):
                            return
                        self._calls.append(_sent(session, request, source))
        except (ConnectionLost, StatementError):  # the server ends, or the database goes
            return


def _sent(session: Connection, request: Request, source: random.Random) -> Call:
    text = request.sql if isinstance(request.sql, str) else request.sql(source)
    if request.undone:
        text = f"BEGIN; {text}; ROLLBACK"
    began = time.perf_counter()
    error = None
    try:
        session.run(text)
    except StatementError as refused:
        error = refused.report
        if session.transaction != "idle":
            session.run("ROLLBACK")
    return Call(request=request, began=began, seconds=time.perf_counter() - began, error=error)


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which that share lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
