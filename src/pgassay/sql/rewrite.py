"""A statement written anew: ALTER TABLE taken apart, constraints made NOT VALID. Remedies hold the user's SQL so."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from postgast import deparse

from pgassay.sql.tree import parse, pg

# The parser's codes of the constraints that ``ColumnDef.constraints`` lists, in the same order as there.
_LISTED = {pg.CONSTR_PRIMARY, pg.CONSTR_UNIQUE, pg.CONSTR_FOREIGN, pg.CONSTR_CHECK, pg.CONSTR_EXCLUSION}


@dataclass(frozen=True, slots=True)
class Place:
    """A constraint within an ALTER TABLE: the number of its subcommand, and of the constraint in an ADD COLUMN."""

    command: int
    constraint: int | None = None


def split_alter(text: str) -> tuple[str, ...]:
    """An ALTER TABLE as one statement a subcommand."""
    tree = parse(text)
    return tuple(_only(tree, [command]) for command in tree.stmts[0].stmt.alter_table_stmt.cmds)


def without(text: str, places: Collection[Place]) -> str | None:
    """An ALTER TABLE less some subcommands, or less some constraints of added columns; None where nothing is left."""
    tree = parse(text)
    kept = []
    for number, node in enumerate(tree.stmts[0].stmt.alter_table_stmt.cmds):
        if Place(number) in places:
            continue
        inline = {p.constraint for p in places if p.command == number}
        if inline:
            column = getattr(node.alter_table_cmd, "def").column_def
            listed = list(_listed(column))
            others = [n for n in column.constraints if all(n is not c for c in listed)]
            chosen = [*others, *(n for i, n in enumerate(listed) if i not in inline)]
            copies = [_copy(n) for n in chosen]
            del column.constraints[:]
            column.constraints.extend(copies)
        kept.append(node)
    return _only(tree, kept) if kept else None


def constraint_alone(text: str, place: Place, *, name: str, validated: bool = False) -> str:
    """One constraint of an ALTER TABLE as a statement of its own, named, and NOT VALID unless ``validated``."""
    tree = parse(text)
    command = tree.stmts[0].stmt.alter_table_stmt.cmds[place.command]
    definition = getattr(command.alter_table_cmd, "def")
    if place.constraint is None:
        node = definition
    else:
        column = definition.column_def
        node = list(_listed(column))[place.constraint]
        key = pg.Node(string=pg.String(sval=column.colname))
        if node.constraint.contype == pg.CONSTR_FOREIGN:
            node.constraint.fk_attrs.append(key)
        elif node.constraint.contype != pg.CONSTR_CHECK:
            node.constraint.keys.append(key)
    node.constraint.conname = name
    node.constraint.skip_validation = not validated
    node.constraint.initially_valid = validated
    made = pg.Node()
    made.alter_table_cmd.subtype = pg.AT_AddConstraint
    getattr(made.alter_table_cmd, "def").CopyFrom(node)
    made.alter_table_cmd.behavior = pg.DROP_RESTRICT
    return _only(tree, [made])


def _listed(column: pg.ColumnDef) -> Iterator[pg.Node]:
    return (n for n in column.constraints if n.constraint.contype in _LISTED)


def _copy(node: pg.Node) -> pg.Node:
    copy = pg.Node()
    copy.CopyFrom(node)
    return copy


def _only(tree: pg.ParseResult, commands: list[pg.Node]) -> str:
    copies = [_copy(c) for c in commands]
    result = pg.ParseResult()
    result.CopyFrom(tree)
    statement = result.stmts[0].stmt.alter_table_stmt
    del statement.cmds[:]
    statement.cmds.extend(copies)
    text: str = deparse(result)
    return text
