"""What becomes of each piece: kept, altered, set aside for a new one, made anew, gone or new."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Literal

from pgassay.catalog.ddl import tables, types, write
from pgassay.catalog.ddl.nodes import Node, Pieces, names_of
from pgassay.catalog.ddl.texts import grants
from pgassay.catalog.model import Column, Domain, Object, Range, Table
from pgassay.catalog.model import Sequence as Counter
from pgassay.model import Name, quote

State = Literal["same", "alter", "aside", "parked", "rebuild", "gone", "new"]

_STRINGS = {"text", "character varying", "character", '"char"', "name"}
_NUMBERS = {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
_TIMES = {"date", "timestamp without time zone", "timestamp with time zone"}
_TOUCHY = {"view", "rule", "policy", "trigger", "routine", "default", "publication"}  # refuse that a column is retyped


class States:
    """The state of every piece of two catalogs, and the statements of those that change in place."""

    def __init__(self, before: Pieces, after: Pieces) -> None:
        self.before, self.after = before, after
        self.states: dict[Object, State] = {}
        self.statements: dict[Object, list[str]] = {}
        self.retyped: set[Object] = set()
        self.sequences: dict[Name, Counter] = {s.name: s for s in after.catalog.sequences}
        self.needed_by: dict[Object, set[Object]] = defaultdict(set)
        for needing, needs in before.needs.items():
            for needed in needs:
                self.needed_by[needed].add(needing)
        for below, above in before.above.items():
            self.needed_by[above].add(below)
        for key in (*before.nodes, *(k for k in after.nodes if k not in before.nodes)):
            self.states[key] = self._first(key)
        waiting = [key for key, state in self.states.items() if state in ("gone", "rebuild", "aside")]
        self._spread([*waiting, *self.retyped])
        self._spread(self._mistakable())
        for key, state in self.states.items():
            if key.kind == "toast options" and state == "same" and self._rewritten(key.name):
                self.states[key] = self._took(key, write.create(after.nodes[key]))
            if key.kind == "grants" and state in ("same", "alter") and isinstance(after.nodes[key].owner, Table):
                self._regrant(key)

    def _mistakable(self) -> list[Object]:
        """Indexes of its own that a table's new parent might take for one of its: they are made after that."""
        found = []
        for key, state in self.states.items():
            table = self.after.tables.get(key.name)
            if key.kind != "attachment" or state not in ("new", "rebuild") or table is None:
                continue
            taken = {(i.method, i.columns) for i in table.indexes if i.partition_of is not None}
            for index in table.indexes:
                own = Object("index", key.name.named(index.name))
                alike = index.partition_of is None and (index.method, index.columns) in taken
                if alike and self.states.get(own) in ("same", "alter"):
                    self._become(own, "rebuild")
                    found.append(own)
        return found

    def _regrant(self, key: Object) -> None:
        """Privileges on columns go with them, and come back with those that are made anew."""
        old, new = self.before.nodes[key].thing, self.after.nodes[key].thing
        columns = [k for k in self.before.nodes if k.kind == "column" and k.name == key.name]
        kept = [k.member for k in columns if self.states[k] not in ("gone", "rebuild")]
        if names_of(old.grants) - set(kept):
            self.states[key] = self._took(key, grants(old.grants, new, kept=kept))

    def _rewritten(self, table: Name) -> bool:
        """Whether a table may get another TOAST table, or none for a while."""
        parts = (key for key in self.states if key.name == table and key.kind in ("table", "column"))
        return any(self.states[key] != "same" for key in parts)

    def _first(self, key: Object) -> State:
        old, new = self.before.nodes.get(key), self.after.nodes.get(key)
        if old is None:
            return "new"
        if new is None:
            return "gone"
        if key.kind == "table":
            return self._table(old.thing, new.thing, key)
        if key.kind == "column":
            return self._column(key, None)
        if key.kind == "type":
            return self._type(key)
        if old.thing == new.thing:
            return "same"
        if key.kind == "default":
            return self._took(key, [f"{tables.head(new.owner)} ALTER COLUMN {_quoted(key)} SET DEFAULT {new.thing}"])
        if key.kind == "constraint":
            return self._constraint(key, old, new)
        if key.kind == "attachment" and old.thing.inherits and new.thing.inherits:
            parents = (set(old.thing.inherits), set(new.thing.inherits))
            start = f"ALTER TABLE {key.name}"
            return self._took(
                key,
                [f"{start} NO INHERIT {p}" for p in sorted(parents[0] - parents[1])]
                + [f"{start} INHERIT {p}" for p in new.thing.inherits if p not in parents[0]],
            )
        return self._took(key, write.alter(old, new))

    def _took(self, key: Object, texts: list[str] | None) -> State:
        if texts is None:
            return "rebuild"
        self.statements[key] = texts
        return "alter" if texts else "same"

    def _table(self, old: Table, new: Table, key: Object) -> State:
        if new.partition_key is not None and any(self._differs(column) for column in self.before.partitioned_by(key)):
            return "rebuild"
        return self._took(key, tables.alter(old, new))

    def _differs(self, column: Object) -> bool:
        old, new = self.before.nodes.get(column), self.after.nodes.get(column)
        return old is not None and new is not None and old.thing.type != new.thing.type

    def _type(self, key: Object) -> State:
        texts = types.alter(self.before.nodes[key].thing, self.after.nodes[key].thing)
        if texts is not None:
            return self._took(key, texts)
        # The constructors of a range keep their names when it is renamed: there is no room for another one beside it.
        return "rebuild" if isinstance(self.before.nodes[key].thing, Range) else "aside"

    def _constraint(self, key: Object, old: Node, new: Node) -> State:
        if isinstance(new.owner, Domain):
            start, owner = f"ALTER DOMAIN {key.name}", f"DOMAIN {key.name}"
        else:
            start, owner = tables.recursing(new.owner), str(key.name)
        return self._took(key, tables.alter_constraint(start, owner, key.name, old.thing, new.thing))

    def _column(self, key: Object, using: str | None) -> State:
        old, new = self.before.nodes[key], self.after.nodes[key]
        before: Column = old.thing
        after: Column = new.thing
        if using is None and before.type != after.type:
            using = _cast(before, after)
        if new.implied and after.identity and after.owned_sequence is None:  # a partition's, of its parent's
            before, after = _anonymous(before), _anonymous(after)
        texts = tables.alter_column(
            new.owner, before, after, self.sequences, using=using, version=self.after.catalog.version or 180000
        )
        if texts is not None and (
            using is not None or (before.type, before.collation) != (after.type, after.collation)
        ):
            self.retyped.add(key)
        return self._took(key, texts)

    # What one change entails for others

    def _spread(self, waiting: list[Object]) -> None:
        while waiting:
            key = waiting.pop()
            for other in sorted(self.needed_by[key], key=_sort_key):
                if self._affect(other, key):
                    waiting.append(other)

    def _affect(self, other: Object, key: Object) -> bool:
        """Whether ``other``, which needs ``key``, changes its state by what becomes of that."""
        state, cause = self.states[other], self.states[key]
        node = self.before.nodes[other]
        if key.kind == "attachment" and other.kind in ("index", "constraint"):
            return False
        if state in ("gone", "rebuild", "aside", "parked") or (other.kind == "attachment" and key.kind != "table"):
            return False
        if self.before.above.get(key) == other and self._taken_off(key):
            return False  # the parent's index loses this part of it with the partition
        if self.before.above.get(other) == key and other.kind != "trigger":
            if self.states[Object("table", self.before.nodes[key].owner.name)] in ("gone", "rebuild"):
                return False  # it is taken off its parent and stays as it is
            if cause == "gone":
                return self.before.nodes[other].implied is False and self._become(other, "rebuild")
        if cause == "rebuild" and key.kind == "type" and other.kind == "column" and not node.thing.generated:
            return self._park(other)
        if cause == "aside":
            if other.kind == "column":
                return self._retype(other, key)
            return self._become(other, "aside" if other.kind == "type" else "rebuild")
        if key in self.retyped and cause not in ("gone", "rebuild", "parked"):
            if other.kind in _TOUCHY or (other.kind == "constraint" and self._referred(other, node, key)):
                return self._become(other, "rebuild")
            if other.kind == "column" and node.thing.generated:
                return self._become(other, "rebuild")
            return False
        if other.kind == "type" and cause == "gone":
            return False
        if cause in ("rebuild", "parked") or (cause == "gone" and state == "same" and self._still(other, key)):
            return self._become(other, "rebuild")
        return False

    def _taken_off(self, part: Object) -> bool:
        """Whether the table whose part it is leaves its parent."""
        owner = self.before.nodes[part].owner
        attachment = Object("attachment", owner.name) if isinstance(owner, Table) else part
        return self.states.get(attachment) in ("gone", "rebuild")

    def _referred(self, constraint: Object, node: Node, column: Object) -> bool:
        """Whether it is a foreign key, or one that foreign keys need that know nothing of the column (INCLUDE)."""
        dependents = (other for other in self.needed_by[constraint] if other.kind == "constraint")
        return node.thing[0].kind == "foreign key" or any(column not in self.before.needs[d] for d in dependents)

    def _still(self, other: Object, key: Object) -> bool:
        """Whether something that is kept as it is would go with ``key``: grants and ownership follow by themselves."""
        return other.kind not in ("grants", "table", "column", "schema") and key.kind != "schema"

    def _become(self, key: Object, state: State) -> bool:
        self.states[key] = state
        self.statements.pop(key, None)
        return True

    def _park(self, column: Object) -> bool:
        new = self.after.nodes[column].thing
        if self._column(column, f"{_quoted(column)}::{new.type}") == "rebuild":
            return self._become(column, "rebuild")
        self.states[column] = "parked"
        return True

    def _retype(self, column: Object, type: Object) -> bool:
        if column in self.retyped:
            return False
        before, after = self.before.nodes[type].thing, self.after.nodes[type].thing
        new = self.after.nodes[column].thing
        using = None
        if new.type == self.before.nodes[column].thing.type:
            using = types.conversion(_quoted(column), new.type, before, after)
        self.states[column] = self._column(column, using)
        self.retyped.add(column)
        return True


def parked(node: Node) -> str:
    """The values of a column written as text, until its type is there again."""
    name = quote(node.key.member)
    return f"{tables.recursing(node.owner)} ALTER COLUMN {name} TYPE text USING {name}::text"


def _anonymous(column: Column) -> Column:

    return replace(column, identity=None, owned_sequence=None)


def _quoted(key: Object) -> str:

    return quote(key.member)


def _cast(before: Column, after: Column) -> str | None:
    """How to convert, where PostgreSQL would not by itself; through text where there is no better way."""
    name = _quoted(Object("column", Name(None, ""), after.name))
    if before.base == after.base or after.base in _STRINGS:
        return None
    for family in (_NUMBERS, _TIMES):
        if before.base in family and after.base in family:
            return None
    if {before.base, after.base} in ({"json", "jsonb"}, {"bytea", "uuid"}):
        return f"{name}::{after.type}"
    if {before.base, after.base} == {"boolean", "integer"}:
        return f"{name}::{after.type}"
    return f"{name}::text::{after.type}"


def _sort_key(key: Object) -> tuple[str, str, str, str]:
    return key.kind, key.name.schema or "", key.name.name, key.member
