"""What DROP, RENAME and the statements about types and sequences use and make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pgassay.model import Name
from pgassay.sql.tree import name_of, name_of_strings, pg
from pgassay.sql.usage_alter import KINDS, AlterReader
from pgassay.sql.usage_objects import ARGUMENT, Column, Relation
from pgassay.sql.usage_terms import Scope, Source


class TableReader(AlterReader):
    """Reads the statements that name things of any kind."""

    # DROP, RENAME, SET SCHEMA, OWNER

    def on_drop_stmt(self, stmt: pg.DropStmt) -> None:
        for node in stmt.objects:
            self._drop(stmt, node)

    def _drop(self, stmt: pg.DropStmt, node: pg.Node) -> None:
        world = self.world
        kind, missing_ok = stmt.remove_type, stmt.missing_ok
        items = list(node.list.items)
        if kind in KINDS:
            name = name_of_strings(items)
            self._drop_relation(name, KINDS[kind], missing_ok)
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
        if kind == "sequence" and self.world.serial(name):
            return  # its column brought it
        self.world.relation(name, kind, if_exists=missing_ok)
        self.world.remove(name)

    def object_use(self, kind: int, node: pg.Node) -> None:
        """Some object is used by the parser's word for its kind: in COMMENT, DROP, ALTER … OWNER."""
        world = self.world
        items = list(node.list.items)
        if kind in KINDS and items:
            world.relation(name_of_strings(items), KINDS[kind])
        elif kind == pg.OBJECT_INDEX:
            self.index_use(name_of_strings(items))
        elif kind in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
            names = items or node.type_name.names  # a list in ALTER TYPE … SET SCHEMA and OWNER TO
            world.type(name_of_strings(names), "domain" if kind == pg.OBJECT_DOMAIN else "unknown")
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
        elif kind in KINDS:
            name = name_of(stmt.relation)
            if name in world.indexes or world.qualified(name) in world.indexes:
                return
            relation = world.relation(name, KINDS[kind], if_exists=stmt.missing_ok)
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
            kind: Any = KINDS.get(stmt.object_type, "table")
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
            self.world.relation(name_of(stmt.relation), KINDS.get(stmt.object_type, "table"))
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
