"""What an UPDATE makes of one row, where it looks at nothing but that row: what a trigger can do for rows to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pgassay.sql.batching import Batchable
from pgassay.sql.batching_tree import statement_of, walk
from pgassay.sql.tree import expression_text, pg

_SYSTEM = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """``values`` by the column that gets them, and ``where``, all as SQL over a row that is called ``alias``;
    ``columns`` are those that they may name (what has no dot before it and what the alias qualifies)."""

    alias: str
    values: tuple[tuple[str, str], ...]
    where: str
    columns: frozenset[str]


def row_rule(statement: Batchable, *, whole: bool = False) -> RowRule | str:
    """The rule, or in a few words why the statement is none. ``whole``: it may be meant for every row, without WHERE.

    A rule may be applied to a row twice without a difference: its values come from columns that it does not set.
    Whether its functions are volatile, and which columns are generated, only the database knows.
    """
    if statement.kind != "update":
        return f"it is no UPDATE but {statement.kind.upper()}"
    node = statement_of(statement.tree)
    assert isinstance(node, pg.UpdateStmt)
    if statement.where is None and not whole:
        return "it has no WHERE, so that rows to come are not its business"
    if len(node.from_clause):
        return "it reads other tables (FROM)"
    values = []
    for target in node.target_list:
        assigned = target.res_target
        if len(assigned.indirection):
            return f"it sets a part of {assigned.name}"
        if assigned.val.HasField("multi_assign_ref") or assigned.val.HasField("set_to_default"):
            return f"{assigned.name} gets no expression of its own"
        values.append((assigned.name, expression_text(assigned.val)))
    asked = [t.res_target.val for t in node.target_list]
    asked += [node.where_clause] if statement.where is not None else []
    refusal = next((words for each in asked for words in _beyond(each, statement.alias)), None)
    if refusal is not None:
        return refusal
    sources = {name for t in node.target_list for name in _columns(t.res_target.val)}
    again = sorted(sources & statement.assigned)
    if again:
        return f"it sets {again[0]} from {again[0]} itself: done twice it would be something else"
    return RowRule(
        alias=statement.alias,
        values=tuple(values),
        where=statement.where or "true",
        columns=frozenset(sources | set(_columns(node.where_clause) if statement.where is not None else ())),
    )


def _beyond(node: pg.Node, alias: str) -> Iterator[str]:
    """What an expression looks at besides the columns of its row."""
    for each in walk(node):
        if isinstance(each, pg.SubLink):
            yield "it reads other rows (a subquery)"
        elif isinstance(each, pg.SQLValueFunction):
            yield "it asks who or when it is"
        elif isinstance(each, pg.ColumnRef):
            words = [part.string.sval for part in each.fields if part.HasField("string")]
            if len(words) != len(each.fields) or len(words) > 2 or (len(words) == 2 and words[0] != alias):
                yield "it names more than columns of its row"
            elif words[-1] in _SYSTEM or words == [alias]:
                yield f"it looks at {words[-1]}, which a row to come does not have"


def _columns(node: pg.Node) -> Iterator[str]:
    for each in walk(node):
        if isinstance(each, pg.ColumnRef):
            yield each.fields[-1].string.sval
