"""The nouns of an isolation proof: whose rows are whose, who acts, what leaked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pgassay.catalog import Catalog, Constraint, Table
from pgassay.catalog.sessions import Source
from pgassay.model import Name, Remedy, Verdict, literal, quote

SIDES = ("A", "B")


class NoTenancy(Exception):
    """Nothing in the schema tells whose rows are whose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the user says instead of letting us find out: session settings that name the tenant, columns that hold it,
    roles to try as, tables that all tenants share, and settings with fixed values."""

    settings: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Domain:
    """What identifies a tenant in one sense (an organisation, a user): values of a key column that others refer to, or
    of columns with the same name."""

    root: Name | None
    column: str

    def __str__(self) -> str:
        return f"{self.root}.{self.column}" if self.root else self.column


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A table whose rows belong to tenants: by its own columns, or as its parent's rows do (``via``, ``parent``)."""

    table: Table
    columns: tuple[tuple[str, Domain], ...] = ()
    via: Constraint | None = None
    parent: Name | None = None

    @property
    def column(self) -> str | None:
        """The column that decides."""
        return self.columns[0][0] if self.columns else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """Whose rows are whose. ``sources`` say which domain's value each part of the session holds (None: no tenant's)."""

    catalog: Catalog
    owned: Mapping[Name, Owned]
    sources: Mapping[Source, Domain | None]
    roles: tuple[str, ...]
    domains: tuple[Domain, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who tries: a role, with the session settings of a tenant."""

    role: str
    settings: tuple[tuple[str, str], ...] = ()
    kind: str = "tenant"  # owner, stranger, bypass

    @property
    def sql(self) -> str:
        """The statements that make a session act so, until its transaction ends."""
        told = [f"SELECT set_config({literal(n)}, {literal(v)}, true);" for n, v in self.settings]
        return "\n".join([f"SET LOCAL ROLE {quote(self.role)};", *told])


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One cause, with the very SQL that shows it (a whole transaction), and what was seen. ``attempts`` are further
    statements with the same cause; ``remedy`` is verified where running it made the SQL show nothing."""

    rule: str
    verdict: Verdict
    subject: str
    message: str
    sql: str
    seen: str
    attempts: tuple[tuple[str, str], ...] = ()
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was tried, and what leaked. ``tried`` counts statements, ``held`` those that reached nothing."""

    leaks: tuple[Leak, ...]
    tried: int
    held: int
    tables: int
    roles: tuple[str, ...]
    notes: tuple[str, ...] = ()
    untried: tuple[tuple[str, str], ...] = ()  # (object, why)
