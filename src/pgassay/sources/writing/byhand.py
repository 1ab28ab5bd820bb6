"""What a runner cannot send, because all of it shares a transaction: a file to run by hand before it is deployed.

The migration keeps the same statement in a form that a transaction can hold, with IF NOT EXISTS (IF EXISTS): it finds
the work done on production, and does it itself on every new database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pgassay.sources.writing.model import NewFile, Unit
from pgassay.sources.writing.places import BY_HAND, beside
from pgassay.sources.writing.text import comment, quiet, repeatable, script


@dataclass(frozen=True, slots=True)
class ByHand:
    """Statements to run before one migration is deployed; none where it needs none."""

    statements: tuple[str, ...]

    def text(self, name: str, runner: str) -> str:
        """The file's text."""
        return comment(
            f"Run this by hand (psql -f), outside a transaction, before {runner} deploys {name}.",
            f"{runner} sends every file in a transaction, where CONCURRENTLY is refused. {name} then finds the work",
            "done; without this file it does the same and makes writers wait.",
            "An index build that fails leaves an INVALID index behind: drop it, then run this again.",
        ) + script(self.statements)

    def file(self, folder: str, stem: str, runner: str) -> NewFile:
        """``by-hand/NAME.sql`` in a folder of migrations."""
        return NewFile(path=beside(folder, stem, BY_HAND), text=self.text(f"{stem}.sql", runner))


def sorted_out(units: tuple[Unit, ...]) -> tuple[tuple[Unit, ...], tuple[ByHand, ...]]:
    """Units that a transaction can hold, and what to run by hand before each.

    A statement without such a form (VACUUM, REINDEX CONCURRENTLY) is only run by hand, before the next unit; it is in a
    unit of its own with a statement that does nothing where there is no next one.
    """
    made: list[Unit] = []
    by_hand: list[ByHand] = []
    repeated: list[str] = []  # what those to be run by hand may need, and can be run twice
    waiting: list[str] = []
    for unit in units:
        forms = tuple(_forms(unit.forward))
        before = (*waiting, *repeated, *unit.forward) if unit.forward_alone else tuple(waiting)
        if unit.forward_alone and not forms:
            waiting = [*dict.fromkeys(before)]
            continue
        repeated = [] if unit.forward_alone else [*repeated, *(s for s in unit.forward if repeatable(s))]
        made.append(
            replace(unit, forward=forms, backward=_back(unit.backward), forward_alone=False, backward_alone=False)
        )
        by_hand.append(ByHand(tuple(dict.fromkeys(before))))
        waiting = []
    if waiting:
        last = units[-1]
        made.append(
            replace(
                last, forward=("SELECT 1",), backward=_back(last.backward), forward_alone=False, backward_alone=False
            )
        )
        by_hand.append(ByHand(tuple(waiting)))
    return tuple(made), tuple(by_hand)


def _forms(statements: tuple[str, ...]) -> Iterator[str]:
    from pgassay.sources.files import alone
    from pgassay.sql import parse

    for text in statements:
        (statement,) = parse(text, "")
        if not alone(statement):
            yield text
        elif (other := quiet(text)) is not None:
            yield other


def _back(statements: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if statements is None else tuple(_forms(statements))
