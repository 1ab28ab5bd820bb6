"""What one session sees and holds between two statements, and what a statement did by the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pgassay.model import Name, Statement
from pgassay.model.actions import Copy, Delete, Insert, Query, Truncate, Update
from pgassay.model.observations import LOCK_MODES, Loss, Work
from pgassay.server import Connection
from pgassay.sql.queries import queries

_MODES = {mode.title().replace(" ", "") + "Lock": mode for mode in LOCK_MODES}


@dataclass(frozen=True, slots=True)
class Relation:
    """A row of pg_class. ``file`` is the relfilenode, ``table`` an index's table (by OID)."""

    name: Name
    kind: str
    file: int
    table: int | None
    valid: bool | None


@dataclass(frozen=True, slots=True)
class Counters:
    """Tuples that this session read by sequential scans, inserted, updated and deleted, not yet reported."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def since(self, before: Counters) -> Counters:
        """The growth; counters start again from zero whenever the session reports its statistics."""
        if self.read < before.read or self.inserted < before.inserted:
            return self
        return Counters(
            self.read - before.read,
            self.inserted - before.inserted,
            max(self.updated - before.updated, 0),
            max(self.deleted - before.deleted, 0),
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything by OID."""

    relations: dict[int, Relation] = field(default_factory=dict)
    columns: dict[int, dict[int, str]] = field(default_factory=dict)
    locks: dict[int, str] = field(default_factory=dict)  # the strongest mode
    counters: dict[int, Counters] = field(default_factory=dict)

    @property
    def invalid_indexes(self) -> dict[int, Relation]:
        """Indexes that a failed CREATE INDEX CONCURRENTLY left behind (and those being built)."""
        return {oid: r for oid, r in self.relations.items() if r.valid is False and r.kind == "i"}


def snapshot(connection: Connection) -> Snapshot:
    """Look, in one round trip, without taking a lock on any user's table."""
    found = connection.json(queries("pgassay.rehearsal", "snapshot.sql")["snapshot"])
    locks: dict[int, str] = {}
    for oid, word in found["locks"] or ():
        mode = _MODES.get(word)
        if mode and LOCK_MODES.index(mode) >= LOCK_MODES.index(locks.get(int(oid), LOCK_MODES[0])):
            locks[int(oid)] = mode
    return Snapshot(
        relations={
            int(oid): Relation(
                Name(schema, name), kind, int(file or 0), int(table) if table is not None else None, valid
            )
            for oid, (schema, name, kind, file, table, valid) in (found["relations"] or {}).items()
        },
        columns={
            int(oid): {int(number): name for number, name in columns.items()}
            for oid, columns in (found["columns"] or {}).items()
        },
        locks=locks,
        counters={int(oid): Counters(*numbers) for oid, numbers in (found["counters"] or {}).items()},
    )


def _grows(statement: Statement) -> bool:
    """Whether reading a table is the statement's own business and not a check that stops the traffic."""
    return any(isinstance(a, Query | Insert | Update | Delete | Copy) for a in statement.actions)


def work(
    statement: Statement,
    before: Snapshot,
    after: Snapshot,
    tables: Mapping[int, Name],
    rows: Mapping[Name, int],
    ms: float,
) -> tuple[Work, ...]:
    """What the statement did that grows with the rows of tables that stood before the change."""
    found: list[Work] = []
    reads = _grows(statement)
    truncates = any(isinstance(a, Truncate) for a in statement.actions)
    # A type change that keeps an index makes a new entry for the old file (ALTER TABLE, TryReuseIndex).
    files = {relation.file for relation in before.relations.values()}
    for oid, table in tables.items():
        held = rows.get(table, 0)
        new, old = after.relations.get(oid), before.relations.get(oid)
        if not held or new is None or old is None:
            continue
        counted = after.counters.get(oid, Counters()).since(before.counters.get(oid, Counters()))
        built = [
            relation.name.name
            for index, relation in after.relations.items()
            if relation.table == oid and relation.kind == "i"
            and relation.file not in files
        ]  # fmt: skip
        if new.file != old.file and not truncates:
            found.append(Work(kind="rewrite", table=table, rows=held, ms=ms))
        elif built and not truncates:
            found.extend(Work(kind="index build", table=table, rows=held, ms=ms, index=name) for name in built)
        elif counted.updated or counted.deleted:
            changed = counted.updated + counted.deleted
            found.append(Work(kind="rows changed", table=table, rows=changed, ms=ms))
        elif not reads and counted.read >= held / 2:
            found.append(Work(kind="scan", table=table, rows=held, ms=ms))
    return tuple(found)


def losses(
    statement: Statement,
    first: Snapshot,
    before: Snapshot,
    after: Snapshot,
    tables: Mapping[int, Name],
    rows: Mapping[Name, int],
) -> tuple[Loss, ...]:
    """What stood before the change (``first``), was there before the statement and is not there after it."""
    found: list[Loss] = []
    truncates = any(isinstance(a, Truncate) for a in statement.actions)
    for oid, table in tables.items():
        old, new = before.relations.get(oid), after.relations.get(oid)
        held = rows.get(table, 0)
        if old is None or old.kind not in {"r", "p"}:
            continue
        if new is None:
            found.append(Loss(kind="table", table=table, count=held))
            continue
        old_columns = first.columns.get(oid, {})
        gone = old_columns.keys() & before.columns.get(oid, {}).keys() - after.columns.get(oid, {}).keys()
        found.extend(
            Loss(kind="column", table=table, column=old_columns[number], count=held) for number in sorted(gone)
        )
        counted = after.counters.get(oid, Counters()).since(before.counters.get(oid, Counters()))
        if truncates and new.file != old.file and held:
            found.append(Loss(kind="rows", table=table, count=held))
        elif counted.deleted:
            found.append(Loss(kind="rows", table=table, count=counted.deleted))
    return tuple(found)
