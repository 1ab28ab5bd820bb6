"""What a rule looks at: one statement in the light of all that is known about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pgassay.catalog import Catalog, Column, Table
from pgassay.model import Certainty, Evidence, Finding, Migration, Name, Remedy, Runner, Statement, Transaction, Verdict
from pgassay.model.actions import Transact
from pgassay.model.observations import LOCK_MODES, Break, Lock, Loss, Observation, Work
from pgassay.sql.alone import stands_alone

TINY_MS = 50.0  # a wait that nobody notices, where production's row counts are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Reads or writes of a table that wait while work that grows with its rows is done."""

    table: Name
    who: str  # "writes", "reads and writes"
    duration: str  # "for about 420 ms at 1,000,000 rows (estimated)", or "" where unknown
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A statement of a change. ``seen`` is None in a static review: then only the text speaks.

    ``created``: relations made earlier in the same change, which are new and empty. ``earlier`` and ``later``: the
    other statements of its transaction. ``known``: production's row counts. ``assumed``: tables that nobody created
    and that were inferred.
    """

    statement: Statement
    transaction: Transaction
    runner: Runner
    seen: Observation | None = None
    before: Catalog | None = None
    after: Catalog | None = None
    created: frozenset[Name] = frozenset()
    renamed: Mapping[Name, Name] = field(default_factory=dict)
    columns: Mapping[tuple[Name, str], str | None] = field(default_factory=dict)
    earlier: tuple[Statement, ...] = ()
    later: tuple[Statement, ...] = ()
    observations: tuple[Observation, ...] = ()
    rows: Mapping[Name, int] = field(default_factory=dict)
    known: Mapping[Name, int] = field(default_factory=dict)
    assumed: frozenset[Name] = frozenset()

    # What is known

    @property
    def static(self) -> bool:
        """Whether nothing was run."""
        return self.seen is None

    @property
    def migration(self) -> Migration | None:
        """The file that holds the statement."""
        return next((m for m in self.transaction.migrations if m.path == self.statement.path), None)

    @property
    def in_transaction(self) -> bool:
        """Whether the runner sends it inside a transaction with others."""
        mode = self.transaction.mode
        return mode == "block" or (mode == "query" and len(self.transaction.statements) > 1)

    @property
    def together(self) -> tuple[Statement, ...]:
        """The earlier statements that share this one's transaction; BEGIN and COMMIT in the file count."""
        whole = self.in_transaction
        within: list[Statement] = []
        block = False
        for statement in self.earlier:
            kinds = {t.kind for t in statement.of(Transact)}
            if kinds & {"begin", "commit", "rollback"}:
                block, whole = "begin" in kinds, whole and not kinds & {"commit", "rollback"}
                if not whole:
                    within = []
            elif whole or block:
                within.append(statement)
        return tuple(within)

    def full(self, name: Name) -> Name:
        """The name with its schema, as it stood before: a table renamed earlier in the change by its old name."""
        now = self._now(name)
        return self.renamed.get(now, now)

    def _now(self, name: Name) -> Name:
        if name.schema:
            return name
        table = self.before.table(name) if self.before else None
        return table.name if table else name.within("public")

    def table(self, name: Name) -> Table | None:
        """The table as it stood before the change; None where it is new (or in a static review)."""
        return self.before.table(self.full(name)) if self.before else None

    def fresh(self, name: Name) -> bool:
        """Whether the relation is made by this very change: nobody can wait for it yet, and it holds no rows."""
        now = self._now(name)
        if now in self.renamed:
            return False
        if now in self.created or name.schema == "pg_temp" or Name("pg_temp", name.name) in self.created:
            return True
        return self.before is not None and self.seen is not None and self._relation(name) is None

    def column(self, name: Name, column: str) -> Column | None:
        """A table's column as it stood before; None where the change adds it (or in a static review)."""
        table = self.table(name)
        old = self._old_column(name, column)
        return table.column(old) if table and old and not self.fresh(name) else None

    def fresh_column(self, name: Name, column: str) -> bool:
        """Whether this very change adds the column, so that no application knows it yet."""
        if self.fresh(name) or self._old_column(name, column) is None:
            return True
        return self.table(name) is not None and self.column(name, column) is None

    def _old_column(self, name: Name, column: str) -> str | None:
        return self.columns.get((self.full(name), column), column)

    def _relation(self, name: Name) -> object | None:
        if self.before is None:
            return None
        full = self.full(name)
        return self.before.table(full) or next((v for v in self.before.views if v.name == full), None)

    # What was seen

    def held(self, table: Name) -> Lock | None:
        """The strongest lock on a table that earlier statements of its transaction gained and that is still held."""
        here = len(self.earlier)
        places = {id(o.statement): number for number, o in enumerate(self.observations)}
        held = [
            lock
            for seen in self.observations[:here]
            if (lock := seen.lock(self.full(table))) and places.get(id(lock.held_until), -1) >= here
        ]
        return max(held, key=lambda lock: LOCK_MODES.index(lock.mode), default=None)

    def wait(self, name: Name, mode: str) -> Wait | None:
        """Whether traffic on a table waits for this statement's work on it.

        ``mode`` is the lock that the text lets one expect; in a live review the lock and the work that were seen
        decide. None where the table is new, where no such work was seen, or where production's rows are few.
        """
        if self.fresh(name):
            return None
        table = self.full(name)
        if self.seen is None:
            return Wait(table=table, who=_who(mode == "ACCESS EXCLUSIVE"), duration="")
        lock = self.seen.lock(table)
        if lock is None and LOCK_MODES.index(mode) >= LOCK_MODES.index("SHARE"):
            # Inside a transaction the lock may be there already; outside one it is gone before anybody can look.
            lock = self._released(table, mode) if stands_alone(self.statement) else self.held(table)
        done = [w for w in self.seen.work if w.kind != "rows changed" and (w.table == table or lock)]
        if lock is None or not lock.blocks_writes or not done:
            return None
        estimate = lock.estimated_ms if lock.estimated_ms is not None else lock.held_ms
        if all(w.table in self.known for w in done) and estimate < TINY_MS:
            return None
        return Wait(
            table=table,
            who=_who(lock.blocks_reads),
            duration=duration(lock, done),
            evidence=(lock_evidence(lock), *map(work_evidence, done)),
        )

    def _released(self, table: Name, mode: str) -> Lock | None:
        """The lock that a statement outside any transaction must have held while it did its work."""
        done = self.seen.work_on(table) if self.seen else ()
        estimates = [w.estimated_ms for w in done if w.estimated_ms is not None]
        if self.seen is None or not done:
            return None
        return Lock(
            table=table,
            mode=mode,
            held_ms=self.seen.ms,
            held_until=self.statement,
            estimated_ms=max(estimates, default=None),
        )

    def losses(self, name: Name | None = None, column: str | None = None) -> tuple[Loss, ...]:
        """The data lost, of one table or column where given."""
        table = self.full(name) if name else None
        old = self._old_column(name, column) if name and column else column
        return tuple(
            loss
            for loss in (self.seen.losses if self.seen else ())
            if (table is None or loss.table == table) and (column is None or loss.column == old)
        )

    def breaks(self, name: Name | None = None, column: str | None = None) -> tuple[Break, ...]:
        """The statements of the old application that fail from here on, of one table or column where given."""
        table = self.full(name) if name else None
        old = self._old_column(name, column) if name and column else column
        return tuple(
            b
            for b in (self.seen.breaks if self.seen else ())
            if (table is None or b.table in {table, None}) and (column is None or b.column in {old, None})
        )

    # What is said

    def finding(
        self,
        verdict: Verdict,
        message: str,
        *,
        subject: Name | tuple[Name, str] | str = "",
        certainty: Certainty | None = None,
        remedy: Remedy | str | None = None,
        evidence: Iterable[Evidence] = (),
    ) -> Finding:
        """A finding at this statement; the judge fills in the rule. ``certainty`` falls where a table was assumed."""
        if isinstance(subject, tuple):
            named: Name | None = self.full(subject[0])
            words = f"{named}.{subject[1]}"
        elif isinstance(subject, Name):
            named = self.full(subject)
            words = str(named)
        else:
            named, words = None, subject
        sure = certainty or (Certainty.PRESUMED if self.static else Certainty.PROVED)
        shown = tuple(evidence)
        if sure is Certainty.PROVED and named is not None and named in self.assumed:
            sure = Certainty.COMPUTED
            shown += (
                Evidence(kind="assumed", text=f"{named} is created nowhere; its shape was inferred from its use"),
            )
        return Finding(
            rule="",
            verdict=verdict,
            certainty=sure,
            path=self.statement.path,
            line=self.statement.line,
            statement=self.statement.text,
            message=message,
            subject=words,
            remedy=Remedy(sql=remedy) if isinstance(remedy, str) else remedy,
            evidence=shown,
        )


