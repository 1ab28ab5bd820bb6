"""Statements and the migrations that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pgassay.model.actions import Action
from pgassay.model.findings import Skipped

A = TypeVar("A", bound=Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """``-- pgassay: allow RULE, reason`` on a statement. Without a reason it does not count."""

    rule: str
    reason: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement with its place. ``line`` and ``column`` count from 1; ``path`` as the user gave it."""

    text: str
    path: str
    line: int
    column: int = 1
    actions: tuple[Action, ...] = field(default=(), compare=False, repr=False)
    suppressions: tuple[Suppression, ...] = ()

    def of(self, kind: type[A]) -> Iterator[A]:
        """The statement's actions of one kind."""
        return (action for action in self.actions if isinstance(action, kind))


TransactionMode = Literal["block", "query", "autocommit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration file as its runner sees it.

    ``mode`` is how the runner sends it: ``block`` (BEGIN, the statements, COMMIT), ``query`` (the whole text as one
    simple-query message: an implicit transaction unless it holds one statement alone) or ``autocommit``.
    ``name`` is what the runner records; ``path`` is relative to where the user stands; ``down`` its way back, if any.
    """

    name: str
    path: str
    text: str
    statements: tuple[Statement, ...]
    mode: TransactionMode = "block"
    down: tuple[Statement, ...] | None = None
    digest: str = ""
    when: int | None = None  # the runner's own order or time stamp, where it has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What the server sees as one unit of work: migrations that begin and commit together."""

    migrations: tuple[Migration, ...]
    mode: TransactionMode

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement, in order."""
        return tuple(s for m in self.migrations for s in m.statements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A migration tool and how it truly behaves.

    ``one_transaction``: all pending migrations share one transaction. ``concurrently``: whether CREATE INDEX
    CONCURRENTLY can work at all, and if so how (``None`` where it cannot).
    """

    name: str
    one_transaction: bool = False
    concurrently: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """Something wrong with the folder itself, such as a file that the runner skips in silence.

    ``rule`` is the id of the rule that explains it.
    """

    rule: str
    path: str
    line: int
    message: str
    migration: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder (or file) with migrations, in the order in which its runner applies them."""

    kind: str
    path: str
    runner: Runner
    migrations: tuple[Migration, ...]
    oddities: tuple[Oddity, ...] = ()
    skipped: tuple[Skipped, ...] = ()  # what could not be read without running it against a database


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Which migrations are under review and which are deployed already, and why so."""

    deployed: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    why: str
    history: bool = False  # each pending file alone, one after the other
    oddities: tuple[Oddity, ...] = ()
