"""Which tables a transaction may touch, and which others must hold rows for it: the rest can stay empty."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from pgassay.catalog import Catalog, Table
from pgassay.catalog.model import Composite, Range, Routine
from pgassay.model import Name, Transaction
from pgassay.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AddIdentity,
    AttachPartition,
    Copy,
    CreateIndex,
    CreateTable,
    CreateTrigger,
    CreateView,
    DetachPartition,
    Do,
    Drop,
    DropNotNull,
    LockTable,
    Maintain,
    MoveSchema,
    Other,
    Query,
    Reindex,
    Rename,
    RowSecurity,
    SetDefault,
    SetNotNull,
    TableAction,
    Truncate,
    ValidateConstraint,
)


def touched(transaction: Transaction, before: Catalog, after: Catalog) -> frozenset[Name]:
    """The tables that stood before and that the transaction names, changes, or may reach in ways the text hides."""
    everything = frozenset(t.name for t in before.tables)
    if _opaque(transaction) or code_changed(before, after):
        return everything
    words = _mentioned(transaction, before, after)
    if words is None:
        return everything
    standing = {t.name: t for t in after.tables}
    changed = {t.name for t in before.tables if standing.get(t.name) != t}
    names = _names(transaction)
    named = {t.name for t in before.tables if t.name.name in words or any(_holds(t, name) for name in names)}
    views = {v.name for v in before.views} & {n.within("public") for n in names}
    return everything if views else frozenset(changed | named | tables_of_types(before, after))


def reached(transaction: Transaction, before: Catalog, after: Catalog) -> frozenset[Name]:
    """The tables that must hold rows for the transaction to meet what it would meet in production."""
    return with_relatives(touched(transaction, before, after), before, disturbed(transaction, before, after))


def background(transaction: Transaction, before: Catalog, after: Catalog, filled: Collection[Name]) -> frozenset[Name]:
    """Those of the filled tables that are only pointed at: a few rows are enough for others to point at, unless each
    of theirs may be pointed at once only."""
    kept = set(touched(transaction, before, after))
    rest = list(kept)
    while rest:
        table = before.table(rest.pop())
        keys = {frozenset(i.columns) for i in table.indexes if i.unique} if table else set()
        for link in table.foreign_keys if table else ():
            if link.references and link.references not in kept and any(k <= set(link.columns) for k in keys):
                kept.add(link.references)
                rest.append(link.references)
    return frozenset(filled) - kept


def disturbed(transaction: Transaction, before: Catalog, after: Catalog) -> frozenset[str] | None:
    """Names of tables whose rows or keys the transaction may change, so that rows that point at them matter; None
    where it may be any."""
    words = _mentioned(transaction, before, after)
    if words is None or _opaque(transaction) or code_changed(before, after):
        return None
    names = {
        name.name
        for statement in transaction.statements
        for action in statement.actions
        if not isinstance(action, _HARMLESS)
        for name in _of_action(action)
    }
    return frozenset(names | words if words & _ROW_WORDS else names)


def with_relatives(
    tables: Iterable[Name], catalog: Catalog, pointed_at: Collection[str] | None = None
) -> frozenset[Name]:
    """The tables, their partitions, those whose rows point at them (at those ``pointed_at``, where given), and all
    that any of these points at."""
    wanted = set(tables)
    keyed = wanted if pointed_at is None else {name for name in wanted if name.name in pointed_at}
    wanted |= {
        t.name
        for t in catalog.tables
        if t.partition_of in wanted or wanted & set(t.inherits) or any(k.references in keyed for k in t.foreign_keys)
    }
    rest = list(wanted)
    while rest:
        table = catalog.table(rest.pop())
        for parent in _parents(table) if table else ():
            if parent not in wanted:
                wanted.add(parent)
                rest.append(parent)
    return frozenset(wanted)


def tables_of_types(before: Catalog, after: Catalog) -> frozenset[Name]:
    """Tables with a column of an enum or domain that is another afterwards."""
    enums, domains = {e.name: e for e in after.enums}, {d.name: d for d in after.domains}
    types = {str(e.name) for e in before.enums if enums.get(e.name) != e}
    types |= {str(d.name) for d in before.domains if domains.get(d.name) != d}
    grown = -1
    while len(types) != grown:
        grown = len(types)
        types |= {str(d.name) for d in before.domains if _bare(d.type) in types}
        types |= {str(c.name) for c in before.composites if any(_bare(a.type) in types for a in c.attributes)}
    return frozenset(t.name for t in before.tables if any({_bare(c.type), c.base} & types for c in t.columns))


def _bare(type: str) -> str:
    return type.removesuffix("[]")


def _parents(table: object) -> Collection[Name]:
    keys = getattr(table, "foreign_keys", ())
    parents = [key.references for key in keys if key.references is not None]
    root = getattr(table, "partition_of", None)
    return [*parents, *([root] if root else []), *getattr(table, "inherits", ())]


# Subcommands after which every row and every key is what it was.
_HARMLESS = (AddColumn, AddConstraint, AddIdentity, CreateIndex, CreateTable, DropNotNull, LockTable, Reindex,
             RowSecurity, SetDefault, SetNotNull, ValidateConstraint)  # fmt: skip


def _opaque(transaction: Transaction) -> bool:
    """Whether something runs that names its tables nowhere."""
    return any(
        (isinstance(action, Other) and action.kind in {"execute", "rule"})
        or (isinstance(action, Drop) and action.cascade)
        or (isinstance(action, Reindex) and action.kind not in {"index", "table"})
        or (isinstance(action, Maintain) and not action.tables)
        for statement in transaction.statements
        for action in statement.actions
    )


def code_changed(before: Catalog, after: Catalog) -> bool:
    """Whether a composite or range type or a routine that stood before is another: its uses are hard to find."""
    earlier = {(type(o), o.name, getattr(o, "arguments", "")): o for o in _code(before)}
    later = {(type(o), o.name, getattr(o, "arguments", "")): o for o in _code(after)}
    return any(later.get(key) != thing for key, thing in earlier.items())


def _code(catalog: Catalog) -> Iterator[Composite | Range | Routine]:
    yield from catalog.composites
    yield from catalog.ranges
    yield from catalog.routines


def _mentioned(transaction: Transaction, before: Catalog, after: Catalog) -> frozenset[str] | None:
    """The words of blocks, queries, triggers and views, and of the routines that these mention; None where SQL is put
    together as they run, so that the words tell nothing."""
    texts = [s.text for s in transaction.statements if any(map(_speaks, s.actions))]
    routines = {r.name.name: r.definition for c in (before, after) for r in c.routines}
    words: set[str] = set()
    while texts:
        new = frozenset(re.findall(r"\w+", _CLAUSES.sub("", texts.pop()))) - words
        words |= new | {word.lower() for word in new}
        if "execute" in words:
            return None
        texts += [routines[word] for word in new & routines.keys()]
    return frozenset(words)


def _speaks(action: Action) -> bool:
    """Whether what it reaches stands in words rather than in the action."""
    if isinstance(action, Other):
        return action.kind in {"call", "merge"}
    return isinstance(action, Do | Query | CreateTrigger | CreateView)


# Clauses whose words mean something else elsewhere.
_CLAUSES = re.compile(r"\bON\s+(DELETE|UPDATE)\b|\bEXECUTE\s+(FUNCTION|PROCEDURE)\b|\bFOR\s+UPDATE\b", re.IGNORECASE)
_ROW_WORDS = {"delete", "update", "truncate", "merge", "drop", "type"}


def _names(transaction: Transaction) -> set[Name]:
    return {name for statement in transaction.statements for a in statement.actions for name in _of_action(a)}


def _of_action(action: Action) -> Collection[Name]:
    match action:
        case AddConstraint(table=table, constraint=constraint):
            return {table, *([constraint.references] if constraint.references else [])}
        case AttachPartition(table=table, partition=other) | DetachPartition(table=table, partition=other):
            return {table, other}
        case CreateTable(table=table, partition_of=Name() as parent):
            return {table, parent}  # and its default partition, which is read
        case TableAction(table=table):
            return {table}
        case Truncate(tables=tables) | LockTable(tables=tables) | Maintain(tables=tables):
            return tables
        case Drop(names=names, table=table):
            return {*names, *([table] if table else [])}
        case Rename(old=old, within=within):
            return {within or old}
        case MoveSchema(name=name) | Reindex(name=Name() as name) | Copy(table=Name() as name):
            return {name}
        case Other(relations=relations):
            return relations
    return ()


def _holds(table: Table, name: Name) -> bool:
    """Whether it is the table's name, or that of an index of it."""
    if name.schema not in {None, table.name.schema}:
        return False
    return name.name == table.name.name or any(i.name == name.name for i in table.indexes)
