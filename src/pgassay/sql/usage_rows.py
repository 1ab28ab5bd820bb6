"""What INSERT, UPDATE, DELETE, MERGE and COPY use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pgassay.sql.tree import name_of, name_of_strings, pg
from pgassay.sql.usage_names import TableReader
from pgassay.sql.usage_objects import Column, Relation
from pgassay.sql.usage_terms import Scope, Source, argument_type, unify


class RowReader(TableReader):
    """Reads the statements that change rows."""

    # Rows

    def modify(self, node: pg.Node, scope: Scope) -> None:
        match node.WhichOneof("node"):
            case "insert_stmt":
                self._insert(node.insert_stmt, scope)
            case "update_stmt":
                self._update(node.update_stmt, scope)
            case "delete_stmt":
                self._delete(node.delete_stmt, scope)
            case "merge_stmt":
                self._merge(node.merge_stmt, scope)

    def on_select_stmt(self, stmt: pg.SelectStmt) -> None:
        self.select(stmt, Scope())
        if stmt.into_clause.rel.relname:
            self.world.make(name_of(stmt.into_clause.rel)).opaque = True

    def on_insert_stmt(self, stmt: pg.InsertStmt) -> None:
        self._insert(stmt, Scope())

    def on_update_stmt(self, stmt: pg.UpdateStmt) -> None:
        self._update(stmt, Scope())

    def on_delete_stmt(self, stmt: pg.DeleteStmt) -> None:
        self._delete(stmt, Scope())

    def on_merge_stmt(self, stmt: pg.MergeStmt) -> None:
        self._merge(stmt, Scope())

    def _insert(self, stmt: pg.InsertStmt, scope: Scope) -> None:
        self.with_clause(stmt.with_clause, scope)
        relation = self.world.relation(name_of(stmt.relation))
        select = stmt.select_stmt.select_stmt
        rows: list[list[Any]] = []
        names: list[str] = []
        if select.values_lists:
            rows = [self.terms(row.list.items, scope.inner()) for row in select.values_lists]
        elif stmt.HasField("select_stmt"):
            columns = self.select(select, scope.inner())
            names = [name for name, _ in columns]
            rows = [[term for _, term in columns]]
        targets: list[Column | None] = []
        if relation is not None:
            wanted = [n.res_target.name for n in stmt.cols]
            if not wanted and rows:
                wanted = self._positions(relation, len(rows[0]), names)
            targets = [relation.column(name, self.world.place) for name in wanted]
        for row in rows:
            for target, term in zip(targets, row, strict=False):
                unify(target, term)
        source = Source(stmt.relation.alias.aliasname or stmt.relation.relname, relation=relation)
        scope.sources.append(source)
        if stmt.HasField("on_conflict_clause") and relation is not None:
            self._conflict(stmt.on_conflict_clause, relation, scope)
        self._targets(stmt.returning_clause.exprs, scope)

    def _positions(self, relation: Relation, count: int, names: list[str]) -> list[str]:
        if not relation.presumed or len(relation.columns) >= count:
            return list(relation.columns)[:count] if not relation.presumed or relation.positional else []
        if not relation.originals:
            relation.positional = True
            good = len(names) == count and len(set(names)) == count and all(names)
            return names if good else [f"column{i}" for i in range(1, count + 1)]
        return []

    def _conflict(self, clause: pg.OnConflictClause, relation: Relation, scope: Scope) -> None:
        infer = clause.infer
        if infer.conname:
            self.named_constraint(relation, infer.conname, "unique")
        columns = [relation.column(n.index_elem.name, self.world.place) for n in infer.index_elems if n.index_elem.name]
        if columns and len(columns) == len(infer.index_elems) and not self._indexed(relation, columns):
            relation.key(tuple(c for c in columns if c is not None))
        inner = scope.inner()
        inner.sources = [*scope.sources[-1:], Source("excluded", columns=dict(relation.columns))]
        for column in relation.columns.values():
            inner.sources[-1].columns.setdefault(column.name, column)
        self._assign(clause.target_list, relation, inner)
        if clause.HasField("where_clause"):
            self.condition(clause.where_clause, inner)

    def _indexed(self, relation: Relation, columns: Sequence[Column | None]) -> bool:
        own = [i for i in self.world.indexes.values() if i.table is relation and i.unique]
        return any(set(i.columns) == set(columns) for i in own) or any(
            set(c.columns) == set(columns) for c in relation.constraints.values() if c.kind in ("unique", "primary key")
        )

    def _update(self, stmt: pg.UpdateStmt, scope: Scope) -> None:
        self.with_clause(stmt.with_clause, scope)
        target = self.table(stmt.relation, Scope())
        scope.sources.append(target)
        for node in stmt.from_clause:
            self.source(node, scope)
        if target.relation is not None:
            self._assign(stmt.target_list, target.relation, scope)
        if stmt.HasField("where_clause"):
            self.condition(stmt.where_clause, scope)
        self._targets(stmt.returning_clause.exprs, scope)

    def _assign(self, targets: Iterable[pg.Node], relation: Relation, scope: Scope) -> None:
        many: list[Any] = []
        for node in targets:
            part = node.res_target
            column = relation.column(part.name, self.world.place)
            reference = part.val.multi_assign_ref
            if part.val.HasField("multi_assign_ref"):
                if reference.colno == 1:
                    source = reference.source
                    if source.HasField("sub_link"):
                        many = [t for _, t in self.query(source.sub_link.subselect, scope.inner())]
                    else:
                        many = self.terms(source.row_expr.args, scope)
                term = many[reference.colno - 1] if reference.colno <= len(many) else None
            else:
                term = self.term(part.val, scope)
            unify(column, term)

    def _delete(self, stmt: pg.DeleteStmt, scope: Scope) -> None:
        self.with_clause(stmt.with_clause, scope)
        scope.sources.append(self.table(stmt.relation, Scope()))
        for node in stmt.using_clause:
            self.source(node, scope)
        if stmt.HasField("where_clause"):
            self.condition(stmt.where_clause, scope)
        self._targets(stmt.returning_clause.exprs, scope)

    def _merge(self, stmt: pg.MergeStmt, scope: Scope) -> None:
        self.with_clause(stmt.with_clause, scope)
        target = self.table(stmt.relation, Scope())
        scope.sources.append(target)
        self.source(stmt.source_relation, scope)
        self.condition(stmt.join_condition, scope)
        for node in stmt.merge_when_clauses:
            when = node.merge_when_clause
            if when.HasField("condition"):
                self.condition(when.condition, scope)
            if target.relation is None:
                continue
            if when.values:
                columns = [target.relation.column(n.res_target.name, self.world.place) for n in when.target_list]
                for column, term in zip(columns, self.terms(when.values, scope), strict=False):
                    unify(column, term)
            else:
                self._assign(when.target_list, target.relation, scope)

    def on_copy_stmt(self, stmt: pg.CopyStmt) -> None:
        if stmt.HasField("query"):
            self.query(stmt.query, Scope())
        elif stmt.HasField("relation"):
            relation = self.world.relation(name_of(stmt.relation))
            for node in stmt.attlist:
                if relation is not None:
                    relation.column(node.string.sval, self.world.place)

    def on_truncate_stmt(self, stmt: pg.TruncateStmt) -> None:
        for node in stmt.relations:
            self.world.relation(name_of(node.range_var))

    def on_call_stmt(self, stmt: pg.CallStmt) -> None:
        name = name_of_strings(stmt.funccall.funcname)
        arguments = tuple(argument_type(t) for t in self.terms(stmt.funccall.args, Scope()))
        self.world.routine(name, arguments, kind="procedure")
