"""Tables, columns, types and the like, as a history names them: what is known of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pgassay.model import Name

Strategy = Literal["range", "list", "hash"]
RelationKind = Literal["table", "view", "materialized view", "foreign table", "sequence"]

# Where a hint at a type comes from, the surest last. Column names alone count least and live with the resolver.
WEAK, ARGUMENT, COMPARED, CONVERTED, DECLARED = 20, 40, 60, 80, 100


@dataclass(slots=True, eq=False)
class Column:
    """A column; ``type`` where the SQL itself declares it, else hints at it. ``peers`` have the same type."""

    name: str
    place: str
    type: str | None = None
    hints: list[tuple[int, str]] = field(default_factory=list)
    peers: list[Column] = field(default_factory=list)
    literals: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    becomes: str | None = None  # the type that ALTER COLUMN … TYPE gives it
    cast: bool = False  # … and whether with a USING clause
    not_null: bool = False
    default: bool = False
    identity: str | None = None
    expression: bool = False  # a stored generated column
    plain: bool = False  # gets a default or identity of its own later: presume none

    def hint(self, weight: int, type: str) -> None:
        """The column seems to have this type."""
        if (weight, type) not in self.hints:
            self.hints.append((weight, type))

    def like(self, other: Column) -> None:
        """The two columns have the same type."""
        if other is not self and other not in self.peers:
            self.peers.append(other)
            other.peers.append(self)


@dataclass(slots=True, eq=False)
class Constraint:
    """A constraint that is used by its name, or a key that something else relies on."""

    kind: Literal["primary key", "unique", "foreign key", "check", "not null", "exclude"]
    name: str | None
    columns: tuple[Column, ...]
    references: Relation | None = None
    validated: bool = True


@dataclass(slots=True, eq=False)
class Index:
    """An index. ``table`` is None where nothing says which table it belongs to."""

    name: Name
    table: Relation | None
    columns: tuple[Column, ...] = ()
    unique: bool = False
    required: bool = False  # its columns must be NOT NULL
    presumed: bool = True
    place: str = ""


@dataclass(slots=True, eq=False)
class Relation:
    """A table, view or sequence. ``name`` is its first name; ``columns`` are keyed by their present names."""

    name: Name
    kind: RelationKind = "table"
    presumed: bool = False
    opaque: bool = False  # made by a query or by something else whose columns we do not know
    place: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    originals: dict[str, Column] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    names: set[Name] = field(default_factory=set)
    keys: list[Constraint] = field(default_factory=list)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    own_primary_key: bool = False  # the SQL adds one itself
    primary: tuple[Column, ...] = ()
    triggers: list[tuple[str, Name | None]] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)  # triggers, policies and rules that the SQL made
    positional: bool = False
    strategy: Strategy | None = None
    partition_key: tuple[Column, ...] = ()
    partition_of: Relation | None = None
    lower_bounds: list[str] = field(default_factory=list)  # of its partitions, as SQL
    like: list[Relation] = field(default_factory=list)
    inherits: list[Relation] = field(default_factory=list)
    parents: list[Relation] = field(default_factory=list)

    def column(self, name: str, place: str) -> Column | None:
        """The column now called so; a presumed relation gains it, unless it was dropped or renamed away."""
        found = self.columns.get(name)
        if found is None and self.presumed and name not in self.gone and name not in self.originals:
            found = Column(name, place)
            self.columns[name] = self.originals[name] = found
        return found

    def has(self, name: str) -> bool:
        """Whether a column is known to be called so."""
        return name in self.columns

    def key(self, columns: tuple[Column, ...], *, name: str | None = None, primary: bool = False) -> None:
        """Something relies on these columns being unique."""
        if not self.presumed or any(c not in self.originals.values() for c in columns):
            return
        if any(set(k.columns) == set(columns) and (name is None or k.name == name) for k in self.keys):
            return
        self.keys.append(Constraint("primary key" if primary else "unique", name, columns))


@dataclass(slots=True, eq=False)
class Type:
    """A type used by name. ``kind`` is settled by the strongest use seen."""

    name: Name
    kind: Literal["enum", "domain", "composite", "unknown"] = "unknown"
    presumed: bool = True
    labels: list[str] = field(default_factory=list)
    avoid: set[str] = field(default_factory=set)  # labels that the SQL adds itself
    attributes: dict[str, str] = field(default_factory=dict)
    constraints: list[str] = field(default_factory=list)
    default: bool = False
    not_null: bool = False
    value: Column | None = None  # what a domain's CHECK says of its type
    place: str = ""

    def label(self, text: str) -> None:
        """A label that the enum must have from the start."""
        if text not in self.labels and text not in self.avoid:
            self.labels.append(text)


@dataclass(slots=True, eq=False)
class Routine:
    """A function or procedure used by name. ``arguments`` is None where nothing says what they are."""

    name: Name
    arguments: tuple[str, ...] | None = None
    result: str | None = None
    kind: Literal["function", "procedure", "aggregate"] = "function"
    presumed: bool = True
    place: str = ""
