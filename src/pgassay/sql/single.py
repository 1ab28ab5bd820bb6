"""One statement of an application: what kind it is, which parameters it has, and its text without a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from google.protobuf.message import Message
from postgast import PgQueryError, deparse, normalize, parse
from postgast import pg_query_pb2 as pg

from pgassay.errors import InputError, SyntaxProblem

Kind = Literal["select", "insert", "update", "delete", "merge"]
_KINDS: dict[str, Kind] = {
    "select_stmt": "select",
    "insert_stmt": "insert",
    "update_stmt": "update",
    "delete_stmt": "delete",
    "merge_stmt": "merge",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One plannable statement. ``parameters`` is the highest ``$n`` in it."""

    text: str
    kind: Kind
    parameters: int


@lru_cache(maxsize=512)
def single(text: str) -> Single:
    """The one SELECT, INSERT, UPDATE, DELETE or MERGE of a text; VALUES and TABLE are SELECTs.

    Raises SyntaxProblem where it does not parse and InputError where it is anything else: several statements, a
    utility command, or SELECT INTO, which creates a table.
    """
    try:
        tree = parse(text)
    except PgQueryError as error:
        raise SyntaxProblem(f"the query does not parse: {error.message}") from None
    if len(tree.stmts) != 1:
        raise InputError(f"one query is wanted, not {len(tree.stmts)}")
    statement = tree.stmts[0]
    node = statement.stmt.WhichOneof("node")
    if node not in _KINDS or any(isinstance(each, pg.IntoClause) for each in _walk(statement.stmt)):
        what = "SELECT INTO" if node in _KINDS else (node or "nothing").removesuffix("_stmt").replace("_", " ").upper()
        raise InputError(
            f"only SELECT, INSERT, UPDATE, DELETE and MERGE can be planned here, not {what}",
            hint="Give the query itself, without EXPLAIN." if node == "explain_stmt" else None,
        )
    raw = text.encode()
    start, length = statement.stmt_location, statement.stmt_len
    body = (raw[start : start + length] if length else raw[start:]).decode().strip()
    numbers = [each.number for each in _walk(statement.stmt) if isinstance(each, pg.ParamRef)]
    return Single(text=body, kind=_KINDS[node], parameters=max(numbers, default=0))


def without_values(text: str) -> str | None:
    """A statement with a parameter for every constant and without comments; None where that cannot be promised."""
    try:
        tree = parse(normalize(text))
        if any(isinstance(each, pg.A_Const) and _tells(each) for each in _walk(tree)):
            return None
        result: str = deparse(tree)
    except PgQueryError:
        return None
    return result


def _tells(constant: pg.A_Const) -> bool:
    return constant.WhichOneof("val") in ("sval", "fval", "bsval")


def _walk(message: Message) -> Iterator[Message]:
    """Every message below one, itself included; without recursion, which deep expressions would exhaust."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        yield each
        for field, value in each.ListFields():
            if field.type == field.TYPE_MESSAGE:
                waiting.extend(value if field.is_repeated else [value])
