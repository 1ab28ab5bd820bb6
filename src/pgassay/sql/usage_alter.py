"""What ALTER TABLE uses and makes."""

from __future__ import annotations

from typing import Any

from pgassay.model import Name
from pgassay.sql.tree import name_of, pg, type_text
from pgassay.sql.usage_create import CreateReader
from pgassay.sql.usage_objects import ARGUMENT, CONVERTED, Column, Relation
from pgassay.sql.usage_terms import Quoted, Scope, Source, unify

KINDS: dict[int, Any] = {
    pg.OBJECT_VIEW: "view",
    pg.OBJECT_MATVIEW: "materialized view",
    pg.OBJECT_SEQUENCE: "sequence",
    pg.OBJECT_FOREIGN_TABLE: "foreign table",
    pg.OBJECT_TABLE: "table",
}


class AlterReader(CreateReader):
    """Reads ALTER TABLE, one subcommand after the other."""

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
        kind: Any = KINDS.get(stmt.objtype, "table")
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


def _from_text(type: str) -> str:
    """What a column most likely was that is cast to this type by name."""
    return {"timestamptz": "timestamp", "timestamp": "timestamptz", "date": "timestamptz"}.get(type, "text")
