"""Regular expressions and LIKE patterns → shapes that match them.

A reader for the common subset of PostgreSQL's AREs (manual, chapter 9.7.3): literals, classes, escapes, groups,
alternation, quantifiers and anchors. A pattern beyond it gives no shape and is left to the server's own check.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pgassay.twin.shapes import DIGITS, LOWER, Piece, Shape, fixed

_UPPER = tuple(c.upper() for c in LOWER)
_ANY = LOWER + DIGITS + _UPPER + ("-", "_", ".", " ")
_PRINTABLE = tuple(chr(code) for code in range(32, 127))
_NAMED = {
    "digit": DIGITS, "alpha": LOWER + _UPPER, "alnum": LOWER + _UPPER + DIGITS, "lower": LOWER, "upper": _UPPER,
    "space": (" ",), "xdigit": (*DIGITS, *"abcdefABCDEF"), "punct": tuple("-_.!?,;:"), "blank": (" ",),
    "graph": tuple(c for c in _PRINTABLE if c != " "), "print": _PRINTABLE, "word": (*LOWER, *_UPPER, *DIGITS, "_"),
}  # fmt: skip
_ESCAPES = {"d": _NAMED["digit"], "w": _NAMED["word"], "s": (" ",)}
_MANY = 200  # stands for "without limit"
_VARIANTS = 12  # alternatives looked at


class _Beyond(Exception):
    """The pattern uses something outside the subset."""


@dataclass(frozen=True, slots=True)
class _Part:
    choices: tuple[str, ...]
    low: int
    high: int


_Sequence = tuple[_Part, ...]


def regex_shapes(pattern: str, low: int, high: int, *, insensitive: bool = False) -> list[Shape]:
    """Shapes of texts that match, with ``low`` to ``high`` characters; empty where the pattern is beyond us."""
    del insensitive  # the pattern's own letters match in either case
    try:
        reader = _Reader(pattern.removeprefix("(?i)").removeprefix("***:"))
        return _fitted(reader.read(), low, high)
    except (_Beyond, IndexError, ValueError):
        return []


def like_shapes(pattern: str, low: int, high: int) -> list[Shape]:
    """The same of a LIKE pattern."""
    parts: list[_Part] = []
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            parts.append(_Part(_ANY, 0, _MANY))
        elif character == "_":
            parts.append(_Part(_ANY, 1, 1))
        else:
            parts.append(_Part((next(characters, "\\") if character == "\\" else character,), 1, 1))
    return _fitted([tuple(parts)], low, high)


def similar_to_regex(pattern: str) -> str:
    """A SIMILAR TO pattern as a regular expression."""
    return "^(" + re.sub(r"(?<!\\)%", ".*", re.sub(r"(?<!\\)_", ".", pattern)) + ")$"


def matches(text: str, pattern: str, *, insensitive: bool) -> bool:
    """Whether Python agrees that a text matches (a pattern that Python cannot read counts as not matched)."""
    try:
        translated = re.sub(r"\[:(\w+):\]", lambda m: re.escape("".join(_NAMED.get(m[1], ()))), pattern)
        return re.search(translated, text, re.IGNORECASE if insensitive else 0) is not None
    except re.error:
        return False


def like_matches(text: str, pattern: str, *, insensitive: bool) -> bool:
    """Whether a text is LIKE a pattern."""
    translated = "".join(
        ".*" if token == "%" else "." if token == "_" else re.escape(token[-1])
        for token in re.findall(r"\\.|.", pattern, re.DOTALL)
    )
    return re.fullmatch(translated, text, re.DOTALL | (re.IGNORECASE if insensitive else 0)) is not None


def _fitted(sequences: Sequence[_Sequence], low: int, high: int) -> list[Shape]:
    return [shape for sequence in sequences if (shape := _fit(sequence, low, high)) is not None]


def _fit(sequence: _Sequence, low: int, high: int) -> Shape | None:
    """Repeat counts such that the whole has a fitting length: short, but wide enough to tell many rows apart."""
    counts = [part.low for part in sequence]
    room = high - sum(counts)
    if room < 0:
        return None
    wanted = max(low - sum(counts), 0)
    for index, part in enumerate(sequence):
        usual = 1 if part.high == 1 else 8
        more = min(max(min(usual, part.high) - counts[index], 0), room) if len(part.choices) > 1 else 0
        counts[index] += more
        room -= more
        wanted -= more
    for index in sorted(range(len(sequence)), key=lambda n: -len(sequence[n].choices)):
        more = min(max(wanted, 0), sequence[index].high - counts[index], room)
        counts[index] += more
        room -= more
        wanted -= more
    if wanted > 0:
        return None
    pieces = [Piece(part.choices, count) for part, count in zip(sequence, counts, strict=True) if count]
    return _joined(pieces)


def _joined(pieces: list[Piece]) -> Shape:
    """Neighbouring literals as one."""
    done: list[Piece] = []
    for piece in pieces:
        if len(piece.choices) == 1 and done and len(done[-1].choices) == 1:
            done[-1] = fixed(done[-1].choices[0] * done[-1].count + piece.choices[0] * piece.count)
        elif done and done[-1].choices == piece.choices:
            done[-1] = replace(done[-1], count=done[-1].count + piece.count)
        else:
            done.append(piece)
    return tuple(done) or (fixed(""),)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> list[_Sequence]:
        found = self._alternatives()
        if self.at < len(self.text):
            raise _Beyond
        return found

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _take(self) -> str:
        character = self.text[self.at]
        self.at += 1
        return character

    def _alternatives(self) -> list[_Sequence]:
        found = self._concatenation()
        while self._peek() == "|":
            self.at += 1
            found += self._concatenation()
        return found[:_VARIANTS]

    def _concatenation(self) -> list[_Sequence]:
        found: list[_Sequence] = [()]
        while self._peek() not in {"", "|", ")"}:
            atom = self._quantified(self._atom())
            found = [a + b for a, b in itertools.islice(itertools.product(found, atom), _VARIANTS)]
        return found

    def _atom(self) -> list[_Sequence]:
        character = self._take()
        match character:
            case "^" | "$":
                return [()]
            case ".":
                return [(_Part(_ANY, 1, 1),)]
            case "[":
                return [(_Part(self._class(), 1, 1),)]
            case "(":
                return self._group()
            case "\\":
                return [(_Part(self._escape(), 1, 1),)]
            case "*" | "+" | "?":
                raise _Beyond
        return [(_Part((character,), 1, 1),)]

    def _group(self) -> list[_Sequence]:
        if self._peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise _Beyond
            self.at += 2
        found = self._alternatives()
        if self._take() != ")":
            raise _Beyond
        return found

    def _escape(self) -> tuple[str, ...]:
        character = self._take()
        if character in _ESCAPES:
            return _ESCAPES[character]
        if character.isalnum():
            raise _Beyond
        return (character,)

    def _class(self) -> tuple[str, ...]:
        negated = self._peek() == "^"
        self.at += negated
        found: list[str] = []
        first = True
        while (character := self._take()) != "]" or first:
            first = False
            if character == "[" and self._peek() == ":":
                end = self.text.index(":]", self.at)
                found += _NAMED[self.text[self.at + 1 : end]]
                self.at = end + 2
                continue
            escaped = self._escape() if character == "\\" else (character,)
            if self._peek() == "-" and self.text[self.at + 1] != "]" and len(escaped) == 1:
                self.at += 1
                last = self._take()
                last = self._escape()[0] if last == "\\" else last
                escaped = tuple(chr(code) for code in range(ord(escaped[0]), min(ord(last), 0x2FF) + 1))
            found += escaped
        kept = [c for c in _ANY if c not in found] if negated else list(dict.fromkeys(found))
        if not kept:
            raise _Beyond
        return tuple(kept)

    def _quantified(self, atom: list[_Sequence]) -> list[_Sequence]:
        character = self._peek()
        bounds = {"*": (0, _MANY), "+": (1, _MANY), "?": (0, 1)}
        if character in bounds and character:
            self.at += 1
            low, high = bounds[character]
        elif character == "{":
            end = self.text.index("}", self.at)
            least, comma, most = self.text[self.at + 1 : end].partition(",")
            low = int(least)
            high = int(most) if most else _MANY if comma else low
            self.at = end + 1
        else:
            return atom
        if self._peek() == "?":
            self.at += 1
        return [sequence for each in atom for sequence in _repeated(each, low, high)][:_VARIANTS]


def _repeated(sequence: _Sequence, low: int, high: int) -> list[_Sequence]:
    if len(sequence) == 1:
        part = sequence[0]
        return [(_Part(part.choices, part.low * low, min(part.high * high, _MANY)),)]
    found = [sequence * low]
    if low < high:
        found.append(sequence * (low + 1))
    return found
