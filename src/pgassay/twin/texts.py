"""Values of text columns: the first shape that meets every fact, from the name, the patterns, or plain."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from pgassay.sql.expressions import Match
from pgassay.twin.facts import Facts
from pgassay.twin.flavours import text_shapes
from pgassay.twin.patterns import like_matches, like_shapes, matches, regex_shapes, similar_to_regex
from pgassay.twin.shapes import DIGITS, LOWER, Piece, Shape, generic, render, sample, size
from pgassay.twin.values import Values

_LONGEST = 400


def text_values(name: str, type_text: str, facts: Facts) -> Values:
    """Values for a text column of that name and type."""
    shape = text_shape(name, type_text, facts)

    def rendered(k: str, count: int, salt: int) -> str:
        return render(shape, k, count, salt)

    return Values(size(shape), rendered)


def text_shape(name: str, type_text: str, facts: Facts) -> Shape:
    """The shape of a text column: what its name suggests where the facts allow it."""
    limit = _modifier(type_text)
    low = facts.least
    high = min(n for n in (_LONGEST, limit, facts.most) if n is not None)
    high = max(high, min(low, limit or low))
    candidates = [*text_shapes(name), *_pattern_shapes(facts, low, high)]
    candidates += [generic(max(low, 1), high), _letters(low, high), (Piece(DIGITS, max(low, min(high, 9), 1)),)]
    candidates = [_in_case(shape, facts.case) for shape in candidates]
    fits = _judge(facts, low, high)
    for shape in candidates:
        if all(fits(sample(shape, n)) for n in range(6)):
            return shape
    return _in_case(next(iter(_pattern_shapes(facts, low, high)), generic(low, high)), facts.case)


def _modifier(type_text: str) -> int | None:
    found = re.search(r"^(?:character varying|character|varchar|char)\((\d+)\)", type_text)
    if found:
        return int(found[1])
    return {"character": 1, "name": 63, '"char"': 1}.get(type_text)


def _letters(low: int, high: int) -> Shape:
    return (Piece(tuple(c.upper() for c in LOWER), max(low, min(high, 6), 1)),)


def _pattern_shapes(facts: Facts, low: int, high: int) -> list[Shape]:
    found: list[Shape] = []
    for pattern in facts.patterns:
        match pattern.kind:
            case "regex":
                found += regex_shapes(pattern.pattern, low, high, insensitive=pattern.insensitive)
            case "similar":
                found += regex_shapes(similar_to_regex(pattern.pattern), low, high)
            case "like":
                found += like_shapes(pattern.pattern, low, high)
    return sorted(found, key=lambda shape: -size(shape))


def _in_case(shape: Shape, case: str | None) -> Shape:
    if case is None:
        return shape
    change: Callable[[str], str] = str.lower if case == "lower" else str.upper
    return tuple(
        replace(piece, choices=tuple(dict.fromkeys(change(choice) for choice in piece.choices))) for piece in shape
    )


def _judge(facts: Facts, low: int, high: int) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        return (
            low <= len(text) <= high
            and text not in facts.excluded
            and all(_agrees(text, pattern) for pattern in facts.patterns)
            and not any(_agrees(text, pattern) for pattern in facts.avoided)
        )

    return fits


def _agrees(text: str, pattern: Match) -> bool:
    match pattern.kind:
        case "like":
            return like_matches(text, pattern.pattern, insensitive=pattern.insensitive)
        case "similar":
            return matches(text, similar_to_regex(pattern.pattern), insensitive=pattern.insensitive)
    return matches(text, pattern.pattern, insensitive=pattern.insensitive)
