"""Play a transaction on a scratch database exactly as its runner would send it, and look after each statement."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pgassay.errors import InputError
from pgassay.model import Name, Statement, Transaction, quote
from pgassay.model.actions import (
    AddColumn,
    AlterType,
    Copy,
    CreateExtension,
    CreateRole,
    Delete,
    Insert,
    TableAction,
    Transact,
    Update,
)
from pgassay.rehearsal.absent import absent
from pgassay.rehearsal.snapshot import Snapshot, snapshot
from pgassay.rehearsal.watch import Allow, watch
from pgassay.server import Connection, ConnectionLost, Server, ServerMessage, StatementError
from pgassay.server.extensions import install, trusted
from pgassay.sql.alone import stands_alone

MISTYPED = {"42804", "42883"}  # datatype_mismatch; an operator that does not exist
_UNDEFINED = {"42P01", "42703", "42704", "42883", "3F000", "42P02"}


@dataclass(slots=True, kw_only=True)
class Play:
    """One statement as played. ``unit`` numbers the transaction in which it ran; ``retried`` tells that it failed and
    ran after all once the rows in its way were gone; ``ran`` is the SQL that took effect."""

    statement: Statement
    unit: int
    ms: float = 0.0
    before: Snapshot = field(default_factory=Snapshot)
    after: Snapshot = field(default_factory=Snapshot)
    error: ServerMessage | None = None
    missing: bool = False
    skipped: str | None = None
    retried: bool = False
    left_invalid: tuple[Name, ...] = ()
    ran: tuple[str, ...] = ()


def play(
    server: Server,
    database: str,
    transaction: Transaction,
    *,
    limit: float,
    heal: bool = False,
    look: bool = True,
    before_each: Callable[[Connection, Statement], None] | None = None,
    after_each: Callable[[Connection, Statement], None] | None = None,
    refill: Callable[[Connection], None] | None = None,
    cut: Sequence[Statement] = (),
    progress: Callable[[str], None] | None = None,
) -> list[Play]:
    """Play every statement in one session, as the runner would.

    After an error the statement's effects are rolled back and the next one goes on, so that one run shows all there
    is to see; with ``heal`` the rows in its way are deleted first and it is tried once more (``refill`` may then put
    others in their place). ``limit`` is the time that one statement may take, in seconds: InputError beyond it.
    DiskFull where the disk is. ``cut``: statements of earlier transactions that could not be run; what they would have
    made is ``missing`` here.
    """
    with server.connect(database) as session, watch(server, session, "this migration") as allow:
        player = _Player(server, database, transaction, limit, allow, heal, look, before_each, after_each, refill)
        player.cut.extend(cut)
        session.run(f"SET statement_timeout = {int(limit * 1000)}")
        for statement in transaction.statements:
            if progress:
                progress(f"{statement.path}:{statement.line}")
            player.play(session, statement)
        player.finish(session)
    return player.plays


def _changes_rows(statement: Statement) -> bool:
    """Whether rows are the statement's own business: emptying the table would be no cure."""
    return any(isinstance(a, Insert | Update | Delete | Copy) for a in statement.actions)


def _owes(cut: Statement, error: ServerMessage) -> bool:
    """Whether what is undefined may be what the statement would have made: it names it, or an extension would."""
    names = re.findall(r'"([^"]+)"|function ([\w.]+)\(', error.message)
    words = {word.rpartition(".")[2] for pair in names for word in pair if word}
    return any(cut.of(CreateExtension)) or any(word in cut.text for word in words)


def _retypes(cut: Statement, statement: Statement, error: ServerMessage) -> bool:
    """Whether types may differ only because the statement that would have made them equal did not run."""
    told = f"{error.message} {error.detail or ''}"
    return any(
        altered.table.name in f"{statement.text} {told}"
        and (f'"{altered.column}"' in told or error.sqlstate == "42883")
        for altered in cut.of(AlterType)
    )


def left_out(plays: Sequence[Play]) -> tuple[Statement, ...]:
    """The statements that did not run in the end."""
    return tuple(p.statement for p in plays if (p.error and not p.retried) or p.missing)


def _ends(statement: Statement) -> bool:
    """Whether the statement begins or ends a transaction."""
    return any(t.kind in {"begin", "commit", "rollback"} for t in statement.of(Transact))


def _aside(played: Play) -> Play:
    """Where the time of a repetition goes: it is none of the statement's own."""
    return Play(statement=played.statement, unit=played.unit)


