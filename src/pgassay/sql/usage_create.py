"""What CREATE TABLE and new constraints use and make."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pgassay.model import Name
from pgassay.sql.tree import expression_text, name_of, pg
from pgassay.sql.usage_keys import KeyReader
from pgassay.sql.usage_objects import ARGUMENT, DECLARED, Column, Constraint, Relation
from pgassay.sql.usage_terms import Known, Number, Quoted, Scope, Source, unify

_KEYS = {pg.CONSTR_PRIMARY: "primary key", pg.CONSTR_UNIQUE: "unique"}


class CreateReader(KeyReader):
    """Reads the definitions of tables."""

    # CREATE TABLE

    def on_create_stmt(self, stmt: pg.CreateStmt) -> None:
        name = name_of(stmt.relation)
        before = self.world.known(name)
        again = (stmt.if_not_exists or self.world.conditional) and before is not None
        if again and before is not None and not before.presumed:
            return
        parents = [self.world.relation(name_of(node.range_var)) for node in stmt.inh_relations]
        if again and before is not None:
            table = before
        else:
            table = self.world.make(name, temporary=stmt.relation.relpersistence == "t")
        if stmt.HasField("partbound"):
            self._bounds(parents[0], stmt.partbound)
        for parent in parents:
            if parent is not None and not again:
                table.columns.update(parent.columns)
                table.opaque = table.opaque or parent.opaque or parent.presumed
        if stmt.HasField("of_typename"):
            self.type(stmt.of_typename)
            table.opaque = True
        scope = Scope([Source(table.name.name, relation=table)])
        later = []
        for node in stmt.table_elts:
            match node.WhichOneof("node"):
                case "column_def":
                    self._adopt(table, node.column_def) if again else self.define(table, node.column_def)
                    later += [(c.constraint, node.column_def.colname) for c in node.column_def.constraints]
                case "constraint":
                    later.append((node.constraint, None))
                case "table_like_clause":
                    source = self.world.relation(name_of(node.table_like_clause.relation))
                    if source is not None:
                        table.columns.update(source.columns)
                        table.opaque = table.opaque or source.opaque or source.presumed
        for part, column in later:
            if again and part.contype in _KEYS:
                self._adopt_key(table, part, column)
            else:
                self.constraint(table, part, column, scope)
        for node in stmt.partspec.part_params:
            if not node.partition_elem.name:
                self.term(node.partition_elem.expr, scope)

    def on_create_foreign_table_stmt(self, stmt: pg.CreateForeignTableStmt) -> None:
        self.on_create_stmt(stmt.base_stmt)

    def _adopt(self, table: Relation, definition: pg.ColumnDef) -> None:
        """CREATE TABLE IF NOT EXISTS says what a table looks like that was used before."""
        type = self.type(definition.type_name)
        column = table.column(definition.colname, self.world.place)
        if column is not None and column.type is None:
            column.hint(DECLARED, type)

    def _adopt_key(self, table: Relation, part: pg.Constraint, column: str | None) -> None:
        names = [n.string.sval for n in part.keys] or ([column] if column else [])
        columns = tuple(c for n in names if (c := table.originals.get(n)) is not None)
        if part.contype == pg.CONSTR_PRIMARY and len(columns) == len(names):
            table.primary = columns
        elif len(columns) == len(names):
            table.key(columns, name=part.conname or None)

    def define(self, table: Relation, definition: pg.ColumnDef) -> Column:
        """A column that the SQL itself declares."""
        type = self.type(definition.type_name)
        if table.presumed and definition.colname in table.columns and definition.colname in table.originals:
            found = table.columns[definition.colname]
            found.hint(DECLARED, type)  # CREATE TABLE IF NOT EXISTS, or ADD COLUMN IF NOT EXISTS
            return found
        column = Column(definition.colname, self.world.place, type=type)
        table.columns[definition.colname] = column
        table.gone.discard(definition.colname)
        self.world.columns.append(column)
        return column

    def _bounds(self, parent: Relation | None, bound: pg.PartitionBoundSpec, child: Relation | None = None) -> None:
        if parent is None or not parent.presumed:
            return
        datums = [*bound.listdatums, *bound.lowerdatums, *bound.upperdatums]
        if bound.is_default:
            return
        strategy: Any = {"r": "range", "l": "list", "h": "hash"}.get(bound.strategy[:1], "range")
        width = max(len(bound.lowerdatums), 1)
        terms = [t for n in datums if n.WhichOneof("node") != "column_ref" for t in [self.term(n, Scope())]]
        if not parent.partition_key:
            parent.strategy = strategy
            parent.partition_key = self._child_key(parent, child, terms, width) or self._partition_key(
                parent, strategy, terms, width
            )
        if strategy == "range" and width == 1 and terms and bound.lowerdatums[0].WhichOneof("node") != "column_ref":
            parent.lower_bounds.append(expression_text(bound.lowerdatums[0]))
        for term in terms if width == 1 else ():
            unify(parent.partition_key[0], term)

    def _child_key(self, parent: Relation, child: Relation | None, terms: list[Any], width: int) -> tuple[Column, ...]:
        """The key among the columns of a partition that the SQL made itself."""
        if child is None or child.presumed or width != 1 or not terms:
            return ()
        fitting = "(int|bigint|smallint|numeric|serial|bigserial)"
        if not isinstance(terms[0], Number):
            dated = isinstance(terms[0], Known) or re.match(r"\d{4}-\d\d", getattr(terms[0], "text", ""))
            fitting = "(timestamp|date)" if dated else "(text|varchar|char|uuid)"
        names = [n for n, c in child.columns.items() if re.match(fitting, c.type or "")]
        column = parent.column(names[0], self.world.place) if names else None
        return (column,) if column else ()

    def _partition_key(self, parent: Relation, strategy: str, terms: list[Any], width: int) -> tuple[Column, ...]:
        texts = [t.text for t in terms if isinstance(t, Quoted)]
        typed = [t.type for t in terms if isinstance(t, Known)]
        dated = any(re.match(r"\d{4}-\d\d", t) for t in texts) or any(
            t.startswith(("date", "timestamp")) for t in typed
        )
        if dated:
            known = [n for n in parent.columns if n.endswith(("_at", "_time", "_date", "At")) or n in ("date", "ts")]
            wanted = [*known, "created_at"]
        elif strategy == "hash":
            wanted = ["id"]
        elif strategy == "list":
            wanted = ["kind"]
        else:
            wanted = ["id"] if not texts else ["name"]
        wanted = [wanted[0], *(f"part{i}" for i in range(2, width + 1))]
        return tuple(c for n in wanted if (c := parent.column(n, self.world.place)) is not None)

    # Constraints

    def constraint(self, table: Relation, part: pg.Constraint, column: str | None, scope: Scope) -> None:
        """A constraint that the SQL adds to a column or table."""
        place = self.world.place
        names = [n.string.sval for n in part.keys] or ([column] if column else [])
        columns = tuple(c for n in names if (c := table.column(n, place)) is not None)
        name = part.conname
        if part.contype in _KEYS:
            kind: Any = _KEYS[part.contype]
            if kind == "primary key":
                table.own_primary_key = True
            for node in part.including:
                table.column(node.string.sval, place)
            if part.indexname:
                index = self.index_use(Name(table.name.schema, part.indexname), table)
                if index is not None and index.presumed:
                    index.unique = True
                    index.required = kind == "primary key"
                    columns = index.columns
            name = (
                name or part.indexname or self._default_name(table, names, "pkey" if kind == "primary key" else "key")
            )
            table.constraints[name] = Constraint(kind, name, columns)
            return
        if part.contype == pg.CONSTR_FOREIGN:
            self._foreign_key(table, part, column)
            return
        if part.contype == pg.CONSTR_CHECK:
            self.condition(part.raw_expr, scope)
            table.constraints[name or self._default_name(table, names, "check")] = Constraint("check", name, columns)
        elif part.contype in (pg.CONSTR_DEFAULT, pg.CONSTR_GENERATED):
            term = self.term(part.raw_expr, scope)
            if column and column in table.columns:
                unify(table.columns[column], term)
        elif part.contype == pg.CONSTR_EXCLUSION:
            for node in part.exclusions:
                element = node.list.items[0].index_elem
                operator = node.list.items[1].list.items[-1].string.sval
                target = table.column(element.name, place) if element.name else self.term(element.expr, scope)
                if isinstance(target, Column) and operator == "&&":
                    target.hint(ARGUMENT, "tstzrange")
                elif isinstance(target, Column) and part.access_method == "gist":
                    target.hint(ARGUMENT, "bigint")
                    self.world.extension("btree_gist")
                if not element.name and part.access_method == "gist" and operator == "=":
                    self.world.extension("btree_gist")
            if part.HasField("where_clause"):
                self.condition(part.where_clause, scope)
            table.constraints[name or self._default_name(table, names, "excl")] = Constraint("exclude", name, ())
        elif part.contype == pg.CONSTR_NOTNULL and column is None:
            table.constraints[name or self._default_name(table, names, "not_null")] = Constraint(
                "not null", name, columns
            )

    def _default_name(self, table: Relation, columns: Iterable[str], suffix: str) -> str:
        middle = [] if suffix == "pkey" else list(columns)
        return "_".join([table.name.name, *middle, suffix])

    def _foreign_key(self, table: Relation, part: pg.Constraint, column: str | None) -> None:
        place = self.world.place
        names = [n.string.sval for n in part.fk_attrs] or ([column] if column else [])
        columns = [table.column(n, place) for n in names]
        target = self.world.relation(name_of(part.pktable))
        name = part.conname or self._default_name(table, names, "fkey")
        table.constraints[name] = Constraint("foreign key", name, tuple(c for c in columns if c), references=target)
        if target is None:
            return
        wanted = [n.string.sval for n in part.pk_attrs]
        if not wanted:
            known = next((c.columns for c in target.constraints.values() if c.kind == "primary key"), target.primary)
            if not known and target.presumed:
                fresh = ["id"] if len(columns) == 1 else names
                target.primary = tuple(c for n in fresh if (c := target.column(n, place)))
                known = target.primary
            partners: list[Column | None] = list(known)
        else:
            partners = [target.column(n, place) for n in wanted]
            if target.presumed and all(p is not None for p in partners):
                if wanted == ["id"] and not target.primary:
                    target.primary = tuple(p for p in partners if p)
                elif not self._is_key(target, partners):
                    target.key(tuple(p for p in partners if p))
        for one, two in zip(columns, partners, strict=False):
            if one is not None and two is not None:
                two.like(one)

    def _is_key(self, table: Relation, columns: list[Column | None]) -> bool:
        if set(table.primary) == set(columns):
            return True
        indexes = [i for i in self.world.indexes.values() if i.table is table and i.unique]
        return any(set(i.columns) == set(columns) for i in indexes) or any(
            c.kind in ("unique", "primary key") and set(c.columns) == set(columns) for c in table.constraints.values()
        )
