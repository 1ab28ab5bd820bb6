"""What the tools found, whole, for ``details``: the latest, as far as memory that was set aside for it goes."""

from __future__ import annotations

import itertools
from collections import OrderedDict

_MOST = 64 * 2**20  # characters of all texts
_LONGEST = 4 * 2**20


class Kept:
    """Texts by id, oldest out first."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._size = 0
        self._numbers = itertools.count(1)

    def run(self) -> str:
        """The id of a new run: ``r1``, ``r2`` …"""
        return f"r{next(self._numbers)}"

    def put(self, id: str, text: str) -> None:
        """Keep a text, at most 4 MiB of it."""
        self._size -= len(self._texts.pop(id, ""))
        self._texts[id] = text[:_LONGEST]
        self._size += len(self._texts[id])
        while self._size > _MOST:
            self._size -= len(self._texts.popitem(last=False)[1])

    def get(self, id: str) -> str | None:
        """The text, or None where there is none, or none any more."""
        return self._texts.get(id)
