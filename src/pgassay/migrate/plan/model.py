"""A plan: small steps, each its own unit of work, in phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pgassay.catalog import Catalog, Table
from pgassay.catalog.model import View
from pgassay.model import Name, Statement
from pgassay.model.observations import LOCK_MODES, Observation

Phase = Literal["expand", "backfill", "switch", "contract"]
Mode = Literal["transaction", "alone", "batch"]
PHASES: tuple[Phase, ...] = ("expand", "backfill", "switch", "contract")
MARK = "-- pgassay: batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """Statements that are one unit of work.

    ``mode``: in one ``transaction``, ``alone`` (PostgreSQL refuses it inside one) or a ``batch`` that may be cut into
    many small transactions. ``back`` takes the step back: empty where nothing has to be done, None where nothing can
    be. ``locks``: the tables that stood before and that it locks against writes, as far as the text tells.
    ``apart``: it has to be committed before what follows. ``origin`` numbers the statement that it comes from.
    """

    name: str
    sql: tuple[str, ...]
    phase: Phase
    why: str
    mode: Mode = "transaction"
    back: tuple[str, ...] | None = None
    locks: frozenset[Name] = frozenset()
    apart: bool = False
    path: str = ""
    line: int = 0
    origin: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two columns that a trigger keeps equal: ``new`` is ``forth`` of the row, ``old`` is ``back`` of it.

    ``swapped``: the step after which ``new`` goes by the name of ``old``, and ``old`` by ``kept``.
    """

    table: Name
    old: str
    new: str
    forth: str
    back: str
    kept: str | None = None
    origin: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value that somebody has to choose: what the rows of today get in a column that is required."""

    table: Name
    column: str
    value: str
    given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in the order in which they are deployed. ``kept``: statements left as they are, and why nothing better is
    known. ``made_up``: columns whose values differ from run to run."""

    steps: tuple[PlanStep, ...]
    twins: tuple[Twins, ...] = ()
    choices: tuple[Choice, ...] = ()
    kept: Mapping[int, str] = field(default_factory=dict)
    made_up: frozenset[tuple[Name, str]] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def deploy(self) -> int:
        """The number of steps that come before the new application is deployed; the rest wait for the old one's end."""
        return sum(step.phase != "contract" for step in self.steps)


@dataclass(slots=True)
class Rewritten:
    """What one statement becomes."""

    steps: list[PlanStep] = field(default_factory=list)
    twins: list[Twins] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    made_up: set[tuple[Name, str]] = field(default_factory=set)
    kept: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A statement of the migrations, what a rehearsal saw of it, and the schema around it."""

    statement: Statement
    observed: Observation
    before: Catalog
    after: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a rewriting may look at. ``fresh``: tables that the migrations themselves made; ``bounds``: of attached
    partitions, as expressions; ``fills``: values for required columns, by (table, column); ``unsliced``: why
    statements on rows, by their numbers, cannot be run in batches; ``neutral``: a value of a type that stands for
    nothing yet."""

    number: int
    seen: Seen
    later: tuple[Seen, ...]
    earlier: tuple[Seen, ...]
    major: int
    fresh: frozenset[Name]
    bounds: Mapping[Name, str]
    fills: Mapping[tuple[Name, str], str]
    unsliced: Mapping[int, str]
    neutral: Callable[[str, tuple[str, ...]], str]

    @property
    def text(self) -> str:
        """The statement."""
        return self.seen.statement.text

    def table(self, name: Name) -> Table | None:
        """A table as it stood before the statement."""
        return self.seen.before.table(name.within("public"))

    def after(self, name: Name) -> Table | None:
        """A table as the statement left it."""
        return self.seen.after.table(name.within("public"))

    def view(self, name: Name) -> View | None:
        """A view as it stood before the statement."""
        return next((v for v in self.seen.before.views if v.name == name.within("public")), None)

    def stands(self, name: Name) -> bool:
        """Whether a table was there before the migrations."""
        full = name.within("public")
        return full not in self.fresh and self.seen.before.table(full) is not None

    @property
    def breaks(self) -> bool:
        """Whether statements of the running application were seen to stop working."""
        return bool(self.seen.observed.breaks)

    @property
    def works(self) -> bool:
        """Whether it was seen to work on rows while writers wait."""
        seen = self.seen.observed
        strong = {lock.table for lock in seen.locks if lock.blocks_writes}
        return any(work.table in strong for work in seen.work)

    def step(self, name: str, *sql: str, phase: Phase = "expand", why: str, mode: Mode = "transaction",
             back: tuple[str, ...] | None = None, locks: tuple[Name, ...] = ()) -> PlanStep:  # fmt: skip
        """A step that comes from this statement."""
        statement = self.seen.statement
        return PlanStep(
            name=name, sql=sql, phase=phase, why=why, mode=mode, back=back,
            locks=frozenset(n.within("public") for n in locks),
            path=statement.path, line=statement.line, origin=self.number,
        )  # fmt: skip

    def as_written(self, *, why: str, phase: Phase = "expand") -> PlanStep:
        """The statement itself."""
        from pgassay.sql.alone import stands_alone

        statement = self.seen.statement
        strong = tuple(k.table for k in self.seen.observed.locks if LOCK_MODES.index(k.mode) >= 3)
        words = " ".join(statement.text.split()[:6]).lower()
        mode: Mode = "alone" if stands_alone(statement) else "transaction"
        step = self.step(words, statement.text, phase=phase, why=why, mode=mode, locks=strong)
        return replace(step, apart=bool(self.seen.observed.work))


def batch(sql: str) -> str:
    """An UPDATE, DELETE or INSERT with the mark by which our runner knows that it may cut it up."""
    verb, _, rest = sql.strip().partition(" ")
    return f"{verb}\n{MARK}\n  {rest.strip()}" if MARK not in sql else sql


def later(step: PlanStep, phase: Phase) -> PlanStep:
    """The step in another phase."""
    return replace(step, phase=phase)
