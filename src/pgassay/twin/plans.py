"""The plan of a table's rows, and why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pgassay.model import quote
from pgassay.twin.targets import Target

NUMBER = '"row#"'  # the row's number: no user's column is called so
ROW = f"s.{NUMBER}"  # in the innermost SELECT


class Unfillable(Exception):
    """A table that cannot have rows: the constraint in the way, and why."""

    def __init__(self, constraint: str | None, reason: str) -> None:
        self.constraint = constraint
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True)
class RowPlan:
    """``sql(column, i)`` is the value of a column in row ``i`` (from 1) as SQL.

    ``rows`` of them are consistent and so is one more, unless ``rows`` is ``capacity``. ``defined`` columns are
    computed from others by their names. A plan is ``exact`` where row i is what the expressions say it is.
    """

    target: Target
    rows: int
    capacity: int
    expressions: dict[str, Callable[[str], str]] = field(default_factory=dict)
    defined: list[tuple[str, str]] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    pooled: set[str] = field(default_factory=set)
    exact: bool = True
    filtered: bool = False  # some conditions are left to the server

    def sql(self, column: str, i: str) -> str:
        """Raises Unfillable where the column has no expression of its own."""
        expression = self.expressions.get(column)
        if expression is None:
            raise Unfillable(None, f"no value is known for {quote(column)}")
        return expression(i)
