"""What the conditions of a plan compare: columns and expressions, as EXPLAIN deparses them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<string>[EBX]?'(?:[^']|'')*')|(?P<name>(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)(?:\.(?:"(?:[^"]|"")+"|[^\W\d][\w$]*))*)"""
    r"""|(?P<cast>::)|(?P<number>\d[\w.]*)|(?P<parameter>\$\d+)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)"""
    r"""|(?P<operator>[-+*/<>=~!@#%^&|`?]+)|(?P<space>\s+)|(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
# EXPLAIN writes key words in capitals, and names that are in capitals within quotes.
_WORDS = frozenset("true false hashed SubPlan InitPlan alternatives".split())
_TYPES = re.compile(
    r"::(?:\"[^\"]+\"|[a-z_][\w.]*)(?:\s(?:varying|precision|without time zone|with time zone))?"
    r"(?:\(\d+(?:,\d+)?\))?(?:\[\])*"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of a condition: its left side, operator and right side, as text without casts."""

    left: str
    operator: str
    right: str

    @property
    def column(self) -> str | None:
        """The column on the left, where it is one, without its table's alias."""
        return bare(self.left) if _column(self.left) else None


def terms(condition: str) -> tuple[Term, ...]:
    """The comparisons that a condition joins by AND; a part that is none (OR, EXISTS, a boolean) has no operator."""
    return tuple(_term(part) for part in _conjuncts(_plain(condition)))


def columns(condition: str) -> tuple[str, ...]:
    """Every column that a condition names, once, without aliases."""
    found: dict[str, None] = {}
    tokens = [m for m in _TOKEN.finditer(_plain(condition)) if m.lastgroup != "space"]
    for i, match in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else None
        if match.lastgroup != "name" or (following is not None and following.group() == "("):
            continue
        if not _word(match.group()):
            found.setdefault(bare(match.group()))
    return tuple(found)


def bare(name: str) -> str:
    """A name without what it is qualified with."""
    parts = re.findall(r'"(?:[^"]|"")+"|[^".]+', name)
    return parts[-1] if parts else name


def _plain(text: str) -> str:
    """Without casts outside of strings."""
    parts = re.split(r"('(?:[^']|'')*')", text)
    return "".join(part if i % 2 else _TYPES.sub("", part) for i, part in enumerate(parts))


def _strip(text: str) -> str:
    """Without parentheses around all of it."""
    text = text.strip()
    while text.startswith("(") and _closing(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str, start: int) -> int:
    depth = 0
    for match in _TOKEN.finditer(text, start):
        depth += (match.lastgroup == "open") - (match.lastgroup == "close")
        if depth == 0:
            return match.end() - 1
    return -1


def _conjuncts(text: str) -> list[str]:
    text = _strip(text)
    parts, depth, start, cases = [], 0, 0, 0
    for match in _TOKEN.finditer(text):
        word = match.group()
        depth += (match.lastgroup == "open") - (match.lastgroup == "close")
        cases += (word == "CASE") - (word == "END")
        if word == "AND" and depth == 0 and cases == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    parts.append(text[start:])
    return [text] if len(parts) == 1 else [inner for part in parts for inner in _conjuncts(part)]


def _term(text: str) -> Term:
    text = _strip(text)
    depth = 0
    for match in _TOKEN.finditer(text):
        depth += (match.lastgroup == "open") - (match.lastgroup == "close")
        word = match.group()
        if depth == 0 and match.start() > 0 and (match.lastgroup == "operator" or word == "IS"):
            return Term(_strip(text[: match.start()]), word, _strip(text[match.end() :]))
    return Term(text, "", "")


def _column(text: str) -> bool:
    match = _TOKEN.match(text)
    return match is not None and match.lastgroup == "name" and match.end() == len(text) and not _word(text)


def _word(name: str) -> bool:
    return name in _WORDS or (name.isascii() and name.isupper())
