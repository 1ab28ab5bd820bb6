"""What a difference is made of: steps, what they lose, and what only a person can decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgassay.catalog.model import Object
from pgassay.model import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Data that a step destroys: the rows of a table (``column`` None) or the values of a column; ``what`` in words."""

    table: Name
    column: str | None = None
    what: str

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One SQL statement, without its semicolon.

    ``alone``: it must have been committed before later steps run (a new enum label), so it cannot share their
    transaction. ``loses``: what it destroys. ``objects``: what it makes, changes or drops.
    """

    sql: str
    alone: bool = False
    loses: tuple[Loss, ...] = ()
    objects: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Something that went and something of equal shape that came: renamed, or dropped and added?

    ``old`` and each of ``new`` are written as ``--rename`` takes them: ``public.token``, ``public.token.symbol``,
    ``public.status.frozen`` for an enum's label.
    """

    kind: Literal["table", "column", "enum label"]
    old: str
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The answers: ``renames`` pair old with new, ``drops`` name what is really to go, as in ``Decision``."""

    renames: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()

    def settled(self) -> frozenset[str]:
        """The old names that an answer covers."""
        return frozenset(self.drops) | {old for old, _ in self.renames}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one catalog becomes another: ``steps`` in an order in which they run.

    ``decisions``: what has to be asked first; the steps take every such pair for dropped and added. ``unwritten``: what
    differs and cannot be written as SQL (the order of columns, a base type), in words.
    """

    steps: tuple[Step, ...] = ()
    decisions: tuple[Decision, ...] = ()
    unwritten: tuple[str, ...] = ()

    @property
    def sql(self) -> tuple[str, ...]:
        """The statements alone."""
        return tuple(step.sql for step in self.steps)

    @property
    def loses(self) -> tuple[Loss, ...]:
        """What the steps destroy, together."""
        return tuple(loss for step in self.steps for loss in step.loses)

    @property
    def script(self) -> str:
        """The statements as a script."""
        return "".join(f"{step.sql};\n" for step in self.steps)
