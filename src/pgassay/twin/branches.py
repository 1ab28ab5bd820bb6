"""CHECK expressions → branches: ways to satisfy all of them, each a conjunction of simple conditions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from pgassay.sql.expressions import (
    And,
    Call,
    Cast,
    ColumnOf,
    Compare,
    Constant,
    Expression,
    InList,
    IsNull,
    ListOf,
    Match,
    Not,
    Operation,
    Or,
)

Branch = tuple[Expression, ...]
LIMIT = 48

_OPPOSITE = {
    "=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<",
    "is distinct": "is not distinct", "is not distinct": "is distinct",
}  # fmt: skip
_COUNTS: dict[str, Callable[[int, int], bool]] = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def branches(expression: Expression) -> list[Branch]:
    """The disjunctive normal form of an expression: negations pushed down to the conditions, at most LIMIT branches."""
    expression = _plain(expression)
    match expression:
        case And(items):
            return _product(items)
        case Or(items):
            return [branch for item in items for branch in branches(item)][:LIMIT]
        case Not(item):
            return branches(_negated(item)) if _splits(_plain(item)) else [(_negated(item),)]
        case Compare("=" | "is not distinct", left, right) if _equivalence(left, right):
            return _product((Or((left, Not(right))), Or((Not(left), right))))
        case Compare("<>" | "is distinct", left, right) if _equivalence(left, right):
            return _product((Or((left, right)), Or((Not(left), Not(right)))))
        case Compare(operator, left, right) if (terms := _counted(left)) is not None:
            if operator in _COUNTS and isinstance(right, Constant) and isinstance(right.value, int):
                return _chosen(terms, operator, right.value)
            return [(expression,)]
        case IsNull(Call("coalesce", items)):
            return _product(tuple(IsNull(item) for item in items))
        case Constant(value=False):
            return []
        case Constant(value=True):
            return [()]
    return [(expression,)]


def _product(items: Iterable[Expression]) -> list[Branch]:
    found: list[Branch] = [()]
    for item in items:
        choices = branches(item)
        if not choices:
            return []
        found = [a + b for a, b in itertools.islice(itertools.product(found, choices), LIMIT)]
    return found


def _plain(expression: Expression) -> Expression:
    """Without a cast to boolean around it."""
    while isinstance(expression, Cast) and expression.type == "bool":
        expression = expression.item
    return expression


def _splits(item: Expression) -> bool:
    match item:
        case And() | Or() | Not() | Constant():
            return True
        case Compare():
            return True
        case IsNull(Call("coalesce")):
            return True
    return False


def _negated(item: Expression) -> Expression:
    match _plain(item):
        case Not(inner):
            return inner
        case And(items):
            return Or(tuple(Not(each) for each in items))
        case Or(items):
            return And(tuple(Not(each) for each in items))
        case Compare(operator, left, right) if operator in _OPPOSITE:
            return Compare(_OPPOSITE[operator], left, right)
        case Constant(value=bool() as value):
            return Constant(not value)
        case IsNull(Call("coalesce", items)):
            return Or(tuple(Not(IsNull(each)) for each in items))
        case plain:
            return Not(plain)


def _equivalence(left: Expression, right: Expression) -> bool:
    """Whether two conditions are compared (a bare column may be one: the other side tells)."""
    return (_truth(left) and (_truth(right) or isinstance(right, ColumnOf))) or (
        _truth(right) and isinstance(left, ColumnOf)
    )


def _truth(expression: Expression) -> bool:
    """Whether an expression is a condition."""
    match _plain(expression):
        case IsNull() | Not() | And() | Or() | Compare() | InList() | Match():
            return True
        case Constant(value=bool()):
            return True
    return False


def _counted(expression: Expression) -> list[Expression] | None:
    """The conditions whose number an expression counts: num_nonnulls(a, b), (a IS NULL)::int + (b IS NULL)::int."""
    match expression:
        case Call("num_nonnulls", items) if items:
            return [Not(IsNull(item)) for item in items]
        case Call("num_nulls", items) if items:
            return [IsNull(item) for item in items]
        case Cast(item, "int4" | "int8" | "int2") if _truth(item):
            return [item]
        case Operation("+", Expression() as left, right):
            first, second = _counted(left), _counted(right)
            return first + second if first is not None and second is not None else None
        case Call("cardinality" | "array_length", (Call("array_remove", (ListOf(items), Constant(value=None))), *_)):
            return [Not(IsNull(item)) for item in items]
    return None


def _chosen(terms: list[Expression], operator: str, number: int) -> list[Branch]:
    holds = _COUNTS[operator]
    found: list[Branch] = []
    for chosen in itertools.product((True, False), repeat=min(len(terms), 8)):
        if holds(sum(chosen), number):
            picked = tuple(t if yes else Not(t) for t, yes in zip(terms, chosen, strict=False))
            found += _product(picked)
        if len(found) >= LIMIT:
            break
    return found
