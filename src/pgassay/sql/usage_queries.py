"""What queries read: sources, WITH clauses, columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgassay.sql.tree import name_of, pg
from pgassay.sql.usage_terms import Items, Known, Reader, Scope, Source, Term, unify


class QueryReader(Reader):
    """Reads queries: each has a scope of its own."""

    def _sub_link(self, link: pg.SubLink, scope: Scope) -> Term:
        columns = self.query(link.subselect, scope.inner())
        first = columns[0][1] if columns else None
        match link.sub_link_type:
            case pg.EXISTS_SUBLINK:
                return Known("boolean")
            case pg.ANY_SUBLINK | pg.ALL_SUBLINK:
                unify(self.term(link.testexpr, scope), first)
                return Known("boolean")
            case pg.ARRAY_SUBLINK:
                return Items(first)
        return first

    # Queries

    def query(self, node: pg.Node, scope: Scope) -> list[tuple[str, Term]]:
        """The columns of a query, whose own sources go into ``scope``."""
        kind = node.WhichOneof("node")
        if kind == "select_stmt":
            return self.select(node.select_stmt, scope)
        if kind:
            self.modify(node, scope)
            statement = getattr(node, kind)
            if hasattr(statement, "returning_clause"):
                return self._targets(statement.returning_clause.exprs, scope)
        return []

    def modify(self, node: pg.Node, scope: Scope) -> None:
        """INSERT, UPDATE, DELETE or MERGE inside a WITH clause: see ``usage``."""
        raise NotImplementedError

    def select(self, stmt: pg.SelectStmt, scope: Scope) -> list[tuple[str, Term]]:
        """SELECT, VALUES and their unions."""
        self.with_clause(stmt.with_clause, scope)
        if stmt.HasField("larg"):
            left = self.select(stmt.larg, scope.inner())
            right = self.select(stmt.rarg, scope.inner())
            for (_, one), (_, two) in zip(left, right, strict=False):
                unify(one, two)
            return left
        if stmt.values_lists:
            rows = [self.terms(row.list.items, scope) for row in stmt.values_lists]
            columns = [self._alike(list(column)) for column in zip(*rows, strict=False)]
            return [(f"column{i}", term) for i, term in enumerate(columns, 1)]
        for node in stmt.from_clause:
            self.source(node, scope)
        if stmt.HasField("where_clause"):
            self.condition(stmt.where_clause, scope)
        columns_ = self._targets(stmt.target_list, scope)
        names = {name: term for name, term in columns_ if name}
        ordering = Scope([Source("", columns=names)], scope, scope.queries)
        for node in [*stmt.group_clause, *stmt.distinct_clause]:
            self._ordering(node, scope, ordering)
        for node in stmt.sort_clause:
            self._ordering(node.sort_by.node, scope, ordering)
        for extra in (stmt.having_clause, stmt.limit_count, stmt.limit_offset):
            self.term(extra, scope)
        for node in stmt.window_clause:
            self._children(node.window_def, scope)
        return columns_

    def _ordering(self, node: pg.Node, scope: Scope, ordering: Scope) -> None:
        self.term(node, ordering if node.WhichOneof("node") == "column_ref" else scope)

    def _targets(self, nodes: Iterable[pg.Node], scope: Scope) -> list[tuple[str, Term]]:
        columns: list[tuple[str, Term]] = []
        for node in nodes:
            target = node.res_target
            ref = target.val.column_ref
            if ref.fields and ref.fields[-1].HasField("a_star"):
                wanted = ref.fields[-2].string.sval if len(ref.fields) > 1 else None
                for source in scope.sources:
                    if wanted in (None, source.alias):
                        found = source.relation.columns if source.relation else source.columns
                        columns += found.items()
                continue
            name = target.name or (ref.fields[-1].string.sval if ref.fields else "")
            if not name and target.val.HasField("func_call"):
                name = target.val.func_call.funcname[-1].string.sval
            columns.append((name, self.term(target.val, scope)))
        return columns

    def with_clause(self, clause: pg.WithClause, scope: Scope) -> None:
        """The queries of a WITH clause, by name."""
        for node in clause.ctes:
            cte = node.common_table_expr
            names = [n.string.sval for n in cte.aliascolnames]
            if clause.recursive:
                scope.queries[cte.ctename] = Source(cte.ctename, columns=dict.fromkeys(names), opaque=True)
            columns = self.query(cte.ctequery, scope.inner())
            scope.queries[cte.ctename] = self._derived(cte.ctename, columns, names)

    def _derived(self, alias: str, columns: Sequence[tuple[str, Term]], names: Sequence[str]) -> Source:
        renamed = [(names[i] if i < len(names) else name, term) for i, (name, term) in enumerate(columns)]
        return Source(alias, columns=dict(renamed), opaque=not columns)

    def source(self, node: pg.Node, scope: Scope) -> list[Source]:
        """One entry of a FROM clause, added to the scope."""
        made: list[Source] = []
        match node.WhichOneof("node"):
            case "range_var":
                made = [self.table(node.range_var, scope)]
                scope.sources += made
            case "join_expr":
                join = node.join_expr
                left, right = self.source(join.larg, scope), self.source(join.rarg, scope)
                made = left + right
                for name in (n.string.sval for n in join.using_clause):
                    unify(self._side(left, name), self._side(right, name))
                if join.HasField("quals"):
                    self.condition(join.quals, scope)
            case "range_subselect":
                part = node.range_subselect
                columns = self.query(part.subquery, scope.inner())
                names = [n.string.sval for n in part.alias.colnames]
                made = [self._derived(part.alias.aliasname, columns, names)]
                scope.sources += made
            case "range_function":
                part = node.range_function
                result: Term = None
                for item in part.functions:
                    result = self.term(item.list.items[0], scope)
                function = part.functions[0].list.items[0].func_call if part.functions else None
                alias = part.alias.aliasname or (
                    function.funcname[-1].string.sval if function and function.funcname else ""
                )
                names = [n.string.sval for n in part.alias.colnames] + [n.column_def.colname for n in part.coldeflist]
                known = dict.fromkeys([alias, "key", "value", "ordinality"]) if not names else dict.fromkeys(names)
                if len(known) == 1 or not names:
                    known[next(iter(known))] = result
                made = [Source(alias, columns=known)]
                scope.sources += made
            case "range_table_sample":
                made = self.source(node.range_table_sample.relation, scope)
            case None:
                pass
            case _:
                made = [Source("", opaque=True)]
                scope.sources += made
        return made

    def _side(self, sources: Sequence[Source], name: str) -> Term:
        return self._bare(name, Scope(list(sources)))

    def table(self, range_var: pg.RangeVar, scope: Scope) -> Source:
        """A relation named in a query: a WITH query, or a table or view."""
        alias = range_var.alias.aliasname or range_var.relname
        if not range_var.schemaname and range_var.relname in scope.queries:
            query = scope.queries[range_var.relname]
            return Source(alias, columns=query.columns, opaque=query.opaque)
        relation = self.world.relation(name_of(range_var))
        return Source(alias, relation=relation, opaque=relation is None)
