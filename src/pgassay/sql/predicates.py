"""What a query asks of each table: which columns or expressions it compares, joins, sorts and prints.

One ``Block`` a SELECT, UPDATE or DELETE level. Views, and subqueries and CTEs that the planner opens, are opened first
(``flatten``); what stays is a block of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from google.protobuf.message import Message

from pgassay.model import Name, quote
from pgassay.sql.flatten import Views, flatten
from pgassay.sql.tree import PgQueryError, expression_text, name_of, parse, pg

Columns = Callable[[Name], Collection[str] | None]
UseKind = Literal[
    "equal", "in", "range", "like", "ilike", "regex", "contains", "has key", "overlaps", "matches", "similar",
    "null", "not null", "true", "false", "unequal", "any", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """A column, or an expression over one table's columns, as SQL without the table's name."""

    text: str
    columns: tuple[str, ...]
    column: str | None = None  # where it is a plain column


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A predicate on one table. ``table`` is its position in the block.

    ``value`` is the other side as SQL where it is a constant; ``text`` the whole predicate then. ``other`` is the other
    table of a join. ``arm``: (which OR, which of its arms). ``last``: whether a pattern has no fixed beginning.
    """

    table: int
    key: Key
    kind: UseKind
    operator: str = ""
    value: str | None = None
    text: str | None = None
    other: tuple[int, Key] | None = None
    arm: tuple[int, int] | None = None
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an ORDER BY (or of a GROUP BY, PARTITION BY, DISTINCT: then the direction is ``free``)."""

    table: int
    key: Key
    descending: bool = False
    nulls_first: bool = False
    free: bool = False
    near: bool = False  # by the distance from a value


@dataclass(frozen=True, slots=True)
class TableRef:
    """A table in FROM; ``alias`` is the name that columns are qualified with."""

    name: Name
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One level of a query. ``orders``: every order in which rows of one table are wanted, the final one first.

    ``columns`` are those that it mentions of each table, None where it takes the whole row.
    """

    tables: tuple[TableRef, ...]
    uses: tuple[Use, ...] = ()
    orders: tuple[tuple[Order, ...], ...] = ()
    limited: bool = False
    columns: tuple[frozenset[str] | None, ...] = ()
    written: tuple[str, ...] = ()  # columns that an UPDATE sets in the first table


@dataclass(slots=True)
class _Scope:
    tables: list[TableRef] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)  # aliases of subqueries, functions, CTEs
    uses: list[Use] = field(default_factory=list)
    columns: list[set[str] | None] = field(default_factory=list)
    ors: int = 0


def blocks(text: str, columns: Columns, views: Views = lambda _: None) -> tuple[Block, ...]:
    """The blocks of one statement, outermost first. ``columns`` names a table's columns, None for one unknown;
    ``views`` gives a view's SELECT.

    An unreadable statement has none.
    """
    try:
        tree = parse(text)
    except PgQueryError:
        return ()
    reader = _Reader(columns, views)
    for part in tree.stmts:
        reader.statement(part.stmt, (), frozenset())
    return tuple(reader.found)


