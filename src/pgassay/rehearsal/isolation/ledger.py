"""What is found, one entry a cause and subject, with its remedy tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pgassay.catalog import Catalog
from pgassay.catalog.sessions import mentions
from pgassay.model import quote
from pgassay.rehearsal.isolation.bench import Bench, script
from pgassay.rehearsal.isolation.cures import acts_as_owner
from pgassay.rehearsal.isolation.ground import Ground
from pgassay.rehearsal.isolation.model import Actor, Leak
from pgassay.server import Server

Check = Callable[[str], bool]


@dataclass(slots=True)
class Case:
    """The ground, a copy without B's rows (``bare``), a session in which nothing was set (``fresh``), and the leaks.

    ``bypass``: roles that no policy binds; ``unbound``: those of them that have privileges on tenants' tables.
    """

    server: Server
    ground: Ground
    bare: Bench
    fresh: Bench
    roles: tuple[str, ...]
    bypass: Sequence[str]
    unbound: Sequence[str] = ()
    leaks: dict[tuple[str, str], Leak] = field(default_factory=dict)
    reaching: int = 0

    @property
    def catalog(self) -> Catalog:
        """The schema that is tried."""
        return self.ground.tenancy.catalog

    @property
    def tried(self) -> int:
        """Statements run."""
        return self.ground.bench.tried + self.bare.tried + self.fresh.tried

    def add(self, leak: Leak, command: str, cured: Check | None = None) -> None:
        """Take a leak in; further statements with the same cause and subject are added to the first one.

        ``cured`` says of the remedy's SQL whether it ends the leak.
        """
        self.reaching += 1
        key = (leak.rule, leak.subject)
        known = self.leaks.get(key)
        if known is not None:
            if leak.sql != known.sql and all(leak.sql != sql for sql, _ in known.attempts):
                self.leaks[key] = replace(known, attempts=(*known.attempts, (leak.sql, f"{command}: {leak.seen}")))
            return
        if leak.remedy is not None and cured is not None:
            leak = replace(leak, remedy=replace(leak.remedy, verified=cured(leak.remedy.sql)))
        self.leaks[key] = leak

    def explained(self, definition: str, actor: Actor) -> bool:
        """Whether a text reads tables that leak by themselves, or that the actor owns: then these are the cause."""
        rules = {"row-security-missing", "row-security-disabled", "rows-of-other-tenants", "policy-for-everyone"}
        leaking = {subject for rule, subject in self.leaks if rule in rules}
        owners = {subject for rule, subject in self.leaks if rule == "role-past-row-security"}
        tables = [o.table for o in self.ground.tenancy.owned.values()]
        named = {
            t.name.name
            for t in tables
            if str(t.name) in leaking or (t.owner in owners and acts_as_owner(self.ground, actor.role, t))
        }
        return bool(mentions(definition, named))

    def unforced(self, sql: str) -> str:
        """SQL run while row security does not bind the owner: a new foreign key is checked on the rows that it sees."""
        forced = self.ground.bench.forced
        before = "".join(f"ALTER TABLE {n} NO FORCE ROW LEVEL SECURITY;\n" for n in forced)
        return before + sql + "".join(f"\nALTER TABLE {n} FORCE ROW LEVEL SECURITY;" for n in forced)


def holder(grantees: Sequence[str], actor: Actor) -> str:
    """From whom a privilege is to be taken."""
    if actor.role in grantees:
        return quote(actor.role)
    return "PUBLIC" if "PUBLIC" in grantees else ", ".join(map(quote, grantees)) or quote(actor.role)


__all__ = ["Case", "Check", "holder", "script"]
