"""From a parse tree to what the statement does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pgassay.model import Name
from pgassay.model import actions as do
from pgassay.model.actions import Action, ColumnDef, ConstraintDef, ConstraintKind, Generated
from pgassay.sql.tree import expression_text, flag, name_of, name_of_strings, pg, relations, type_text

_CASCADE = pg.DROP_CASCADE

_CONSTRAINTS: dict[int, ConstraintKind] = {
    pg.CONSTR_PRIMARY: "primary key",
    pg.CONSTR_UNIQUE: "unique",
    pg.CONSTR_FOREIGN: "foreign key",
    pg.CONSTR_CHECK: "check",
    pg.CONSTR_EXCLUSION: "exclude",
    pg.CONSTR_NOTNULL: "not null",
}

_ROW_SECURITY = {
    pg.AT_EnableRowSecurity: "enable",
    pg.AT_DisableRowSecurity: "disable",
    pg.AT_ForceRowSecurity: "force",
    pg.AT_NoForceRowSecurity: "no force",
}

_LOCK_MODES = (
    "",
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)

_TRANSACT = {
    pg.TRANS_STMT_BEGIN: "begin",
    pg.TRANS_STMT_START: "begin",
    pg.TRANS_STMT_COMMIT: "commit",
    pg.TRANS_STMT_ROLLBACK: "rollback",
    pg.TRANS_STMT_SAVEPOINT: "savepoint",
    pg.TRANS_STMT_RELEASE: "release",
    pg.TRANS_STMT_ROLLBACK_TO: "rollback to",
    pg.TRANS_STMT_PREPARE: "prepare",
    pg.TRANS_STMT_COMMIT_PREPARED: "commit prepared",
    pg.TRANS_STMT_ROLLBACK_PREPARED: "rollback prepared",
}


def actions(node: pg.Node) -> tuple[Action, ...]:
    """What one statement does. Every statement yields at least one action."""
    kind = node.WhichOneof("node") or ""
    reader = _READERS.get(kind)
    found = tuple(reader(getattr(node, kind))) if reader else ()
    if found:
        return found
    words = kind.removesuffix("_stmt").replace("_", " ")
    return (do.Other(kind=words, relations=tuple(dict.fromkeys(relations(node)))),)


def _object_word(value: int) -> str:
    word: str = pg.ObjectType.Name(value).removeprefix("OBJECT_").lower()
    return {
        "matview": "materialized view",
        "tabconstraint": "constraint",
        "foreign_table": "foreign table",
        "attribute": "attribute",
    }.get(word, word.replace("_", " "))


def _strings(nodes: Iterable[pg.Node]) -> tuple[str, ...]:
    return tuple(node.string.sval for node in nodes)


def _optional(node: pg.Node) -> str | None:
    return expression_text(node) if node.WhichOneof("node") else None


# Columns and constraints


def column(definition: pg.ColumnDef) -> ColumnDef:
    """A column definition of CREATE TABLE or ADD COLUMN."""
    not_null = definition.is_not_null
    default: str | None = None
    generated: Generated | None = None
    constraints = []
    for node in definition.constraints:
        part = node.constraint
        if part.contype == pg.CONSTR_NOTNULL:
            not_null = True
        elif part.contype == pg.CONSTR_DEFAULT:
            default = expression_text(part.raw_expr)
        elif part.contype == pg.CONSTR_IDENTITY:
            generated = "identity always" if part.generated_when == "a" else "identity by default"
            not_null = True
        elif part.contype == pg.CONSTR_GENERATED:
            generated = "virtual" if part.generated_kind == "v" else "stored"
            default = expression_text(part.raw_expr)
        elif part.contype in _CONSTRAINTS:
            not_null = not_null or part.contype == pg.CONSTR_PRIMARY
            constraints.append(constraint(part, definition.colname))
    return ColumnDef(
        name=definition.colname,
        type=type_text(definition.type_name),
        not_null=not_null,
        default=default,
        generated=generated,
        constraints=tuple(constraints),
    )


def constraint(part: pg.Constraint, column_name: str | None = None) -> ConstraintDef:
    """A table or column constraint."""
    kind = _CONSTRAINTS[part.contype]
    columns = _strings(part.fk_attrs if kind == "foreign key" else part.keys)
    return ConstraintDef(
        kind=kind,
        name=part.conname or None,
        columns=columns or ((column_name,) if column_name else ()),
        expression=_optional(part.raw_expr),
        references=name_of(part.pktable) if part.HasField("pktable") else None,
        referenced_columns=_strings(part.pk_attrs),
        using_index=part.indexname or None,
        validated=not part.skip_validation,
        deferrable=part.deferrable,
    )


# Tables


def _create_table(stmt: pg.CreateStmt) -> Iterator[Action]:
    columns, constraints, like = [], [], []
    for element in stmt.table_elts:
        kind = element.WhichOneof("node")
        if kind == "column_def":
            columns.append(column(element.column_def))
        elif kind == "constraint" and element.constraint.contype in _CONSTRAINTS:
            constraints.append(constraint(element.constraint))
        elif kind == "table_like_clause":
            like.append(name_of(element.table_like_clause.relation))
    parents = tuple(name_of(node.range_var) for node in stmt.inh_relations)
    partition = stmt.HasField("partbound")
    yield do.CreateTable(
        table=name_of(stmt.relation),
        columns=tuple(columns),
        constraints=tuple(constraints),
        inherits=() if partition else parents,
        partition_of=parents[0] if partition else None,
        like=tuple(like),
        if_not_exists=stmt.if_not_exists,
        temporary=stmt.relation.relpersistence == "t",
        unlogged=stmt.relation.relpersistence == "u",
    )


def _create_table_as(stmt: pg.CreateTableAsStmt) -> Iterator[Action]:
    name = name_of(stmt.into.rel)
    if stmt.objtype == pg.OBJECT_MATVIEW:
        yield do.CreateView(name=name, materialized=True)
    else:
        yield do.CreateTable(
            table=name,
            from_query=True,
            if_not_exists=stmt.if_not_exists,
            temporary=stmt.into.rel.relpersistence == "t",
        )


def _alter_table(stmt: pg.AlterTableStmt) -> Iterator[Action]:
    table = name_of(stmt.relation)
    for node in stmt.cmds:
        yield _alter(table, node.alter_table_cmd)


def _alter(table: Name, cmd: pg.AlterTableCmd) -> Action:
    cascade = cmd.behavior == _CASCADE
    match cmd.subtype:
        case pg.AT_AddColumn:
            return do.AddColumn(
                table=table, column=column(getattr(cmd, "def").column_def), if_not_exists=cmd.missing_ok
            )
        case pg.AT_DropColumn:
            return do.DropColumn(table=table, column=cmd.name, cascade=cascade, if_exists=cmd.missing_ok)
        case pg.AT_AlterColumnType:
            definition = getattr(cmd, "def").column_def
            return do.AlterType(
                table=table,
                column=cmd.name,
                type=type_text(definition.type_name),
                using=_optional(definition.raw_default),
            )
        case pg.AT_ColumnDefault:
            return do.SetDefault(table=table, column=cmd.name, default=_optional(getattr(cmd, "def")))
        case pg.AT_SetNotNull:
            return do.SetNotNull(table=table, column=cmd.name)
        case pg.AT_DropNotNull:
            return do.DropNotNull(table=table, column=cmd.name)
        case pg.AT_AddIdentity:
            when = getattr(cmd, "def").constraint.generated_when
            return do.AddIdentity(
                table=table, column=cmd.name, generated="identity always" if when == "a" else "identity by default"
            )
        case pg.AT_AddConstraint:
            part = getattr(cmd, "def").constraint
            if part.contype in _CONSTRAINTS:
                return do.AddConstraint(table=table, constraint=constraint(part))
        case pg.AT_ValidateConstraint:
            return do.ValidateConstraint(table=table, name=cmd.name)
        case pg.AT_DropConstraint:
            return do.DropConstraint(table=table, name=cmd.name, cascade=cascade, if_exists=cmd.missing_ok)
        case pg.AT_AttachPartition:
            return do.AttachPartition(table=table, partition=name_of(getattr(cmd, "def").partition_cmd.name))
        case pg.AT_DetachPartition:
            part = getattr(cmd, "def").partition_cmd
            return do.DetachPartition(table=table, partition=name_of(part.name), concurrently=part.concurrent)
        case subtype if subtype in _ROW_SECURITY:
            return do.RowSecurity(table=table, setting=_ROW_SECURITY[subtype])  # type: ignore[arg-type]
    return do.OtherAlter(table=table, what=pg.AlterTableType.Name(cmd.subtype).removeprefix("AT_"))


# Indexes


def _create_index(stmt: pg.IndexStmt) -> Iterator[Action]:
    elements = [node.index_elem for node in stmt.index_params]
    yield do.CreateIndex(
        table=name_of(stmt.relation),
        name=stmt.idxname or None,
        method=stmt.access_method or "btree",
        keys=tuple(e.name or expression_text(e.expr) for e in elements),
        columns=tuple(e.name for e in elements if e.name),
        include=tuple(node.index_elem.name for node in stmt.index_including_params),
        where=_optional(stmt.where_clause),
        unique=stmt.unique,
        concurrently=stmt.concurrent,
        if_not_exists=stmt.if_not_exists,
        only=not stmt.relation.inh,
    )


def _reindex(stmt: pg.ReindexStmt) -> Iterator[Action]:
    kind = pg.ReindexObjectType.Name(stmt.kind).removeprefix("REINDEX_OBJECT_").lower()
    if stmt.HasField("relation"):
        name: Name | None = name_of(stmt.relation)
    else:
        name = Name(None, stmt.name) if stmt.name else None
    yield do.Reindex(kind=kind, name=name, concurrently=flag(stmt.params, "concurrently"))


# Drops and renames


def _drop(stmt: pg.DropStmt) -> Iterator[Action]:
    kind = _object_word(stmt.remove_type)
    common: dict[str, Any] = {
        "kind": kind,
        "cascade": stmt.behavior == _CASCADE,
        "if_exists": stmt.missing_ok,
        "concurrently": stmt.concurrent,
    }
    names = []
    for node in stmt.objects:
        match node.WhichOneof("node"):
            case "list" if kind in {"trigger", "policy", "rule"}:
                *relation, last = node.list.items
                yield do.Drop(names=(Name(None, last.string.sval),), table=name_of_strings(relation), **common)
            case "list":
                names.append(name_of_strings(node.list.items))
            case "type_name":
                names.append(name_of_strings(node.type_name.names))
            case "object_with_args":
                routine = node.object_with_args
                types = None if routine.args_unspecified else tuple(type_text(a.type_name) for a in routine.objargs)
                yield do.Drop(names=(name_of_strings(routine.objname),), arguments=types, **common)
            case "string":
                names.append(Name(None, node.string.sval))
    if names:
        yield do.Drop(names=tuple(names), **common)


def _rename(stmt: pg.RenameStmt) -> Iterator[Action]:
    kind = _object_word(stmt.rename_type)
    relation = name_of(stmt.relation) if stmt.HasField("relation") else None
    if stmt.subname and relation:
        old, within = Name(None, stmt.subname), relation
    elif relation:
        old, within = relation, None
    else:
        old, within = Name(None, stmt.subname or ""), None
        match stmt.object.WhichOneof("node"):
            case "list":
                old = name_of_strings(stmt.object.list.items)
            case "type_name":
                old = name_of_strings(stmt.object.type_name.names)
            case "object_with_args":
                old = name_of_strings(stmt.object.object_with_args.objname)
    yield do.Rename(kind=kind, old=old, new=stmt.newname, within=within)


def _move(stmt: pg.AlterObjectSchemaStmt) -> Iterator[Action]:
    if stmt.HasField("relation"):
        name = name_of(stmt.relation)
    elif stmt.object.HasField("list"):
        name = name_of_strings(stmt.object.list.items)
    elif stmt.object.HasField("object_with_args"):
        name = name_of_strings(stmt.object.object_with_args.objname)
    elif stmt.object.HasField("type_name"):
        name = name_of_strings(stmt.object.type_name.names)
    else:
        name = Name(None, stmt.object.string.sval)
    yield do.MoveSchema(kind=_object_word(stmt.object_type), name=name, schema=stmt.newschema)


# Types


def _alter_enum(stmt: pg.AlterEnumStmt) -> Iterator[Action]:
    name = name_of_strings(stmt.type_name)
    if stmt.old_val:
        yield do.RenameEnumValue(type=name, old=stmt.old_val, new=stmt.new_val)
    else:
        yield do.AddEnumValue(type=name, value=stmt.new_val, if_not_exists=stmt.skip_if_new_val_exists)


def _create_domain(stmt: pg.CreateDomainStmt) -> Iterator[Action]:
    yield do.CreateType(kind="domain", name=name_of_strings(stmt.domainname), base=type_text(stmt.type_name))


def _define(stmt: pg.DefineStmt) -> Iterator[Action]:
    if stmt.kind == pg.OBJECT_TYPE:
        yield do.CreateType(kind="base", name=name_of_strings(stmt.defnames))


# Rows


def _update(stmt: pg.UpdateStmt) -> Iterator[Action]:
    columns = tuple(node.res_target.name for node in stmt.target_list if node.res_target.name)
    yield do.Update(table=name_of(stmt.relation), columns=columns, where=_optional(stmt.where_clause))


def _insert(stmt: pg.InsertStmt) -> Iterator[Action]:
    yield do.Insert(
        table=name_of(stmt.relation),
        columns=tuple(node.res_target.name for node in stmt.cols),
        from_query=not stmt.select_stmt.select_stmt.values_lists and stmt.HasField("select_stmt"),
    )


def _copy(stmt: pg.CopyStmt) -> Iterator[Action]:
    if stmt.is_program:
        end: Any = "program"
    elif stmt.filename:
        end = "file"
    else:
        end = "stdin" if stmt.is_from else "stdout"
    yield do.Copy(table=name_of(stmt.relation) if stmt.HasField("relation") else None, end=end, source=stmt.is_from)


# Everything else


def _vacuum(stmt: pg.VacuumStmt) -> Iterator[Action]:
    tables = tuple(name_of(node.vacuum_relation.relation) for node in stmt.rels)
    yield do.Maintain(kind="vacuum" if stmt.is_vacuumcmd else "analyze", tables=tables, full=flag(stmt.options, "full"))


def _set(stmt: pg.VariableSetStmt) -> Iterator[Action]:
    value = None
    if stmt.kind == pg.VAR_SET_VALUE:
        value = ", ".join(
            node.a_const.sval.sval if node.a_const.WhichOneof("val") == "sval" else expression_text(node)
            for node in stmt.args
        )
    yield do.Setting(name=stmt.name or "all", value=value, local=stmt.is_local)


def _extension(stmt: pg.CreateExtensionStmt) -> Iterator[Action]:
    schema = next((n.def_elem.arg.string.sval for n in stmt.options if n.def_elem.defname == "schema"), None)
    yield do.CreateExtension(name=stmt.extname, schema=schema, if_not_exists=stmt.if_not_exists)


def _routine(stmt: pg.CreateFunctionStmt) -> Iterator[Action]:
    language = next((n.def_elem.arg.string.sval for n in stmt.options if n.def_elem.defname == "language"), "sql")
    yield do.CreateRoutine(name=name_of_strings(stmt.funcname), language=language, replace=stmt.replace)


def _do(stmt: pg.DoStmt) -> Iterator[Action]:
    language = next((n.def_elem.arg.string.sval for n in stmt.args if n.def_elem.defname == "language"), "plpgsql")
    yield do.Do(language=language)


_READERS: dict[str, Callable[[Any], Iterable[Action]]] = {
    "create_stmt": _create_table,
    "create_table_as_stmt": _create_table_as,
    "alter_table_stmt": _alter_table,
    "index_stmt": _create_index,
    "reindex_stmt": _reindex,
    "drop_stmt": _drop,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _move,
    "alter_enum_stmt": _alter_enum,
    "create_enum_stmt": lambda s: [
        do.CreateType(kind="enum", name=name_of_strings(s.type_name), labels=_strings(s.vals))
    ],
    "create_domain_stmt": _create_domain,
    "composite_type_stmt": lambda s: [do.CreateType(kind="composite", name=name_of(s.typevar))],
    "create_range_stmt": lambda s: [do.CreateType(kind="range", name=name_of_strings(s.type_name))],
    "define_stmt": _define,
    "truncate_stmt": lambda s: [
        do.Truncate(tables=tuple(name_of(n.range_var) for n in s.relations), cascade=s.behavior == _CASCADE)
    ],
    "update_stmt": _update,
    "delete_stmt": lambda s: [do.Delete(table=name_of(s.relation), where=_optional(s.where_clause))],
    "insert_stmt": _insert,
    "select_stmt": lambda _: [do.Query()],
    "copy_stmt": _copy,
    "lock_stmt": lambda s: [
        do.LockTable(tables=tuple(name_of(n.range_var) for n in s.relations), mode=_LOCK_MODES[s.mode])
    ],
    "vacuum_stmt": _vacuum,
    "cluster_stmt": lambda s: [
        do.Maintain(kind="cluster", tables=(name_of(s.relation),) if s.HasField("relation") else (), full=True)
    ],
    "refresh_mat_view_stmt": lambda s: [
        do.Maintain(kind="refresh", tables=(name_of(s.relation),), concurrently=s.concurrent)
    ],
    "transaction_stmt": lambda s: [do.Transact(kind=_TRANSACT[s.kind])],
    "variable_set_stmt": _set,
    "create_extension_stmt": _extension,
    "create_role_stmt": lambda s: [do.CreateRole(name=s.role)],
    "create_schema_stmt": lambda s: [do.CreateSchema(name=s.schemaname, if_not_exists=s.if_not_exists)],
    "view_stmt": lambda s: [do.CreateView(name=name_of(s.view), replace=s.replace)],
    "create_function_stmt": _routine,
    "create_trig_stmt": lambda s: [do.CreateTrigger(table=name_of(s.relation), name=s.trigname)],
    "create_policy_stmt": lambda s: [do.CreatePolicy(table=name_of(s.table), name=s.policy_name)],
    "do_stmt": _do,
}