class _Reader:
    def __init__(self, columns: Columns, views: Views) -> None:
        self.columns = columns
        self.views = views
        self.found: list[Block] = []

    def statement(self, node: Any, outer: tuple[_Scope, ...], ctes: frozenset[str]) -> None:
        kind = node.WhichOneof("node")
        if kind == "select_stmt":
            self.select(node.select_stmt, outer, ctes)
        elif kind in ("update_stmt", "delete_stmt"):
            self.change(getattr(node, kind), outer, ctes)
        elif kind == "insert_stmt":
            ctes = self._with(node.insert_stmt, outer, ctes)
            self.statement(node.insert_stmt.select_stmt, outer, ctes)

    def _with(self, stmt: Any, outer: tuple[_Scope, ...], ctes: frozenset[str]) -> frozenset[str]:
        if not stmt.HasField("with_clause"):
            return ctes
        names = frozenset(c.common_table_expr.ctename for c in stmt.with_clause.ctes)
        for cte in stmt.with_clause.ctes:
            self.statement(cte.common_table_expr.ctequery, outer, ctes | names)
        return ctes | names

    def change(self, stmt: Any, outer: tuple[_Scope, ...], ctes: frozenset[str]) -> None:
        ctes = self._with(stmt, outer, ctes)
        place, scope = self._place(), _Scope()
        self._table(stmt.relation, scope, ctes)
        quals: list[Any] = []
        more = stmt.from_clause if isinstance(stmt, pg.UpdateStmt) else stmt.using_clause
        for item in more:
            self._from(item, scope, (*outer, scope), ctes, quals)
        chain = (*outer, scope)
        written = ()
        if isinstance(stmt, pg.UpdateStmt):
            written = tuple(t.res_target.name for t in stmt.target_list)
            for target in stmt.target_list:
                self._mention(target.res_target.val, chain, ctes)
        quals.append(stmt.where_clause)
        for qual in quals:
            self._qual(qual, scope, chain, ctes, None)
        if scope.columns:
            scope.columns[0] = None  # the row itself is fetched
        self._finish(place, scope, [], limited=False, written=written)

    def select(self, stmt: Any, outer: tuple[_Scope, ...], ctes: frozenset[str]) -> None:
        flatten(stmt, self.columns, self.views)
        ctes = self._with(stmt, outer, ctes)
        if stmt.op not in (pg.SETOP_NONE, pg.SET_OPERATION_UNDEFINED):
            self.select(stmt.larg, outer, ctes)
            self.select(stmt.rarg, outer, ctes)
            return
        place, scope = self._place(), _Scope()
        chain = (*outer, scope)
        quals: list[Any] = []
        for item in stmt.from_clause:
            self._from(item, scope, chain, ctes, quals)
        for qual in (*quals, stmt.where_clause):
            self._qual(qual, scope, chain, ctes, None)
        orders: list[tuple[Order, ...]] = []
        named = {t.res_target.name: t.res_target.val for t in stmt.target_list if t.res_target.name}
        listed = [t.res_target.val for t in stmt.target_list]

        def resolved(node: Any) -> Any:
            if node.WhichOneof("node") == "a_const" and node.a_const.WhichOneof("val") == "ival":
                position = node.a_const.ival.ival
                return listed[position - 1] if 0 < position <= len(listed) else node
            if node.WhichOneof("node") == "column_ref" and len(node.column_ref.fields) == 1:
                return named.get(node.column_ref.fields[0].string.sval, node)
            return node

        final = self._orders([(resolved(s.sort_by.node), s.sort_by) for s in stmt.sort_clause], scope)
        if final:
            orders.append(final)
        grouped = [resolved(g) for g in stmt.group_clause]
        distinct = [resolved(d) for d in stmt.distinct_clause if d.WhichOneof("node")]
        if stmt.distinct_clause and not distinct:
            distinct = listed
        for nodes in (grouped, distinct):
            if nodes and (free := self._orders([(n, None) for n in nodes], scope)):
                orders.append(free)
        for node in [*listed, stmt.having_clause, *grouped, *(s.sort_by.node for s in stmt.sort_clause)]:
            self._mention(node, chain, ctes)
            orders += self._inner_orders(node, scope)
        self._finish(place, scope, orders, limited=stmt.HasField("limit_count"))

    def _place(self) -> int:
        return len(self.found)

    def _finish(
        self,
        place: int,
        scope: _Scope,
        orders: list[tuple[Order, ...]],
        *,
        limited: bool,
        written: tuple[str, ...] = (),
    ) -> None:
        columns = tuple(None if c is None else frozenset(c) for c in scope.columns)
        unique = tuple(dict.fromkeys(orders))
        block = Block(
            tables=tuple(scope.tables),
            uses=tuple(scope.uses),
            orders=unique,
            limited=limited,
            columns=columns,
            written=written,
        )
        if scope.tables:
            self.found.insert(place, block)

    def _from(
        self, node: Any, scope: _Scope, chain: tuple[_Scope, ...], ctes: frozenset[str], quals: list[Any]
    ) -> None:
        kind = node.WhichOneof("node")
        if kind == "range_var":
            self._table(node.range_var, scope, ctes)
        elif kind == "join_expr":
            join = node.join_expr
            first = len(scope.tables)
            self._from(join.larg, scope, chain, ctes, quals)
            middle = len(scope.tables)
            self._from(join.rarg, scope, chain, ctes, quals)
            if join.HasField("quals"):
                quals.append(join.quals)
            for name in (s.string.sval for s in join.using_clause):
                left = next((i for i in range(first, middle) if self._has(scope.tables[i].name, name)), None)
                right = next(
                    (i for i in range(middle, len(scope.tables)) if self._has(scope.tables[i].name, name)), None
                )
                key = Key(_quoted(name), (name,), name)
                for one, two in ((left, right), (right, left)):
                    if one is not None:
                        self._note(scope, one, name)
                        other = (two, key) if two is not None else None
                        scope.uses.append(
                            Use(table=one, key=key, kind="equal", operator="=", other=other, outer=two is None)
                        )
        elif kind == "range_subselect":
            scope.hidden.add(node.range_subselect.alias.aliasname)
            seen = chain if node.range_subselect.lateral else chain[:-1]
            self.statement(node.range_subselect.subquery, seen, ctes)
        elif kind == "range_function":
            scope.hidden.add(node.range_function.alias.aliasname)
            for item in node.range_function.functions:
                self._mention(item, chain, ctes)
        elif kind == "range_table_sample":
            self._from(node.range_table_sample.relation, scope, chain, ctes, quals)

    def _table(self, var: Any, scope: _Scope, ctes: frozenset[str]) -> None:
        name = name_of(var)
        alias = var.alias.aliasname or var.relname
        if (name.schema is None and name.name in ctes) or self.columns(name) is None:
            scope.hidden.add(alias)
            return
        scope.tables.append(TableRef(name, alias))
        scope.columns.append(set())

    def _has(self, table: Name, column: str) -> bool:
        return column in (self.columns(table) or ())

    def _owner(self, ref: Any, scope: _Scope) -> tuple[int, str] | None:
        """The table in this scope that a column reference belongs to."""
        parts = [f.string.sval for f in ref.fields if f.WhichOneof("node") == "string"]
        if not parts or len(parts) != len(ref.fields):
            return None
        if len(parts) == 1:
            owners = [i for i, t in enumerate(scope.tables) if self._has(t.name, parts[0])]
            return (owners[0], parts[0]) if owners else None
        owners = [i for i, t in enumerate(scope.tables) if t.alias == parts[-2]]
        return (owners[0], parts[-1]) if owners else None

    def _note(self, scope: _Scope, table: int, column: str | None) -> None:
        if column is None:
            scope.columns[table] = None
        else:
            known = scope.columns[table]
            if known is not None:
                known.add(column)

    def _mention(self, node: Any, chain: tuple[_Scope, ...], ctes: frozenset[str]) -> None:
        """Note every column that an expression mentions, and read the subqueries in it."""
        for each in _walk(node):
            if isinstance(each, pg.SubLink):
                self.statement(each.subselect, chain, ctes)
            elif isinstance(each, pg.ColumnRef):
                self._refer(each, chain)

    def _refer(self, ref: Any, chain: tuple[_Scope, ...]) -> None:
        if any(f.WhichOneof("node") == "a_star" for f in ref.fields):
            names = [f.string.sval for f in ref.fields if f.WhichOneof("node") == "string"]
            for i, table in enumerate(chain[-1].tables):
                if not names or table.alias == names[-1]:
                    self._note(chain[-1], i, None)
            return
        for scope in reversed(chain):
            found = self._owner(ref, scope)
            if found is not None:
                self._note(scope, *found)
                return
            if len(ref.fields) == 1:
                whole = next((i for i, t in enumerate(scope.tables) if t.alias == ref.fields[0].string.sval), None)
                if whole is not None:
                    self._note(scope, whole, None)
                    return
            elif ref.fields[-2].string.sval in scope.hidden:
                return

    # predicates

    def _qual(
        self, node: Any, scope: _Scope, chain: tuple[_Scope, ...], ctes: frozenset[str], arm: tuple[int, int] | None
    ) -> None:
        kind = node.WhichOneof("node")
        if kind is None:
            return
        if kind == "bool_expr" and node.bool_expr.boolop == pg.AND_EXPR:
            for item in node.bool_expr.args:
                self._qual(item, scope, chain, ctes, arm)
            return
        if kind == "bool_expr" and node.bool_expr.boolop == pg.OR_EXPR and arm is None:
            scope.ors += 1
            number = scope.ors
            before = len(scope.uses)
            for i, item in enumerate(node.bool_expr.args):
                self._qual(item, scope, chain, ctes, (number, i))
            tables = {u.table for u in scope.uses[before:]}
            text = self._whole(node, scope)
            if len(tables) == 1 and text is not None:
                (table,) = tables
                names = tuple(dict.fromkeys(c for u in scope.uses[before:] for c in u.key.columns))
                scope.uses.append(Use(table=table, key=Key(text, names), kind="other", text=text))
            return
        self._mention(node, chain, ctes)
        scope.uses.extend(self._uses(node, scope, arm))

    def _whole(self, node: Any, scope: _Scope) -> str | None:
        """A predicate of one table and constants, as SQL without the table's name."""
        key = self._key(node, scope)
        return key[1].text if key is not None else None

    def _key(self, node: Any, scope: _Scope) -> tuple[int, Key] | None:
        """The expression as a key, where it is over columns of exactly one table and nothing that changes."""
        owners: dict[int, None] = {}
        names: dict[str, None] = {}
        for each in _walk(node):
            if isinstance(each, pg.SubLink | pg.ParamRef | pg.SQLValueFunction | pg.RowExpr):
                return None
            if isinstance(each, pg.FuncCall) and (each.HasField("over") or each.funcname[-1].string.sval in _NO_KEYS):
                return None
            if isinstance(each, pg.A_Expr) and each.name and each.name[-1].string.sval in _NO_KEY_OPERATORS:
                return None
            if isinstance(each, pg.ColumnRef):
                found = self._owner(each, scope)
                if found is None:
                    return None
                owners[found[0]] = None
                names[found[1]] = None
        if len(owners) != 1:
            return None
        (table,) = owners
        if node.WhichOneof("node") == "column_ref":
            (column,) = names
            return table, Key(_quoted(column), (column,), column)
        text = expression_text(_bare(node))
        return table, Key(text, tuple(names))

    def _local(self, node: Any, scope: _Scope) -> bool:
        """Whether the expression mentions any table of this scope."""
        return any(isinstance(e, pg.ColumnRef) and self._owner(e, scope) is not None for e in _walk(node))

    def _constant(self, node: Any) -> str | None:
        changing = (pg.ColumnRef, pg.ParamRef, pg.SubLink, pg.SQLValueFunction, pg.FuncCall)
        if any(isinstance(each, changing) for each in _walk(node)):
            return None
        items = node.list.items if node.WhichOneof("node") == "list" else [node]
        return ", ".join(expression_text(item) for item in items)

    def _uses(self, node: Any, scope: _Scope, arm: tuple[int, int] | None) -> Iterator[Use]:
        kind = node.WhichOneof("node")
        text = self._whole(node, scope)
        if kind == "null_test":
            found = self._key(node.null_test.arg, scope)
            if found:
                null = node.null_test.nulltesttype == pg.IS_NULL
                yield Use(table=found[0], key=found[1], kind="null" if null else "not null", text=text, arm=arm)
        elif kind == "boolean_test":
            found = self._key(node.boolean_test.arg, scope)
            if found:
                true = node.boolean_test.booltesttype in (pg.IS_TRUE, pg.IS_NOT_FALSE)
                yield Use(table=found[0], key=found[1], kind="true" if true else "false", text=text, arm=arm)
        elif kind == "column_ref":
            found = self._key(node, scope)
            if found:
                yield Use(table=found[0], key=found[1], kind="true", text=text, arm=arm)
        elif kind == "bool_expr" and node.bool_expr.boolop == pg.NOT_EXPR:
            found = self._key(node.bool_expr.args[0], scope)
            if found:
                bare = node.bool_expr.args[0].WhichOneof("node") in ("column_ref", "type_cast", "func_call")
                yield Use(table=found[0], key=found[1], kind="false" if bare else "other", text=text, arm=arm)
        elif kind == "func_call" and node.func_call.funcname[-1].string.sval == "starts_with":
            found = self._key(node.func_call.args[0], scope)
            if found and len(node.func_call.args) == 2 and not self._local(node.func_call.args[1], scope):
                value = self._constant(node.func_call.args[1])
                yield Use(table=found[0], key=found[1], kind="like", operator="^@", value=value, arm=arm)
        elif kind in ("func_call", "type_cast", "coalesce_expr"):
            found = self._key(node, scope)
            if found:
                yield Use(table=found[0], key=found[1], kind="true", text=text, arm=arm)
        elif kind == "a_expr":
            yield from self._compared(node.a_expr, scope, arm, text)
        elif kind == "sub_link" and node.sub_link.sub_link_type == pg.ANY_SUBLINK:
            found = self._key(node.sub_link.testexpr, scope)
            if found:
                yield Use(table=found[0], key=found[1], kind="equal", operator="=", arm=arm, outer=True)

    def _compared(self, expr: Any, scope: _Scope, arm: tuple[int, int] | None, text: str | None) -> Iterator[Use]:
        operator = expr.name[-1].string.sval
        if expr.kind == pg.AEXPR_IN and expr.lexpr.WhichOneof("node") == "row_expr":
            # An OR of its rows to the planner: each column is one of some values.
            for part in expr.lexpr.row_expr.args:
                found = self._key(part, scope)
                if found and operator == "=" and not self._local(expr.rexpr, scope):
                    yield Use(table=found[0], key=found[1], kind="in", operator=operator, arm=arm)
            return
        if expr.kind in (pg.AEXPR_BETWEEN, pg.AEXPR_IN, pg.AEXPR_BETWEEN_SYM):
            found = self._key(expr.lexpr, scope)
            if found:
                negated = expr.kind == pg.AEXPR_IN and operator == "<>"
                items = list(expr.rexpr.list.items)
                value = self._constant(expr.rexpr) if expr.kind == pg.AEXPR_IN else None
                which: UseKind = "unequal" if negated else "in" if expr.kind == pg.AEXPR_IN else "range"
                if not any(self._local(i, scope) for i in items):
                    yield Use(
                        table=found[0], key=found[1], kind=which, operator=operator, value=value, text=text, arm=arm
                    )
            return
        left, right = expr.lexpr, expr.rexpr
        if expr.kind in (pg.AEXPR_OP_ANY, pg.AEXPR_OP_ALL):
            found = self._key(left, scope)
            if found and not self._local(right, scope):
                which = _KINDS.get(operator, "other")
                which = "in" if which == "equal" else which
                yield Use(table=found[0], key=found[1], kind=which, operator=operator, text=text, arm=arm)
            elif (turned := self._key(right, scope)) and not self._local(left, scope) and operator == "=":
                yield Use(
                    table=turned[0], key=turned[1], kind="any", operator=operator, value=self._constant(left), arm=arm
                )
            return
        if expr.kind not in (pg.AEXPR_OP, pg.AEXPR_LIKE, pg.AEXPR_ILIKE, pg.AEXPR_NOT_DISTINCT, pg.AEXPR_DISTINCT):
            return
        if expr.kind == pg.AEXPR_DISTINCT:
            operator = "<>"
        if left.WhichOneof("node") == "row_expr" and right.WhichOneof("node") == "row_expr":
            for one, two in zip(left.row_expr.args, right.row_expr.args, strict=False):
                found = self._key(one, scope)
                if found and not self._local(two, scope):
                    which = "equal" if operator == "=" else "range"
                    yield Use(table=found[0], key=found[1], kind=which, operator=operator, arm=arm)
                if operator != "=":
                    return
            return
        one, two = self._key(left, scope), self._key(right, scope)
        if one and two and one[0] != two[0]:
            for (table, key), other, op in ((one, two, operator), (two, one, _TURNED.get(operator, operator))):
                yield Use(table=table, key=key, kind=_KINDS.get(op, "other"), operator=op, other=other, arm=arm)
            return
        for found, side, op in ((one, right, operator), (two, left, _TURNED.get(operator, operator))):
            if not found or self._local(side, scope):
                continue
            outer = any(isinstance(e, pg.ColumnRef) for e in _walk(side))
            yield Use(
                table=found[0],
                key=found[1],
                kind=_KINDS.get(op, "other"),
                operator=op,
                value=self._constant(side),
                text=text,
                arm=arm,
                outer=outer,
            )

    # orders

    def _orders(self, nodes: Iterable[tuple[Any, Any]], scope: _Scope) -> tuple[Order, ...]:
        """The keys up to the first that is not of the first one's table."""
        found: list[Order] = []
        for node, sort in nodes:
            owned = self._key(node, scope)
            if owned is None:
                owned = self._near(node, scope) if not found else None
                if owned is not None:
                    found.append(Order(owned[0], owned[1], near=True))
                break
            if found and found[0].table != owned[0]:
                break
            descending = sort is not None and (sort.sortby_dir == pg.SORTBY_DESC)
            nulls = descending
            if sort is not None and sort.sortby_nulls != pg.SORTBY_NULLS_DEFAULT:
                nulls = sort.sortby_nulls == pg.SORTBY_NULLS_FIRST
            found.append(Order(owned[0], owned[1], descending, nulls, sort is None))
        return tuple(found)

    def _near(self, node: Any, scope: _Scope) -> tuple[int, Key] | None:
        """The column whose distance from a value an ORDER BY is about."""
        if node.WhichOneof("node") != "a_expr" or node.a_expr.name[-1].string.sval != "<->":
            return None
        for one, other in ((node.a_expr.lexpr, node.a_expr.rexpr), (node.a_expr.rexpr, node.a_expr.lexpr)):
            if one.WhichOneof("node") == "column_ref" and not self._local(other, scope):
                return self._key(one, scope)
        return None

    def _inner_orders(self, node: Any, scope: _Scope) -> list[tuple[Order, ...]]:
        """Orders of window functions, of min and max, and of aggregates over distinct or sorted values."""
        found = []
        for each in _walk(node):
            if not isinstance(each, pg.FuncCall):
                continue
            if each.HasField("over"):
                nodes = [(n, None) for n in each.over.partition_clause]
                nodes += [(s.sort_by.node, s.sort_by) for s in each.over.order_clause]
                found.append(self._orders(nodes, scope))
            elif each.funcname[-1].string.sval in ("min", "max") and len(each.args) == 1:
                found.append(self._orders([(each.args[0], None)], scope))
        return [order for order in found if order]


