"""What is to be written, and what was."""

from __future__ import annotations

from dataclasses import dataclass

from pgassay.errors import InputError
from pgassay.sources.files import alone
from pgassay.sql import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Statements that take effect together or not at all: one file of its own, wherever the runner has no better way.

    Several statements share a transaction. One that PostgreSQL refuses inside a transaction (CONCURRENTLY, VACUUM)
    must be the only one of its direction. ``backward`` takes the step back: empty where nothing needs to be done, None
    where nothing can be. ``comment`` goes on top.
    """

    name: str
    forward: tuple[str, ...]
    backward: tuple[str, ...] | None = ()
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Steps in the order in which they go forward; the way back goes through them in the opposite order."""

    name: str
    steps: tuple[Step, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A step whose statements were parsed: without semicolons, and known to need a transaction or to refuse one."""

    name: str
    forward: tuple[str, ...]
    backward: tuple[str, ...] | None
    comment: str
    forward_alone: bool = False
    backward_alone: bool = False

    @property
    def alone(self) -> bool:
        """Whether either way refuses a transaction."""
        return self.forward_alone or self.backward_alone


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to create. ``replaces`` is the text of the one that it takes the place of: a journal, a plan."""

    path: str
    text: str
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the project's reader must find in one new migration."""

    forward: tuple[str, ...]
    backward: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Files, and remarks for whoever deploys them."""

    files: tuple[NewFile, ...]
    expected: tuple[Expected, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file, in the order in which it was written."""
        return tuple(f.path for f in self.files)


def units(change: Change) -> tuple[Unit, ...]:
    """The steps of a change, parsed. Raises InputError for what PostgreSQL cannot run so."""
    if not change.steps:
        raise InputError(f"{change.name} has no steps")
    return tuple(_unit(step) for step in change.steps)


def _unit(step: Step) -> Unit:
    forward, forward_alone = _parsed(step.name, step.forward)
    backward, backward_alone = _parsed(step.name, step.backward or ())
    if not forward:
        raise InputError(f"the step {step.name} has no statements")
    return Unit(
        name=step.name,
        forward=forward,
        backward=None if step.backward is None else backward,
        comment=step.comment,
        forward_alone=forward_alone,
        backward_alone=backward_alone,
    )


def _parsed(name: str, texts: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    found = [s for text in texts for s in parse(text, name)]
    apart = any(alone(s) for s in found)
    if apart and len(found) > 1:
        raise InputError(f"the step {name} holds several statements, and one of them cannot share a transaction")
    return tuple(_bare(s.text) for s in found), apart


def _bare(text: str) -> str:
    """Without a comment at its end, which would swallow the semicolon that some runner adds."""
    head, dashes, _ = text.rpartition("--")
    if not dashes or "\n" in text[len(head) :]:
        return text
    try:
        parse(head, "")
    except InputError:  # the dashes are within a literal
        return text
    return _bare(head.rstrip())
