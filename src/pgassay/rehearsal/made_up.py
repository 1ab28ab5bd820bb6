"""Errors that made-up rows cause where production's own rows might not."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pgassay.catalog import Catalog
from pgassay.model import Statement
from pgassay.model.actions import (
    AddConstraint,
    AlterType,
    AttachPartition,
    Copy,
    Delete,
    Do,
    Insert,
    Other,
    Query,
    SetNotNull,
    Update,
)
from pgassay.rehearsal.play import MISTYPED
from pgassay.rehearsal.probe import Probe
from pgassay.server import ServerMessage

_DUPLICATE, _UNREFERENCED, _CHECK = "23505", "23503", "23514"
_NULL, _UNKNOWN_FIELD = "23502", "42703"
EXISTENCE = {  # duplicate and undefined tables, columns, objects, functions, schemas
    "42P07", "42701", "42710", "42723", "42P06", "42P01", "42703", "42704", "42883", "3F000",
}  # fmt: skip
_ASSERTIONS = {"P0001", "P0002", "P0003", "P0004"}  # a block's own RAISE, STRICT and ASSERT


def wants_production(statement: Statement, sqlstate: str, before: Catalog, *, empty: bool) -> bool:
    """Whether the error may come of rows that are made up here, or missing here, and are others in production.

    A seed row whose key a made-up row has already, a reference to a row that only production has, a value of another
    shape, a block that asserts what it finds: a scratch server cannot tell. ``empty``: it fails on empty tables too.
    """
    if sqlstate[:2] == "22" and not empty and any(map(_moves_rows, statement.actions)):
        return True
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


def wants_the_truth(
    statement: Statement, siblings: Iterable[Statement], error: ServerMessage, guessed: frozenset[str]
) -> bool:
    """Whether the error may come of tables, functions and types that nobody created, whose shapes are guesses:
    ``guessed`` are their names, ``siblings`` the statements of the transaction."""
    if not guessed or guessed.isdisjoint(_words(statement)):
        return False
    if any(map(_moves_rows, statement.actions)):
        return True
    if error.sqlstate in MISTYPED:
        return not any(statement.of(AlterType))
    if error.sqlstate != _NULL:
        return False
    if any(a.constraint.kind == "primary key" for a in statement.of(AddConstraint)):
        return True  # the columns of a key that somebody meant to add held values
    filled = {c for s in siblings for u in s.of(Update) for c in u.columns}
    return any(a.column in filled for a in statement.of(SetNotNull))  # by rows that only production has


def doubts(probe: Probe, error: ServerMessage, before: Catalog, guessed: frozenset[str]) -> bool:
    """Whether a statement of the old application, as we made it up, may fail for what was guessed about its table."""
    if not guessed or probe.source == "workload":
        return False
    if error.sqlstate in MISTYPED or (error.sqlstate == _UNKNOWN_FIELD and error.message.startswith("record ")):
        return True  # in a trigger or a function, which may have been guessed itself
    if probe.table is None or probe.table.name not in guessed:
        return False
    table = before.table(probe.table)
    known = table is not None and error.column is not None and table.column(error.column) is not None
    return error.sqlstate == _DUPLICATE or (error.sqlstate == _NULL and known)


def _words(statement: Statement) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", statement.text))


def _moves_rows(action: object) -> bool:
    if isinstance(action, Other):
        return action.kind in {"merge", "call"}
    return isinstance(action, Do | Query | Insert | Update | Delete | Copy)
