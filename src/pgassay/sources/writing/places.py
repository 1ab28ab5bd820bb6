"""Where the way back of a migration lies, for runners that know none."""

from __future__ import annotations

from pgassay.sources.files import DOWN, join

__all__ = ["BY_HAND", "DOWN", "beside"]
BY_HAND = "by-hand"  # likewise: what the runner cannot send, to be run before it is deployed


def beside(folder: str, name: str, part: str) -> str:
    """``down/NAME.sql`` in a folder of migrations."""
    return join(folder, f"{part}/{name}.sql")
