"""Where a backfill stands: a row in the database itself, moved in the same transaction as the rows."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass

from pgassay.errors import InputError, PgassayError
from pgassay.migrate.backfill.ranges import Position
from pgassay.server import Connection, StatementError
from pgassay.sql.queries import queries

_QUERIES = queries("pgassay.migrate.backfill", "record.sql")
_EXISTS = {"42P06", "42P07", "23505", "42710"}  # another session was faster
_DYING = 5.0  # seconds for the session of a killed runner to end


class BackfillRunning(PgassayError):
    """This backfill is running already: {problem}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The row of ``pgassay.backfill``."""

    position: Position | None
    finish: Position | None
    run: int
    batches: int
    seen: int
    changed: int
    again: int
    size: int
    paused: bool
    finished: bool


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one backfill; ``id`` names it."""

    id: str

    def open(self, session: Connection, statement: str, relation: str, key: tuple[str, ...], size: int) -> State:
        """Take it, and make it where it is missing.

        Raises BackfillRunning where another session has it, InputError where it belongs to another statement or key,
        PgassayError where it cannot be made.
        """
        self._make(session)
        self._take(session)
        session.run(_QUERIES["insert"], [self.id, statement, relation, json.dumps(key), size])
        row = session.json(_QUERIES["load"], [self.id])
        if row["statement"] != statement or tuple(row["key"]) != key:
            what = "statement" if row["statement"] != statement else "key"
            raise InputError(
                f"the record {self.id} in pgassay.backfill was begun with another {what}",
                hint="Finish that one first, or forget it: "
                f"DELETE FROM pgassay.backfill WHERE id = '{self.id.replace(chr(39), chr(39) * 2)}'",
            )
        return self.load(session)

    def glance(self, session: Connection) -> State | None:
        """As it stands, seen from outside; None where there is none. Raises StatementError."""
        if session.value("SELECT pg_catalog.to_regclass('pgassay.backfill')") is None:
            return None
        return self.load(session) if session.value(_QUERIES["load"], [self.id]) is not None else None

    def load(self, session: Connection) -> State:
        """As it stands now."""
        row = session.json(_QUERIES["load"], [self.id])
        if row is None:
            raise PgassayError(f"the record {self.id} has gone from pgassay.backfill: somebody deleted it")
        return State(
            position=tuple(row["position"]) if row["position"] else None,
            finish=tuple(row["finish"]) if row["finish"] else None,
            run=row["pass"],
            batches=row["batches"],
            seen=row["seen"],
            changed=row["changed"],
            again=row["again"],
            size=row["size"],
            paused=row["paused"],
            finished=row["finished_at"] is not None,
        )

    def begin(self, session: Connection, run: int, finish: Position | None) -> None:
        """A pass begins: from the first row to ``finish``."""
        session.run(_QUERIES["begin_pass"], [self.id, run, None if finish is None else json.dumps(finish)])

    def advance(
        self, session: Connection, state: State, position: Position, seen: int, changed: int, again: int
    ) -> bool:
        """Within the batch's transaction: it is done up to ``position``. Whether a pause is asked for.

        Raises BackfillRunning where another session was here since ``state`` was read.
        """
        values: list[str | int] = [self.id, state.batches, json.dumps(position), seen, changed, again, state.size]
        rows = session.run(_QUERIES["advance"], values)
        if not rows:
            raise BackfillRunning("its record has moved since we read it")
        return bool(rows[0][0] == "t")

    def paused(self, session: Connection) -> bool:
        """Whether the record's flag asks for a pause."""
        return session.value(_QUERIES["paused"], [self.id]) == "t"

    def finish(self, session: Connection) -> None:
        """It is done."""
        session.run(_QUERIES["finish"], [self.id])

    def forget(self, session: Connection) -> None:
        """Begin anew next time."""
        self._make(session)
        session.run(_QUERIES["forget"], [self.id])

    def _make(self, session: Connection) -> None:
        if session.value("SELECT pg_catalog.to_regclass('pgassay.backfill')") is not None:
            return
        try:
            session.run(_QUERIES["create"])
        except StatementError as error:
            if error.sqlstate not in _EXISTS:
                raise PgassayError(
                    f"the place of a backfill is kept in the table pgassay.backfill, which could not be made: {error}",
                    hint="Let somebody who may run CREATE SCHEMA pgassay AUTHORIZATION … first.",
                ) from None

    def _take(self, session: Connection) -> None:
        deadline = time.monotonic() + _DYING
        while session.value(_QUERIES["lock"], [self.id]) != "t":
            if time.monotonic() > deadline:
                holder = None
                with contextlib.suppress(StatementError):
                    holder = session.value(_QUERIES["holder"], [self.id])
                raise BackfillRunning(
                    holder or "another session holds its lock", hint="Wait for it, or end it: its place is kept."
                )
            time.sleep(0.05)
