"""Scalar types as integer axes: numbers, dates and times counted in their smallest unit.

A timestamp is microseconds since 1970-01-01 UTC, a numeric(12,2) counts hundredths, a date counts days. Bounds of
CHECKs, partitions and statistics are places on the axis, and a row's value is ``low + k * step``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation, localcontext

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# Made-up times lie in this year whatever the day of the run is, so that the same seed gives the same rows.
YEAR_START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR_DAYS = 365
# Stands for "now" where a CHECK wants a later time: no run of this software will see it pass.
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Axis:
    """``unit`` is the value of one step of the type; ``low`` to ``high`` the type's range and ``usual_low`` to
    ``usual_high`` what rows hold by default, all counted in units; ``grain`` the usual distance between values."""

    kind: str
    unit: Decimal
    low: int
    high: int
    usual_low: int
    usual_high: int
    grain: int
    sql: Callable[[str], str]

    def place(self, value: Decimal | int, upwards: bool = True) -> int:
        """A value counted in units, rounded up or down where it lies between two."""
        with localcontext() as context:
            context.prec = 1000
            rounding = ROUND_CEILING if upwards else ROUND_FLOOR
            return int((Decimal(value) / self.unit).to_integral_value(rounding=rounding))


_INTEGERS = {
    "smallint": (-(2**15), 2**15 - 1, 100),
    "integer": (-(2**31), 2**31 - 1, 30_000),
    "bigint": (-(2**63), 2**63 - 1, 1_000_000_000),
    "oid": (0, 2**32 - 1, 1_000_000),
}


def axis_of(base: str, type_text: str) -> Axis | None:
    """The axis of a type, or None where the type is no scalar. ``type_text`` carries the modifiers."""
    if base in _INTEGERS:
        low, high, usual = _INTEGERS[base]
        return Axis(base, Decimal(1), low, high, 0, usual, 1, lambda x: f"({x})::{base}")
    if base == "numeric":
        return _numeric(type_text)
    if base in {"real", "double precision"}:
        return Axis("float", Decimal("0.01"), -(10**15), 10**15, 0, 10**6, 1, lambda x: f"(({x}) * 0.01)::{base}")
    if base == "money":
        return Axis(
            "money", Decimal("0.01"), -(10**15), 10**15, 0, 10**7, 1, lambda x: f"(({x})::numeric / 100)::money"
        )
    return _times(base)


def _numeric(type_text: str) -> Axis:
    modifiers = re.search(r"\((\d+)(?:,\s*(-?\d+))?\)", type_text)
    if modifiers is None:
        return _decimal(10**40, 2, 10**9)
    precision, scale = int(modifiers[1]), int(modifiers[2] or 0)
    limit = 10**precision - 1
    return _decimal(limit, scale, min(limit, 10**24 if scale == 0 and precision > 30 else 10**9))


def _decimal(limit: int, scale: int, usual: int) -> Axis:
    unit = Decimal(1).scaleb(-scale)
    factor = "" if scale == 0 else f" * {unit:f}"
    return Axis("numeric", unit, -limit, limit, 0, usual, 1, lambda x: f"(({x})::numeric{factor})")


def _times(base: str) -> Axis | None:
    start = int(YEAR_START.timestamp()) * _SECOND
    end = start + YEAR_DAYS * _DAY - 1
    micro = Decimal("0.000001")
    widest = 200 * 365 * _DAY  # within two centuries of 1970: any PostgreSQL date, and exact as a double
    match base:
        case "timestamp with time zone":
            return Axis(
                "time", micro, -widest, widest, start, end, _SECOND,
                lambda x: f"('1970-01-01 00:00:00+00'::timestamptz + ({x}) * interval '1 microsecond')",
            )  # fmt: skip
        case "timestamp without time zone":
            return Axis(
                "time", micro, -widest, widest, start, end, _SECOND,
                lambda x: f"('1970-01-01 00:00:00'::timestamp + ({x}) * interval '1 microsecond')",
            )  # fmt: skip
        case "date":
            first = start // _DAY
            return Axis(
                "date", Decimal(86400), -70_000, 70_000, first, first + YEAR_DAYS - 1, 1,
                lambda x: f"('1970-01-01'::date + ({x})::integer)",
            )  # fmt: skip
        case "time without time zone" | "time with time zone":
            return Axis(
                "clock", micro, 0, _DAY - 1, 0, _DAY - 1, _SECOND,
                lambda x: f"('00:00'::time + ({x}) * interval '1 microsecond')::{base}",
            )  # fmt: skip
        case "interval":
            return Axis(
                "interval", micro, -widest, widest, _SECOND, 30 * _DAY, _SECOND,
                lambda x: f"(({x}) * interval '1 microsecond')",
            )  # fmt: skip
    return None


def read_value(text: str, kind: str) -> Decimal | None:
    """A literal of an axis's kind as a Decimal (seconds for times), or None where it is not understood."""
    try:
        match kind:
            case "time" | "date":
                return _seconds(text)
            case "clock":
                moment = time.fromisoformat(text.strip())
                return (
                    Decimal(moment.hour * 3600 + moment.minute * 60 + moment.second)
                    + Decimal(moment.microsecond) / 10**6
                )
            case "interval":
                return read_interval(text)
            case "money":
                return Decimal(re.sub(r"[^\d.\-]", "", text))
        number = Decimal(text.strip())
        return number if number.is_finite() else None
    except (ValueError, InvalidOperation):
        return None


def _seconds(text: str) -> Decimal | None:
    text = text.strip()
    if text in {"infinity", "-infinity", "now", "today"}:
        return None
    if text == "epoch":
        return Decimal(0)
    if text.endswith(" BC"):
        return Decimal(-62_135_596_800)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text)
        return Decimal((day - date(1970, 1, 1)).days * 86400)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(delta.days * 86400 + delta.seconds) + Decimal(delta.microseconds) / 10**6


_UNITS = {
    "year": 365 * 86400, "mon": 30 * 86400, "month": 30 * 86400, "week": 7 * 86400, "day": 86400, "hour": 3600,
    "hr": 3600, "minute": 60, "min": 60, "second": 1, "sec": 1, "s": 1, "m": 60, "h": 3600, "d": 86400,
}  # fmt: skip


def read_interval(text: str) -> Decimal | None:
    """An interval such as ``1 day 02:00:00`` in seconds (a month counts 30 days)."""
    rest = text.strip().lower()
    if not rest:
        return None
    total = Decimal(0)
    clock = re.search(r"(-?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?", rest)
    if clock:
        seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + Decimal(clock[4] or 0)
        total += -seconds if clock[1] else seconds
        rest = rest.replace(clock[0], "")
    for number, unit in re.findall(r"(-?\d+(?:\.\d+)?)\s*([a-z]+)", rest):
        if (length := _UNITS.get(unit) or _UNITS.get(unit.rstrip("s"))) is None:
            return None
        total += Decimal(number) * length
    if not clock and not re.search(r"[a-z]", rest):
        return Decimal(rest)
    return total
