"""Names in a program for names in a database."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable


def classes(names: Iterable[str]) -> list[str]:
    """``PascalCase`` names, each another, in the order given."""
    return _unique("".join(w[:1].upper() + w[1:] for w in _words(n)) or "Table" for n in names)


def attributes(names: Iterable[str], taken: frozenset[str] = frozenset()) -> list[str]:
    """Python attribute names as near to the database's as the language lets them be."""
    found = []
    for name in names:
        plain = re.sub(r"\W", "_", name) if name.isascii() else "_".join(_words(name))
        plain = plain.lstrip("_") or "column"
        plain = f"n{plain}" if plain[0].isdigit() else plain
        found.append(f"{plain}_" if keyword.iskeyword(plain) or plain in taken else plain)
    return _unique(found)


def camel(names: Iterable[str], taken: frozenset[str] = frozenset()) -> list[str]:
    """``camelCase`` names as TypeScript has them, each another."""
    found = []
    for name in names:
        first, *rest = _words(name) or ["column"]
        plain = first[:1].lower() + first[1:] + "".join(w[:1].upper() + w[1:] for w in rest)
        found.append(f"{plain}_" if plain in taken else plain)
    return _unique(found)


def _words(name: str) -> list[str]:
    words = [w for w in re.split(r"[^A-Za-z0-9]+", name) if w]
    if not words and name:
        words = ["u" + "".join(f"{ord(c):x}" for c in name[:8])]
    if words and words[0][0].isdigit():
        words[0] = f"n{words[0]}"
    return words


def _unique(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    found = []
    for name in names:
        chosen, number = name, 2
        while chosen.lower() in seen:
            chosen, number = f"{name}_{number}", number + 1
        seen.add(chosen.lower())
        found.append(chosen)
    return found
