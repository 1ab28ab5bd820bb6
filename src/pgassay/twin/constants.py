"""Constants in conditions: their values on an axis, and as text."""

from __future__ import annotations

from decimal import Decimal, localcontext

from pgassay.sql.expressions import Call, Cast, Constant, Expression, Operation
from pgassay.twin.axes import FAR, YEAR_DAYS, YEAR_START, read_interval, read_value

_NOW = {"now", "current_timestamp", "transaction_timestamp", "statement_timestamp", "clock_timestamp",
        "localtimestamp", "current_date", "localtime", "current_time"}  # fmt: skip


def all_constant(choices: tuple[Expression, ...]) -> bool:
    """Whether every choice is a literal."""
    return all(isinstance(choice, Constant) for choice in choices)


def as_text(value: Constant) -> str:
    """A literal's value as the text that its type reads."""
    if isinstance(value.value, bool):
        return "true" if value.value else "false"
    return format(value.value, "f") if isinstance(value.value, Decimal) else str(value.value)


def constant(expression: Expression, kind: str, *, later: bool) -> Decimal | None:
    """The value of a constant expression on an axis of that kind. ``later``: whether "now" is a lower bound."""
    match expression:
        case Constant(value=bool() | None):
            return None
        case Constant(value=int() | Decimal() as number):
            return Decimal(number)
        case Constant(value=str() as text, type="interval"):
            return read_interval(text)
        case Constant(value=str() as text):
            return read_value(text, kind)
        case Cast(item):
            return constant(item, kind, later=later)
        case Call(name) if name in _NOW:
            moment = FAR.timestamp() if later else YEAR_START.timestamp() + YEAR_DAYS * 86400
            return Decimal(int(moment))
        case Operation("-", None, right):
            value = constant(right, kind, later=later)
            return None if value is None else -value
        case Operation(operator, Expression() as left, right):
            first, second = constant(left, kind, later=later), constant(right, kind, later=later)
            return _folded(operator, first, second) if first is not None and second is not None else None
        case Call("power" | "pow", (base, exponent)):
            first, second = constant(base, kind, later=later), constant(exponent, kind, later=later)
            return _folded("^", first, second) if first is not None and second is not None else None
    return None


def _folded(operator: str, a: Decimal, b: Decimal) -> Decimal | None:
    with localcontext() as context:
        context.prec = 200
        match operator:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "/" if b:
                return a / b
            case "^" if abs(b) < 400:
                return a**b
    return None
