"""A catalog in pieces, each of which can come, go or change by itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pgassay.catalog.model import Catalog, Domain, Grant, Object, Table, View
from pgassay.model import Name

INLINE = frozenset({"column", "default", "constraint", "toast options"})  # may stand inside of CREATE TABLE
_USAGE = (Grant(grantee="PUBLIC", privileges=("USAGE",)),)
_EXECUTE = (Grant(grantee="PUBLIC", privileges=("EXECUTE",)),)


@dataclass(frozen=True, slots=True)
class Node:
    """A piece: ``thing`` is what it is, ``owner`` the table, view or type that it is part of, ``within`` the piece that
    it comes and goes with. ``implied``: inherited from a parent table."""

    key: Object
    thing: Any
    owner: Any = None
    within: Object | None = None
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Grants:
    """The privileges on one object: ``target`` as GRANT wants it; ``usual`` is what everybody has from its creation."""

    target: str
    owner: str
    grants: tuple[Grant, ...]
    usual: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """How a table hangs on its parents."""

    partition_of: Name | None
    bound: str | None
    inherits: tuple[Name, ...]

    @property
    def parents(self) -> tuple[Name, ...]:
        """The tables above."""
        return (self.partition_of,) if self.partition_of else self.inherits


class Pieces:
    """The nodes of a catalog by key, and what each needs."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.nodes: dict[Object, Node] = {node.key: node for node in _nodes(catalog)}
        self.tables: Mapping[Name, Table] = {table.name: table for table in catalog.tables}
        self.needs: dict[Object, set[Object]] = defaultdict(set)
        self.above: dict[Object, Object] = {}  # what a table's own part is inherited from
        self._relate()

    def partitioned_by(self, table: Object) -> list[Object]:
        """The columns of a table's partition key: they cannot go without it."""
        return [a for a, b in self.catalog.dependencies if b == table and a.kind == "column" and a.name == table.name]

    def _relate(self) -> None:
        nodes = self.nodes
        for needing, needed in self.catalog.dependencies:
            if needing.kind == "sequence" and needed.kind in ("column", "table"):
                needing = Object("ownership", needing.name)  # made before its table, owned by it later
            elif needing.kind == needed.kind == "table":
                needing = Object("attachment", needing.name)
            if needing in nodes and self._inherits(needing, needed):
                continue  # a partition's, of its parent's: the order of these is made below
            if needing in nodes and needed in nodes and needing != needed:
                self.needs[needing].add(needed)
        for key, node in nodes.items():
            if node.within is not None:
                self.needs[key].add(node.within)
            schema = Object("schema", Name(None, key.name.schema or ""))
            if schema in nodes and node.within is None:
                self.needs[key].add(schema)
            if key.kind == "constraint" and node.thing[0].references is not None:
                self.needs[key].update({Object("table", node.thing[0].references)} & nodes.keys() - {node.within})
            if key.kind == "toast options":
                self.needs[key].update(Object("column", key.name, c.name) for c in node.owner.columns)
            if key.kind in ("clustering", "replica identity"):
                index = key.name.named(str(node.thing).removeprefix("index "))
                self.needs[key].update({self.index_key(key.name, index)} & nodes.keys())
        for table in self.catalog.tables:
            self._hang(table)
            for column in table.columns if table.of_type else ():
                types = {need for need in self.needs[Object("table", table.name)] if need.kind == "type"}
                self.needs[Object("column", table.name, column.name)] |= types

    def _inherits(self, needing: Object, needed: Object) -> bool:
        if needing.kind != needed.kind or needing.kind not in ("constraint", "trigger", "index"):
            return False
        below, above = self.nodes[needing].owner, self.nodes[needed].owner if needed in self.nodes else None
        return above is not None and getattr(below, "partition_of", None) == above.name

    def _hang(self, table: Table) -> None:
        """A parent's indexes come after its partitions' own, and a table is attached when both are complete."""
        key = Object("attachment", table.name)
        if key not in self.nodes:
            return
        parents = [self.tables[name] for name in self.nodes[key].thing.parents if name in self.tables]
        self.needs[key] |= {Object("table", parent.name) for parent in parents}
        for one in (table, *parents):
            self.needs[key].update(parts(one))
        for index in table.indexes if table.partition_of else ():
            if index.partition_of is None and index.valid:  # else it might be taken for one of the parent's
                own = self.index_key(table.name, table.name.named(index.name))
                self.needs[key].discard(own)
                self.needs[own].add(key)
        for part in (*parts(table), *_foreign_keys(table)):
            if self.nodes[part].implied:
                above = next(filter(None, (self._inherited(part, parent) for parent in parents)), None)
                if above is not None:
                    self.above[part] = above
        for trigger in table.triggers:
            if trigger.inherited:
                above = Object("trigger", parents[0].name, trigger.name) if parents else key
                below = Object("trigger", table.name, trigger.name)
                self.needs[below] |= {key, above} & self.nodes.keys()
                self.above[below] = above
        for index in table.indexes:
            if index.partition_of is not None:
                above = self.index_key(table.partition_of, index.partition_of)
                below = self.index_key(table.name, table.name.named(index.name))
                if above in self.nodes and below in self.nodes:
                    self.needs[above].add(below)
                    self.above[below] = above

    def _inherited(self, part: Object, parent: Table) -> Object | None:
        """Where a part comes from: what bears its name above, or the same foreign key under another name."""
        place = Object(part.kind, parent.name, part.member)
        if place in self.nodes:
            return place
        if part.kind != "constraint":
            return None
        below = self.nodes[part].thing[0]
        same = (c for c in parent.foreign_keys if (c.columns, c.references) == (below.columns, below.references))
        return next((Object("constraint", parent.name, c.name) for c in same), None)

    def index_key(self, table: Name | None, index: Name) -> Object:
        """The piece that an index is: itself, or its constraint."""
        found = self.tables.get(table) if table is not None else None
        for candidate in found.indexes if found else ():
            if candidate.name == index.name and candidate.constraint is not None and table is not None:
                return Object("constraint", table, candidate.constraint)
        return Object("index", index)


