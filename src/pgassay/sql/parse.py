"""From text to statements with their places."""

from __future__ import annotations

import re

from pgassay.errors import InputError, SyntaxProblem
from pgassay.model import Statement, Suppression
from pgassay.model.actions import Copy
from pgassay.sql.actions import actions
from pgassay.sql.tree import PgQueryError
from pgassay.sql.tree import parse as parse_tree

_SUPPRESSION = re.compile(r"--\s*pgassay:\s*allow\s+(?P<rule>[\w-]+)(?P<reason>[^\n]*)")
_AROUND = 80  # characters shown on either side of an error
_META_COMMAND = re.compile(r"^[ \t]*\\(?P<command>[a-zA-Z!?]+)", re.MULTILINE)


def parse(text: str, path: str, *, first_line: int = 1) -> tuple[Statement, ...]:
    """The statements of a text. ``first_line`` is the line of the file on which the text begins.

    Raises SyntaxProblem with file, line, column and a caret where PostgreSQL's parser refuses it; InputError for psql
    meta-commands and ``COPY … FROM stdin``, which only psql understands.
    """
    try:
        tree = parse_tree(text)
    except PgQueryError as error:
        raise _problem(text, path, first_line, error) from None
    raw = None if text.isascii() else text.encode()
    statements = []
    line, counted, previous = first_line, 0, 0
    comments = "pgassay:" in text
    for part in tree.stmts:
        start, length = part.stmt_location, part.stmt_len
        if raw is not None:
            head = len(raw[:start].decode())
            length = len(raw[start : start + length].decode()) if length else 0
            start = head
        end = start + length if length else len(text)
        body = text[start:end]
        start += len(body) - len(body.lstrip())
        line += text.count("\n", counted, start)
        counted = start
        column = start - (text.rfind("\n", 0, start) + 1) + 1
        suppressions: tuple[Suppression, ...] = ()
        if comments:
            until = text.find("\n", end)
            until = len(text) if until < 0 else until
            suppressions = _suppressions(text, previous, until, first_line)
            previous = until
        statement = Statement(
            text=body.strip(),
            path=path,
            line=line,
            column=column,
            actions=actions(part.stmt),
            suppressions=suppressions,
        )
        _refuse_copy(statement)
        statements.append(statement)
    return tuple(statements)


def _suppressions(text: str, start: int, end: int, first_line: int) -> tuple[Suppression, ...]:
    return tuple(
        Suppression(
            rule=match["rule"],
            reason=match["reason"].strip(" \t\r,;:.–—-"),
            line=first_line + text.count("\n", 0, match.start()),
        )
        for match in _SUPPRESSION.finditer(text, start, end)
    )


def _refuse_copy(statement: Statement) -> None:
    for copy in statement.of(Copy):
        if copy.end == "stdin":
            raise InputError(
                "COPY … FROM stdin takes its rows from psql, which is not here",
                path=statement.path,
                line=statement.line,
                hint="Write the rows as INSERT statements (pg_dump --inserts does), or leave the data out of the file.",
            )


def _short(message: str) -> str:
    """The parser's message; where a quote never ends it would repeat the rest of the file."""
    head, near, rest = message.partition('at or near "')
    line = rest.split("\n", 1)[0][:_AROUND]
    return message if head + near + line == message else head + near + line.rstrip('"') + '…"'


def _problem(text: str, path: str, first_line: int, error: PgQueryError) -> InputError:
    offset = max(error.cursorpos - 1, 0)  # in characters
    meta = next((m for m in _META_COMMAND.finditer(text) if m.start() <= offset + 1), None)
    if meta is not None and not text[meta.start() : meta.end()].strip().startswith("\\."):
        return InputError(
            f"\\{meta['command']} is a psql meta-command, not SQL",
            path=path,
            line=first_line + text.count("\n", 0, meta.start("command")),
            hint="Remove it, or put what it includes into the file itself.",
        )
    copy = re.search(r"\bCOPY\b[^;]*\bFROM\s+stdin\b[^;]*;", text[:offset], re.IGNORECASE)
    if copy is not None:
        return InputError(
            "COPY … FROM stdin takes its rows from psql, which is not here",
            path=path,
            line=first_line + text.count("\n", 0, copy.start()),
            hint="Write the rows as INSERT statements (pg_dump --inserts does), or leave the data out of the file.",
        )
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    column = offset - start
    begin = max(start, offset - _AROUND)
    source = text[begin : min(end if end >= 0 else len(text), offset + _AROUND)]
    caret = re.sub(r"[^\t]", " ", source[: offset - begin]) + "^"
    line = first_line + text.count("\n", 0, offset)
    return SyntaxProblem(
        f"{_short(error.message)} (column {column + 1})\n    {source}\n    {caret}",
        path=path,
        line=line,
        hint="PostgreSQL's own parser refuses this text. Nothing was run.",
    )
