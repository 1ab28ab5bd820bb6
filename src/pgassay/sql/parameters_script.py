"""A script taken apart without refusing anything: statements with the comments above them, PREPARE and EXECUTE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from postgast import PgQueryError, parse, scan
from postgast import pg_query_pb2 as pg

from pgassay.sql.normalise import UNREADABLE

_SEMICOLON = pg.ASCII_59
_COMMENTS = (pg.SQL_COMMENT, pg.C_COMMENT)


@dataclass(frozen=True, slots=True)
class Part:
    """A statement, whether or not it parses, its line (from 1), and the comments above it."""

    text: str
    line: int
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a statement is to a workload. ``name`` and ``text`` of a PREPARE, whose query the text is; ``name`` and
    ``values`` of an EXECUTE, None where one of them is no constant; ``control`` begins, ends or forgets something."""

    kind: Literal["prepare", "execute", "control", "statement"]
    name: str = ""
    text: str = ""
    values: tuple[str | None, ...] | None = None


def parts(text: str) -> Iterator[Part]:
    """The text between semicolons, as PostgreSQL's scanner finds them; where it gives up, those at ends of lines."""
    raw = text.encode()
    try:
        tokens = list(scan(text).tokens)
    except PgQueryError:
        at = 0
        for piece in re.split(r"(?<=;)[ \t]*\n", text):
            body = piece.strip().removesuffix(";")
            if body:
                yield Part(body, text.count("\n", 0, text.index(body, at)) + 1)
            at += len(piece)
        return
    comments: list[str] = []
    start: int | None = None
    before: int | None = None
    end = line = counted = 0
    for token in [*tokens, pg.ScanToken(token=_SEMICOLON)]:
        if token.token == _SEMICOLON:
            if start is not None:
                line += raw.count(b"\n", counted, start)
                counted = start
                yield Part(raw[start:end].decode(), line + 1, tuple(comments))
            start, comments, before = None, [], token.start
        elif token.token in _COMMENTS and start is None:
            if before is not None and b"\n" not in raw[before : token.start]:
                continue  # behind a semicolon: of the statement before
            comments.append(raw[token.start : token.end].decode().strip())
        elif token.token not in _COMMENTS:
            start = token.start if start is None else start
            end = token.end


def told(text: str) -> Told:
    """What a statement is. One that does not parse is a statement: whoever plans it will name it."""
    try:
        statements = parse(text).stmts
    except UNREADABLE:
        return Told("statement")
    if not statements:
        return Told("control")
    node = statements[0].stmt
    match node.WhichOneof("node"):
        case "prepare_stmt":
            return Told("prepare", node.prepare_stmt.name, _behind_as(text))
        case "execute_stmt":
            return Told("execute", node.execute_stmt.name, values=_constants(node.execute_stmt))
        case "transaction_stmt" | "deallocate_stmt" | "variable_set_stmt" | "variable_show_stmt" | "discard_stmt":
            return Told("control")
    return Told("statement")


def _behind_as(text: str) -> str:
    raw = text.encode()
    depth = 0
    for token in scan(text).tokens:
        word = raw[token.start : token.end].lower()
        depth += (word == b"(") - (word == b")")
        if word == b"as" and depth == 0:
            return raw[token.end :].decode().strip()
    return text


def _constants(execute: pg.ExecuteStmt) -> tuple[str | None, ...] | None:
    found: list[str | None] = []
    for node in execute.params:
        while node.HasField("type_cast"):
            node = node.type_cast.arg
        constant = node.a_const
        kind = constant.WhichOneof("val")
        if not node.HasField("a_const") or not (kind or constant.isnull):
            return None
        match kind:
            case "ival":
                found.append(str(constant.ival.ival))
            case "boolval":
                found.append("true" if constant.boolval.boolval else "false")
            case None:
                found.append(None)
            case _:
                found.append(str(getattr(getattr(constant, kind), kind)))
    return tuple(found)
