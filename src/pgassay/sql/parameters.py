"""What each ``$n`` of a statement is compared with: which column, in which way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from google.protobuf.message import Message
from postgast import parse
from postgast import pg_query_pb2 as pg

from pgassay.model import Name
from pgassay.sql.parameters_scope import Origin, Scope, Source, origin_of, renamed
from pgassay.sql.tree import name_of

Use = Literal[
    "equal", "differs", "low", "high", "like", "regex", "list", "contains", "contained", "overlaps", "key", "has",
    "element", "limit", "offset", "value", "argument", "other",
]  # fmt: skip

_OPERATORS: dict[str, Use] = {
    "=": "equal", "<>": "differs", ">": "low", ">=": "low", "<": "high", "<=": "high", "~~": "like", "!~~": "like",
    "~~*": "like", "!~~*": "like", "~": "regex", "~*": "regex", "!~": "regex", "!~*": "regex", "@>": "contains",
    "<@": "contained", "&&": "overlaps", "?": "has", "->": "key", "->>": "key", "#>": "key", "#>>": "key",
}  # fmt: skip
_MIRROR: dict[Use, Use] = {"low": "high", "high": "low", "contains": "contained", "contained": "contains"}
_BETWEEN = (pg.AEXPR_BETWEEN, pg.AEXPR_NOT_BETWEEN, pg.AEXPR_BETWEEN_SYM, pg.AEXPR_NOT_BETWEEN_SYM)
_LIKE = (pg.AEXPR_LIKE, pg.AEXPR_ILIKE)
_ANY = (pg.AEXPR_OP_ANY, pg.AEXPR_OP_ALL)


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a parameter. ``affix`` tells text joined to it (``'%' || $1``); ``argument`` is (function, place);
    ``optional`` says that the statement provides for NULL (``$1 IS NULL OR …``), ``cast`` that it says the type."""

    number: int
    use: Use
    origin: Origin | None = None
    argument: tuple[str, int] | None = None
    affix: bool = False
    optional: bool = False
    cast: bool = False


Columns = Mapping[Name, Iterable[str]]


def slots(text: str, columns: Columns, path: tuple[str, ...] = ("public",)) -> tuple[Slot, ...]:
    """Every place of a parameter, in the order of the text's tree.

    ``columns`` are the columns of all tables (views may be given too); bare names are looked up along ``path``. What
    cannot be resolved has no origin. Raises PgQueryError.
    """
    reader = _Reader({name: list(own) for name, own in columns.items()}, path)
    for statement in parse(text).stmts:
        reader.visit(statement.stmt, Scope())
    return tuple(replace(s, optional=s.number in reader.optional, cast=s.number in reader.cast) for s in reader.found)


