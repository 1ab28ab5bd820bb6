"""Statements written anew for other columns, tables and names: what a plan builds beside what stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.message import Message
from postgast import deparse

from pgassay.model import Name
from pgassay.sql.tree import parse, pg


def index(
    text: str,
    *,
    name: str | None = None,
    table: Name | None = None,
    only: bool = False,
    concurrently: bool = True,
    columns: Mapping[str, str] | None = None,
) -> str:
    """CREATE INDEX with another name or table, on ONLY that table, CONCURRENTLY or not, on other columns."""
    tree = parse(text)
    stmt = tree.stmts[0].stmt.index_stmt
    stmt.concurrent = concurrently
    if name is not None:
        stmt.idxname = name
        stmt.if_not_exists = False
    if table is not None:
        _name(stmt.relation, table)
    stmt.relation.inh = not only
    if columns:
        _columns(stmt, columns)
        for element in _messages(stmt, pg.IndexElem):
            element.name = columns.get(element.name, element.name)
    return _text(tree)


def constraint(
    text: str,
    *,
    name: str,
    table: Name | None = None,
    columns: Mapping[str, str] | None = None,
    referenced: Mapping[str, str] | None = None,
    validated: bool | None = None,
) -> str:
    """``ALTER TABLE … ADD CONSTRAINT …`` with another name, on other columns or another table, NOT VALID or not;
    ``referenced``: other columns that a foreign key points at."""
    tree = parse(text)
    stmt = tree.stmts[0].stmt.alter_table_stmt
    if table is not None:
        _name(stmt.relation, table)
    node = getattr(stmt.cmds[0].alter_table_cmd, "def").constraint
    node.conname = name
    if validated is not None:
        node.skip_validation = not validated
        node.initially_valid = validated
    for key in node.pk_attrs if referenced else ():
        key.string.sval = (referenced or {}).get(key.string.sval, key.string.sval)
    if columns:
        _columns(node, columns)
        for keys in (node.keys, node.including, node.fk_attrs):
            for key in keys:
                key.string.sval = columns.get(key.string.sval, key.string.sval)
    return _text(tree)


def as_unique_index(text: str, *, name: str, table: Name) -> tuple[str, str]:
    """A UNIQUE or PRIMARY KEY constraint as its index, built CONCURRENTLY, and as the constraint that takes the index:
    from ``ALTER TABLE … ADD …``."""
    tree = parse(text)
    node = getattr(tree.stmts[0].stmt.alter_table_stmt.cmds[0].alter_table_cmd, "def").constraint
    made = pg.ParseResult()
    stmt = made.stmts.add().stmt.index_stmt
    stmt.idxname = name
    stmt.access_method = "btree"
    stmt.unique = True
    stmt.concurrent = True
    stmt.nulls_not_distinct = node.nulls_not_distinct
    stmt.relation.relpersistence = "p"
    stmt.relation.inh = True
    stmt.table_space = node.indexspace
    stmt.options.extend(node.options)
    _name(stmt.relation, table)
    for key in node.keys:
        _element(stmt.index_params, key.string.sval)
    for key in node.including:
        _element(stmt.index_including_params, key.string.sval)
    for keys in (node.keys, node.including, node.options):
        del keys[:]
    node.nulls_not_distinct = False
    node.indexspace = ""
    node.conname = name
    node.indexname = name
    return _text(made), _text(tree)


def column_without(text: str, drop: Callable[[str], bool]) -> str:
    """``ALTER TABLE … ADD COLUMN`` less what ``drop`` names of its column: not null, default, check, unique, primary
    key, foreign key, generated, identity."""
    tree = parse(text)
    definition = getattr(tree.stmts[0].stmt.alter_table_stmt.cmds[0].alter_table_cmd, "def").column_def
    kept = [_copied(n) for n in definition.constraints if not drop(_KINDS.get(n.constraint.contype, ""))]
    del definition.constraints[:]
    definition.constraints.extend(kept)
    return _text(tree)


def expression(text: str, columns: Mapping[str, str], *, row: str | None = None) -> str:
    """An expression on other columns; on those of a ``row`` (new, old) where one is named."""
    tree = parse(f"SELECT {text}")
    for reference in _messages(tree, pg.ColumnRef):
        last = reference.fields[len(reference.fields) - 1]
        name = last.string.sval
        if name not in columns:
            continue
        del reference.fields[:]
        for part in filter(None, (row, columns[name])):
            reference.fields.add().string.sval = part
    return _text(tree).removeprefix("SELECT ")


def mentions(text: str) -> frozenset[str]:
    """Every name that a statement holds: of relations, columns, types, constraints, functions …"""
    return frozenset(_strings(parse(text)))


_KINDS = {
    pg.CONSTR_NOTNULL: "not null", pg.CONSTR_DEFAULT: "default", pg.CONSTR_CHECK: "check", pg.CONSTR_UNIQUE: "unique",
    pg.CONSTR_PRIMARY: "primary key", pg.CONSTR_FOREIGN: "foreign key", pg.CONSTR_GENERATED: "generated",
    pg.CONSTR_IDENTITY: "identity",
}  # fmt: skip


def _element(items: Any, name: str) -> None:
    element = items.add().index_elem
    element.name = name
    element.ordering = pg.SORTBY_DEFAULT
    element.nulls_ordering = pg.SORTBY_NULLS_DEFAULT


def _name(relation: Any, table: Name) -> None:
    relation.schemaname = table.schema or ""
    relation.relname = table.name


def _columns(message: Message, columns: Mapping[str, str]) -> None:
    for reference in _messages(message, pg.ColumnRef):
        for part in reference.fields[len(reference.fields) - 1 :]:
            part.string.sval = columns.get(part.string.sval, part.string.sval)


def _messages(message: Message, kind: Any) -> Iterator[Any]:
    if isinstance(message, kind):
        yield message
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for item in value if descriptor.is_repeated else (value,):
                yield from _messages(item, kind)


def _strings(message: Message) -> Iterator[str]:
    for descriptor, value in message.ListFields():
        for item in value if descriptor.is_repeated else (value,):
            if isinstance(item, str):
                yield item
            elif isinstance(item, Message):
                yield from _strings(item)


def _copied(node: Any) -> Any:
    copy = pg.Node()
    copy.CopyFrom(node)
    return copy


def _text(tree: Any) -> str:
    text: str = deparse(tree)
    return text
