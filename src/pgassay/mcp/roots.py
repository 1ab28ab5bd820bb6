"""What the server was started with. Roots are flags of its launch, never arguments of a tool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pgassay.errors import UsageError

_EXPORT = "export:"  # of an ORM's folder, for a difference


class Outside(UsageError):
    """That path lies outside the project that this server was started for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """``timeout``: seconds that one call may take. ``allow_powerful``: a database role that may write is accepted."""

    project: Path
    database: str | None = None
    kind: str | None = None
    allow_code: bool = False
    allow_powerful: bool = False
    timeout: float = 300.0
    postgres_version: int | None = None
    postgres_bin: str | None = None

    def inside(self, word: str) -> str:
        """A path of the project, relative to it. Raises Outside, also for what a symbolic link leads to."""
        if "\0" in word or word.startswith("-") or "://" in word:
            raise Outside
        if word.startswith(_EXPORT):
            return _EXPORT + self.inside(word.removeprefix(_EXPORT))
        root = self.project.resolve()
        try:
            return str((root / word).resolve().relative_to(root))
        except (ValueError, OSError, RuntimeError):
            raise Outside from None
