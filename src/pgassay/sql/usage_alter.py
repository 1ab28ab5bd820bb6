"""What CREATE, ALTER and DROP use and make."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pgassay.model import Name
from pgassay.sql.tree import expression_text, name_of, name_of_strings, pg, type_text
from pgassay.sql.usage_terms import Known, Number, Quoted, Reader, Scope, Source, unify
from pgassay.sql.usage_world import ARGUMENT, CONVERTED, DECLARED, Column, Constraint, Index, Relation

_KEYS = {pg.CONSTR_PRIMARY: "primary key", pg.CONSTR_UNIQUE: "unique"}
_KINDS: dict[int, Any] = {
    pg.OBJECT_VIEW: "view",
    pg.OBJECT_MATVIEW: "materialized view",
    pg.OBJECT_SEQUENCE: "sequence",
    pg.OBJECT_FOREIGN_TABLE: "foreign table",
    pg.OBJECT_TABLE: "table",
}


def constraint_kind(name: str) -> Any:
    """What a constraint most likely is, by the usual names of its kind."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    joined = "_".join(words)
    if {"pkey", "pk", "primary"} & set(words):
        return "primary key"
    if {"fkey", "fk", "foreign", "foreignkey"} & set(words):
        return "foreign key"
    if {"key", "uq", "uniq", "unique", "uk", "ukey", "unq"} & set(words):
        return "unique"
    if "not_null" in joined or {"notnull", "nn"} & set(words):
        return "not null"
    if {"excl", "exclude", "exclusion"} & set(words):
        return "exclude"
    return "check"


