"""A large UPDATE, DELETE or INSERT … SELECT as many small ones: each does the rows of one range of keys.

Slicing by the rows of one table keeps a statement's meaning only where every row is dealt with by itself; what cannot
be sliced so is refused in one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pgassay.errors import InputError, SyntaxProblem
from pgassay.model import Name, quote
from pgassay.sql.batching_tree import (
    called,
    conditions_of,
    copied,
    functions_of,
    outside,
    relations_below,
    restrict,
    same_name,
    statement_of,
    target_of,
    walk,
    walk_flat,
    written,
)
from pgassay.sql.tree import PgQueryError, expression_text, name_of, parse, pg

Kind = Literal["update", "delete", "insert"]
AGAIN = "pgassay_again"
# What the grammar knows as SQL values: the time of the transaction's start, which each batch has anew.
_TIMES = range(pg.SVFOP_CURRENT_DATE, pg.SVFOP_LOCALTIMESTAMP_N + 1)
_NULLABLE = {pg.JOIN_LEFT: "right", pg.JOIN_RIGHT: "left", pg.JOIN_FULL: "both"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batchable:
    """A statement that can be sliced by ``table``, which it calls ``alias``.

    ``target`` is what it changes; ``assigned`` the columns it sets; ``columns`` those that an INSERT names, ``values``
    their expressions, None for one that has no meaning outside. ``mentioned``: functions called; ``within_where``:
    those of WHERE; ``outer``: those of an INSERT's own values. ``times``: it asks for the current time. ``conflict``:
    ON CONFLICT. ``ordered``: ORDER BY. ``guarded``: the INSERT looks itself whether its target has the row already.
    ``others``: what it reads besides.
    """

    kind: Kind
    table: Name
    alias: str
    target: Name
    only: bool = False
    assigned: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    values: tuple[str | None, ...] = ()
    where: str | None = None
    mentioned: frozenset[Name] = frozenset()
    outer: frozenset[Name] = frozenset()
    within_where: frozenset[Name] = frozenset()
    others: frozenset[Name] = frozenset()
    times: bool = False
    conflict: bool = False
    ordered: bool = False
    guarded: bool = False
    tree: pg.ParseResult = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """The statement without its comments and line breaks."""
        return written(self.tree)

    @property
    def relation(self) -> str:
        """The sliced table as SQL names it in FROM."""
        return f"ONLY {self.table}" if self.only else str(self.table)

    def qualified(self, column: str) -> str:
        """A column of the sliced table within the statement."""
        return f"{quote(self.alias)}.{quote(column)}"

    def sliced(self, condition: str) -> str:
        """The statement for the rows that meet a condition too, as a query of two counts: rows changed, and those of
        them that still meet WHERE. ``condition`` may have parameters."""
        tree = copied(self.tree)
        restrict(tree, condition)
        node = statement_of(tree)
        # Whether the row as it is now would be taken again: RETURNING sees the new values.
        word = f"coalesce(({self.where}), false)" if self.where else "true"
        word = word if self.kind == "update" else "false"
        node.ClearField("returning_clause")
        node.returning_clause.exprs.append(target_of(f"{word} AS {AGAIN}"))
        changed = written(tree)
        return f"WITH pgassay_batch AS ({changed}) SELECT count(*), count(*) FILTER (WHERE {AGAIN}) FROM pgassay_batch"

    def matching(self, select: str = "count(*)", condition: str | None = None) -> str:
        """A SELECT over the rows that the whole statement would take."""
        tree = copied(self.tree)
        if condition is not None:
            restrict(tree, condition)
        made = pg.ParseResult()
        query = made.stmts.add().stmt.select_stmt
        query.target_list.append(target_of(select))
        query.limit_option = pg.LIMIT_OPTION_DEFAULT
        query.op = pg.SETOP_NONE
        node = statement_of(tree)
        if self.kind == "insert":
            query.from_clause.extend(node.select_stmt.select_stmt.from_clause)
        else:
            query.from_clause.add().range_var.CopyFrom(node.relation)
            query.from_clause.extend(node.from_clause if self.kind == "update" else node.using_clause)
        where = conditions_of(tree)
        if where.HasField("where_clause"):
            query.where_clause.CopyFrom(where.where_clause)
        return written(made)


def batchable(text: str, path: str = "", line: int | None = None) -> Batchable:
    """Read one statement that is to run in batches.

    Raises SyntaxProblem where it does not parse, InputError with the reason where slicing would change its meaning.
    """
    place = {"path": path or None, "line": line}
    try:
        tree = parse(text)
    except PgQueryError as error:
        raise SyntaxProblem(error.message, path=path or None, line=line) from None
    if len(tree.stmts) != 1:
        raise InputError(f"one statement is run in batches at a time, not {len(tree.stmts)}", path=path or None)
    try:
        return _read(tree)
    except _Refusal as refusal:
        raise InputError(
            f"this statement cannot be run in batches: {refusal}",
            path=place["path"] if isinstance(place["path"], str) else None,
            line=line,
            hint="Run it as it is, or write it as an UPDATE, DELETE or INSERT … SELECT that treats each row by itself.",
        ) from None


class _Refusal(Exception):
    pass


def _read(tree: pg.ParseResult) -> Batchable:
    statement = tree.stmts[0].stmt
    kind = statement.WhichOneof("node")
    if kind not in ("update_stmt", "delete_stmt", "insert_stmt"):
        word = (kind or "nothing").removesuffix("_stmt").replace("_", " ").upper()
        raise _Refusal(f"only UPDATE, DELETE and INSERT … SELECT can be, not {word}")
    node = statement_of(tree)
    if any(isinstance(each, pg.ParamRef) for each in walk(node)):
        raise _Refusal("it has parameters")
    if any(isinstance(each, pg.WithClause) and each.recursive for each in walk(node)) or node.HasField("with_clause"):
        raise _Refusal("it has a WITH clause, whose rows would be others for each batch")
    if any(isinstance(each, pg.CurrentOfExpr) for each in walk(node)):
        raise _Refusal("it follows a cursor (CURRENT OF)")
    return _insert(tree) if kind == "insert_stmt" else _change(tree, "update" if kind == "update_stmt" else "delete")


def _change(tree: pg.ParseResult, kind: Kind) -> Batchable:
    node = statement_of(tree)
    target = name_of(node.relation)
    others = [n for n in relations_below(node) if n is not node.relation]
    if any(same_name(name_of(other), target) for other in others):
        raise _Refusal(f"it reads {target}, which it changes: a batch would see what the batches before it did")
    assigned = {each.res_target.name for each in node.target_list} if kind == "update" else set()
    return _described(
        tree,
        kind=kind,
        sliced=node.relation,
        target=target,
        others=others,
        assigned=frozenset(assigned),
    )


def _insert(tree: pg.ParseResult) -> Batchable:
    node = statement_of(tree)
    select = node.select_stmt.select_stmt
    if not node.HasField("select_stmt") or select.values_lists:
        raise _Refusal("its rows are written in the statement: there is no table to go through")
    if select.op != pg.SETOP_NONE:
        raise _Refusal("it joins queries (UNION, INTERSECT, EXCEPT): make it one INSERT for each")
    for field_name, words in (
        ("group_clause", "GROUP BY"),
        ("having_clause", "HAVING"),
        ("distinct_clause", "DISTINCT"),
        ("limit_count", "LIMIT"),
        ("limit_offset", "OFFSET"),
    ):
        value = getattr(select, field_name)
        if (select.HasField(field_name) if not hasattr(value, "extend") else len(value)) and field_name:
            raise _Refusal(f"it has {words}, which depends on all rows at once")
    if select.HasField("with_clause"):
        raise _Refusal("it has a WITH clause, whose rows would be others for each batch")
    outer = [*select.target_list, *([select.where_clause] if select.HasField("where_clause") else [])]
    if any(each.HasField("over") for part in outer for each in walk_flat(part) if isinstance(each, pg.FuncCall)):
        raise _Refusal("it has a window function, which depends on all rows at once")
    target = name_of(node.relation)
    drivers = [r for item in select.from_clause for r in _kept(item)]
    if not drivers:
        raise _Refusal("it reads no table whose rows could be gone through one by one")
    sliced = drivers[0]
    others = [n for n in relations_below(node) if n is not node.relation and n is not sliced]
    if same_name(name_of(sliced), target):
        raise _Refusal(f"it reads {target}, which it fills: a batch would meet the rows of the batches before it")
    guards = {id(r) for r in _guards(select, target)}
    if any(same_name(name_of(other), target) and id(other) not in guards for other in others):
        raise _Refusal(f"it reads {target}, which it fills: a batch would see what the batches before it did")
    columns = [each.res_target.name for each in node.cols]
    values = [outside(each.res_target.val, select, sliced) for each in select.target_list]
    return _described(
        tree,
        kind="insert",
        sliced=sliced,
        target=target,
        others=[o for o in others if id(o) not in guards],
        columns=tuple(columns),
        values=tuple(values),
        outer=frozenset(name for each in select.target_list for part in walk_flat(each) for name in called(part)),
        conflict=node.HasField("on_conflict_clause"),
        ordered=bool(select.sort_clause),
        guarded=bool(guards),
    )


def _described(
    tree: pg.ParseResult,
    *,
    kind: Kind,
    sliced: pg.RangeVar,
    target: Name,
    others: Sequence[pg.RangeVar],
    assigned: frozenset[str] = frozenset(),
    columns: tuple[str, ...] = (),
    values: tuple[str | None, ...] = (),
    outer: frozenset[Name] = frozenset(),
    conflict: bool = False,
    ordered: bool = False,
    guarded: bool = False,
) -> Batchable:
    where = conditions_of(tree)
    condition = where.where_clause if where.HasField("where_clause") else None
    return Batchable(
        kind=kind,
        table=name_of(sliced),
        alias=sliced.alias.aliasname or sliced.relname,
        only=not sliced.inh,
        target=target,
        assigned=assigned,
        columns=columns,
        values=values,
        outer=outer,
        where=expression_text(condition) if condition is not None else None,
        mentioned=frozenset(functions_of(tree)),
        within_where=frozenset(functions_of(condition)) if condition is not None else frozenset(),
        others=frozenset(name_of(each) for each in others),
        times=any(isinstance(each, pg.SQLValueFunction) and each.op in _TIMES for each in walk(tree)),
        conflict=conflict,
        ordered=ordered,
        guarded=guarded,
        tree=tree,
    )


def _kept(item: pg.Node) -> Iterator[pg.RangeVar]:
    """The tables of a FROM item of which each row of the result has exactly one row."""
    if item.HasField("range_var"):
        yield item.range_var
    elif item.HasField("join_expr"):
        join = item.join_expr
        if join.HasField("alias"):
            return
        nullable = _NULLABLE.get(join.jointype)
        if nullable not in ("left", "both"):
            yield from _kept(join.larg)
        if nullable not in ("right", "both"):
            yield from _kept(join.rarg)


def _guards(select: pg.SelectStmt, target: Name) -> Iterator[pg.RangeVar]:
    """The target within a NOT EXISTS of the WHERE: it only keeps rows out that are there already."""
    if not select.HasField("where_clause"):
        return
    where = select.where_clause
    parts = where.bool_expr.args if where.HasField("bool_expr") and where.bool_expr.boolop == pg.AND_EXPR else [where]
    for part in parts:
        negated = part.bool_expr
        if not part.HasField("bool_expr") or negated.boolop != pg.NOT_EXPR:
            continue
        link = negated.args[0].sub_link
        if negated.args[0].HasField("sub_link") and link.sub_link_type == pg.EXISTS_SUBLINK:
            yield from (r for r in relations_below(link) if same_name(name_of(r), target))