_KINDS: dict[str, UseKind] = {
    "=": "equal", "<": "range", "<=": "range", ">": "range", ">=": "range", "~~": "like", "~~*": "ilike",
    "~": "regex", "~*": "regex", "@>": "contains", "<@": "contains", "?": "has key", "?|": "has key", "?&": "has key",
    "&&": "overlaps", "@@": "matches", "@?": "contains", "%": "similar", "<>": "unequal", "!=": "unequal", "^@": "like",
    "<<": "contains", ">>": "contains", "<<=": "contains", ">>=": "contains", "-|-": "overlaps",
}  # fmt: skip
_TURNED = {
    "<": ">", "<=": ">=", ">": "<", ">=": "<=", "@>": "<@", "<@": "@>", "<<": ">>", ">>": "<<", "<<=": ">>=",
    ">>=": "<<=",
}  # fmt: skip
_AGGREGATES = frozenset(
    "count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or"
    " every stddev stddev_pop stddev_samp variance var_pop var_samp percentile_cont percentile_disc mode bit_and bit_or"
    " range_agg corr".split()
)
_CHANGING = frozenset(
    "now random clock_timestamp statement_timestamp transaction_timestamp timeofday gen_random_uuid current_setting"
    " nextval currval".split()
)
# What they compare with is a value of one call.
_COMPARING = frozenset(
    "position strpos similarity word_similarity strict_word_similarity starts_with regexp_match regexp_matches"
    " regexp_like regexp_count ts_rank ts_rank_cd jsonb_path_exists jsonb_path_match levenshtein age".split()
)
_NO_KEYS = _AGGREGATES | _CHANGING | _COMPARING
_NO_KEY_OPERATORS = frozenset("<-> <=> <#> <+> <->> <<-> <% %>".split())


def _quoted(name: str) -> str:
    return quote(name)


def _bare(node: Any) -> Any:
    """A copy without table names in its column references."""
    copy = pg.Node()
    copy.CopyFrom(node)
    for each in _walk(copy):
        if isinstance(each, pg.ColumnRef) and len(each.fields) > 1:
            last = pg.Node()
            last.CopyFrom(each.fields[-1])
            del each.fields[:]
            each.fields.append(last)
    return copy


def _walk(message: Message) -> Iterator[Message]:
    """Every message of an expression, itself included, but not those inside subqueries."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        yield each
        for descriptor, value in each.ListFields():
            if descriptor.message_type is None or (isinstance(each, pg.SubLink) and descriptor.name == "subselect"):
                continue
            waiting.extend(value if descriptor.is_repeated else [value])
