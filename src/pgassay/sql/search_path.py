"""Names without a schema, after ``SET search_path``: what they mean is written into the actions.

Elsewhere a bare name is taken to be in ``public``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from pgassay.model import Name, Statement, Transaction
from pgassay.model.actions import Action, CreateTable, Drop, MoveSchema, Rename, Setting

T = TypeVar("T")

_CONFIG = re.compile(r"set_config\(\s*'search_path'\s*,\s*'(?P<path>[^']*)'", re.IGNORECASE)
_ELSEWHERE = {"", "$user", "pg_catalog", "pg_temp"}
# Kinds of objects that lie in schemas.
_INSIDE = {
    "table", "view", "materialized view", "index", "sequence", "type", "domain", "function", "procedure", "routine",
    "aggregate", "foreign table",
}  # fmt: skip


def sets_path(transaction: Transaction) -> bool:
    """Whether the transaction changes the search path."""
    return any(_path(statement) is not None for statement in transaction.statements)


def resolved(transaction: Transaction, standing: Collection[Name]) -> Transaction:
    """The transaction with bare names qualified where the search path says so. ``standing``: what exists before."""
    scope = _Scope(set(standing))
    migrations = tuple(
        replace(migration, statements=tuple(scope.statement(s) for s in migration.statements))
        for migration in transaction.migrations
    )
    return replace(transaction, migrations=migrations)


def _path(statement: Statement) -> tuple[str, ...] | None:
    """The schemas that a statement makes the search path; empty where it is reset."""
    for setting in statement.of(Setting):
        if setting.name.lower() == "search_path":
            return _schemas(setting.value or "")
    match = _CONFIG.search(statement.text)
    return _schemas(match["path"]) if match else None


def _schemas(value: str) -> tuple[str, ...]:
    names = (part.strip().strip("'\"") for part in value.split(","))
    return tuple(name for name in names if name not in _ELSEWHERE)


@dataclass(slots=True)
class _Scope:
    known: set[Name]
    path: tuple[str, ...] = ()
    temporary: set[str] = field(default_factory=set)

    def statement(self, statement: Statement) -> Statement:
        path = _path(statement)
        if path is not None:
            self.path = path
            return statement
        actions = tuple(self.action(action) for action in statement.actions)
        return statement if actions == statement.actions else replace(statement, actions=actions)

    def action(self, action: Action) -> Action:
        if isinstance(action, CreateTable) and action.temporary:
            self.temporary.add(action.table.name)
        if self.path in {(), ("public",)}:
            found = action
        elif isinstance(action, Rename) and action.kind not in _INSIDE:
            found = replace(action, within=self.name(action.within) if action.within else None)
        elif isinstance(action, Drop | MoveSchema) and action.kind not in _INSIDE:
            found = (
                replace(action, table=self.name(action.table)) if isinstance(action, Drop) and action.table else action
            )
        else:
            makes = type(action).__name__.startswith("Create") or isinstance(action, CreateTable)
            found = self.within(action, new=makes)
        self.known.update(_made(found))
        return found

    def within(self, value: T, *, new: bool = False) -> T:
        """The same value with every bare name in it qualified; the names of what is ``new`` go to the first schema."""
        if isinstance(value, Name):
            return self.name(value, new=new)  # type: ignore[return-value]
        if isinstance(value, tuple):
            return tuple(self.within(part) for part in value)  # type: ignore[return-value]
        if not is_dataclass(value) or isinstance(value, type):
            return value
        changed: dict[str, Any] = {}
        for each in fields(value):
            before = getattr(value, each.name)
            after = self.within(before, new=new and each.name in {"name", "table"} and _names_itself(value, each.name))
            if after is not before and after != before:
                changed[each.name] = after
        return replace(value, **changed) if changed else value

    def name(self, name: Name, *, new: bool = False) -> Name:
        if name.schema or name.name in self.temporary:
            return name
        if not new:
            for schema in self.path:
                if Name(schema, name.name) in self.known:
                    return Name(schema, name.name)
        return Name(self.path[0], name.name)


def _names_itself(value: object, attribute: str) -> bool:
    """Whether the attribute is the name of the thing made, and not of a table that it is made on."""
    return attribute == "name" or isinstance(value, CreateTable)


def _made(action: Action) -> Iterator[Name]:
    if isinstance(action, CreateTable):
        yield action.table
    elif type(action).__name__.startswith("Create") and isinstance(name := getattr(action, "name", None), Name):
        yield name
    elif isinstance(action, Rename) and action.kind in _INSIDE:
        yield action.old.named(action.new)
