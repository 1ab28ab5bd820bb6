"""What the advisor speaks of: queries, candidates, measures, recommendations."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pgassay.model import Certainty, Name, quote
from pgassay.sql.predicates import Block

IndexKind = Literal[
    "btree", "covering", "partial", "expression", "pattern", "gin", "trigram", "gist", "brin", "hash"
]  # fmt: skip
KINDS: tuple[str, ...] = (
    "btree", "covering", "partial", "expression", "pattern", "gin", "trigram", "gist", "brin", "hash",
    "unique", "statistics", "drop", "rewrite",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A statement of the workload. ``forms`` are its text with one set of parameter values each; ``calls`` how often
    it runs (of any unit of time, the same for all). ``lookups`` are those forms that foreign keys add to a DELETE."""

    number: int
    text: str
    forms: tuple[str, ...]
    kind: Literal["select", "insert", "update", "delete", "merge"]
    calls: float = 1.0
    line: int = 0
    blocks: tuple[Block, ...] = ()
    target: Name | None = None  # the table that it changes
    lookups: tuple[int, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether it changes rows."""
        return self.kind != "select"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An index that could be. ``keys`` as in DDL, with operator class and direction; ``columns`` all that it holds."""

    table: Name
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    kind: IndexKind = "btree"
    method: str = "btree"
    include: tuple[str, ...] = ()
    where: str | None = None
    options: str | None = None
    extension: str | None = None
    ordered: bool = field(default=False, compare=False)  # it returns the first rows of a LIMIT without a sort
    conditions: tuple[str, ...] = field(default=(), compare=False)  # columns of ``where``
    unique: bool = False
    narrow: bool = field(default=False, compare=False)  # it is for one value of many that are like it

    def ddl(self, name: str, *, concurrently: bool = False) -> str:
        """CREATE INDEX, without a semicolon."""
        using = "" if self.method == "btree" else f" USING {self.method}"
        words = "UNIQUE INDEX" if self.unique else "INDEX"
        text = f"CREATE {words} {'CONCURRENTLY ' if concurrently else ''}{quote(name)} ON {self.table}{using}"
        text += f" ({', '.join(self.keys)})"
        if self.include:
            text += f" INCLUDE ({', '.join(quote(c) for c in self.include)})"
        if self.options:
            text += f" WITH ({self.options})"
        return text + (f" WHERE {self.where}" if self.where else "")

    def name(self, taken: Collection[str]) -> str:
        """A name for it that is not taken, of at most 63 bytes, made of the table's and the keys' names."""
        words = [*(re.sub(r"\W+", "_", re.sub(r" (ASC|DESC|NULLS.*)$", "", key)).strip("_") for key in self.keys)]
        stem = "_".join([self.table.name, *words]).lower()
        stem = re.sub(r"_(text_pattern_ops|varchar_pattern_ops|gin_trgm_ops|jsonb_path_ops)", "", stem)
        if self.method != "btree":
            stem += f"_{self.method}"
        if self.where:
            stem += "_partial"
        if len(stem.encode()) > 56:
            digest = hashlib.sha256(repr(self).encode()).hexdigest()[:6]
            stem = stem.encode()[:48].decode(errors="ignore").rstrip("_") + "_" + digest
        name, number = f"{stem}_idx", 1
        while name in taken:
            number += 1
            name = f"{stem}_idx{number}"
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A candidate that was built on the ground: bytes and milliseconds of that build."""

    candidate: Candidate
    name: str
    bytes: int
    ms: float


_NOISE_MS, _NOISE_PAGES = 0.25, 8
_MUCH_QUICKER = 0.8  # of the time, for which more pages are forgiven
_ENDLESS = 1_000_000  # pages, of what was cut off


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One execution: milliseconds of CPU of the backend (planning included), pages of 8 KiB touched, rows returned.

    ``over``: it was cut off, and these are lower bounds.
    """

    cpu_ms: float
    buffers: int
    rows: int
    over: bool = False

    @property
    def work(self) -> float:
        """The logarithm of a mean of both: differences are ratios. Small constants keep tiny figures from mattering."""
        pages = max(self.buffers, _ENDLESS) if self.over else self.buffers
        return 0.5 * math.log(self.cpu_ms + 1.0) + 0.5 * math.log(pages + 8)


def loss(before: Measure, after: Measure) -> float:
    """How much longer something takes, or how many more pages, beyond what noise explains: a ratio's logarithm."""
    longer = math.log(max(after.cpu_ms, 1e-6) / max(before.cpu_ms, 1e-6))
    more = math.log(max(after.buffers, 1) / max(before.buffers, 1))
    if after.cpu_ms - before.cpu_ms <= _NOISE_MS:
        longer = min(longer, 0.0)
    if after.buffers - before.buffers <= _NOISE_PAGES or after.cpu_ms <= before.cpu_ms * _MUCH_QUICKER:
        more = 0.0
    return max(longer, more, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One query, one set of parameters: before and after all recommendations."""

    query: int
    form: int
    before: Measure | None
    after: Measure | None
    cost_before: float
    cost_after: float
    used: tuple[str, ...] = ()
    plan_before: dict[str, object] = field(default_factory=dict)
    plan_after: dict[str, object] = field(default_factory=dict)

    @property
    def certainty(self) -> Certainty:
        """Proved where both were run."""
        return Certainty.PROVED if self.before is not None and self.after is not None else Certainty.COMPUTED

    @property
    def gain(self) -> float:
        """How many times less work; 1 where nothing changed."""
        if self.before is not None and self.after is not None:
            return math.exp(self.before.work - self.after.work)
        return self.cost_before / max(self.cost_after, 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCost:
    """Inserting real rows into an empty copy of a table: before and after."""

    table: Name
    rows: int
    rows_per_second_before: float
    rows_per_second_after: float
    wal_bytes_before: int
    wal_bytes_after: int
    hot_lost: tuple[str, ...] = ()  # columns that UPDATEs of the workload set and that are newly indexed


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How often indexes were used, by name, ``since`` a day in words; and their bytes."""

    scans: Mapping[Name, int]
    bytes: Mapping[Name, int]
    since: str


RecommendationKind = Literal["create index", "drop index", "create statistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A statement to run. ``queries`` are those that it serves, with how many times less work each takes by it alone.

    ``before``: statements needed first (extensions); ``after``: what makes it count. ``undo`` takes it back.
    """

    kind: RecommendationKind
    sql: str
    undo: str
    table: Name
    certainty: Certainty
    reason: str
    index_kind: str = ""
    name: str = ""
    bytes: int = 0
    build_ms: float = 0.0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    queries: tuple[tuple[int, float], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something tried and not recommended, and why."""

    sql: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """Another way to ask. ``same``: whether it returned the same rows on the ground (None: not run)."""

    query: int
    rule: str
    why: str
    sql: str
    same: bool | None
    before: Measure | None = None
    after: Measure | None = None
    needs: tuple[str, ...] = ()

    @property
    def gain(self) -> float:
        """How many times less work."""
        if self.before is None or self.after is None:
            return 1.0
        return math.exp(self.before.work - self.after.work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Everything that ``pgassay tune`` found. Bytes are those of the ground, scaled where it is a sample."""

    ground: str
    server: str
    rows: dict[str, int]
    queries: tuple[Query, ...]
    recommendations: tuple[Recommendation, ...] = ()
    changes: tuple[Change, ...] = ()
    refused: tuple[Refused, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    writes: tuple[WriteCost, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    heap_bytes: int = 0
    budget: int | None = None
    candidates: int = 0
    seconds: float = 0.0
