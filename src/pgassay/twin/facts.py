"""What the conditions of a branch say of each column: bounds, choices, lengths, patterns, order between columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from pgassay.catalog.model import Column
from pgassay.sql.expressions import (
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
    columns_of,
)
from pgassay.twin.axes import axis_of
from pgassay.twin.constants import all_constant, as_text, constant

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LENGTHS = {"length", "char_length", "character_length", "octet_length", "cardinality", "array_length", "bit_length"}
_CLEAR = {"btrim", "ltrim", "rtrim", "trim", "normalize"}


@dataclass(slots=True)
class Facts:
    """Of one column. ``low`` and ``high`` are inclusive places on the column's axis."""

    null: bool | None = None
    low: int | None = None
    high: int | None = None
    multiple: int = 1
    remainder: int = 0
    choices: tuple[str, ...] | None = None
    excluded: frozenset[str] = frozenset()
    least: int = 0
    most: int | None = None
    patterns: tuple[Match, ...] = ()
    avoided: tuple[Match, ...] = ()
    case: str | None = None
    json: str | None = None
    keys: tuple[str, ...] = ()
    within: tuple[str, ...] | None = None  # what an array's elements may be

    def possible(self) -> bool:
        """Whether anything (NULL apart) can satisfy them."""
        if self.low is not None and self.high is not None and self.low > self.high:
            return False
        return self.choices != () and (self.most is None or self.least <= self.most)


@dataclass(frozen=True, slots=True)
class Order:
    """``left operator right`` between two columns; operator is <, <=, <>."""

    left: str
    operator: str
    right: str


