"""Statements that no transaction can hold: what they leave when they are cut off, and whether they have been done.

CREATE INDEX CONCURRENTLY leaves an INVALID index (manual, CREATE INDEX, "Building Indexes Concurrently"), REINDEX an
index named ``…_ccnew``, DETACH PARTITION CONCURRENTLY a partition that is half detached. What was there before the
statement is looked up first and recorded, so that afterwards it can be told what the statement did.
"""

from __future__ import annotations

import json
from typing import Any

from pgassay.model import Name, Statement
from pgassay.model.actions import CreateIndex, DetachPartition, Drop, Reindex
from pgassay.server import Connection
from pgassay.sql.queries import queries

_SQL = queries("pgassay.migrate.runner", "effects.sql")
Look = dict[str, Any]
_BOTH = ("indexes", "invalid")


def unhurried(statement: Statement) -> bool:
    """Whether its lock lets readers and writers pass, so that nobody waits behind it however long it waits itself."""
    return any(
        getattr(action, "concurrently", False) and isinstance(action, CreateIndex | Drop | Reindex | DetachPartition)
        for action in statement.actions
    )


def look(connection: Connection, statement: Statement) -> Look:
    """What is there that the statement may change."""
    for action in statement.actions:
        match action:
            case CreateIndex():
                found = _indexes(connection, action)
                return {way: [i["oid"] for i in found if i["valid"] == (way == "indexes")] for way in _BOTH}
            case Drop(kind="index"):
                return {"present": _present(connection, action)}
            case Reindex():
                return {"invalid": [i["oid"] for i in connection.json(_SQL["all_indexes"]) or []]}
            case _:
                pass
    return {}


def done(connection: Connection, statement: Statement, before: Look) -> bool:
    """Whether the statement, which may have been cut off, has had its effect."""
    for action in statement.actions:
        match action:
            case CreateIndex():
                known = before.get("indexes", [])
                new = [i for i in _indexes(connection, action) if i["valid"] and i["oid"] not in known]
                return any(action.name in (None, i["name"]) for i in new)
            case Drop(kind="index"):
                return bool(before.get("present")) and not _present(connection, action)
            case DetachPartition():
                return connection.json(_SQL["attached"], [str(action.table), str(action.partition)]) is None
            case _:
                pass
    return False  # VACUUM, REINDEX, ALTER SYSTEM: they may run twice


def clear(connection: Connection, statement: Statement, before: Look) -> list[str]:
    """Remove what a failed attempt has left, so that the next one can begin; what was done. Raises StatementError."""
    said = []
    for action in statement.actions:
        match action:
            case CreateIndex(concurrently=True):
                for index in _indexes(connection, action):
                    new = index["oid"] not in before.get("invalid", [])
                    if not index["valid"] and (index["name"] == action.name or (new and action.name is None)):
                        said.append(_drop(connection, index))
            case Reindex(concurrently=True):
                known = before.get("invalid", [])
                for index in connection.json(_SQL["all_indexes"]) or []:
                    if index["oid"] not in known and "_cc" in index["name"]:
                        said.append(_drop(connection, index))
            case DetachPartition(concurrently=True):
                found = connection.json(_SQL["attached"], [str(action.table), str(action.partition)])
                if found and found["pending"]:
                    connection.run(f"ALTER TABLE {action.table} DETACH PARTITION {action.partition} FINALIZE")
                    said.append(f"finished detaching {action.partition}")
            case _:
                pass
    return said


def _drop(connection: Connection, index: dict[str, Any]) -> str:
    name = Name(index["schema"], index["name"])
    connection.run(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    return f"dropped the INVALID index {name}"


def _indexes(connection: Connection, action: CreateIndex) -> list[dict[str, Any]]:
    return connection.json(_SQL["indexes"], [str(action.table)]) or []


def _present(connection: Connection, action: Drop) -> list[str]:
    return connection.json(_SQL["present"], [json.dumps([str(n) for n in action.names])]) or []