class _Player:
    def __init__(
        self,
        server: Server,
        database: str,
        transaction: Transaction,
        limit: float,
        allow: Allow,
        heal: bool,
        look: bool,
        before_each: Callable[[Connection, Statement], None] | None,
        after_each: Callable[[Connection, Statement], None] | None,
        refill: Callable[[Connection], None] | None,
    ) -> None:
        self.server = server
        self.database = database
        self.limit = limit
        self.allow = allow
        self.heal = heal
        self.look = look
        self.before_each = before_each
        self.after_each = after_each
        self.refill = refill
        self.unit = 0
        self.one_block = transaction.mode == "block" or (
            transaction.mode == "query" and len(transaction.statements) > 1
        )
        self.begun = False
        self.last = Snapshot()
        self.looked = -1  # the unit of the last look
        self.cut: list[Statement] = []  # statements that could not be run for want of something
        self.plays: list[Play] = []

    # One statement

    def play(self, session: Connection, statement: Statement) -> None:
        played = Play(statement=statement, unit=self.unit)
        self.plays.append(played)
        reason = self._beforehand(statement)
        if reason is not None:
            played.skipped = reason or None
            played.missing = bool(reason)
            played.before = played.after = self.last
            return
        wrapped = self._open(session, statement)
        played.unit = self.unit
        if self.before_each:
            self.before_each(session, statement)
        # Inside one transaction the last look still holds, unless a callback read tables itself.
        held = self.looked == self.unit and not wrapped and not self._reads(statement)
        played.before = self.last if held else self._look(session)
        guarded = session.transaction == "open" and not any(statement.of(Transact))
        if guarded:
            session.run("SAVEPOINT pgassay")
        error = self._timed(session, statement, statement.text, played)
        if error is not None and session.transaction == "idle" and _ends(statement):
            error = self._recover(session, error)
        if error is not None:
            played.error = error
            played.missing = self._is_missing(statement, error)
            if guarded:
                session.run("ROLLBACK TO SAVEPOINT pgassay")
            elif session.transaction == "failed":
                session.run("ROLLBACK")
            if not guarded:
                played.left_invalid = self._left_invalid(session, played)
            if self.heal and not played.missing:
                played.retried = self._retry(session, statement, played, guarded)
            if not played.retried:
                self.cut.append(statement)
        else:
            played.ran = (statement.text,)
            if guarded:
                session.run("RELEASE SAVEPOINT pgassay")
        played.after = self._look(session)
        if self.after_each and session.transaction != "failed":
            self.after_each(session, statement)
        if wrapped and session.transaction != "idle":
            self._commit(session, played)
        self.last = played.after
        self.looked = -1 if self._reads(statement) else self.unit

    def _reads(self, statement: Statement) -> bool:
        """Whether the callbacks read tables around this statement: those scans must not count as its own."""
        return self.look and bool(self.before_each or self.after_each) and any(statement.of(AlterType))

    def finish(self, session: Connection) -> None:
        """Commit what the runner would commit."""
        if session.transaction == "open" and self.plays:
            self._commit(session, self.plays[-1])

    def _open(self, session: Connection, statement: Statement) -> bool:
        """Begin a transaction where the runner, or autocommit, has one. True where it ends with the statement."""
        if session.transaction == "idle" and any(t.kind == "begin" for t in statement.of(Transact)):
            self.unit += 1
        if session.transaction != "idle" or any(statement.of(Transact)):
            return False
        if self.one_block and not self.begun:
            session.run("BEGIN")
            self.begun = True
            return False
        self.unit += 1
        if stands_alone(statement):
            return False
        session.run("BEGIN")
        return True

    def _beforehand(self, statement: Statement) -> str | None:
        """What is done before the statement, in its place: a reason (perhaps empty) where it must not run itself."""
        for extension in statement.of(CreateExtension):
            if trusted(self.server, extension.name):
                continue
            outcome = install(self.server, self.database, extension.name, extension.schema)
            if outcome == "missing":
                self.cut.append(statement)
                return (
                    f"extension {extension.name} is not available on the scratch server"
                    f" (PostgreSQL {self.server.binaries.version}); --postgres-bin names one that has it"
                )
            return ""
        for role in statement.of(CreateRole):
            if role.name in self.server.roles():
                return ""  # made by an earlier run of the same migration: roles belong to the whole server
        return None

    def _timed(self, session: Connection, statement: Statement, sql: str, played: Play) -> ServerMessage | None:
        start = time.perf_counter()
        self.allow(self.limit + 1.0)
        try:
            session.run(sql)
            return None
        except StatementError as error:
            if error.sqlstate == "57014" and time.perf_counter() - start >= self.limit * 0.9:
                raise self._endless(statement) from None
            return error.report
        except ConnectionLost:
            if time.perf_counter() - start >= self.limit:
                raise self._endless(statement) from None
            with self.server.connect("postgres"):  # else the server itself is gone, and its owner knows why
                pass
            raise InputError(
                "the scratch server lost its session while it ran this statement",
                path=statement.path,
                line=statement.line,
            ) from None
        finally:
            self.allow(None)
            played.ms += (time.perf_counter() - start) * 1000

    def _endless(self, statement: Statement) -> InputError:
        return InputError(
            f"this statement did not end within {self.limit:g} s on the scratch server",
            path=statement.path,
            line=statement.line,
            hint="Give it more time with --statement-timeout SECONDS, or fewer rows with --rows.",
        )

    # Ends of transactions

    def _commit(self, session: Connection, played: Play) -> None:
        error = self._timed(session, played.statement, "COMMIT", played)
        if error is not None:  # a deferred constraint
            self._recover(session, error)

    def _recover(self, session: Connection, error: ServerMessage) -> ServerMessage | None:
        """The whole transaction was rolled back at its end: find the statement to blame and run the others again.

        Returns the error where there is none to blame.
        """
        unit = [p for p in self.plays if p.unit == self.unit and p.ran and not _ends(p.statement)]
        left: ServerMessage | None = error
        while unit and left:
            guilty = self._to_blame(session, unit) if len(unit) > 1 else unit[0]
            guilty.error, guilty.ran = left, ()
            self.cut.append(guilty.statement)
            unit.remove(guilty)
            session.run("BEGIN")
            for played in unit:
                self._once_more(session, played)
            left = self._timed(session, guilty.statement, "COMMIT", guilty)
        return left

    def _to_blame(self, session: Connection, unit: list[Play]) -> Play:
        """The first statement from which on deferred constraints are violated, to the end of the transaction."""
        blamed: Play | None = None
        session.run("BEGIN")
        for played in unit:
            self._once_more(session, played)
            session.run("SAVEPOINT pgassay")
            violated = self._timed(session, played.statement, "SET CONSTRAINTS ALL IMMEDIATE", _aside(played))
            session.run("ROLLBACK TO SAVEPOINT pgassay; RELEASE SAVEPOINT pgassay")
            blamed = (blamed or played) if violated else None
        session.run("ROLLBACK")
        return blamed or unit[-1]

    def _once_more(self, session: Connection, played: Play) -> None:
        """What took effect before, without looks. What needs the statement to blame does without it now."""
        for sql in played.ran:
            session.run("SAVEPOINT pgassay")
            if self._timed(session, played.statement, sql, _aside(played)):
                session.run("ROLLBACK TO SAVEPOINT pgassay")
            session.run("RELEASE SAVEPOINT pgassay")

    def _look(self, session: Connection) -> Snapshot:
        return snapshot(session) if self.look and session.transaction != "failed" else self.last

    # Errors

    def _is_missing(self, statement: Statement, error: ServerMessage) -> bool:
        if absent(error):
            return True
        if error.sqlstate in MISTYPED and any(_retypes(cut, statement, error) for cut in self.cut):
            return True
        return error.sqlstate in _UNDEFINED and any(_owes(cut, error) for cut in self.cut)

    def _left_invalid(self, session: Connection, played: Play) -> tuple[Name, ...]:
        if not self.look:
            return ()
        known = played.before.invalid_indexes
        return tuple(r.name for oid, r in snapshot(session).invalid_indexes.items() if oid not in known)

    def _retry(self, session: Connection, statement: Statement, played: Play, guarded: bool) -> bool:
        """Take what stood in the way out of it and run the statement once more."""
        for preparation, sql in self._cures(statement, played.error):
            try:
                if guarded:
                    session.run("SAVEPOINT pgassay")
                elif session.transaction == "idle" and not stands_alone(statement):
                    session.run("BEGIN")
                for line in preparation:
                    session.run(line)
                # The cure's own traces must not count as the statement's.
                played.before = self._look(session)
                played.ms = 0.0
                if self._timed(session, statement, sql, played) is None:
                    played.ran = (*preparation, sql)
                    if self.refill and any(line.startswith("TRUNCATE") for line in preparation):
                        self.refill(session)
                    return True
            except StatementError:
                pass
            if guarded:
                session.run("ROLLBACK TO SAVEPOINT pgassay")
            elif session.transaction == "failed":
                session.run("ROLLBACK")
        return False

    def _cures(self, statement: Statement, error: ServerMessage | None) -> Iterator[tuple[list[str], str]]:
        if error is None:
            return
        if error.sqlstate == "25001":  # CONCURRENTLY inside a transaction
            yield [], re.sub(r"\bCONCURRENTLY\b", "", statement.text, count=1, flags=re.IGNORECASE)
            return
        if error.sqlstate[:2] not in {"23", "22", "42"}:
            return
        table = next((a.table for a in statement.actions if isinstance(a, TableAction)), None)
        if error.sqlstate == "23502" and len(statement.actions) == 1:
            for added in statement.of(AddColumn):
                yield [], f"ALTER TABLE {added.table} ADD COLUMN {quote(added.column.name)} {added.column.type}"
        if error.sqlstate == "23502" and error.table and error.column:
            yield [f"DELETE FROM {Name(error.schema, error.table)} WHERE {quote(error.column)} IS NULL"], statement.text
        if table is not None and error.sqlstate[:2] != "42" and not _changes_rows(statement):
            yield [f"TRUNCATE {table} CASCADE"], statement.text