def _who(reads: bool) -> str:
    return "reads and writes" if reads else "writes"


def milliseconds(ms: float) -> str:
    """A time for a person: ``0.4 ms``, ``320 ms``, ``4.2 s``, ``3 min``."""
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 120_000:
        return f"{ms / 1000:.1f} s"
    return f"{ms / 60_000:.0f} min"


def duration(lock: Lock, done: Iterable[Work]) -> str:
    """How long a lock is held: estimated at production's size where that could be, else as measured."""
    if lock.estimated_ms is not None:
        at = max((w.at_rows or 0 for w in done), default=0)
        return f"for about {milliseconds(lock.estimated_ms)} at {at:,} rows (estimated)"
    return f"for {milliseconds(lock.held_ms)} on the scratch server"


def lock_evidence(lock: Lock) -> Evidence:
    """A lock as seen."""
    return Evidence(
        kind="lock",
        text=f"{lock.mode} on {lock.table}, held {milliseconds(lock.held_ms)} to the end of its transaction",
        data={"table": str(lock.table), "mode": lock.mode, "held_ms": round(lock.held_ms, 3),
              "estimated_ms": None if lock.estimated_ms is None else round(lock.estimated_ms, 1)},
    )  # fmt: skip


def work_evidence(done: Work) -> Evidence:
    """Work as seen."""
    words = {
        "rewrite": f"{done.table} was rewritten",
        "scan": f"{done.table} was scanned",
        "index build": f"index {done.index} was built on {done.table}",
        "rows changed": f"rows of {done.table} were changed",
    }[done.kind]
    kinds = {"rewrite": "rewrite", "scan": "scan", "index build": "index", "rows changed": "rows"}
    estimate = (
        "" if done.estimated_ms is None else f"; about {milliseconds(done.estimated_ms)} at {done.at_rows:,} rows"
    )
    return Evidence(
        kind=kinds[done.kind],  # type: ignore[arg-type]
        text=f"{words}: {done.rows:,} rows in {milliseconds(done.ms)}{estimate}",
        data={"table": str(done.table), "rows": done.rows, "ms": round(done.ms, 3), "at_rows": done.at_rows,
              "estimated_ms": None if done.estimated_ms is None else round(done.estimated_ms, 1)},
    )  # fmt: skip


