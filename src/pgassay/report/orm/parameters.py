"""The parameters of a statement that somebody wrote."""

from __future__ import annotations

import re

# Not looked for in strings, quoted names and comments.
_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$(\d+)(?!\w)", re.S)


def pieces(statement: str) -> list[str | int]:
    """Its text, and the number of each ``$1`` in its place. A semicolon at the end is left out."""
    text = statement.strip().rstrip(";").rstrip()
    found: list[str | int] = []
    end = 0
    for match in _PARAMETER.finditer(text):
        if match[1]:
            found += [text[end : match.start()], int(match[1])]
            end = match.end()
    return [*found, text[end:]]


def numbers(statement: str) -> list[int]:
    """The parameters' numbers, each once, in order."""
    return sorted({p for p in pieces(statement) if isinstance(p, int)})
