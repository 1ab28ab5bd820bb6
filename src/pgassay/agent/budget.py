"""A budget of tokens that several tasks share, and time: reserved before a request, settled after it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

LEAST = 256  # tokens of an answer that is worth asking for


class OverBudget(Exception):
    """What was left would not have been enough, so nothing was asked. Never reaches a user."""


@dataclass(slots=True)
class Held:
    """A reservation: at most ``input`` and ``output`` tokens. ``used`` is told when the answer is there."""

    input: int
    output: int
    used: int | None = None


@dataclass(slots=True)
class Ledger:
    """``total`` tokens for all tasks, of which ``spent`` are gone and ``reserved`` are promised; ``seconds`` for all.

    ``spent + reserved`` never exceeds ``total``, as long as a provider keeps to the limit that it is given.
    """

    total: int
    seconds: float = float("inf")
    spent: int = 0
    reserved: int = 0
    began: float = field(default_factory=time.monotonic)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def left(self) -> int:
        """Tokens that are neither spent nor promised."""
        return self.total - self.spent - self.reserved

    @property
    def time_left(self) -> float:
        """Seconds."""
        return self.seconds - (time.monotonic() - self.began)

    @contextlib.asynccontextmanager
    async def hold(self, input: int, output: int) -> AsyncIterator[Held]:
        """Reserve ``input`` tokens, and up to ``output`` (not less than LEAST). Waits for what others have reserved.

        Raises OverBudget where even all that is not spent would not do, or the time is up. What is not told as used by
        the end was not used: a request that failed.
        """
        while self.left < input + LEAST:
            if self.reserved == 0 or self.total - self.spent < input + LEAST:
                raise OverBudget(
                    f"{self.spent:,} of {self.total:,} tokens are spent; the next request may take {input + LEAST:,}"
                )
            self._changed.clear()
            await self._changed.wait()
        if self.time_left <= 0:
            raise OverBudget(f"the {self.seconds:g} seconds are over")
        held = Held(input, min(output, self.left - input))
        promised = held.input + held.output
        self.reserved += promised
        try:
            yield held
        finally:
            self.reserved -= promised
            self.spent += held.used or 0
            self._changed.set()
