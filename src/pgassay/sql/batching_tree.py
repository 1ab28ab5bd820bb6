"""The tree of a statement that is to be sliced: its parts, with a condition more, and written anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message
from postgast import deparse

from pgassay.errors import InputError
from pgassay.model import Name
from pgassay.sql.tree import PgQueryError, expression_text, parse, pg


def statement_of(tree: pg.ParseResult) -> pg.UpdateStmt | pg.DeleteStmt | pg.InsertStmt:
    statement = tree.stmts[0].stmt
    return getattr(statement, statement.WhichOneof("node"))


def conditions_of(tree: pg.ParseResult) -> pg.UpdateStmt | pg.DeleteStmt | pg.SelectStmt:
    """The part that has the WHERE."""
    node = statement_of(tree)
    return node.select_stmt.select_stmt if isinstance(node, pg.InsertStmt) else node


def restrict(tree: pg.ParseResult, condition: str) -> None:
    where = conditions_of(tree)
    more = parse(f"SELECT WHERE {condition}").stmts[0].stmt.select_stmt.where_clause
    if not where.HasField("where_clause"):
        where.where_clause.CopyFrom(more)
        return
    both = pg.Node()
    both.bool_expr.boolop = pg.AND_EXPR
    for part in (where.where_clause, more):  # flat, as the parser reads it
        joined = part.HasField("bool_expr") and part.bool_expr.boolop == pg.AND_EXPR
        both.bool_expr.args.extend(part.bool_expr.args if joined else [part])
    where.where_clause.CopyFrom(both)


def target_of(text: str) -> pg.Node:
    return parse(f"SELECT {text}").stmts[0].stmt.select_stmt.target_list[0]


def copied(tree: pg.ParseResult) -> pg.ParseResult:
    made = pg.ParseResult()
    made.CopyFrom(tree)
    return made


def same_name(one: Name, other: Name) -> bool:
    return one.name == other.name and (one.schema is None or other.schema is None or one.schema == other.schema)


def outside(value: pg.Node, select: pg.SelectStmt, sliced: pg.RangeVar) -> str | None:
    """An expression with its columns qualified, so that it means the same within a subquery; None where it cannot."""
    node = pg.Node()
    node.CopyFrom(value)
    alone = len(select.from_clause) == 1 and select.from_clause[0].HasField("range_var")
    for each in walk(node):
        if isinstance(each, pg.SubLink | pg.A_Star):
            return None
        if isinstance(each, pg.ColumnRef) and len(each.fields) == 1:
            if not alone:
                return None
            name = pg.Node(string=pg.String(sval=sliced.alias.aliasname or sliced.relname))
            fields = [name, *each.fields]
            copies = [_node(f) for f in fields]
            del each.fields[:]
            each.fields.extend(copies)
    return expression_text(node)


def _node(node: pg.Node) -> pg.Node:
    made = pg.Node()
    made.CopyFrom(node)
    return made


def written(tree: pg.ParseResult) -> str:
    """A tree as SQL, read back: what runs must be what was meant."""
    text: str = deparse(tree)
    try:
        same = _bare(parse(text)) == _bare(tree)
    except PgQueryError:
        same = False
    if not same:
        raise InputError("this statement cannot be run in batches: it could not be written anew without a change")
    return text


def _bare(tree: pg.ParseResult) -> bytes:
    """A tree without the places in the text."""
    made = copied(tree)
    made.ClearField("version")
    for each in made.stmts:
        each.ClearField("stmt_location")
        each.ClearField("stmt_len")
    for part in walk(made):
        for name in ("location", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end"):
            if name in part.DESCRIPTOR.fields_by_name:
                part.ClearField(name)
    data: bytes = made.SerializeToString(deterministic=True)
    return data


def functions_of(message: Message) -> Iterator[Name]:
    for each in walk(message):
        yield from called(each)


def called(message: Message) -> Iterator[Name]:
    if isinstance(message, pg.FuncCall):
        parts = [n.string.sval for n in message.funcname]
        yield Name(parts[-2] if len(parts) > 1 else None, parts[-1])


def relations_below(message: Message) -> list[pg.RangeVar]:
    return [each for each in walk(message) if isinstance(each, pg.RangeVar)]


def walk(message: Message) -> Iterator[Message]:
    return _below(message, into_queries=True)


def walk_flat(message: Message) -> Iterator[Message]:
    """Without the queries inside."""
    return _below(message, into_queries=False)


def _below(message: Message, *, into_queries: bool) -> Iterator[Message]:
    waiting: list[Message] = [message]
    while waiting:
        each = waiting.pop()
        yield each
        if not into_queries and isinstance(each, pg.SubLink):
            continue
        for descriptor, value in each.ListFields():
            if descriptor.type == descriptor.TYPE_MESSAGE:
                items: Iterable[Message] = value if descriptor.is_repeated else [value]
                waiting.extend(items)
