"""What a change of type does to values, told from the two types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pgassay.catalog import Column
from pgassay.model.actions import AlterType
from pgassay.rules.step import Step

_DIGITS = {"smallint": 4, "integer": 9, "bigint": 18}  # decimal digits that always fit
_TEXTS = {"text", "character varying", "character"}
_EXACT = {"real": 6, "double precision": 15}  # decimal digits kept
_MOMENTS = {"timestamp with time zone", "timestamp without time zone"}
_PARTS = {"date": "the time of day", "time without time zone": "the day", "time with time zone": "the day"}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """``how``: whether values that do not fit stop the statement or are changed in silence; ``what`` does not fit."""

    how: Literal["fails", "changes"]
    what: str


def narrowing(old: str, new: str, *, cast: bool = False) -> Narrowing | None:
    """Whether a type (as ``format_type`` prints it) holds less than another; None where it holds as much, or where the
    types do not tell. ``cast``: the conversion is written as an explicit cast, which cuts texts in silence.

    Source: PostgreSQL manual, chapter 8 "Data Types"."""
    was, is_ = _read(old), _read(new)
    if was is None or is_ is None or was == is_:
        return None
    (base, first, second), (to, size, scale) = was, is_
    if base in _TEXTS and to in _TEXTS and to != "text":
        fits = size is None or (base != "text" and first is not None and first <= size)
        return None if fits else Narrowing("changes" if cast else "fails", f"longer than {size} characters")
    if base in _MOMENTS and to in _PARTS:
        return Narrowing("changes", f"whose {_PARTS[to].removeprefix('the ')} matters")
    if base in _MOMENTS and to in _MOMENTS:
        return (
            None if size is None or (first is not None and first <= size) else Narrowing("changes", "of a finer time")
        )
    return _numbers(base, first, second, to, size, scale)


def becomes(step: Step, altered: AlterType) -> Column | None:
    """The column at the end of the change, where PostgreSQL's own cast converts it: no USING, or a bare cast."""
    table = step.after.table(altered.table) if step.after else None
    words = (altered.using or "").replace('"', "").lower()
    column = altered.column.lower()
    own = words in {"", column} or (words.startswith(f"{column}::") and words.count("::") == 1)
    return table.column(altered.column) if table and own else None


def _numbers(
    base: str, first: int | None, second: int | None, to: str, size: int | None, scale: int | None
) -> Narrowing | None:
    whole = base in _DIGITS or (base == "numeric" and first is not None and not second)
    if to in _DIGITS:
        if base in _EXACT or (base == "numeric" and not whole):
            return Narrowing("changes", "with a fraction")
        if base in _DIGITS or base == "numeric":
            digits = _DIGITS[base] + 1 if base in _DIGITS else first or 0
            return Narrowing("fails", f"beyond the range of {to}") if digits > _DIGITS[to] else None
    if to in _EXACT and (base == "double precision" or base == "numeric" or base in _DIGITS):
        digits = _DIGITS[base] + 1 if base in _DIGITS else (first or 1000) if base == "numeric" else 15
        return Narrowing("changes", f"of more than {_EXACT[to]} digits") if digits > _EXACT[to] else None
    if to == "numeric" and size is not None:
        if base in _EXACT or (base == "numeric" and (first is None or (second or 0) > (scale or 0))):
            return Narrowing("changes", f"with more than {scale or 0} decimals")
        digits = _DIGITS[base] + 1 if base in _DIGITS else (first or 0) - (second or 0) if base == "numeric" else 0
        if digits > size - (scale or 0):
            return Narrowing("fails", f"of more than {size - (scale or 0)} digits before the point")
    return None


def _read(type: str) -> tuple[str, int | None, int | None] | None:
    """The name of a type and its two modifiers."""
    match = re.fullmatch(r"([a-z ]+?)(?:\((\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?", type)
    if match is None:
        return None
    size = int(match[2]) if match[2] else None
    scale = int(match[3]) if match[3] else None
    if match[1] == "character" and size is None:
        size = 1
    return match[1] + (match[4] or ""), size, scale
