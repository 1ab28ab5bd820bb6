"""What a way back is, what it cannot bring back, and how far it was proved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgassay.catalog.ddl import Step

When = Literal["forward", "back"]
Verdict = Literal["proved", "loses-data", "differs", "fails", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Data that are gone after there and back.

    ``when``: ``forward`` where the migration destroys them and the way back cannot bring them back; ``back`` where the
    way back destroys what was written since into what the migration made. ``rows``: how many of the rehearsal's rows;
    ``live``: how many of a live database's, where that was asked. ``table`` with its schema, as SQL.
    """

    when: When
    table: str
    column: str | None = None
    rows: int = 0
    live: int | None = None
    gone: bool = False  # the table or column itself goes, not only what is in it
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A way back as it was derived: statements in order, and what is known to be lost. ``alone``: one of its statements
    refuses a transaction."""

    steps: tuple[Step, ...] = ()
    lost: tuple[Lost, ...] = ()
    unwritten: tuple[str, ...] = ()
    alone: bool = False

    @property
    def sql(self) -> tuple[str, ...]:
        """The statements."""
        return tuple(step.sql for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was seen of one way back: there, back, there, back and there again, with rows.

    ``failure``: the first statement that was refused, with what for. ``catalog``: how the schema differs afterwards
    from what it was. ``lost``: rows and values that did not come back. ``left``: rows that should not be there.
    ``rows``: how many rows the tables of the rehearsal had; ``notes``: what else is to be known.
    """

    failure: str | None = None
    catalog: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of it."""
        if self.failure is not None:
            return "fails"
        if any(lost.when == "forward" for lost in self.lost):
            return "loses-data"
        return "differs" if self.catalog or self.left else "proved"

    @property
    def reason(self) -> str | None:
        """Why it is not proved, in a sentence or two."""
        if self.failure is not None:
            return self.failure
        said = []
        gone = [lost.what for lost in self.lost if lost.when == "forward"]
        if gone:
            said.append("does not bring back " + "; ".join(gone))
        if self.catalog:
            said.append("leaves another schema: " + "; ".join(self.catalog))
        if self.left:
            said.append("; ".join(self.left))
        return ". ".join(said) or None