@dataclass(slots=True)
class Solution:
    """The facts of a branch. ``defined`` columns are computed from others; ``open`` conditions are the server's."""

    columns: dict[str, Column]
    facts: dict[str, Facts] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    defined: dict[str, tuple[str, Expression]] = field(default_factory=dict)
    open: list[Expression] = field(default_factory=list)

    def of(self, name: str) -> Facts:
        return self.facts.setdefault(name, Facts())

    def possible(self) -> bool:
        """Whether no column is contradicted (a nullable column can always be NULL)."""
        return all(self._column_possible(name, facts) for name, facts in self.facts.items())

    def _column_possible(self, name: str, facts: Facts) -> bool:
        must = self.columns[name].not_null or facts.null is False
        if facts.null is True:
            return not must
        return facts.possible() or not must

    def add(self, condition: Expression) -> bool:
        """Take one condition in. False where it contradicts what is known already."""
        match condition:
            case IsNull(item) if (name := self._column(item)) is not None:
                return self._null(name, True)
            case Not(IsNull(item)) if (name := self._column(item)) is not None:
                return self._null(name, False)
            case ColumnOf(name) if name in self.columns:
                return self._choose(name, ("true",))
            case Not(ColumnOf(name)) if name in self.columns:
                return self._choose(name, ("false",))
            case InList(item, choices) if (name := self._column(item)) is not None and all_constant(choices):
                return self._choose(
                    name, tuple(as_text(c) for c in choices if isinstance(c, Constant) and c.value is not None)
                )
            case Not(InList(item, choices)) if (name := self._column(item)) is not None and all_constant(choices):
                self.of(name).excluded |= {as_text(c) for c in choices if isinstance(c, Constant)}
            case Match(item) if (name := self._column(item)) is not None:
                facts = self.of(name)
                facts.patterns = (*facts.patterns, condition)
                if isinstance(item, Call) and item.name in {"lower", "upper"}:
                    facts.case = item.name
            case Not(Match(item) as match) if (name := self._column(item)) is not None:
                facts = self.of(name)
                facts.avoided = (*facts.avoided, match)
            case Call("starts_with", (item, Constant(value=str() as prefix))) if (
                name := self._column(item)
            ) is not None:
                self._like(name, prefix + "%")
            case Operation("?", Expression() as item, Constant(value=str() as key)) if self._column(item) is not None:
                facts = self.of(self._column(item) or "")
                facts.keys, facts.json = (*facts.keys, key), "object"
            case Operation("<@", Expression() as item, ListOf(choices)) if self._column(item) and all_constant(choices):
                self.of(self._column(item) or "").within = tuple(as_text(c) for c in choices if isinstance(c, Constant))
            case Compare(operator, left, right):
                return self._compare(operator, left, right)
            case _:
                self.open.append(condition)
        return True

    def _like(self, name: str, pattern: str) -> None:
        facts = self.of(name)
        facts.patterns = (*facts.patterns, Match(ColumnOf(name), pattern, "like"))

    def _null(self, name: str, value: bool) -> bool:
        facts = self.of(name)
        if facts.null is not None and facts.null != value:
            return False
        facts.null = value
        return not (value and self.columns[name].not_null)

    def _choose(self, name: str, choices: tuple[str, ...]) -> bool:
        facts = self.of(name)
        kept = choices if facts.choices is None else tuple(c for c in facts.choices if c in choices)
        facts.choices = tuple(dict.fromkeys(c for c in kept if c not in facts.excluded))
        return bool(facts.choices) or not self.columns[name].not_null

    def _column(self, item: Expression) -> str | None:
        """The column that an expression is about, seen through casts, trims and lower()."""
        match item:
            case ColumnOf(name):
                return name if name in self.columns else None
            case Cast(inner):
                return self._column(inner)
            case Call(name, (inner, *_)) if name in _CLEAR or name in {"lower", "upper"}:
                return self._column(inner)
            case Call("coalesce", (inner, Constant())):
                return self._column(inner)
        return None

    def _compare(self, operator: str, left: Expression, right: Expression) -> bool:
        if not columns_of(left) and columns_of(right):
            operator, left, right = _MIRRORED.get(operator, operator), right, left
        operator = {"is not distinct": "=", "is distinct": "<>"}.get(operator, operator)
        a, b = self._column(left), self._column(right)
        if a is not None and a == b:
            return self._letter_case(a, operator, left, right)
        if a is not None and b is not None:
            return self._ordered(operator, a, b, left, right)
        if a is not None and not columns_of(right):
            return self._bound(a, operator, right)
        if (b is not None or a is not None) and isinstance(left if b else right, Operation):
            name, other = (b, left) if b is not None else (a, right)
            operator = _MIRRORED.get(operator, operator) if b is not None else operator
            return self._define(name or "", operator, other)
        return self._measure(operator, left, right)

    def _letter_case(self, name: str, operator: str, left: Expression, right: Expression) -> bool:
        wrapped = left if isinstance(left, Call) else right
        if operator == "=" and isinstance(wrapped, Call) and wrapped.name in {"lower", "upper"}:
            self.of(name).case = wrapped.name
        return True

    def _ordered(self, operator: str, a: str, b: str, left: Expression, right: Expression) -> bool:
        if operator == "=":
            self._define(b if a in self.defined else a, "=", right if a not in self.defined else left)
        elif operator in {">", ">="}:
            self.orders.append(Order(b, _MIRRORED[operator], a))
        else:
            self.orders.append(Order(a, operator, b))
        return True

    def _define(self, name: str, operator: str, other: Expression) -> bool:
        if name in columns_of(other) or name in self.defined or self._circular(name, other):
            self.open.append(Compare(operator, ColumnOf(name), other))
        else:
            self.defined[name] = (operator, other)
        return True

    def _circular(self, name: str, other: Expression) -> bool:
        waiting = list(columns_of(other))
        while waiting:
            column = waiting.pop()
            if column == name or column not in self.columns:
                return True
            if column in self.defined:
                waiting += columns_of(self.defined[column][1])
        return False

    def _bound(self, name: str, operator: str, right: Expression) -> bool:
        column, facts = self.columns[name], self.of(name)
        axis = axis_of(column.base, column.type)
        if axis is not None and operator != "<>":
            value = constant(right, axis.kind, later=operator in {">", ">=", "="})
            if value is None:
                self.open.append(Compare(operator, ColumnOf(name), right))
                return True
            return _limit(facts, operator, axis.place(value, True), axis.place(value, False)) or not column.not_null
        if isinstance(right, Constant) and right.value is not None:
            if operator == "=":
                return self._choose(name, (as_text(right),))
            if operator == "<>":
                facts.excluded |= {as_text(right)}
                if facts.choices is not None:
                    return self._choose(name, facts.choices)
                return True
        self.open.append(Compare(operator, ColumnOf(name), right))
        return True

    def _measure(self, operator: str, left: Expression, right: Expression) -> bool:
        """Conditions on something taken from a column: its length, JSON type, prefix, remainder."""
        match left, right:
            case Call(function, (item, *_)), _ if function in _LENGTHS and (name := self._column(item)) is not None:
                number = constant(right, "numeric", later=False)
                if number is not None:
                    return _length(self.of(name), operator, int(number), 8 if function == "bit_length" else 1)
            case Call("jsonb_typeof" | "json_typeof", (item,)), Constant(value=str() as kind) if operator == "=":
                if (name := self._column(item)) is not None:
                    facts = self.of(name)
                    agreed = facts.json in (None, kind)
                    facts.json = kind
                    return agreed or not self.columns[name].not_null
            case Call("left" | "substr" | "substring", (item, *_)), Constant(value=str() as prefix) if operator == "=":
                if (name := self._column(item)) is not None:
                    self._like(name, prefix + "%")
                    return True
            case Call("strpos" | "position", (item, Constant(value=str() as part))), Constant(value=int()) if (
                operator in {">", ">=", "<>"} and (name := self._column(item)) is not None
            ):
                self._like(name, f"%{part}%")
                return True
            case (Operation("%", item, Constant(value=int() as multiple)), Constant(value=int() as rest)) | (
                Call("mod", (item, Constant(value=int() as multiple))),
                Constant(value=int() as rest),
            ) if operator == "=" and item is not None and (name := self._column(item)) is not None:
                facts = self.of(name)
                facts.multiple, facts.remainder = abs(multiple) or 1, rest
                return True
        factors = self._terms("*", left)
        most = constant(right, "numeric", later=False)
        if len(factors) > 1 and most is not None and most > 0 and operator in {"<", "<="}:
            root = Constant(Decimal(int(float(most) ** (1 / len(factors)))))
            return all(self._bound(name, operator, root) for name in factors)
        if (parts := self._terms("+", left)) and (total := constant(right, "numeric", later=False)) is not None:
            return self._summed(operator, parts, total)
        self.open.append(Compare(operator, left, right))
        return True

    def _terms(self, sign: str, expression: Expression) -> list[str]:
        """The numeric columns of a sum or product, or nothing."""
        match expression:
            case Operation(operator, Expression() as left, right) if operator == sign:
                first, second = self._terms(sign, left), self._terms(sign, right)
                return first + second if first and second else []
        name = self._column(expression)
        known = name is not None and axis_of(self.columns[name].base, self.columns[name].type) is not None
        return [name] if known and name is not None else []

    def _summed(self, operator: str, parts: list[str], total: Decimal) -> bool:
        """Each part takes its share; the last one what is left where the sum is given."""
        *others, last = parts
        share = Constant(total / len(parts))
        if operator != "=":
            return all(self._bound(name, operator, share) for name in parts)
        rest: Expression = Constant(total)
        for name in others:
            rest = Operation("-", rest, ColumnOf(name))
        return all(self._bound(name, "<=", share) for name in others) and self._define(last, "=", rest)


def _limit(facts: Facts, operator: str, up: int, down: int) -> bool:
    """Narrow the bounds; ``up`` and ``down`` are the constant's places rounded either way."""
    low = {">": down + 1, ">=": up, "=": up}.get(operator)
    high = {"<": up - 1, "<=": down, "=": down}.get(operator)
    if low is not None:
        facts.low = low if facts.low is None else max(facts.low, low)
    if high is not None:
        facts.high = high if facts.high is None else min(facts.high, high)
    return facts.possible()


def _length(facts: Facts, operator: str, number: int, per: int) -> bool:
    number = -(-number // per)
    if operator in {"=", ">=", ">"}:
        facts.least = max(facts.least, number + (operator == ">"))
    if operator in {"=", "<=", "<"}:
        most = number - (operator == "<")
        facts.most = most if facts.most is None else min(facts.most, most)
    if operator == "<>" and number == 0:
        facts.least = max(facts.least, 1)
    return facts.possible()
