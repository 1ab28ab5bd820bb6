"""Statements that PostgreSQL refuses inside a transaction block."""

from __future__ import annotations

from pgassay.model import Statement
from pgassay.model.actions import CreateIndex, DetachPartition, Drop, Maintain, Other, Reindex

_OTHERS = {
    "createdb", "dropdb", "alter system", "create table space", "drop table space", "create subscription",
}  # fmt: skip


def stands_alone(statement: Statement) -> bool:
    """Whether PostgreSQL refuses the statement inside a transaction block (PreventInTransactionBlock)."""
    for action in statement.actions:
        match action:
            case CreateIndex(concurrently=True) | Drop(concurrently=True) | DetachPartition(concurrently=True):
                return True
            case Reindex(concurrently=True) | Reindex(kind="database" | "system" | "schema"):
                return True
            case Maintain(kind="vacuum") | Maintain(kind="cluster", tables=()):
                return True
            case Other(kind=kind) if kind in _OTHERS:
                return True
    return False
