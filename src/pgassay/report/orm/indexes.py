"""An index's keys as they were written: with direction, NULLS and operator class, which models must repeat."""

from __future__ import annotations

import re

from pgassay.catalog import Index


def keys(index: Index) -> list[str]:
    """The keys of ``pg_get_indexdef``'s text, in order: ``lower(email) text_pattern_ops``, ``at DESC``."""
    found = re.search(r" USING \S+ \(", index.definition)
    return _split(index.definition, found.end()) if found else list(index.keys)


def _split(text: str, start: int) -> list[str]:
    """What stands between top-level commas, up to the bracket that closes the list."""
    parts, depth, begin, at = [], 0, start, start
    while at < len(text):
        letter = text[at]
        if letter in "'\"":
            at = text.index(letter, at + 1)  # a doubled quote opens again at once
        elif letter in "([":
            depth += 1
        elif letter in ")]" and depth:
            depth -= 1
        elif letter == ")":
            break
        elif letter == "," and not depth:
            parts.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    return [*parts, text[begin:at].strip()]
