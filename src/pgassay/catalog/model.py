"""The typed picture of a schema. Every object is frozen and compares by what it says, never by OIDs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pgassay.model import Name, quote


@dataclass(frozen=True, slots=True, order=True)
class Object:
    """Which object is meant, in a dependency: ``member`` is a column … of ``name``, or a routine's arguments.

    ``kind``: schema, extension, type, sequence, table, view, routine, statistics, index, column, default, constraint,
    trigger, policy, rule, or that of an ``Other``, whose ``name`` has no schema.
    """

    kind: str
    name: Name
    member: str = ""

    def __str__(self) -> str:
        if self.kind == "routine":
            return f"{self.kind} {self.name}({self.member})"
        return f"{self.kind} {self.name}" + (f".{quote(self.member)}" if self.member else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. ``type`` as ``format_type`` prints it under an empty search path: ``numeric(78,0)``,
    ``public.evm_address``; ``base`` is its base type behind domains and modifiers (``numeric``), without a schema for
    built-in types; ``category`` is ``pg_type.typcategory`` of the base type.
    ``element`` is the type of an array's elements (``numeric(78,0)`` of ``numeric(78,0)[]``), else None."""

    name: str
    type: str
    base: str
    category: str
    element: str | None = None
    not_null: bool = False
    type_not_null: bool = False  # the type is a domain that forbids NULL
    type_default: bool = False  # the type is a domain with a default
    default: str | None = None
    identity: Literal["always", "by default"] | None = None
    generated: Literal["stored", "virtual"] | None = None
    expression: str | None = None  # of a generated column
    collation: str | None = None  # where it differs from the type's; as SQL, quoted
    storage: str | None = None  # where it differs from the type's
    compression: str | None = None
    statistics: int | None = None
    dimensions: int = field(default=0, compare=False)  # as once declared; PostgreSQL does not enforce it
    options: tuple[str, ...] = ()
    inherited: bool = False
    owned_sequence: Name | None = None
    comment: str | None = None

    @property
    def required(self) -> bool:
        """Whether an INSERT must name this column."""
        provided = self.default or self.type_default or self.identity or self.generated
        return (self.not_null or self.type_not_null) and not provided


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A constraint of a table or domain. ``definition`` as ``pg_get_constraintdef`` prints it.

    Constraint triggers are among the triggers. A NOT NULL constraint (PostgreSQL 18) is listed only where it is not
    valid or not inherited: ``Column.not_null`` says the rest, and the names that PostgreSQL makes up for them would
    make equal tables differ.
    """

    name: str
    kind: Literal["primary key", "unique", "foreign key", "check", "not null", "exclude"]
    columns: tuple[str, ...] = ()
    definition: str = ""
    expression: str | None = None  # of a CHECK
    references: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    on_delete: str | None = None
    on_update: str | None = None
    validated: bool = True
    enforced: bool = True
    deferrable: bool = False
    deferred: bool = False
    inherited: bool = False
    index: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index. ``keys`` are columns or expressions as SQL; ``columns`` has None where a key is an expression."""

    name: str
    method: str
    keys: tuple[str, ...]
    columns: tuple[str | None, ...]
    include: tuple[str, ...] = ()
    where: str | None = None
    unique: bool = False
    nulls_distinct: bool = True
    primary: bool = False
    exclusion: bool = False
    constraint: str | None = None
    valid: bool = True
    clustered: bool = False
    tablespace: str | None = None
    definition: str = ""
    partition_of: Name | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger; ``enabled`` is ``pg_trigger.tgenabled``'s meaning: origin, disabled, replica or always."""

    name: str
    definition: str
    function: Name
    enabled: str = "origin"
    inherited: bool = False  # of the partitioned table
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A row-security policy."""

    name: str
    command: str
    permissive: bool = True
    roles: tuple[str, ...] = ()
    using: str | None = None
    check: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Privileges of one grantee (``PUBLIC`` is written so); ``columns`` empty means the whole object.

    What an owner has anyway is not listed. An owner who gave some of it up is, with what is left. PUBLIC's default
    EXECUTE on routines and USAGE on types is listed, since taking it away is common and matters.
    """

    grantee: str
    privileges: tuple[str, ...]
    grantable: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, partitioned table or foreign table, with all that belongs to it."""

    name: Name
    kind: Literal["table", "partitioned table", "foreign table"] = "table"
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()
    rules: tuple[str, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    partition_key: str | None = None
    partition_of: Name | None = None
    partition_bound: str | None = None
    inherits: tuple[Name, ...] = ()
    replica_identity: str = "default"  # full, nothing or "index i"
    unlogged: bool = False
    options: tuple[str, ...] = ()
    tablespace: str | None = None
    method: str | None = None  # where it is not heap
    server: str | None = None  # of a foreign table
    of_type: str | None = None  # of a typed table
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def primary_key(self) -> Constraint | None:
        """The primary key."""
        return next((c for c in self.constraints if c.kind == "primary key"), None)

    @property
    def foreign_keys(self) -> tuple[Constraint, ...]:
        """The foreign keys that point out of this table."""
        return tuple(c for c in self.constraints if c.kind == "foreign key")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view or materialised view."""

    name: Name
    definition: str
    columns: tuple[Column, ...] = ()
    materialized: bool = False
    options: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[str, ...] = ()
    populated: bool = True
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence; ``owned_by`` is the table and column that it belongs to."""

    name: Name
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool
    owned_by: tuple[Name, str] | None = None
    identity: bool = False
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    """An enumerated type; labels in their order."""

    name: Name
    labels: tuple[str, ...]
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain over another type."""

    name: Name
    type: str
    base: str
    category: str
    not_null: bool = False
    default: str | None = None
    collation: str | None = None
    constraints: tuple[Constraint, ...] = ()
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A composite type: its attributes in order. Range types are ``Range``."""

    name: Name
    attributes: tuple[Column, ...]
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A user-defined range type."""

    name: Name
    subtype: str
    collation: str | None = None
    operator_class: str | None = None  # where it is not the subtype's default
    canonical: str | None = None
    difference: str | None = None
    multirange: str | None = None
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """A function, procedure, aggregate or window function; ``arguments`` are its identity arguments, ``defaults`` of
    which have a default value."""

    name: Name
    arguments: str
    kind: Literal["function", "procedure", "aggregate", "window"]
    result: str | None
    language: str
    definition: str
    security_definer: bool = False
    volatility: Literal["immutable", "stable", "volatile"] = "volatile"
    defaults: int = field(default=0, compare=False)  # the definition tells
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An installed extension. Objects that belong to it are not listed anywhere else."""

    name: str
    version: str
    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """An extended statistics object."""

    name: Name
    table: Name
    definition: str
    target: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """An object of a kind with no class of its own: collation, cast, operator, text search configuration,
    publication, event trigger, foreign server, default privileges … ``kind`` and ``name`` are those of
    ``pg_identify_object``; ``definition`` is no SQL, but tells two of that name apart. ``sql`` creates it, where that
    can be written.
    """

    kind: str
    name: str
    definition: str | None = None
    sql: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A schema (namespace)."""

    name: str
    owner: str = field(default="", compare=False)
    grants: tuple[Grant, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A whole database schema. Every tuple is sorted by name; system and extension objects are left out.

    ``dependencies`` are pairs of ``pg_depend``: the first object needs the second. What belongs to an extension is
    there as that extension.
    """

    schemas: tuple[Schema, ...] = ()
    tables: tuple[Table, ...] = ()
    views: tuple[View, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    enums: tuple[Enum, ...] = ()
    domains: tuple[Domain, ...] = ()
    composites: tuple[Composite, ...] = ()
    ranges: tuple[Range, ...] = ()
    routines: tuple[Routine, ...] = ()
    extensions: tuple[Extension, ...] = ()
    statistics: tuple[Statistics, ...] = ()
    others: tuple[Other, ...] = ()
    dependencies: tuple[tuple[Object, Object], ...] = field(default=(), compare=False, repr=False)
    version: int = field(default=0, compare=False)  # server_version_num

    def table(self, name: Name, path: tuple[str, ...] = ("public",)) -> Table | None:
        """The table of that name; a bare name is looked up along ``path`` (the search path)."""
        wanted = {name} if name.schema else {Name(schema, name.name) for schema in path}
        return next((t for t in self.tables if t.name in wanted), None)

    def enum(self, type: str | None) -> Enum | None:
        """The enum that a column's ``type``, ``base`` or ``element`` names (of an array, ask for its element)."""
        return next((e for e in self.enums if str(e.name) == type), None)

    def domain(self, type: str | None) -> Domain | None:
        """The domain that a column's ``type`` or ``element`` names; ``domain.type`` may name the next one."""
        return next((d for d in self.domains if str(d.name) == type), None)