def break_evidence(breaks: Iterable[Break], most: int = 3) -> tuple[Evidence, ...]:
    """Statements of the old application that stopped working: the first few, and how many more."""
    all_of_them = tuple(breaks)
    shown = tuple(
        Evidence(kind="probe", text=f"{_short(b.sql)} → {b.error}", data={"sql": b.sql, "sqlstate": b.sqlstate,
                                                                          "source": b.source})
        for b in all_of_them[:most]
    )  # fmt: skip
    if len(all_of_them) > most:
        more = len(all_of_them) - most
        shown += (
            Evidence(kind="probe", text=f"and {more} more statements of the old application", data={"more": more}),
        )
    return shown


def failure_evidence(seen: Observation | None) -> tuple[Evidence, ...]:
    """The server's own words."""
    failure = seen.failure if seen else None
    if failure is None:
        return ()
    when = {
        "always": "on empty tables too",
        "rows": "on a table with rows",
        "values": "with some values",
        "missing": "on the scratch server",
    }[failure.cause]
    detail = f" {failure.detail}" if failure.detail else ""
    return (
        Evidence(
            kind="error",
            text=f"{failure.message} ({when}; SQLSTATE {failure.sqlstate}).{detail}",
            data={"sqlstate": failure.sqlstate, "cause": failure.cause, "message": failure.message},
        ),
    )


def loss_evidence(losses: Iterable[Loss]) -> tuple[Evidence, ...]:
    """Data that is gone, with the number of rows of the rehearsal."""
    return tuple(
        Evidence(
            kind="lost",
            text={
                "table": f"table {loss.table} with {loss.count:,} rows is gone",
                "column": f"column {loss.column} of {loss.table}, {loss.count:,} rows, cannot be read any more",
                "rows": f"{loss.count:,} rows of {loss.table} are gone",
                "values": f"{loss.count:,} values of {loss.table}.{loss.column} were changed"
                + (f", such as {loss.example!r}" if loss.example else ""),
            }[loss.kind],
            data={"kind": loss.kind, "table": str(loss.table), "column": loss.column, "rows": loss.count},
        )
        for loss in losses
    )


def _short(sql: str, most: int = 110) -> str:
    one = " ".join(sql.split())
    return one if len(one) <= most else one[: most - 1] + "…"
