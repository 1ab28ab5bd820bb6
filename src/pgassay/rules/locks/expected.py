"""The locks and the work that the text alone lets one expect, for a static review (manual, chapter 13.3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Name, Statement
from pgassay.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AddIdentity,
    AlterType,
    AttachPartition,
    CreateIndex,
    CreateTrigger,
    Delete,
    DetachPartition,
    Drop,
    DropColumn,
    DropConstraint,
    DropNotNull,
    LockTable,
    Maintain,
    OtherAlter,
    Rename,
    RowSecurity,
    SetDefault,
    SetNotNull,
    TableAction,
    Truncate,
    Update,
    ValidateConstraint,
)
from pgassay.model.observations import LOCK_MODES

_STRONG_ALTERS = (
    AddColumn, DropColumn, AlterType, SetDefault, SetNotNull, DropNotNull, AddIdentity, AddConstraint, DropConstraint,
    RowSecurity,
)  # fmt: skip
_WEAK_ALTERS = {
    "SetStatistics", "ClusterOn", "DropCluster", "SetOptions", "ResetOptions", "SetRelOptions", "ReSetRelOptions",
}  # fmt: skip


def blocking(mode: str) -> bool:
    """Whether writes wait for a lock of this mode."""
    return LOCK_MODES.index(mode) >= LOCK_MODES.index("SHARE")


def locks(statement: Statement) -> Iterator[tuple[Name, str]]:
    """Tables and the blocking locks that the statement takes on them."""
    for action in statement.actions:
        yield from _locks(action)


def _locks(action: Action) -> Iterator[tuple[Name, str]]:
    match action:
        case CreateIndex(concurrently=False):
            yield action.table, "SHARE"
        case AddConstraint(constraint=c) if c.kind == "foreign key" and c.references:
            yield action.table, "SHARE ROW EXCLUSIVE"
            yield c.references, "SHARE ROW EXCLUSIVE"
        case CreateTrigger():
            yield action.table, "SHARE ROW EXCLUSIVE"
        case DetachPartition(concurrently=False):
            yield action.table, "ACCESS EXCLUSIVE"
        case AttachPartition():
            yield action.partition, "ACCESS EXCLUSIVE"
        case Truncate() | Drop(kind="table" | "materialized view"):
            for name in action.tables if isinstance(action, Truncate) else action.names:
                yield name, "ACCESS EXCLUSIVE"
        case LockTable() if blocking(action.mode):
            for name in action.tables:
                yield name, action.mode
        case Rename(kind="table"):
            yield action.old, "ACCESS EXCLUSIVE"
        case Rename(kind="column" | "constraint") if action.within:
            yield action.within, "ACCESS EXCLUSIVE"
        case Maintain(full=True) | Maintain(kind="refresh", concurrently=False):
            for name in action.tables:
                yield name, "ACCESS EXCLUSIVE"
        case TableAction() if _alters(action):
            yield action.table, "ACCESS EXCLUSIVE"


def _alters(action: TableAction) -> bool:
    """Whether it is a subcommand of ALTER TABLE that locks out readers."""
    return isinstance(action, _STRONG_ALTERS) or (isinstance(action, OtherAlter) and action.what not in _WEAK_ALTERS)


def works(statement: Statement) -> Iterator[Name]:
    """Tables on which the statement does work that grows with their rows, as far as the text can tell."""
    for action in statement.actions:
        match action:
            case Update(where=None) | Delete(where=None):
                yield action.table
            case Update(where=str(where)) | Delete(where=str(where)) if " IS " in where:
                yield action.table
            case CreateIndex(concurrently=False) | AlterType() | SetNotNull() | ValidateConstraint():
                yield action.table
            case AddConstraint(constraint=c) if c.validated and not c.using_index:
                yield action.table


def changes_rows(statement: Statement) -> Iterator[Name]:
    """Tables whose rows the statement changes."""
    return (a.table for a in statement.actions if isinstance(a, Update | Delete))