def parts(table: Table) -> Iterator[Object]:
    """The columns, constraints and indexes of a table."""
    for column in table.columns:
        yield Object("column", table.name, column.name)
    for constraint in table.constraints:
        if not (constraint.inherited and constraint.kind == "foreign key"):
            yield Object("constraint", table.name, constraint.name)
    for index in table.indexes:
        if index.constraint is None and index.valid:
            yield Object("index", table.name.named(index.name))


def _foreign_keys(table: Table) -> Iterator[Object]:
    for constraint in table.foreign_keys:
        if constraint.inherited:
            yield Object("constraint", table.name, constraint.name)


def rule_name(definition: str) -> str:
    """The name in a CREATE RULE."""
    found = re.match(r'CREATE RULE ("(?:[^"]|"")+"|\S+) AS', definition)
    name = found[1] if found else definition
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _nodes(catalog: Catalog) -> Iterator[Node]:
    for schema in catalog.schemas:
        key = Object("schema", Name(None, schema.name))
        yield Node(key, schema)
        yield from _grants(key, schema, "SCHEMA")
    for extension in catalog.extensions:
        if extension.name != "plpgsql":
            yield Node(Object("extension", Name(None, extension.name)), extension)
    for types in (catalog.enums, catalog.domains, catalog.composites, catalog.ranges):
        for type in types:
            key = Object("type", type.name)
            yield Node(key, type)
            yield from _grants(key, type, "DOMAIN" if isinstance(type, Domain) else "TYPE", _USAGE)
            for constraint in type.constraints if isinstance(type, Domain) else ():
                yield Node(Object("constraint", type.name, constraint.name), (constraint, None), type, key)
    for sequence in catalog.sequences:
        key = Object("sequence", sequence.name)
        if sequence.identity and sequence.owned_by is not None:
            column = Object("column", sequence.owned_by[0], sequence.owned_by[1])
            yield Node(key, sequence, None, column)
        else:
            yield Node(key, sequence)
            if sequence.owned_by is not None:
                yield Node(Object("ownership", sequence.name), sequence.owned_by, None, key)
        yield from _grants(key, sequence, "SEQUENCE")
    for routine in catalog.routines:
        key = Object("routine", routine.name, routine.arguments)
        yield Node(key, routine)
        arguments = "*" if routine.kind == "aggregate" and not routine.arguments else routine.arguments
        target = f"{'FUNCTION' if routine.kind != 'procedure' else 'PROCEDURE'} {routine.name}({arguments})"
        grants = Grants(target, routine.owner, routine.grants, _EXECUTE)
        yield Node(Object("grants", routine.name, f"routine {routine.arguments}"), grants, routine, key)
    for table in catalog.tables:
        yield from _table(table)
    for view in catalog.views:
        key = Object("view", view.name)
        yield Node(key, view)
        yield from _members(view, key)
        yield from _grants(key, view, "TABLE")
    for statistics in catalog.statistics:
        table_key = Object("table", statistics.table)
        yield Node(Object("statistics", statistics.name), statistics, None, table_key)
    for other in catalog.others:
        yield Node(Object(other.kind, Name(None, other.name)), other)


def _table(table: Table) -> Iterator[Node]:
    key = Object("table", table.name)
    yield Node(key, table)
    attached = bool(table.partition_of or table.inherits)
    if attached:
        hung = Attachment(table.partition_of, table.partition_bound, table.inherits)
        yield Node(Object("attachment", table.name), hung, table, key)
    for column in table.columns:
        place = Object("column", table.name, column.name)
        yield Node(place, column, table, key, column.inherited)
        if column.default is not None:
            yield Node(Object("default", table.name, column.name), column.default, table, place)
    for constraint in table.constraints:
        index = next((i for i in table.indexes if i.constraint == constraint.name), None)
        implied = constraint.inherited and index is None
        yield Node(Object("constraint", table.name, constraint.name), (constraint, index), table, key, implied)
    toasted = tuple(option for option in table.options if option.startswith("toast."))
    if toasted:
        yield Node(Object("toast options", table.name), toasted, table, key)
    yield from _members(table, key)
    for policy in table.policies:
        yield Node(Object("policy", table.name, policy.name), policy, table, key)
    if table.replica_identity != "default" and table.kind != "foreign table":
        yield Node(Object("replica identity", table.name), table.replica_identity, table, key)
    yield from _grants(key, table, "TABLE")


def _members(relation: Table | View, key: Object) -> Iterator[Node]:
    name = relation.name
    for index in relation.indexes:
        if index.constraint is None and index.valid:
            yield Node(Object("index", name.named(index.name)), index, relation, key)
        if index.clustered:
            yield Node(Object("clustering", name), index.name, relation, key)
    for trigger in relation.triggers:
        yield Node(Object("trigger", name, trigger.name), trigger, relation, key, trigger.inherited)
    for rule in relation.rules:
        yield Node(Object("rule", name, rule_name(rule)), rule, relation, key)


def _grants(key: Object, thing: Any, word: str, usual: tuple[Grant, ...] = ()) -> Iterator[Node]:
    target = f"{word} {key.name}"
    grants = Grants(target, thing.owner, thing.grants, usual)
    yield Node(Object("grants", key.name, key.kind), grants, thing, key)


def names_of(grants: Iterable[Grant]) -> set[str]:
    """The columns that grants are about."""
    return {column for grant in grants for column in grant.columns}
