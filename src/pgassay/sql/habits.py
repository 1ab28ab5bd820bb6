"""Habits of queries that the plan of a young table hides: OFFSET, sums over the whole history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.message import Message

from pgassay.model import Name
from pgassay.sql.tree import PgQueryError, expression_text, parse, pg, relations


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """``offset``: the expression of an OFFSET, None without one or where it is 0. ``sums``: the columns within
    ``sum()``, with the alias that they are qualified with. ``tables`` by their names as written."""

    offset: str | None = None
    sums: tuple[tuple[str | None, str], ...] = ()
    tables: tuple[Name, ...] = ()


@lru_cache(maxsize=2_000)
def habits(text: str) -> Habits:
    """The habits of one statement; none of one that cannot be read."""
    try:
        tree = parse(text)
    except PgQueryError:
        return Habits()
    offsets = [
        expression_text(each.limit_offset)
        for each in _walk(tree)
        if isinstance(each, pg.SelectStmt) and each.HasField("limit_offset")
    ]
    sums = [
        reference
        for each in _walk(tree)
        if isinstance(each, pg.FuncCall) and each.funcname[-1].string.sval == "sum" and not each.HasField("over")
        for reference in _references(each)
    ]
    return Habits(
        offset=next((o for o in offsets if o not in {"0", "NULL"}), None),
        sums=tuple(dict.fromkeys(sums)),
        tables=tuple(dict.fromkeys(relations(tree))),
    )


def _references(message: Message) -> Iterator[tuple[str | None, str]]:
    for each in _walk(message):
        if isinstance(each, pg.ColumnRef):
            parts = [f.string.sval for f in each.fields if f.HasField("string")]
            if parts:
                yield (parts[-2] if len(parts) > 1 else None, parts[-1])


def _walk(message: Message) -> Iterator[Message]:
    yield message
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for item in value if descriptor.is_repeated else (value,):
                yield from _walk(item)
