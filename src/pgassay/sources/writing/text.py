"""SQL and comments as they stand in a file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

_WIDTH = 112
_MARK = re.compile(r"^(\+|migrate:|up\b|down\b|rambler\b|pgassay:|>)", re.IGNORECASE)
_LONGEST = 60  # characters of a name


def slug(words: str) -> str:
    """Words as a part of a file's name: lower case, digits and underscores."""
    made = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return made[:_LONGEST].rstrip("_") or "change"


def comment(*texts: str) -> str:
    """Comment lines, each with its line end, none of which a runner takes for a mark of its own."""
    made = []
    for line in (line for text in texts for line in text.splitlines()):
        indent = " " * (len(line) - len(line.lstrip(" ")))
        wrapped = textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
        for part in wrapped or [""]:
            safe = part.replace("-->", "-- >").replace("${", "$ {")
            made.append(f"-- {'· ' if _MARK.match(safe.lstrip()) else ''}{safe}".rstrip() + "\n")
    return "".join(made)


def ended(statement: str) -> str:
    """A statement with its semicolon, which a comment at its end must not swallow."""
    return statement + ("\n;" if "--" in statement.rsplit("\n", 1)[-1] else ";")


def script(statements: Sequence[str]) -> str:
    """Statements with their semicolons and line ends."""
    return "".join(f"{ended(s)}\n" for s in statements)


def quiet(statement: str) -> str | None:
    """CREATE or DROP INDEX CONCURRENTLY as a statement that a transaction can hold and that does nothing where the work
    is done already; None for anything else.
    """
    plain = re.sub(r"\bCONCURRENTLY\s+", "", statement, count=1, flags=re.IGNORECASE)
    match = re.match(
        r"(CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+(IF\s+(?:NOT\s+)?EXISTS\b)?(ON\b)?", plain, re.IGNORECASE
    )
    if match is None or match[3]:  # without a name there is nothing to look for
        return None
    if match[2]:
        return plain
    words = "IF EXISTS" if match[1].upper().startswith("DROP") else "IF NOT EXISTS"
    return f"{plain[: match.end()]}{words} {plain[match.end() :]}"


def repeatable(statement: str) -> bool:
    """Whether a statement can run again without harm."""
    return bool(
        re.match(r"(CREATE|DROP|ALTER)\b[^'\"(]*\b(IF\s+(NOT\s+)?EXISTS|OR\s+REPLACE)\b", statement, re.IGNORECASE)
    )
