"""Which tables a transaction may touch, and which others must hold rows for it: the rest can stay empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pgassay.catalog import Catalog, Table
from pgassay.model import Name, Transaction
from pgassay.model.actions import (
    AddConstraint,
    AttachPartition,
    Copy,
    CreateRoutine,
    CreateTable,
    CreateTrigger,
    CreateView,
    DetachPartition,
    Do,
    Drop,
    LockTable,
    Maintain,
    MoveSchema,
    Other,
    Query,
    Reindex,
    Rename,
    TableAction,
    Truncate,
)


def touched(transaction: Transaction, before: Catalog, after: Catalog) -> frozenset[Name]:
    """The tables that stood before and that the transaction names, changes, or may reach in ways the text hides."""
    everything = frozenset(t.name for t in before.tables)
    if _opaque(transaction) or _types(before) != _types(after):
        return everything
    standing = {t.name: t for t in after.tables}
    changed = {t.name for t in before.tables if standing.get(t.name) != t}
    names = _names(transaction)
    named = {t.name for t in before.tables if any(_holds(t, name) for name in names)}
    views = {v.name for v in before.views} & {n.within("public") for n in names}
    return everything if views else frozenset(changed | named)


def with_relatives(tables: Iterable[Name], catalog: Catalog) -> frozenset[Name]:
    """The tables, those whose rows point at them, their partitions, and all that any of these points at."""
    wanted = set(tables)
    wanted |= {
        t.name
        for t in catalog.tables
        if t.partition_of in wanted or wanted & set(t.inherits) or any(k.references in wanted for k in t.foreign_keys)
    }
    rest = list(wanted)
    while rest:
        table = catalog.table(rest.pop())
        for parent in _parents(table) if table else ():
            if parent not in wanted:
                wanted.add(parent)
                rest.append(parent)
    return frozenset(wanted)


def _parents(table: object) -> Collection[Name]:
    keys = getattr(table, "foreign_keys", ())
    parents = [key.references for key in keys if key.references is not None]
    root = getattr(table, "partition_of", None)
    return [*parents, *([root] if root else []), *getattr(table, "inherits", ())]


def _opaque(transaction: Transaction) -> bool:
    """Whether something runs that names its tables nowhere in the text: a block, a function called."""
    return any(
        isinstance(action, Do | Query | CreateRoutine | CreateTrigger | CreateView)
        or (isinstance(action, Other) and action.kind in {"call", "rule", "merge", "execute"})
        or (isinstance(action, Drop) and action.cascade)
        or (isinstance(action, Reindex) and action.kind not in {"index", "table"})
        or (isinstance(action, Maintain) and not action.tables)
        for statement in transaction.statements
        for action in statement.actions
    )


def _types(catalog: Catalog) -> tuple[object, ...]:
    return (catalog.domains, catalog.composites, catalog.ranges, catalog.routines,
            [(e.name, e.labels) for e in catalog.enums])  # fmt: skip


def _names(transaction: Transaction) -> set[Name]:
    found: set[Name] = set()
    for statement in transaction.statements:
        for action in statement.actions:
            match action:
                case AddConstraint(table=table, constraint=constraint):
                    found |= {table, *([constraint.references] if constraint.references else [])}
                case AttachPartition(table=table, partition=other) | DetachPartition(table=table, partition=other):
                    found |= {table, other}
                case CreateTable(table=table, partition_of=Name() as parent):
                    found |= {table, parent}  # and its default partition, which is read
                case TableAction(table=table):
                    found.add(table)
                case Truncate(tables=tables) | LockTable(tables=tables) | Maintain(tables=tables):
                    found |= set(tables)
                case Drop(names=names, table=table):
                    found |= {*names, *([table] if table else [])}
                case Rename(old=old, within=within):
                    found.add(within or old)
                case MoveSchema(name=name) | Reindex(name=Name() as name) | Copy(table=Name() as name):
                    found.add(name)
                case Other(relations=relations):
                    found |= set(relations)
    return found


def _holds(table: Table, name: Name) -> bool:
    """Whether it is the table's name, or that of an index of it."""
    if name.schema not in {None, table.name.schema}:
        return False
    return name.name == table.name.name or any(i.name == name.name for i in table.indexes)
