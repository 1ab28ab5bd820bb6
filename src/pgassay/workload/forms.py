"""The normal form of very many statements: what the parser said of one holds for all that differ in values only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pgassay.sql.normalise import UNREADABLE, normalise

# Plain strings, whole numbers that are integers, and quoted names, in which neither is to be looked for.
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.$'\"])(\d{1,9})(?![\w.'\"])|\"(?:[^\"]|\"\")*\"")
# Where quotes or digits may mean something else, each text is parsed: comments, dollar quotes, E'', U&"", x''.
_ODD = re.compile(r"--|/\*|\$\$|\$\w*[a-zA-Z_]\w*\$|[a-zA-Z&]'|\\")
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Form:
    """A statement with its values as parameters, which begin at ``first``, and the values."""

    text: str
    values: tuple[str, ...]
    first: int


@dataclass(slots=True)
class Forms:
    """Normal forms, remembered. The same as ``normalise`` says, sooner."""

    _taken: dict[str, tuple[int, ...]] = field(default_factory=dict)  # by shape: which literals become parameters
    _known: dict[tuple[str, tuple[str, ...]], tuple[str, int]] = field(default_factory=dict)

    def form(self, text: str) -> Form:
        """The normal form of a text; the text itself where it does not parse."""
        if _ODD.search(text):
            return _parsed(text)
        literals: list[str] = []

        def hole(match: re.Match[str]) -> str:
            string, number = match.groups()
            if string is None and number is None:
                return match.group()
            literals.append(string.replace("''", "'") if number is None else number)
            return "''" if number is None else "0"

        shape = _LITERAL.sub(hole, text)
        taken = self._taken.get(shape)
        if taken is not None:
            chosen = set(taken)
            kept = tuple(value for i, value in enumerate(literals) if i not in chosen)
            known = self._known.get((shape, kept))
            if known is not None:
                return Form(known[0], tuple(literals[i] for i in taken), known[1])
        made = _parsed(text)
        taken = _places(literals, made.values)
        if taken is not None:
            if len(self._known) >= _KEPT:
                self._taken.clear()
                self._known.clear()
            chosen = set(taken)
            self._taken[shape] = taken
            kept = tuple(value for i, value in enumerate(literals) if i not in chosen)
            self._known[shape, kept] = (made.text, made.first)
        return made


def _parsed(text: str) -> Form:
    try:
        made = normalise(text)
    except UNREADABLE:
        return Form(text, (), 1)
    return Form(made.text, made.values, made.first)


def _places(literals: list[str], values: tuple[str, ...]) -> tuple[int, ...] | None:
    """Which literals the values are, where that is beyond doubt: told apart by their texts."""
    if len(set(literals)) < len(literals) and len(values) < len(literals):
        return None
    places = []
    at = 0
    for value in values:
        while at < len(literals) and literals[at] != value:
            at += 1
        if at == len(literals):
            return None
        places.append(at)
        at += 1
    return tuple(places)
