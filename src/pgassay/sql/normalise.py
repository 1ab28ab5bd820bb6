"""The values of a statement as parameters, and back: the rest of the text stays as the user wrote it.

Only a value that stands alone in a comparison, a list, LIMIT, OFFSET, VALUES or SET becomes ``$n``. A constant within
an expression (``data ->> 'email'``, ``lower(x) || 'y'``) is part of the statement's shape: indexes depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message
from postgast import PgQueryError, parse, scan
from postgast import pg_query_pb2 as pg

from pgassay.model import literal

_COMPARISONS = frozenset("= <> < > <= >= ~~ !~~ ~~* !~~* ~ ~* !~ !~* @> <@ && @@".split())
_LISTS = (pg.AEXPR_IN, pg.AEXPR_BETWEEN, pg.AEXPR_NOT_BETWEEN, pg.AEXPR_BETWEEN_SYM, pg.AEXPR_NOT_BETWEEN_SYM)
_PAIRS = (
    pg.AEXPR_OP, pg.AEXPR_OP_ANY, pg.AEXPR_OP_ALL, pg.AEXPR_DISTINCT, pg.AEXPR_NOT_DISTINCT, pg.AEXPR_LIKE,
    pg.AEXPR_ILIKE,
)  # fmt: skip
UNREADABLE = (PgQueryError, RecursionError, DecodeError)  # what reading a statement may raise; the last two: too deep
_PARAMETER = pg.PARAM
_COMMENTS = (pg.SQL_COMMENT, pg.C_COMMENT)
_BIGINT = 2**63


@dataclass(frozen=True, slots=True)
class Normalised:
    """A statement and what its new parameters stood for, as the texts of values. ``first`` is the first new number."""

    text: str
    values: tuple[str, ...]
    first: int = 1


@dataclass(frozen=True, slots=True)
class Edit:
    """What to write instead of some bytes of a text."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """A text with some of its (UTF-8) bytes replaced."""
    raw = text.encode()
    parts, at = [], 0
    for edit in sorted(edits, key=lambda e: e.start):
        parts += [raw[at : edit.start], edit.text.encode()]
        at = edit.end
    return b"".join([*parts, raw[at:]]).decode()


def walk(message: Message) -> Iterator[Message]:
    """Every message below one, itself included, in the tree's order."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        yield each
        below: list[Message] = []
        for field, value in each.ListFields():
            if field.type == field.TYPE_MESSAGE:
                below.extend(value if field.is_repeated else [value])
        waiting.extend(reversed(below))


def normalise(text: str) -> Normalised:
    """A statement with its values as parameters, numbered after those it has. Raises PgQueryError."""
    tree = parse(text)
    numbers = [each.number for each in walk(tree) if isinstance(each, pg.ParamRef)]
    first: int = max(numbers, default=0) + 1
    ends = {token.start: token.end for token in scan(text).tokens if token.token not in _COMMENTS}
    found: dict[int, tuple[pg.A_Const, bool]] = {}
    for message in walk(tree):
        for node in _values(message):
            constant, cast = _constant(node)
            if constant is not None and constant.location >= 0:
                found[constant.location] = (constant, cast)
    edits: list[Edit] = []
    values: list[str] = []
    raw = text.encode()
    for start in sorted(found):
        constant, cast = found[start]
        value = _value(constant)
        end = ends.get(start)
        if value is None or end is None:
            continue
        if raw[start : start + 1] in (b"-", b"+"):
            end = ends[min(s for s in ends if s > start)]
        number = first + len(values)
        edits.append(Edit(start, end, f"${number}" + ("" if cast else _type(constant, value))))
        values.append(value)
    return Normalised(edited(text, edits), tuple(values), first)


def fill(text: str, values: Sequence[str | None]) -> str:
    """A statement with every ``$n`` replaced by the n-th value, as a literal. A number beyond them stays."""
    edits = []
    raw = text.encode()
    for token in scan(text).tokens:
        if token.token == _PARAMETER:
            number = int(raw[token.start + 1 : token.end])
            if 0 < number <= len(values):
                value = values[number - 1]
                edits.append(Edit(token.start, token.end, "NULL" if value is None else literal(value)))
    return edited(text, edits)


def typed(text: str, kinds: Mapping[int, str]) -> str:
    """A statement with the types of some parameters written behind them."""
    raw = text.encode()
    edits = []
    for token in scan(text).tokens:
        if token.token == _PARAMETER:
            number = int(raw[token.start + 1 : token.end])
            if number in kinds:
                edits.append(Edit(token.end, token.end, f"::{kinds[number]}"))
    return edited(text, edits)


def _values(message: Message) -> Iterator[pg.Node]:
    """The nodes that stand where a value may."""
    match message:
        case pg.A_Expr() if message.kind in _PAIRS and message.name[-1].string.sval in _COMPARISONS:
            sides = [message.lexpr, message.rexpr]
            if not all(_constant(side)[0] or side.HasField("param_ref") for side in sides):
                yield from sides
        case pg.A_Expr() if message.kind in _LISTS:
            yield from message.rexpr.list.items
        case pg.SelectStmt():
            yield from (message.limit_count, message.limit_offset)
        case pg.InsertStmt():
            for row in message.select_stmt.select_stmt.values_lists:
                yield from row.list.items
        case pg.UpdateStmt():
            yield from (node.res_target.val for node in message.target_list)
        case _:
            pass


def _constant(node: pg.Node) -> tuple[pg.A_Const | None, bool]:
    """The constant that a node is, and whether a cast says its type. ``interval '1 day'`` has no place for a ``$n``."""
    if node.HasField("a_const"):
        return node.a_const, False
    cast = node.type_cast
    if node.HasField("type_cast") and cast.location >= 0 and cast.arg.HasField("a_const"):
        return cast.arg.a_const, True
    return None, False


def _value(constant: pg.A_Const) -> str | None:
    match constant.WhichOneof("val"):
        case "ival":
            return str(constant.ival.ival)
        case "fval":
            return str(constant.fval.fval)
        case "sval":
            return str(constant.sval.sval)
    return None  # booleans and NULL belong to the shape; bit strings are rare


def _type(constant: pg.A_Const, value: str) -> str:
    """The type that a number has by itself where the column's would not do: 1.5 never becomes an integer."""
    if constant.WhichOneof("val") != "fval":
        return ""
    whole = value.lstrip("+-").isdigit() and -_BIGINT <= int(value) < _BIGINT
    return "::bigint" if whole else "::numeric"


def readable(text: str) -> bool:
    """Whether PostgreSQL's parser takes the text."""
    try:
        parse(text)
    except UNREADABLE:
        return False
    return True