class _Reader:
    def __init__(self, tables: dict[Name, list[str]], path: tuple[str, ...]) -> None:
        self.tables, self.path = tables, path
        self.found: list[Slot] = []
        self.optional: set[int] = set()
        self.cast: set[int] = set()

    # Queries and their sources

    def visit(self, node: Message, scope: Scope) -> None:
        """Read a part of the tree."""
        match node:
            case pg.SelectStmt():
                self.select(node, Scope(scope))
            case pg.InsertStmt() | pg.UpdateStmt() | pg.DeleteStmt() | pg.MergeStmt():
                self.modify(node, Scope(scope))
            case pg.A_Expr():
                self.comparison(node, scope)
            case pg.NullTest() if node.arg.HasField("param_ref"):
                self.optional.add(node.arg.param_ref.number)
            case pg.NullTest() if node.arg.type_cast.arg.HasField("param_ref"):
                self.optional.add(node.arg.type_cast.arg.param_ref.number)
            case pg.FuncCall():
                self.call(node, scope)
            case pg.TypeCast() if node.arg.HasField("param_ref"):
                self.cast.add(node.arg.param_ref.number)
                self.visit(node.arg.param_ref, scope)
            case pg.CoalesceExpr():
                origin = next((o for o in (origin_of(a, scope) for a in node.args) if o), None)
                for item in node.args:
                    if item.HasField("param_ref"):
                        self.add(item, "equal" if origin else "other", origin)
                        self.optional.add(item.param_ref.number)
                    else:
                        self.visit(item, scope)
            case pg.ParamRef():
                self.found.append(Slot(node.number, "other"))
            case _:
                for child in _children(node):
                    self.visit(child, scope)

    def select(self, stmt: pg.SelectStmt, scope: Scope) -> dict[str, Origin | None]:
        """Read a query; its columns by name."""
        self.queries(stmt.with_clause, scope)
        if stmt.HasField("larg"):
            left = self.select(stmt.larg, Scope(scope))
            self.select(stmt.rarg, Scope(scope))
            self.rest(stmt, scope, skip={"larg", "rarg", "with_clause"})
            return left
        for item in stmt.from_clause:
            self.source(item, scope)
        self.rest(stmt, scope, skip={"from_clause", "with_clause"})
        return self.outputs(stmt.target_list, scope)

    def rest(self, stmt: pg.SelectStmt, scope: Scope, skip: set[str]) -> None:
        """All clauses but some."""
        for name, value in ((f.name, v) for f, v in stmt.ListFields() if f.type == f.TYPE_MESSAGE):
            if name in skip:
                continue
            if name in ("limit_count", "limit_offset"):
                use: Use = "limit" if name == "limit_count" else "offset"
                if not self.add(value, use, None):
                    self.visit(value, scope)
                continue
            for child in value if not isinstance(value, Message) else (value,):
                self.visit(child, scope)

    def outputs(self, targets: Iterable[pg.Node], scope: Scope) -> dict[str, Origin | None]:
        """The columns that a target list names."""
        found: dict[str, Origin | None] = {}
        for node in targets:
            target = node.res_target
            fields = target.val.column_ref.fields
            if fields and fields[-1].HasField("a_star"):
                wanted = fields[-2].string.sval if len(fields) > 1 else None
                for source in scope.sources:
                    if wanted in (None, source.alias):
                        found |= source.columns
                continue
            origin = origin_of(target.val, scope)
            name = target.name or (fields[-1].string.sval if fields else "")
            if name:
                found[name] = origin
        return found

    def queries(self, clause: pg.WithClause, scope: Scope) -> None:
        """The queries of a WITH clause."""
        for node in clause.ctes:
            cte = node.common_table_expr
            inner = Scope(scope)
            query = getattr(cte.ctequery, cte.ctequery.WhichOneof("node") or "select_stmt")
            if isinstance(query, pg.SelectStmt):
                if clause.recursive and query.HasField("larg"):  # the recursive part sees what the first one returns
                    scope.queries[cte.ctename] = _Reader(self.tables, self.path).select(query.larg, Scope(scope))
                made = self.select(query, inner)
            else:
                made = self.modify(query, inner)
            scope.queries[cte.ctename] = renamed(made, [n.string.sval for n in cte.aliascolnames])

    def source(self, node: pg.Node, scope: Scope) -> None:
        """One item of FROM."""
        match node.WhichOneof("node"):
            case "range_var":
                self.table(node.range_var, scope)
            case "join_expr":
                self.source(node.join_expr.larg, scope)
                self.source(node.join_expr.rarg, scope)
                self.visit(node.join_expr.quals, scope)
            case "range_subselect":
                part = node.range_subselect
                made = self.select(part.subquery.select_stmt, Scope(scope))
                names = [n.string.sval for n in part.alias.colnames]
                scope.sources.append(Source(part.alias.aliasname, renamed(made, names)))
            case _:
                self.visit(node, scope)

    def table(self, relation: pg.RangeVar, scope: Scope) -> Name | None:
        """A table (or WITH query) as a source; the table's full name where it is known."""
        alias = relation.alias.aliasname or relation.relname
        names = [n.string.sval for n in relation.alias.colnames]
        query = None if relation.schemaname else scope.query(relation.relname)
        if query is not None:
            scope.sources.append(Source(alias, renamed(query, names)))
            return None
        name = name_of(relation)
        along = [name] if name.schema else [Name(schema, name.name) for schema in self.path]
        full = next((n for n in along if n in self.tables), None)
        own = {column: Origin(full, column) for column in self.tables[full]} if full else {}
        scope.sources.append(Source(alias, renamed(dict(own), names)))
        return full

    def modify(self, stmt: Message, scope: Scope) -> dict[str, Origin | None]:
        """INSERT, UPDATE, DELETE or MERGE; the columns that RETURNING names."""
        self.queries(stmt.with_clause, scope)
        table = self.table(stmt.relation, scope)
        skip = {"relation", "with_clause", "from_clause", "using_clause", "target_list", "cols", "select_stmt"}
        for name in ("from_clause", "using_clause"):
            for item in getattr(stmt, name, ()):
                self.source(item, scope)
        if isinstance(stmt, pg.MergeStmt):
            self.source(stmt.source_relation, scope)
            skip.add("source_relation")
        if isinstance(stmt, pg.InsertStmt):
            named = [c.res_target.name for c in stmt.cols] or (list(self.tables[table]) if table else [])
            self.inserted(stmt.select_stmt.select_stmt, [Origin(table, n) if table else None for n in named], scope)
            if stmt.HasField("on_conflict_clause"):
                clause = stmt.on_conflict_clause
                scope.sources.append(Source("excluded", dict(scope.sources[0].columns)))
                self.assigned(clause.target_list, table, scope)
                self.visit(clause.where_clause, scope)
                skip.add("on_conflict_clause")
        elif isinstance(stmt, pg.UpdateStmt):
            self.assigned(stmt.target_list, table, scope)
        for part, value in ((f.name, v) for f, v in stmt.ListFields() if f.type == f.TYPE_MESSAGE):
            if part not in skip:
                for child in value if not isinstance(value, Message) else (value,):
                    if isinstance(stmt, pg.MergeStmt) and part == "merge_when_clauses":
                        self.merged(child.merge_when_clause, table, scope)
                    else:
                        self.visit(child, scope)
        returned = getattr(stmt, "returning_clause", None)
        return self.outputs(returned.exprs, scope) if returned is not None else {}

    def inserted(self, select: pg.SelectStmt, targets: list[Origin | None], scope: Scope) -> None:
        """The rows of an INSERT."""
        if not select.values_lists:
            for node, origin in zip(select.target_list, targets, strict=False):
                self.add(node.res_target.val, "value", origin)
            self.visit(select, scope)
            return
        self.queries(select.with_clause, scope)
        for row in select.values_lists:
            for i, item in enumerate(row.list.items):
                if not self.add(item, "value", targets[i] if i < len(targets) else None):
                    self.visit(item, scope)

    def assigned(self, targets: Iterable[pg.Node], table: Name | None, scope: Scope) -> None:
        """The assignments of SET."""
        for node in targets:
            target = node.res_target
            origin = Origin(table, target.name) if table else None
            if not self.add(target.val, "value", origin):
                self.visit(target.val, scope)

    def merged(self, clause: pg.MergeWhenClause, table: Name | None, scope: Scope) -> None:
        """One WHEN of a MERGE."""
        self.visit(clause.condition, scope)
        self.assigned(clause.target_list, table, scope)
        names = [n.res_target.name for n in clause.target_list]
        for i, item in enumerate(clause.values):
            origin = Origin(table, names[i]) if table and i < len(names) and names[i] else None
            if not self.add(item, "value", origin):
                self.visit(item, scope)

    # Expressions

    def comparison(self, node: pg.A_Expr, scope: Scope) -> None:
        """An operator between two sides."""
        operator = node.name[-1].string.sval
        use: Use = _OPERATORS.get(operator, "other")
        left, right = node.lexpr, node.rexpr
        if node.kind in _BETWEEN:
            origin = origin_of(left, scope)
            for item, side in zip(right.list.items, ("low", "high"), strict=False):
                self.side(item, "low" if side == "low" else "high", origin, scope)
            self.side(left, "equal", origin_of(right.list.items[0], scope), scope)
            return
        if node.kind == pg.AEXPR_IN:
            origin = origin_of(left, scope)
            for item in right.list.items:
                self.side(item, "equal", origin, scope)
            self.side(left, "equal", None, scope)
            return
        if node.kind in _ANY:
            column = origin_of(left, scope)
            self.side(right, "list" if use in ("equal", "differs") else "other", column, scope)
            self.side(left, "element", origin_of(right, scope), scope)
            return
        if node.kind in _LIKE:
            use = "like"
        if node.kind in (pg.AEXPR_DISTINCT, pg.AEXPR_NOT_DISTINCT):
            use = "equal"
            for each in (left, right):
                if each.HasField("param_ref"):
                    self.optional.add(each.param_ref.number)
        if left.HasField("row_expr") and right.HasField("row_expr"):
            for one, other in zip(left.row_expr.args, right.row_expr.args, strict=False):
                self.side(one, _MIRROR.get(use, use), origin_of(other, scope), scope)
                self.side(other, use, origin_of(one, scope), scope)
            return
        self.side(left, _MIRROR.get(use, use), origin_of(right, scope), scope)
        self.side(right, use, origin_of(left, scope), scope)

    def side(self, node: pg.Node, use: Use, origin: Origin | None, scope: Scope) -> None:
        """One side of an operator, of which the other one is ``origin``."""
        origin = None if use == "other" else origin
        if origin is None and use not in ("key", "limit", "offset"):
            use = use if use in ("like", "regex", "list", "has", "contains") else "other"
        if self.add(node, use, origin):
            return
        expression = node.a_expr
        if expression.name and expression.name[-1].string.sval == "||" and origin is not None:
            for part in (expression.lexpr, expression.rexpr):
                if not self.add(part, use, origin, affix=True):
                    self.side(part, use, origin, scope)
            return
        self.visit(node, scope)

    def add(self, node: pg.Node, use: Use, origin: Origin | None, *, affix: bool = False) -> bool:
        """Note a parameter, behind casts and functions that leave its value comparable; whether the node is one."""
        match node.WhichOneof("node"):
            case "param_ref":
                self.found.append(Slot(node.param_ref.number, use, origin, affix=affix))
                return True
            case "type_cast":
                if node.type_cast.arg.HasField("param_ref"):
                    self.cast.add(node.type_cast.arg.param_ref.number)
                return self.add(node.type_cast.arg, use, origin, affix=affix)
            case "collate_clause":
                return self.add(node.collate_clause.arg, use, origin, affix=affix)
            case "func_call" if node.func_call.funcname[-1].string.sval in ("lower", "upper", "trim", "btrim"):
                return self.add(node.func_call.args[0], use, origin, affix=affix)
            case "func_call" if node.func_call.funcname[-1].string.sval == "like_escape":
                self.call(node.func_call, Scope(), first=1)
                return self.add(node.func_call.args[0], use, origin, affix=affix)
            case "a_array_expr" if use in ("list", "contains", "overlaps", "contained"):
                inside: Use = "equal" if use == "list" else "element"
                own = [self.add(item, inside, origin) for item in node.a_array_expr.elements]
                return bool(own) and all(own)
        return False

    def call(self, node: pg.FuncCall, scope: Scope, first: int = 0) -> None:
        """A function's arguments."""
        name = node.funcname[-1].string.sval
        for place, item in enumerate(node.args):
            if place < first:
                continue
            if item.HasField("param_ref"):
                self.found.append(Slot(item.param_ref.number, "argument", argument=(name, place)))
            else:
                self.visit(item, scope)
        for message in (*node.agg_order, node.agg_filter, node.over):
            self.visit(message, scope)


def _children(message: Message) -> Iterator[Message]:
    for field_, value in message.ListFields():
        if field_.type == field_.TYPE_MESSAGE:
            yield from value if field_.is_repeated else (value,)


def outputs(text: str, columns: Columns, path: tuple[str, ...] = ("public",)) -> dict[str, Origin | None]:
    """The columns of a query (a view's definition) and where each comes from. Raises PgQueryError."""
    reader = _Reader({name: list(own) for name, own in columns.items()}, path)
    statement = parse(text).stmts[0].stmt
    return reader.select(statement.select_stmt, Scope()) if statement.HasField("select_stmt") else {}