class TableReader(Reader):
    """Reads the statements that define things."""

    def statement(self, node: pg.Node) -> None:
        """Read one parsed statement: see ``usage``."""
        raise NotImplementedError

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
                    self.define(table, node.column_def)
                    later += [(c.constraint, node.column_def.colname) for c in node.column_def.constraints]
                case "constraint":
                    later.append((node.constraint, None))
                case "table_like_clause":
                    source = self.world.relation(name_of(node.table_like_clause.relation))
                    if source is not None:
                        table.columns.update(source.columns)
                        table.opaque = table.opaque or source.opaque or source.presumed
        for part, column in later:
            self.constraint(table, part, column, scope)
        for node in stmt.partspec.part_params:
            if not node.partition_elem.name:
                self.term(node.partition_elem.expr, scope)

    def on_create_foreign_table_stmt(self, stmt: pg.CreateForeignTableStmt) -> None:
        self.on_create_stmt(stmt.base_stmt)

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

    def named_constraint(self, table: Relation, name: str, kind: Any, *, validated: bool = True) -> Constraint | None:
        """A constraint is used by its name."""
        found = table.constraints.get(name)
        if found is not None or not table.presumed or name in table.gone:
            return found
        kind = kind or constraint_kind(name)
        columns = tuple(c for n in self.names_in(name, table) if (c := table.column(n, self.world.place)) is not None)
        references: Relation | None = None
        if kind == "primary key":
            if not table.primary:
                identifier = table.column("id", self.world.place)
                table.primary = columns or ((identifier,) if identifier else ())
            columns = table.primary
        elif not columns and (first := table.column("id", self.world.place)) is not None:
            columns = (first,)
        if kind == "foreign key":
            references = self._partner(table, columns)
        made = Constraint(kind, name, columns, references=references, validated=validated)
        table.constraints[name] = made
        table.keys.append(made)
        return made

    def _partner(self, table: Relation, columns: tuple[Column, ...]) -> Relation | None:
        if not columns:
            return None
        stem = re.sub(r"(_id|_uuid|Id)\Z", "", columns[0].name)
        names = [f"{stem}s", stem, f"{stem}es", re.sub(r"y\Z", "ies", stem), stem.capitalize()]
        schema = table.name.schema
        known = next((r for n in names if (r := self.world.known(Name(schema, n))) and r.presumed), None)
        target = known or self.world.relation(Name(schema, names[0]))
        if target is None or not target.presumed:
            return table
        if not target.primary:
            identifier = target.column("id", self.world.place)
            target.primary = (identifier,) if identifier else ()
        for one, two in zip(columns, target.primary, strict=False):
            two.like(one)
        return target

    def names_in(self, name: str, table: Relation) -> list[str]:
        """The columns that the name of a constraint or index speaks of: ``users_email_key`` → email."""
        text = name
        for known in sorted((n.name for n in table.names), key=len, reverse=True):
            for bare in (known, known.rstrip("s")):
                match = re.search(rf"(?:^|_){re.escape(bare)}(?:_|$)", text)
                if match:
                    text = text[match.end() :] if match.end() < len(text) else text[: match.start()]
                    break
        text = re.sub(
            r"\A(?:idx|ix|index|uq|uniq|unique|uk|pk|fk|ck|chk|check|excl)_+|_+(?:idx|index|key|uniq|unique|uq|uk|pkey|pk|fkey|fk"
            r"|check|chk|ck|excl|not_null|notnull|nn)\Z",
            "",
            re.sub(r"\A(?:idx|ix|index|uq|unique|pk|fk|ck|chk|check)_+", "", text),
        )
        text = re.sub(
            r"_+(?:not_null|unique|foreign|required|positive|nonnegative|valid|range|length|format)\Z", "", text
        )
        if text in ("", name, "idx", "key", "pkey", "fkey", "check", "fk", "pk", "unique", "uq", "not_null"):
            return []
        present = set(table.columns) | set(table.originals)
        if text in present:
            return [text]
        parts = text.split("_")  # two known columns in a row: users_first_last_idx
        for cut in range(1, len(parts)):
            one, two = "_".join(parts[:cut]), "_".join(parts[cut:])
            if one in present and (two in present or constraint_kind(name) == "unique"):
                return [one, two]
            if one in present:
                return [one]
        if constraint_kind(name) == "foreign key":  # drizzle: orders_user_id_users_id_fk
            match = re.match(r"(?P<column>.+?_id)_.+_id\Z", text)
            if match:
                return [match["column"]]
            if not re.search(r"(?:_id|Id|_uuid)\Z", text):  # fk_orders_user
                text += "_id"
        return [text] if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else []

    # ALTER TABLE

    def on_alter_table_stmt(self, stmt: pg.AlterTableStmt) -> None:
        if stmt.objtype == pg.OBJECT_INDEX:
            self.index_use(name_of(stmt.relation), if_exists=stmt.missing_ok)
            return
        if stmt.objtype == pg.OBJECT_TYPE:
            self._alter_composite(stmt)
            return
        if stmt.relation.relname and self._is_index(stmt):
            return
        kind: Any = _KINDS.get(stmt.objtype, "table")
        table = self.world.relation(name_of(stmt.relation), kind, if_exists=stmt.missing_ok)
        for node in stmt.cmds:
            if table is not None:
                self.alter(table, node.alter_table_cmd)
            else:
                self._alter_unknown(node.alter_table_cmd)

    def _is_index(self, stmt: pg.AlterTableStmt) -> bool:
        return any(stmt.relation.relname == i.name for i in self.world.indexes) and not self.world.known(
            name_of(stmt.relation)
        )

    def _alter_unknown(self, cmd: pg.AlterTableCmd) -> None:
        part = getattr(cmd, "def")
        if part.HasField("column_def") and part.column_def.HasField("type_name"):
            self.type(part.column_def.type_name)

    def alter(self, table: Relation, cmd: pg.AlterTableCmd) -> None:
        """One subcommand."""
        part = getattr(cmd, "def")
        scope = Scope([Source(table.name.name, relation=table)])
        place = self.world.place
        match cmd.subtype:
            case pg.AT_AddColumn:
                self._add_column(table, cmd, scope)
            case pg.AT_DropColumn:
                if not cmd.missing_ok or self.world.optional or table.has(cmd.name):
                    table.column(cmd.name, place)
                table.columns.pop(cmd.name, None)
                table.gone.add(cmd.name)
            case pg.AT_AddConstraint:
                self.constraint(table, part.constraint, None, scope)
            case pg.AT_ValidateConstraint:
                self.named_constraint(table, cmd.name, None, validated=False)
            case pg.AT_AlterConstraint:
                wanted = "foreign key" if "inherit" not in str(part) else None
                self.named_constraint(table, part.atalter_constraint.conname, wanted)
            case pg.AT_DropConstraint:
                if not cmd.missing_ok or self.world.optional:
                    self.named_constraint(table, cmd.name, None)
                table.constraints.pop(cmd.name, None)
                table.gone.add(cmd.name)
            case pg.AT_AttachPartition | pg.AT_DetachPartition | pg.AT_DetachPartitionFinalize:
                self._partition(table, cmd)
            case pg.AT_AddInherit | pg.AT_DropInherit:
                parent = self.world.relation(name_of(part.range_var))
                if parent is not None and table.presumed:
                    (table.like if cmd.subtype == pg.AT_AddInherit else table.parents).append(parent)
            case pg.AT_ChangeOwner:
                if cmd.newowner.roletype == pg.ROLESPEC_CSTRING:
                    self.world.owner(cmd.newowner.rolename)
            case pg.AT_ClusterOn:
                self.index_use(Name(table.name.schema, cmd.name), table)
            case pg.AT_ReplicaIdentity:
                if part.replica_identity_stmt.name:
                    index = self.index_use(Name(table.name.schema, part.replica_identity_stmt.name), table)
                    if index is not None and index.presumed:
                        index.unique = index.required = True
            case pg.AT_EnableTrig | pg.AT_EnableAlwaysTrig | pg.AT_EnableReplicaTrig | pg.AT_DisableTrig if (
                cmd.name not in table.made
            ):
                self.part_of(table, table.triggers, (cmd.name, None))
            case pg.AT_EnableRule | pg.AT_EnableAlwaysRule | pg.AT_EnableReplicaRule | pg.AT_DisableRule:
                self.part_of(table, table.rules, cmd.name)
            case _ if cmd.name and table.kind != "sequence":
                column = table.column(cmd.name, place)
                if column is not None:
                    self._alter_column(table, column, cmd, scope)

    def _add_column(self, table: Relation, cmd: pg.AlterTableCmd, scope: Scope) -> None:
        definition = getattr(cmd, "def").column_def
        missing_ok = cmd.missing_ok or self.world.conditional
        if missing_ok and table.has(definition.colname) and not table.presumed:
            return
        self.define(table, definition)
        for node in definition.constraints:
            self.constraint(table, node.constraint, definition.colname, scope)

    def _alter_column(self, table: Relation, column: Column, cmd: pg.AlterTableCmd, scope: Scope) -> None:
        part = getattr(cmd, "def")
        ours = table.presumed and column in table.originals.values()
        match cmd.subtype:
            case pg.AT_AlterColumnType:
                type = self.type(part.column_def.type_name)
                using = part.column_def.HasField("raw_default")
                if ours and column.type is None:
                    if using:
                        self._using(column, part.column_def.raw_default, scope, type)
                    column.becomes = column.becomes or type
                    column.cast = column.cast or using
                elif using:
                    self.term(part.column_def.raw_default, scope)
                table.columns[cmd.name] = after = Column(cmd.name, self.world.place, type=type)
                self.world.columns.append(after)
            case pg.AT_ColumnDefault:
                if part.WhichOneof("node"):
                    unify(column, self.term(part, scope))
                    column.plain = True
                elif not column.plain and ours:
                    column.default = True
            case pg.AT_DropNotNull:
                if ours and not any(c.kind == "not null" and column in c.columns for c in table.keys):
                    column.not_null = True
            case pg.AT_AddIdentity:
                column.not_null = column.plain = True
                column.numbers.append("0")
            case pg.AT_SetIdentity | pg.AT_DropIdentity:
                if (not cmd.missing_ok or self.world.optional) and not column.plain:
                    column.identity = "by default"
            case pg.AT_SetExpression | pg.AT_DropExpression:
                column.expression = not cmd.missing_ok or self.world.optional
                if part.WhichOneof("node"):
                    unify(column, self.term(part, scope))
            case pg.AT_SetStorage | pg.AT_SetCompression:
                column.hint(ARGUMENT, "text")

    def _using(self, column: Column, node: pg.Node, scope: Scope, type: str) -> None:
        inner = node
        casts = []
        while inner.WhichOneof("node") == "type_cast":
            casts.append(type_text(inner.type_cast.type_name))
            inner = inner.type_cast.arg
        reference = inner.WhichOneof("node") == "column_ref"
        if not reference:
            call = inner.func_call
            if call.funcname and call.funcname[-1].string.sval == "timezone":
                column.hint(CONVERTED, "timestamp" if type == "timestamptz" else "timestamptz")
                return
            self.term(node, scope)
            return
        for cast in inner and casts:
            self.type(node.type_cast.type_name)
            if cast in ("text", "varchar") and len(casts) > 1:
                column.hint(CONVERTED, "text")
        if casts and casts[-1] not in ("text", "varchar") and not type.startswith(("varchar", "text")):
            numeric = type.startswith(("numeric", "bigint", "double", "real", "smallint"))
            if not numeric or casts[-1] != type:
                column.hint(CONVERTED, _from_text(casts[-1]))
            else:
                column.hint(CONVERTED, "text")

    def _partition(self, table: Relation, cmd: pg.AlterTableCmd) -> None:
        part = getattr(cmd, "def").partition_cmd
        child = self.world.relation(name_of(part.name))
        if cmd.subtype == pg.AT_AttachPartition:
            self._bounds(table, part.bound, child)
            if child is not None and child.presumed:
                child.like.append(table)
            elif child is not None and table.presumed:
                table.like.append(child)
            if table.presumed and not table.partition_key:
                table.strategy = "range"
                table.partition_key = self._partition_key(table, "range", [Quoted("2026-01-01")], 1)
            return
        if child is None or not table.presumed:
            return
        if child.presumed:
            child.partition_of = table
        if not table.partition_key:
            table.strategy = "range"
            table.partition_key = self._partition_key(table, "range", [Quoted("2026-01-01")], 1)

    def part_of(self, table: Relation, known: list[Any], item: Any) -> None:
        """A trigger, policy or rule of a table is used by name."""
        name = item[0] if isinstance(item, tuple) else item
        names = [i[0] if isinstance(i, tuple) else i for i in known]
        if table.presumed and name not in table.made and name not in names:
            known.append(item)

    def attachment(self, table: Relation, kind: int, name: str) -> None:
        """A trigger, policy or rule by the parser's word for its kind."""
        if kind == pg.OBJECT_TRIGGER:
            self.part_of(table, table.triggers, (name, None))
        elif kind == pg.OBJECT_POLICY:
            self.part_of(table, table.policies, name)
        elif kind == pg.OBJECT_RULE:
            self.part_of(table, table.rules, name)

    def trigger_function(self, name: Name) -> None:
        """The function of a trigger."""
        if name.name in {"suppress_redundant_updates_trigger", "tsvector_update_trigger", "lo_manage"}:
            return
        if not any(r.name.name == name.name for r in self.world.routines):
            self.world.routine(name, (), result="trigger")

    # Indexes

    def on_index_stmt(self, stmt: pg.IndexStmt) -> None:
        table = self.world.relation(name_of(stmt.relation))
        scope = Scope([Source(stmt.relation.relname, relation=table, opaque=table is None)])
        columns: list[Column] = []
        for node in stmt.index_params:
            element = node.index_elem
            if element.name:
                column = table.column(element.name, self.world.place) if table else None
                if column is not None:
                    columns.append(column)
                    self._opclass(column, element, stmt.access_method)
            else:
                self.term(element.expr, scope)
                if any("trgm" in n.string.sval for n in element.opclass):
                    self.world.extension("pg_trgm")
        for node in stmt.index_including_params:
            if table is not None:
                table.column(node.index_elem.name, self.world.place)
        if stmt.HasField("where_clause"):
            self.condition(stmt.where_clause, scope)
        if stmt.idxname and table is not None:
            full = Name(table.name.schema, stmt.idxname)
            unique = stmt.unique and not stmt.HasField("where_clause") and len(columns) == len(stmt.index_params)
            if full not in self.world.indexes or not self.world.indexes[full].presumed:
                self._make_index(full, table, tuple(columns), unique)

    def _make_index(self, name: Name, table: Relation, columns: tuple[Column, ...], unique: bool) -> None:
        self.world.indexes[name] = Index(name, table, columns, unique, presumed=False)

    def _opclass(self, column: Column, element: pg.IndexElem, method: str) -> None:
        opclass = element.opclass[-1].string.sval if element.opclass else ""
        if opclass.startswith("jsonb") or (method == "gin" and not opclass):
            textual = column.name.lower().endswith(("tsv", "tsvector", "search", "search_vector", "fts", "document"))
            column.hint(ARGUMENT, "jsonb" if opclass.startswith("jsonb") or not textual else "tsvector")
        elif "trgm" in opclass:
            column.hint(ARGUMENT, "text")
            self.world.extension("pg_trgm")
        elif opclass.startswith(("text_pattern", "varchar_pattern")):
            column.hint(ARGUMENT, "text")
        elif opclass.startswith("vector"):
            column.hint(ARGUMENT, "vector")
            self.world.extension("vector")
        elif method in ("hnsw", "ivfflat"):
            self.world.extension("vector")
        elif method == "gist" and not opclass:
            named = column.name.lower().endswith(("range", "period", "during", "validity"))
            column.hint(ARGUMENT, "tstzrange" if named else "point")
        elif method == "brin":
            pass

    def index_use(self, name: Name, table: Relation | None = None, *, if_exists: bool = False) -> Any:
        """An index is used by its name: find its table and columns in the name."""
        index = self.world.index(name, table, if_exists=if_exists)
        if index is None or not index.presumed or index.columns:
            return index
        if index.table is None:
            index.table = self._indexed_table(index.name)
        if index.table is None or not index.table.presumed:
            return index
        found = [index.table.column(n, self.world.place) for n in self.names_in(name.name, index.table)]
        index.columns = tuple(c for c in found if c is not None)
        if not index.columns:
            primary = constraint_kind(name.name) == "primary key"
            column = index.table.column("id" if primary else "name", self.world.place)
            index.columns = (column,) if column else ()
        return index

    def _indexed_table(self, name: Name) -> Relation | None:
        bare = name.name
        tables = [r for r in self.world.relations.values() if r.kind in ("table", "materialized view")]
        best: tuple[int, Relation] | None = None
        for table in tables:
            for known in table.names:
                for stem in (known.name, known.name.rstrip("s")):
                    if len(stem) > 1 and re.search(rf"(?:^|_){re.escape(stem)}(?:_|$)", bare):
                        score = len(stem) + (1000 if table.presumed else 0)
                        if best is None or score > best[0]:
                            best = (score, table)
        if best is not None:
            return best[1]
        presumed = [t for t in tables if t.presumed]
        if len(presumed) == 1:
            return presumed[0]
        stripped = re.sub(r"\A(?:idx|ix|index|uq|unique)_|_(?:idx|index|key|ix|unique|uniq)\Z", "", bare)
        stem = stripped.split("_")[0] if "_" in stripped else stripped
        return self.world.relation(Name(name.schema, f"{stem}_table" if stem == bare else stem or "items"))

    # DROP, RENAME, SET SCHEMA, OWNER

    def on_drop_stmt(self, stmt: pg.DropStmt) -> None:
        for node in stmt.objects:
            self._drop(stmt, node)

    def _drop(self, stmt: pg.DropStmt, node: pg.Node) -> None:
        world = self.world
        kind, missing_ok = stmt.remove_type, stmt.missing_ok
        items = list(node.list.items)
        if kind in _KINDS:
            name = name_of_strings(items)
            self._drop_relation(name, _KINDS[kind], missing_ok)
        elif kind == pg.OBJECT_INDEX:
            index = self.index_use(name_of_strings(items), if_exists=missing_ok)
            if index is not None:
                world.indexes.pop(index.name, None)
                world.gone.add(index.name)
                if index.presumed:
                    world.dropped_indexes.append(index)
        elif kind in (pg.OBJECT_TRIGGER, pg.OBJECT_POLICY, pg.OBJECT_RULE):
            table = world.relation(name_of_strings(items[:-1]), if_exists=missing_ok)
            if table is not None and (not missing_ok or world.optional):
                self.attachment(table, kind, items[-1].string.sval)
        elif kind in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
            name = name_of_strings(node.type_name.names)
            world.type(name, "domain" if kind == pg.OBJECT_DOMAIN else "unknown", if_exists=missing_ok)
            world.drop_type(name)
        elif kind in (pg.OBJECT_FUNCTION, pg.OBJECT_PROCEDURE, pg.OBJECT_ROUTINE, pg.OBJECT_AGGREGATE):
            self.routine_use(node.object_with_args, kind, if_exists=missing_ok)
        elif kind == pg.OBJECT_SCHEMA:
            if not missing_ok or world.optional:
                world.schema(node.string.sval)
        elif kind == pg.OBJECT_EXTENSION and not missing_ok:
            world.extension(node.string.sval)
        elif not missing_ok:
            self.object_use(kind, node)

    def _drop_relation(self, name: Name, kind: Any, missing_ok: bool) -> None:
        self.world.relation(name, kind, if_exists=missing_ok)
        self.world.remove(name)

    def object_use(self, kind: int, node: pg.Node) -> None:
        """Some object is used by the parser's word for its kind: in COMMENT, DROP, ALTER … OWNER."""
        world = self.world
        items = list(node.list.items)
        if kind in _KINDS and items:
            world.relation(name_of_strings(items), _KINDS[kind])
        elif kind == pg.OBJECT_INDEX:
            self.index_use(name_of_strings(items))
        elif kind in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
            world.type(name_of_strings(node.type_name.names), "domain" if kind == pg.OBJECT_DOMAIN else "unknown")
        elif kind in (pg.OBJECT_FUNCTION, pg.OBJECT_PROCEDURE, pg.OBJECT_ROUTINE, pg.OBJECT_AGGREGATE):
            self.routine_use(node.object_with_args, kind)
        elif kind == pg.OBJECT_SCHEMA:
            world.schema(node.string.sval)
        elif kind == pg.OBJECT_EXTENSION:
            world.extension(node.string.sval)
        elif kind == pg.OBJECT_ROLE:
            world.role(node.string.sval)
        elif kind == pg.OBJECT_STATISTIC_EXT and items:
            world.other("statistics", str(name_of_strings(items)))
        elif kind == pg.OBJECT_PUBLICATION:
            world.other("publication", node.string.sval)

    def routine_use(self, item: pg.ObjectWithArgs, kind: int, *, if_exists: bool = False) -> None:
        """A function is used by its signature."""
        name = name_of_strings(item.objname)
        if if_exists and (not self.world.optional or name.name in self.world.created):
            return
        arguments = None if item.args_unspecified else tuple(self.type(n.type_name) for n in item.objargs)
        word = {pg.OBJECT_PROCEDURE: "procedure", pg.OBJECT_AGGREGATE: "aggregate"}.get(kind, "function")
        self.world.routine(name, arguments, kind=word)

    def on_rename_stmt(self, stmt: pg.RenameStmt) -> None:
        world, kind = self.world, stmt.rename_type
        if kind == pg.OBJECT_COLUMN:
            table = world.relation(name_of(stmt.relation), if_exists=stmt.missing_ok)
            if table is not None:
                self._rename_column(table, stmt.subname, stmt.newname)
        elif kind == pg.OBJECT_TABCONSTRAINT:
            table = world.relation(name_of(stmt.relation))
            if table is not None:
                found = self.named_constraint(table, stmt.subname, None)
                table.constraints.pop(stmt.subname, None)
                if found is not None:
                    table.constraints[stmt.newname] = found
        elif kind in (pg.OBJECT_TRIGGER, pg.OBJECT_POLICY, pg.OBJECT_RULE):
            table = world.relation(name_of(stmt.relation))
            if table is not None:
                self.attachment(table, kind, stmt.subname)
                table.made.add(stmt.newname)
        elif kind == pg.OBJECT_INDEX:
            index = self.index_use(name_of(stmt.relation), if_exists=stmt.missing_ok)
            if index is not None and index.name in world.indexes:
                world.renamed_index(index, stmt.newname)
        elif kind in _KINDS:
            name = name_of(stmt.relation)
            if name in world.indexes or world.qualified(name) in world.indexes:
                return
            relation = world.relation(name, _KINDS[kind], if_exists=stmt.missing_ok)
            if relation is not None:
                world.rename(relation, name, Name(None, stmt.newname))
        elif kind == pg.OBJECT_ATTRIBUTE:
            composite = world.type(name_of(stmt.relation), "composite")
            if composite is not None and composite.presumed:
                composite.attributes.setdefault(stmt.subname, "text")
        elif kind in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
            old = name_of_strings(stmt.object.type_name.names or stmt.object.list.items)
            used = world.type(old, "domain" if kind == pg.OBJECT_DOMAIN else "unknown")
            if used is not None:
                world.renamed_type(used, old, stmt.newname)
        elif kind == pg.OBJECT_DOMCONSTRAINT:
            used = world.type(name_of_strings(stmt.object.list.items or stmt.object.type_name.names), "domain")
            if used is not None and used.presumed and stmt.subname not in used.constraints:
                used.constraints.append(stmt.subname)
        elif kind == pg.OBJECT_SCHEMA:
            world.schema(stmt.subname)
            world.made_schemas.add(stmt.newname)
        elif kind == pg.OBJECT_ROLE:
            world.role(stmt.subname)
            world.made_roles.add(stmt.newname)
        else:
            self.object_use(kind, stmt.object)

    def _rename_column(self, table: Relation, old: str, new: str) -> None:
        column = table.column(old, self.world.place)
        if column is None:
            return
        table.columns.pop(old, None)
        table.columns[new] = column
        table.gone.add(old)
        table.gone.discard(new)

    def on_alter_object_schema_stmt(self, stmt: pg.AlterObjectSchemaStmt) -> None:
        self.world.schema(stmt.newschema)
        if stmt.HasField("relation"):
            name = name_of(stmt.relation)
            kind: Any = _KINDS.get(stmt.object_type, "table")
            relation = self.world.relation(name, kind, if_exists=stmt.missing_ok)
            if relation is not None:
                self.world.rename(relation, name, Name(stmt.newschema, name.name))
        else:
            self.object_use(stmt.object_type, stmt.object)
            node = stmt.object
            parts = node.type_name.names or node.object_with_args.objname or node.list.items
            if parts and stmt.object_type in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
                used = self.world.type(name_of_strings(parts))
                if used is not None:
                    self.world.types[Name(stmt.newschema, used.name.name)] = used

    def on_alter_owner_stmt(self, stmt: pg.AlterOwnerStmt) -> None:
        if stmt.newowner.roletype == pg.ROLESPEC_CSTRING:
            self.world.owner(stmt.newowner.rolename)
        if stmt.HasField("relation"):
            self.world.relation(name_of(stmt.relation), _KINDS.get(stmt.object_type, "table"))
        else:
            self.object_use(stmt.object_type, stmt.object)

    def on_alter_function_stmt(self, stmt: pg.AlterFunctionStmt) -> None:
        self.routine_use(stmt.func, stmt.objtype)

    def on_alter_object_depends_stmt(self, stmt: pg.AlterObjectDependsStmt) -> None:
        self.world.extension(stmt.extname.sval)
        if stmt.HasField("relation"):
            self.world.relation(name_of(stmt.relation))

    # Types and sequences

    def on_create_enum_stmt(self, stmt: pg.CreateEnumStmt) -> None:
        self.world.make_type(name_of_strings(stmt.type_name))

    def on_create_range_stmt(self, stmt: pg.CreateRangeStmt) -> None:
        self.world.make_type(name_of_strings(stmt.type_name))

    def on_composite_type_stmt(self, stmt: pg.CompositeTypeStmt) -> None:
        for node in stmt.coldeflist:
            self.type(node.column_def.type_name)
        self.world.make_type(name_of(stmt.typevar))

    def on_create_domain_stmt(self, stmt: pg.CreateDomainStmt) -> None:
        self.type(stmt.type_name)
        self.world.make_type(name_of_strings(stmt.domainname))

    def on_define_stmt(self, stmt: pg.DefineStmt) -> None:
        if stmt.kind == pg.OBJECT_TYPE:
            self.world.make_type(name_of_strings(stmt.defnames))
        elif stmt.kind == pg.OBJECT_AGGREGATE:
            self.world.make_routine(name_of_strings(stmt.defnames), ())

    def on_alter_enum_stmt(self, stmt: pg.AlterEnumStmt) -> None:
        used = self.world.type(name_of_strings(stmt.type_name), "enum")
        if used is None or not used.presumed:
            return
        used.kind = "enum"
        if stmt.old_val:
            used.label(stmt.old_val)
            used.avoid.add(stmt.new_val)
        else:
            if stmt.new_val_neighbor:
                used.label(stmt.new_val_neighbor)
            used.avoid.add(stmt.new_val)

    def on_alter_domain_stmt(self, stmt: pg.AlterDomainStmt) -> None:
        used = self.world.type(name_of_strings(stmt.type_name), "domain")
        if used is None or not used.presumed:
            return
        match stmt.subtype:
            case "X" | "V" if not stmt.missing_ok or self.world.optional:
                if stmt.name not in used.constraints and stmt.name not in used.avoid:
                    used.constraints.append(stmt.name)
            case "C":
                part = getattr(stmt, "def").constraint
                used.avoid.add(part.conname)
                column = Column("value", self.world.place)
                self.condition(part.raw_expr, Scope([Source("", columns={"value": column})]))
                used.value = column
            case "N":
                used.not_null = False
            case "O":
                used.not_null = True
            case "T":
                used.default = not getattr(stmt, "def").WhichOneof("node")

    def _alter_composite(self, stmt: pg.AlterTableStmt) -> None:
        used = self.world.type(name_of(stmt.relation), "composite")
        for node in stmt.cmds:
            cmd = node.alter_table_cmd
            definition = getattr(cmd, "def").column_def
            if definition.HasField("type_name"):
                self.type(definition.type_name)
            if used is None or not used.presumed:
                continue
            if cmd.subtype == pg.AT_AddColumn:
                used.avoid.add(definition.colname)
            elif cmd.name not in used.avoid:
                used.attributes.setdefault(cmd.name, "text")

    def on_create_seq_stmt(self, stmt: pg.CreateSeqStmt) -> None:
        name = name_of(stmt.sequence)
        if not (stmt.if_not_exists and self.world.known(name)):
            self.world.make(name, "sequence", temporary=stmt.sequence.relpersistence == "t")
        self._sequence_options(stmt.options)

    def on_alter_seq_stmt(self, stmt: pg.AlterSeqStmt) -> None:
        self._sequence(name_of(stmt.sequence), if_exists=stmt.missing_ok)
        self._sequence_options(stmt.options)

    def _sequence(self, name: Name, *, if_exists: bool = False) -> None:
        if not self.world.serial(name):
            self.world.relation(name, "sequence", if_exists=if_exists)

    def _sequence_options(self, options: Iterable[pg.Node]) -> None:
        for node in options:
            if node.def_elem.defname == "owned_by":
                names = [n.string.sval for n in node.def_elem.arg.list.items]
                if len(names) > 1:
                    table = self.world.relation(Name(names[-3] if len(names) > 2 else None, names[-2]))
                    column = table.column(names[-1], self.world.place) if table else None
                    if column is not None:
                        column.hint(ARGUMENT, "bigint")


def _from_text(type: str) -> str:
    """What a column most likely was that is cast to this type by name."""
    return {"timestamptz": "timestamp", "timestamp": "timestamptz", "date": "timestamptz"}.get(type, "text")
