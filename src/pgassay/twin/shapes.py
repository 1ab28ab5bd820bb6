"""Texts by shape: a shape is a row of pieces, each so many choices from a set; the k-th text is SQL over ``k``."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from pgassay.model import literal

HEX = tuple("0123456789abcdef")
DIGITS = tuple("0123456789")
LOWER = tuple("abcdefghijklmnopqrstuvwxyz")
_WORD = LOWER + DIGITS


@dataclass(frozen=True, slots=True)
class Piece:
    """``count`` picks from ``choices`` (characters, or whole words)."""

    choices: tuple[str, ...]
    count: int = 1

    @property
    def size(self) -> int:
        """How many different texts this piece can be (capped: more than enough is enough)."""
        return _capped(len(self.choices), self.count)

    @property
    def single(self) -> bool:
        """Whether each choice is one character."""
        return all(len(choice) == 1 for choice in self.choices)


Shape = tuple[Piece, ...]


def _capped(base: int, exponent: int) -> int:
    return base**exponent if exponent * math.log2(max(base, 1)) < 62 else 2**62


def fixed(text: str) -> Piece:
    """A piece that is always the same."""
    return Piece((text,))


def generic(low: int, high: int, *, upper: bool = False) -> Shape:
    """Plain text between ``low`` and ``high`` characters."""
    alphabet = tuple(c.upper() for c in _WORD) if upper else _WORD
    length = max(low, min(high, 12))
    return (Piece(alphabet, length),) if length else (fixed(""),)


def size(shape: Shape) -> int:
    """How many different texts :func:`render` can make of a shape."""
    largest = max((_carried(piece) for piece in shape), default=1)
    return max(largest, min(math.prod(piece.size for piece in shape), 2**62))


def sample(shape: Shape, seed: int) -> str:
    """One text of that shape, for a look at it in Python."""
    picks = itertools.count(seed * 7919)
    return "".join(
        piece.choices[next(picks) * 40503 // 7 % len(piece.choices)] for piece in shape for _ in range(piece.count)
    )


def render(shape: Shape, k: str, count: int, salt: int) -> str:
    """SQL for the k-th text of a shape: distinct texts for distinct k below ``count`` (as far as ``size`` allows)."""
    able = [index for index, piece in enumerate(shape) if _carried(piece) >= count]
    carrier = max(able, key=lambda index: _carried(shape[index]), default=None)
    if carrier is None:
        parts = _positional(shape, k)
    else:
        parts = [
            _run(piece, k if index == carrier else _hashed(k, salt + index), salt + index, spread=index == carrier)
            for index, piece in enumerate(shape)
        ]
    return "(" + " || ".join(parts or ["''"]) + ")"


def _hashed(k: str, salt: int) -> str:
    return f"(hashint8extended({k}, {salt}) & 1152921504606846975)"


def _carried(piece: Piece) -> int:
    """How many values :func:`_run` tells apart."""
    choices = len(piece.choices)
    if not piece.single or choices < 10 or piece.count < 2:
        return piece.size if piece.count <= 4 else 1 if choices == 1 else _capped(choices, 4)
    return _capped(16 if choices >= 16 else 10, min(piece.count, 12))


def _run(piece: Piece, k: str, salt: int, *, spread: bool) -> str:
    choices, count = piece.choices, piece.count
    if len(choices) == 1:
        return literal(choices[0] * count)
    if not piece.single or len(choices) < 10 or count < 2:
        free = [_pick(choices, _hashed(k, salt + 100 + n)) for n in range(max(count - 4, 0))]
        return " || ".join(free + _digits(choices, k, min(count, 4)))
    alphabet = choices if len(choices) < 16 else _sixteen(choices)
    if len(alphabet) < 16:
        alphabet = alphabet[:10]
    width = min(count, 12)
    if count >= 24 and len(alphabet) == 16:
        return _translated(_md5(k, salt, count), alphabet)
    if len(alphabet) == 16:
        number = f"((({k}) * 668265263) & {16**width - 1})" if spread and width < 9 else f"(({k}) & {16**width - 1})"
        if spread and width >= 9:
            number = f"((({k}) * 40503) & {16**width - 1})"
        tail = f"lpad(to_hex({number}), {width}, '0')"
    else:
        tail = f"lpad(((({k}) % {10**width}) * 7919 % {10**width})::text, {width}, '0')"
        if count > width:
            return _translated(f"lpad({tail}, {count}, '0')", alphabet)
        return _translated(tail, alphabet)
    head = f"{_md5(k, salt, count - width)} || " if count > width else ""
    return _translated(f"({head}{tail})", alphabet)


def _sixteen(choices: tuple[str, ...]) -> tuple[str, ...]:
    if set(HEX) <= set(choices):
        return HEX
    upper = tuple(c.upper() for c in HEX)
    return upper if set(upper) <= set(choices) else choices[:16]


def _md5(k: str, salt: int, length: int) -> str:
    blocks = [f"md5(({k})::text || '/{salt + block}')" for block in range(-(-length // 32))]
    return f"substr({' || '.join(blocks)}, 1, {length})"


def _translated(text: str, alphabet: tuple[str, ...]) -> str:
    plain = HEX[: len(alphabet)]
    if alphabet == plain:
        return text
    return f"translate({text}, {literal(''.join(plain))}, {literal(''.join(alphabet))})"


def _digits(choices: tuple[str, ...], k: str, count: int, divisor: int = 1) -> list[str]:
    """``k`` written in base len(choices)."""
    return [_pick(choices, f"({k}) / {divisor * len(choices) ** place}") for place in range(count)]


def _positional(shape: Shape, k: str) -> list[str]:
    parts: list[str] = []
    divisor = 1
    for piece in shape:
        if len(piece.choices) == 1:
            parts.append(literal(piece.choices[0] * piece.count))
            continue
        places = piece.count
        while places and divisor * len(piece.choices) ** places > 2**62:
            places -= 1
        parts += [literal(piece.choices[0] * (piece.count - places))] if places < piece.count else []
        parts += _digits(piece.choices, k, places, divisor)
        divisor *= len(piece.choices) ** places
    return parts


def _pick(choices: tuple[str, ...], number: str) -> str:
    if all(len(choice) == 1 for choice in choices):
        return f"substr({literal(''.join(choices))}, 1 + (({number}) % {len(choices)})::integer, 1)"
    listed = ", ".join(literal(choice) for choice in choices)
    return f"(ARRAY[{listed}])[1 + (({number}) % {len(choices)})::integer]"
