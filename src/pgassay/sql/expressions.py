"""CHECK, index and partition expressions as small frozen dataclasses.

What has no class of its own becomes ``Unknown``: a reader that cannot solve it leaves it to the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import postgast
from postgast import pg_query_pb2 as pg

from pgassay.model import literal, quote

Value = str | int | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class Expression:
    """An SQL expression."""


@dataclass(frozen=True, slots=True)
class ColumnOf(Expression):
    """A column of the table (``VALUE`` of a domain is the column ``value``)."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """A literal, with the type it was cast to."""

    value: Value
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Compare(Expression):
    """``operator`` is one of = <> < <= > >=, or ``is distinct`` and ``is not distinct``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class And(Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or(Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Expression):
    item: Expression


@dataclass(frozen=True, slots=True)
class IsNull(Expression):
    item: Expression


@dataclass(frozen=True, slots=True)
class InList(Expression):
    """``item IN (…)``, also as ``= ANY (ARRAY[…])``."""

    item: Expression
    choices: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Match(Expression):
    """A text pattern. ``kind`` says in which language the pattern is written."""

    item: Expression
    pattern: str
    kind: Literal["regex", "like", "similar"]
    insensitive: bool = False


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function call; the name without ``pg_catalog``."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation(Expression):
    """Any other operator (``+``, ``?``, ``@>`` …); a prefix operator has no left side."""

    operator: str
    left: Expression | None
    right: Expression


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """A cast of something that is no literal."""

    item: Expression
    type: str


@dataclass(frozen=True, slots=True)
class ListOf(Expression):
    """``ARRAY[…]`` or a row."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unknown(Expression):
    """Anything else; ``columns`` that it mentions."""

    kind: str
    columns: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """The tree of an expression's text. A text that is no expression gives Unknown."""
    try:
        tree = postgast.parse(f"SELECT {text}")
    except postgast.PgQueryError:
        return Unknown("syntax")
    targets = tree.stmts[0].stmt.select_stmt.target_list
    if len(tree.stmts) != 1 or len(targets) != 1:
        return Unknown("syntax")
    return _read(targets[0].res_target.val)


def columns_of(expression: Expression) -> tuple[str, ...]:
    """The columns that an expression mentions, each once, in their order."""
    found: dict[str, None] = {}
    for item in _leaves(expression):
        found.update(dict.fromkeys([item.name] if isinstance(item, ColumnOf) else item.columns))
    return tuple(found)


def _leaves(expression: Expression) -> Iterator[ColumnOf | Unknown]:
    match expression:
        case ColumnOf() | Unknown():
            yield expression
        case And(items) | Or(items) | ListOf(items) | Call(_, items):
            for item in items:
                yield from _leaves(item)
        case Compare(_, left, right):
            yield from _leaves(left)
            yield from _leaves(right)
        case Operation(_, left, right):
            if left is not None:
                yield from _leaves(left)
            yield from _leaves(right)
        case InList(item, choices):
            for each in (item, *choices):
                yield from _leaves(each)
        case Not(item) | IsNull(item) | Match(item) | Cast(item):
            yield from _leaves(item)
        case _:
            return


def _read(node: Any) -> Expression:
    kind = node.WhichOneof("node")
    reader = _READERS.get(kind)
    return reader(getattr(node, kind)) if reader else _unknown(node, str(kind))


def _unknown(message: Any, kind: str) -> Unknown:
    columns = dict.fromkeys(_column_name(found) for found in postgast.find_nodes(message, pg.ColumnRef))
    return Unknown(kind, tuple(name for name in columns if name))


def _column_name(ref: Any) -> str:
    last = ref.fields[-1]
    return str(last.string.sval) if last.WhichOneof("node") == "string" else ""


def _column(ref: Any) -> Expression:
    return ColumnOf(_column_name(ref))


def _constant(node: Any) -> Expression:
    kind = node.WhichOneof("val")
    if node.isnull or kind is None:
        return Constant(None)
    if kind == "ival":
        return Constant(int(node.ival.ival))
    if kind == "fval":
        number = Decimal(node.fval.fval)
        return Constant(int(number) if number == number.to_integral_value() and "." not in node.fval.fval else number)
    if kind == "boolval":
        return Constant(bool(node.boolval.boolval))
    if kind == "sval":
        return Constant(str(node.sval.sval))
    return Unknown(kind)


def _cast(node: Any) -> Expression:
    item = _read(node.arg)
    type_name = node.type_name.names[-1].string.sval + ("[]" if node.type_name.array_bounds else "")
    if isinstance(item, Constant) and (item.type is None or isinstance(item.value, str)):
        return Constant(_converted(item.value, type_name), type_name)
    return item if isinstance(item, ListOf) else Cast(item, type_name)


_NUMBERS = {"int2", "int4", "int8", "numeric", "float4", "float8"}


def _converted(value: Value, type_name: str) -> Value:
    if isinstance(value, str) and type_name in _NUMBERS:
        try:
            number = Decimal(value.strip())
        except ArithmeticError:
            return value
        if not number.is_finite():
            return value
        return int(number) if type_name.startswith("int") else number
    if isinstance(value, str) and type_name == "bool":
        return value.lower() in {"t", "true", "on", "yes", "1"}
    return value


def _boolean(node: Any) -> Expression:
    items = tuple(_read(arg) for arg in node.args)
    if node.boolop == pg.AND_EXPR:
        return And(items)
    return Or(items) if node.boolop == pg.OR_EXPR else Not(items[0])


def _null_test(node: Any) -> Expression:
    test = IsNull(_read(node.arg))
    return test if node.nulltesttype == pg.IS_NULL else Not(test)


def _boolean_test(node: Any) -> Expression:
    item = _read(node.arg)
    value: dict[int, Expression] = {
        pg.IS_TRUE: And((item, Not(IsNull(item)))),
        pg.IS_NOT_TRUE: Or((Not(item), IsNull(item))),
        pg.IS_FALSE: And((Not(item), Not(IsNull(item)))),
        pg.IS_NOT_FALSE: Or((item, IsNull(item))),
        pg.IS_UNKNOWN: IsNull(item),
        pg.IS_NOT_UNKNOWN: Not(IsNull(item)),
    }
    return value[node.booltesttype]


_COMPARISONS = {"=", "<>", "<", "<=", ">", ">=", "!="}
_PATTERNS: dict[str, tuple[Literal["regex", "like", "similar"], bool, bool]] = {
    "~": ("regex", False, False),
    "~*": ("regex", True, False),
    "!~": ("regex", False, True),
    "!~*": ("regex", True, True),
    "~~": ("like", False, False),
    "~~*": ("like", True, False),
    "!~~": ("like", False, True),
    "!~~*": ("like", True, True),
}


def _operator(node: Any) -> Expression:
    operator = node.name[-1].string.sval
    kind = node.kind
    left = _read(node.lexpr) if node.HasField("lexpr") else None
    if kind in (pg.AEXPR_BETWEEN, pg.AEXPR_NOT_BETWEEN, pg.AEXPR_IN):
        return _listed(kind, operator, left or Unknown("none"), tuple(_read(i) for i in node.rexpr.list.items))
    right = _read(node.rexpr)
    if kind in (pg.AEXPR_OP_ANY, pg.AEXPR_OP_ALL) and isinstance(right, ListOf) and left is not None:
        return _quantified(kind == pg.AEXPR_OP_ANY, operator, left, right.items)
    if left is not None and kind == pg.AEXPR_DISTINCT:
        return Compare("is distinct", left, right)
    if left is not None and kind == pg.AEXPR_NOT_DISTINCT:
        return Compare("is not distinct", left, right)
    if kind not in (pg.AEXPR_OP, pg.AEXPR_LIKE, pg.AEXPR_ILIKE, pg.AEXPR_SIMILAR):
        return _unknown(node, "operator")
    if left is not None and operator in _PATTERNS:
        return _pattern(operator, left, right) or _unknown(node, "pattern")
    if left is not None and operator in _COMPARISONS:
        return Compare("<>" if operator == "!=" else operator, left, right)
    return Operation(operator, left, right)


def _pattern(operator: str, left: Expression, right: Expression) -> Expression | None:
    kind, insensitive, negated = _PATTERNS[operator]
    if isinstance(right, Call) and right.name in {"similar_to_escape", "similar_escape"} and right.arguments:
        right, kind = right.arguments[0], "similar"
    if not isinstance(right, Constant) or not isinstance(right.value, str):
        return None
    match = Match(left, right.value, kind, insensitive)
    return Not(match) if negated else match


def _listed(kind: int, operator: str, left: Expression, items: tuple[Expression, ...]) -> Expression:
    if kind == pg.AEXPR_IN:
        return InList(left, items) if operator == "=" else Not(InList(left, items))
    between = And((Compare(">=", left, items[0]), Compare("<=", left, items[1])))
    return between if kind == pg.AEXPR_BETWEEN else Not(between)


def _quantified(any_of: bool, operator: str, left: Expression, items: tuple[Expression, ...]) -> Expression:
    if operator == "=" and any_of:
        return InList(left, items)
    if operator == "<>" and not any_of:
        return Not(InList(left, items))
    if operator in _PATTERNS:
        each = tuple(_pattern(operator, left, i) or Unknown("pattern") for i in items)
        return Or(each) if any_of else And(each)
    compared = tuple(Compare(operator, left, i) for i in items)
    return Or(compared) if any_of else And(compared)


def _call(node: Any) -> Expression:
    name = node.funcname[-1].string.sval
    return Call(name, tuple(_read(arg) for arg in node.args))


def _value_function(node: Any) -> Expression:
    return Call(pg.SQLValueFunctionOp.Name(node.op).removeprefix("SVFOP_").lower(), ())


_READERS: dict[str, Callable[[Any], Expression]] = {
    "column_ref": _column,
    "a_const": _constant,
    "type_cast": _cast,
    "bool_expr": _boolean,
    "null_test": _null_test,
    "boolean_test": _boolean_test,
    "a_expr": _operator,
    "func_call": _call,
    "sqlvalue_function": _value_function,
    "coalesce_expr": lambda node: Call("coalesce", tuple(_read(arg) for arg in node.args)),
    "a_array_expr": lambda node: ListOf(tuple(_read(item) for item in node.elements)),
    "row_expr": lambda node: ListOf(tuple(_read(item) for item in node.args)),
    "collate_clause": lambda node: _read(node.arg),
}


def write(expression: Expression) -> str | None:
    """An expression of columns, constants, calls, casts and operators as SQL again; None for anything else."""
    match expression:
        case ColumnOf(name):
            return quote(name)
        case Constant(None):
            return "NULL"
        case Constant(value, type_name):
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            return f"{literal(text)}::{type_name}" if type_name else literal(text) if isinstance(value, str) else text
        case Cast(item, type_name):
            return None if (inner := write(item)) is None else f"({inner})::{type_name}"
        case Operation(operator, None, right):
            return None if (inner := write(right)) is None else f"({operator} {inner})"
        case Operation(operator, Expression() as left, right):
            first, second = write(left), write(right)
            return None if first is None or second is None else f"({first} {operator} {second})"
        case Call(name, items):
            arguments = [write(item) for item in items]
            written = [a for a in arguments if a is not None]
            return f"{quote(name)}({', '.join(written)})" if len(written) == len(arguments) and items else None
    return None
