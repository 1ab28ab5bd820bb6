"""Array literals (manual, chapter 8.15.6): ``{a,"b c",NULL}``."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",{}]+)')
_PLAIN = re.compile(r"[^\s\"\\{},]+\Z")


def read_array(text: str) -> list[str | None]:
    """The elements of an array of any number of dimensions, flat."""
    body = text[text.find("{") :]
    found: list[str | None] = []
    for match in _ITEM.finditer(body):
        quoted, bare = match.groups()
        if quoted is not None:
            found.append(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        else:
            word = re.sub(r"\\(.)", r"\1", bare.strip(), flags=re.DOTALL)
            found.append(None if word.upper() == "NULL" else word)
    return found


def write_array(values: Iterable[str | None]) -> str:
    """One dimension."""
    return "{" + ",".join(_item(value) for value in values) + "}"


def _item(value: str | None) -> str:
    if value is None:
        return "NULL"
    if _PLAIN.match(value) and value.upper() != "NULL":
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
