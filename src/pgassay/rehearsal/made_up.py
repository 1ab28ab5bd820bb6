"""Errors that made-up rows cause where production's own rows might not."""

from __future__ import annotations

from pgassay.catalog import Catalog
from pgassay.model import Statement
from pgassay.model.actions import AttachPartition, Copy, Delete, Do, Insert, Other, Query, Update

_DUPLICATE, _UNREFERENCED, _CHECK = "23505", "23503", "23514"
_ASSERTIONS = {"P0001", "P0002", "P0003", "P0004"}  # a block's own RAISE, STRICT and ASSERT


def wants_production(statement: Statement, sqlstate: str, before: Catalog) -> bool:
    """Whether the error may come of rows that are made up here, or missing here, and are others in production.

    A seed row whose key a made-up row has already, a reference to a row that only production has, a block that
    asserts what it finds: a scratch server cannot tell.
    """
    for action in statement.actions:
        match action:
            case Insert():
                return sqlstate == _UNREFERENCED or (sqlstate == _DUPLICATE and before.table(action.table) is not None)
            case Copy():
                return sqlstate in {_DUPLICATE, _UNREFERENCED}
            case Update() | Delete(where=str()):
                return sqlstate == _UNREFERENCED
            case Do() | Query() | Other(kind="merge" | "call"):
                return sqlstate[:2] == "23" or sqlstate in _ASSERTIONS
            case AttachPartition():
                return sqlstate == _CHECK
    return False
