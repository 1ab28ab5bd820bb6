"""Acting as a tenant: one transaction a try, rolled back, with a look from aside before it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.catalog import Catalog
from pgassay.model import Name
from pgassay.rehearsal.isolation.model import Actor
from pgassay.server import Connection, ServerMessage, StatementError

_LIMIT = "5s"
DENIED = "42501"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back, or the server's refusal; ``looked``: the owner's view of what is there after it."""

    rows: tuple[tuple[str | None, ...], ...] = ()
    error: ServerMessage | None = None
    looked: tuple[str | None, ...] = ()

    @property
    def state(self) -> str:
        """The SQLSTATE, or nothing where it worked."""
        return self.error.sqlstate if self.error else ""


class Bench:
    """Tries statements on one database, and counts them."""

    def __init__(self, session: Connection, catalog: Catalog) -> None:
        self.session = session
        self.forced = [t.name for t in catalog.tables if t.force_row_security]
        self.tried = 0

    def attempt(
        self,
        actor: Actor | None,
        sql: str,
        *,
        before: Sequence[str] = (),
        look: Sequence[str] = (),
        free: Sequence[Name] | None = None,
    ) -> Outcome:
        """Run SQL as an actor (None: as the owner, bound by nothing). ``before``: what the owner does first; ``look``:
        what it sees afterwards, ``free`` of row security on these tables (all)."""
        self.tried += 1
        with self.session.rolled_back():
            try:
                self.session.run(f"SET LOCAL statement_timeout = '{_LIMIT}'")
                if actor is None:
                    self._unforce(free)
                for statement in before:
                    self.session.run(statement)
                if actor is not None:
                    self.session.run(actor.sql)
                rows = tuple(tuple(row) for row in self.session.run(sql))
                self.session.run("SET CONSTRAINTS ALL IMMEDIATE")
            except StatementError as error:
                return Outcome(error=error.report)
            finally:
                self.session.notices()
            if not look:
                return Outcome(rows)
            try:
                self.session.run("RESET ROLE")
                if actor is not None:
                    self._unforce(free)
                return Outcome(rows, None, tuple(self.session.value(query) for query in look))
            except StatementError as error:
                return Outcome(rows, error.report)

    def freely(self, name: Name) -> tuple[str, ...]:
        """What lets the owner see all rows of a table, for a statement that is run before an attempt."""
        return (f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY",) if name in self.forced else ()

    def _unforce(self, free: Sequence[Name] | None) -> None:
        names = self.forced if free is None else [n for n in self.forced if n in free]
        if names:
            self.session.run("; ".join(f"ALTER TABLE {n} NO FORCE ROW LEVEL SECURITY" for n in names))


def script(actor: Actor, sql: str) -> str:
    """The whole transaction, to be run again by anybody who may SET ROLE."""
    told = " ".join(actor.sql.split("\n"))
    return f"BEGIN; {told}\n{sql.rstrip(';')};\nROLLBACK;"
