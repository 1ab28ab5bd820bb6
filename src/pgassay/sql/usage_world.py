"""What a history needs and makes, as it is read: a small model of the database, with the gaps that it reveals.

``World`` is filled in by ``pgassay.sql.usage``. Everything in it with ``presumed`` set was used before anybody made it.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgassay.model import Name, Statement
from pgassay.sql.usage_known import FUNCTIONS, PLATFORM_FUNCTIONS, PLATFORM_TABLES
from pgassay.sql.usage_objects import DECLARED, Column, Index, Relation, RelationKind, Routine, Type

_SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_temp", "pg_toast"})


class World:
    """Names along a search path, as the SQL finds them."""

    def __init__(self, created: Iterable[Name] = (), *, optional: bool = False) -> None:
        self.search_path = ["public"]
        self.place = ""
        self.statement: Statement | None = None
        self.optional = optional  # whether IF EXISTS alone is reason enough to presume
        self.created = {n.name for n in created}
        self.conditional = False
        self.late = False  # functions' bodies are read: what the SQL makes anywhere is there
        self.opaque = False  # something in it cannot be read without running it
        self.relations: dict[Name, Relation] = {}
        self.gone: set[Name] = set()
        self.types: dict[Name, Type] = {}
        self.indexes: dict[Name, Index] = {}
        self.dropped_indexes: list[Index] = []
        self.dropped_types: list[Type] = []
        self.routines: list[Routine] = []
        self.calls: dict[Name, str] = {}  # functions called, which nobody made: perhaps PostgreSQL's own
        self.schemas: dict[str, str] = {}
        self.made_schemas: set[str] = set(_SYSTEM_SCHEMAS) | {"public"}
        self.roles: dict[str, str] = {}
        self.made_roles: set[str] = set()
        self.owners: set[str] = set()  # roles that are given things by ALTER … OWNER TO
        self.extensions: dict[str, str] = {}
        self.made_extensions: set[str] = set()
        self.presumed: list[Relation] = []
        self.columns: list[Column] = []  # those that the SQL itself declares
        self.statistics: list[tuple[Name, Relation | None]] = []
        self.others: dict[tuple[str, str], str] = {}  # other objects by kind and name: the place of their first use
        self.made_others: set[tuple[str, str]] = set()

    def schema(self, name: str) -> None:
        """A schema is used."""
        if name not in self.made_schemas and not name.startswith("pg_"):
            self.schemas.setdefault(name, self.place)

    def qualified(self, name: Name) -> Name:
        """Where a new object of that name goes."""
        return name.within(self.search_path[0] if self.search_path else "public")

    def _found(self, name: Name, known: Iterable[Name]) -> Name | None:
        if name.schema:
            return name if name in known else None
        places = ["pg_temp", *self.search_path]
        return next((full for s in places if (full := Name(s, name.name)) in known), None)

    # Relations

    def known(self, name: Name) -> Relation | None:
        """The relation of that name, if the world has it."""
        full = self._found(name, self.relations)
        return self.relations[full] if full else None

    def relation(self, name: Name, kind: RelationKind = "table", *, if_exists: bool = False) -> Relation | None:
        """A relation is used: the known one, or else a presumed one. None where presuming would be wrong."""
        found = self.known(name)
        if found is not None:
            if found.presumed and kind != "table" and found.kind == "table":
                found.kind = kind
            return found
        full = self.qualified(name)
        if full in self.gone or full.schema in _SYSTEM_SCHEMAS or name.name.startswith("pg_"):
            return None
        if self.late and name.name in self.created:
            return None
        if if_exists and (not self.optional or name.name in self.created):
            return None
        self.schema(full.schema or "public")
        made = Relation(full, kind, presumed=True, place=self.place, names={full})
        for column, type in PLATFORM_TABLES.get(str(full), {}).items():
            made.columns[column] = made.originals[column] = Column(column, self.place, hints=[(DECLARED, type)])
        self.relations[full] = made
        self.presumed.append(made)
        return made

    def make(self, name: Name, kind: RelationKind = "table", *, temporary: bool = False) -> Relation:
        """The SQL itself creates a relation."""
        full = Name("pg_temp", name.name) if temporary else self.qualified(name)
        if full.schema:
            self.schema(full.schema)
        before = self.relations.get(full)
        if before is not None and before.presumed:
            self.withdraw(before)
        made = Relation(full, kind, place=self.place, names={full})
        self.relations[full] = made
        self.gone.discard(full)
        return made

    def withdraw(self, relation: Relation) -> None:
        """What was presumed turns out to be created by the SQL, too late for the earlier use."""
        relation.presumed = False
        if relation in self.presumed:
            self.presumed.remove(relation)

    def remove(self, name: Name) -> None:
        """A relation is dropped or renamed away."""
        full = self._found(name, self.relations)
        if full:
            del self.relations[full]
            self.gone.add(full)

    def rename(self, relation: Relation, old: Name, new: Name) -> None:
        """A relation gets another name or schema."""
        full = self._found(old, self.relations)
        if full:
            del self.relations[full]
            self.gone.add(full)
            moved = new if new.schema else Name(full.schema, new.name)
            self.relations[moved] = relation
            self.gone.discard(moved)
            relation.names.add(moved)

    def serial(self, name: Name) -> bool:
        """Whether a serial or identity column of a table that the SQL made brings this sequence."""
        return any(
            f"{known.name}_{column}_seq" == name.name
            for relation in self.relations.values()
            if not relation.presumed
            for known in relation.names
            for column in relation.columns
        )

    # Types

    def type(self, name: Name, kind: str = "unknown", *, if_exists: bool = False) -> Type | None:
        """A user-defined type is used."""
        full = self._found(name, self.types)
        if full is None:
            if self.known(name) is not None:
                return None  # a table's row type
            full = self.qualified(name)
            if full.schema in _SYSTEM_SCHEMAS or full in self.gone or (self.late and name.name in self.created):
                return None
            if if_exists and (not self.optional or name.name in self.created):
                return None
            self.schema(full.schema or "public")
            self.types[full] = Type(full, place=self.place)
        found = self.types[full]
        if found.presumed and found.kind == "unknown":
            found.kind = kind  # type: ignore[assignment]
        return found

    def make_type(self, name: Name) -> Type:
        """The SQL itself creates a type."""
        full = self.qualified(name)
        self.schema(full.schema or "public")
        before = self.types.get(full)
        if before is not None and before.presumed and self.conditional:
            return before
        made = Type(full, presumed=False, place=self.place)
        self.types[full] = made
        self.gone.discard(full)
        return made

    def drop_type(self, name: Name) -> None:
        """A type is dropped."""
        full = self._found(name, self.types)
        if full:
            used = self.types.pop(full)
            self.gone.add(full)
            if used.presumed:
                self.dropped_types.append(used)

    def renamed_type(self, used: Type, old: Name, new: str) -> None:
        """A type gets another name."""
        full = self._found(old, self.types)
        if full:
            del self.types[full]
            self.gone.add(full)
            self.types[Name(full.schema, new)] = used

    def presumed_types(self) -> list[Type]:
        """Every presumed type once, in the order of first use."""
        return [t for t in dict.fromkeys([*self.dropped_types, *self.types.values()]) if t.presumed]

    def presumed_indexes(self) -> list[Index]:
        """Every presumed index once."""
        return [i for i in dict.fromkeys([*self.dropped_indexes, *self.indexes.values()]) if i.presumed]

    def typed(self, text: str) -> Type | None:
        """The presumed type that a column's type names."""
        bare = text.removesuffix("[]")
        return next(
            (t for t in self.types.values() if t.presumed and bare in (str(t.name), str(Name(None, t.name.name)))), None
        )

    # Routines, indexes and the rest

    def routine(
        self, name: Name, arguments: tuple[str, ...] | None = None, *, result: str | None = None, kind: str = "function"
    ) -> Routine | None:
        """A function is used that is certainly not PostgreSQL's own."""
        if name.schema in _SYSTEM_SCHEMAS or (self.late and name.name in self.created):
            return None
        for known in self.routines:
            same = known.name.name == name.name and (name.schema is None or known.name.schema == name.schema)
            if same and (
                arguments is None or known.arguments is None or known.arguments == arguments or not known.presumed
            ):
                if known.presumed:
                    known.arguments = known.arguments if arguments is None else arguments
                    known.result = known.result or result
                return known
        full = self.qualified(name)
        self.schema(full.schema or "public")
        result = result or PLATFORM_FUNCTIONS.get(str(full)) or FUNCTIONS.get(name.name, ((), None))[1]
        made = Routine(full, arguments, result, kind, place=self.place)  # type: ignore[arg-type]
        self.routines.append(made)
        return made

    def make_routine(self, name: Name, arguments: tuple[str, ...]) -> None:
        """The SQL itself creates a function."""
        full = self.qualified(name)
        self.schema(full.schema or "public")
        self.routines.append(Routine(full, arguments, presumed=False, place=self.place))

    def index(self, name: Name, table: Relation | None = None, *, if_exists: bool = False) -> Index | None:
        """An index is used by name."""
        full = self._found(name, self.indexes)
        if full is not None:
            return self.indexes[full]
        for relation in self.relations.values():  # the index of a constraint has the constraint's name
            implied = name.name == f"{relation.name.name}_pkey" and not relation.own_primary_key
            if name.name in relation.constraints or implied:
                if relation.presumed and name.name not in relation.constraints:
                    return None
                return Index(name, relation, presumed=False)
        full = self.qualified(name)
        if full in self.gone or full.schema in _SYSTEM_SCHEMAS:
            return None
        if if_exists and (not self.optional or name.name in self.created):
            return None
        self.schema(full.schema or "public")
        self.indexes[full] = Index(full, table, place=self.place)
        return self.indexes[full]

    def renamed_index(self, index: Index, new: str) -> None:
        """An index gets another name."""
        old = next((n for n, i in self.indexes.items() if i is index), None)
        if old:
            del self.indexes[old]
            self.gone.add(old)
            self.indexes[Name(old.schema, new)] = index

    def role(self, name: str) -> None:
        """A role is used."""
        if name and name not in self.made_roles and not name.startswith("pg_"):
            self.roles.setdefault(name, self.place)

    def owner(self, name: str) -> None:
        """A role is to own something, so it needs the right to create things there."""
        self.role(name)
        if name in self.roles:
            self.owners.add(name)

    def extension(self, name: str) -> None:
        """An extension is used."""
        if name not in self.made_extensions:
            self.extensions.setdefault(name, self.place)

    def other(self, kind: str, name: str) -> None:
        """Some other object is used."""
        if (kind, name) not in self.made_others:
            self.others.setdefault((kind, name), self.place)

    @property
    def missing(self) -> bool:
        """Whether anything was used that nobody made."""
        return bool(
            self.presumed
            or self.schemas
            or self.roles
            or self.extensions
            or self.others
            or self.presumed_types()
            or self.presumed_indexes()
            or any(r.presumed for r in self.routines)
        )
