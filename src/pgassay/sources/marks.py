"""``-- pgassay: batch`` above a statement or within it: to be run in batches by a runner that can."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pgassay.errors import InputError
from pgassay.model import Statement
from pgassay.sources.files import read

_BATCH = re.compile(r"^\s*(--|#).*\bpgassay:\s*batch\b(?P<words>.*)", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(--|#|$)")


def marked(statement: Statement) -> bool:
    """Whether ``-- pgassay: batch`` stands right above a statement, or within it."""
    return _mark(statement) is not None


def _mark(statement: Statement) -> str | None:
    """The words after the mark."""
    above = []
    lines = _lines(statement.path)
    at = statement.line - 2
    while 0 <= at < len(lines) and _COMMENT.match(lines[at]):
        above.append(lines[at])
        at -= 1
    found = (_BATCH.match(line) for line in (*statement.text.splitlines(), *above))
    return next((match["words"].lower() for match in found if match), None)


@lru_cache(maxsize=64)
def _lines(path: str) -> tuple[str, ...]:
    try:
        text = read(path).text
    except InputError:
        return ()
    return tuple(text.splitlines()) if "pgassay:" in text else ()


def new_rows(statement: Statement) -> Literal["pass", "trigger"]:
    """What the mark says of rows that come meanwhile: ``-- pgassay: batch trigger`` lets a trigger do them."""
    return "trigger" if "trigger" in (_mark(statement) or "").split() else "pass"
