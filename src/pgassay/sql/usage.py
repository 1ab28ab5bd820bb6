"""A static pass over a history: what it uses and nobody made, with every hint at the types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pgassay.model import Name, Statement
from pgassay.model import actions as do
from pgassay.sql.tree import PgQueryError, name_of, name_of_strings, parse, pg, relations
from pgassay.sql.usage_bodies import anonymous_block, body_queries, trigger_function
from pgassay.sql.usage_objects import Column, Relation
from pgassay.sql.usage_rows import RowReader
from pgassay.sql.usage_terms import Known, Scope, Source
from pgassay.sql.usage_world import World

__all__ = ["usage"]


def usage(statements: Sequence[Statement], *, optional: bool | None = None) -> World:
    """What a history (every statement, in order) needs and makes.

    ``optional`` says whether an object named only in IF EXISTS is taken to exist; by default so where all statements
    come from one file.
    """
    paths = {s.path for s in statements}
    world = World(_created(statements), optional=len(paths) <= 1 if optional is None else optional)
    reader = _Statements(world)
    for statement in statements:
        world.place = f"line {statement.line}" if len(paths) <= 1 else f"{statement.path}:{statement.line}"
        world.statement = statement
        reader.read(statement.text)
    reader.read_bodies()
    return world


def _created(statements: Sequence[Statement]) -> Iterable[Name]:
    for statement in statements:
        for action in statement.actions:
            match action:
                case do.CreateTable(table=name) | do.CreateView(name=name) | do.CreateType(name=name):
                    yield name
                case do.CreateRoutine(name=name):
                    yield name
                case do.CreateIndex(name=str() as index):
                    yield Name(None, index)
                case do.Rename(new=new):
                    yield Name(None, new)
                case do.Other(kind="create seq", relations=names):
                    yield from names


def _options(nodes: Iterable[pg.Node]) -> dict[str, pg.Node]:
    return {n.def_elem.defname: n.def_elem.arg for n in nodes}


class _Statements(RowReader):
    """One method a kind of statement, named after the parser's node."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.bodies: list[tuple[str, str]] = []  # PL/pgSQL functions: their place and text

    def read_bodies(self) -> None:
        """Read functions last: they need what they name only when they are called."""
        self.world.late = self.world.conditional = True
        for place, text in self.bodies:
            self.world.place = place
            for query in body_queries(text) or ():
                if query is not None:
                    self._embedded(query.text, query.variables)

    def read(self, text: str) -> None:
        """Read one statement (or a few)."""
        try:
            tree = parse(text)
        except PgQueryError:
            self.world.opaque = True
            return
        for part in tree.stmts:
            self.statement(part.stmt)

    def statement(self, node: pg.Node) -> None:
        """Read one parsed statement."""
        kind = node.WhichOneof("node") or ""
        statement = getattr(node, kind)
        reader: Callable[[Any], None] | None = getattr(self, f"on_{kind}", None)
        if reader is not None:
            reader(statement)
        elif kind.endswith("_stmt"):
            for name in relations(statement):
                self.world.relation(name)

    def on_explain_stmt(self, stmt: pg.ExplainStmt) -> None:
        self.statement(stmt.query)

    def on_prepare_stmt(self, stmt: pg.PrepareStmt) -> None:
        self.statement(stmt.query)

    def on_declare_cursor_stmt(self, stmt: pg.DeclareCursorStmt) -> None:
        self.statement(stmt.query)

    # Settings

    def on_variable_set_stmt(self, stmt: pg.VariableSetStmt) -> None:
        if stmt.name == "search_path" and stmt.args:
            self._search_path([n.a_const.sval.sval for n in stmt.args])
        elif stmt.name == "role" and stmt.args and stmt.args[0].a_const.sval.sval != "none":
            self.world.role(stmt.args[0].a_const.sval.sval)

    def _search_path(self, names: Iterable[str]) -> None:
        path = [n.strip().strip('"') for name in names for n in name.split(",")]
        self.world.search_path = [n for n in path if n and n not in ("$user", "pg_catalog")]
        for name in self.world.search_path[:1]:
            self.world.schema(name)

    def _func_call(self, call: pg.FuncCall, scope: Scope) -> Any:
        if call.funcname and call.funcname[-1].string.sval == "set_config" and len(call.args) > 1:
            name, value = (a.a_const.sval.sval for a in call.args[:2])
            if name == "search_path" and value:
                self._search_path([value])
        return super()._func_call(call, scope)

    # Blocks and functions

    def on_do_stmt(self, stmt: pg.DoStmt) -> None:
        options = _options(stmt.args)
        if options.get("language", pg.Node()).string.sval not in ("", "plpgsql"):
            self.world.opaque = True
            return
        queries = body_queries(anonymous_block(options["as"].string.sval))
        if queries is None:
            self.world.opaque = True
            return
        before, self.world.conditional = self.world.conditional, True
        for query in queries:
            if query is None:
                self.world.opaque = True
            else:
                self._embedded(query.text, query.variables)
        self.world.conditional = before

    def _embedded(self, text: str, variables: Iterable[str]) -> None:
        try:
            tree = parse(text)
        except PgQueryError:
            self.world.opaque = self.world.opaque or not self.world.late
            return
        rows = [Source(name, opaque=True) for name in variables]  # a record's fields are not known
        scope = Scope([Source("", columns=dict.fromkeys(variables)), *rows])
        for part in tree.stmts:
            kind = part.stmt.WhichOneof("node") or ""
            if kind == "select_stmt":
                self.select(part.stmt.select_stmt, scope.inner())
            elif kind in {"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"}:
                self.modify(part.stmt, scope.inner())
            else:
                self.statement(part.stmt)

    def on_create_function_stmt(self, stmt: pg.CreateFunctionStmt) -> None:
        parameters = [n.function_parameter for n in stmt.parameters]
        types = [self.type(p.arg_type) for p in parameters]
        if stmt.HasField("return_type"):
            self.type(stmt.return_type)
        taken = [
            t for t, p in zip(types, parameters, strict=True) if p.mode not in (pg.FUNC_PARAM_OUT, pg.FUNC_PARAM_TABLE)
        ]
        self.world.make_routine(name_of_strings(stmt.funcname), tuple(taken))
        options = _options(stmt.options)
        language = options.get("language", pg.Node()).string.sval.lower()
        scope = Scope([Source(stmt.funcname[-1].string.sval, columns={p.name: None for p in parameters})])
        if language == "plpgsql" and "as" in options:
            body = options["as"].list.items[0].string.sval
            trigger = [n.string.sval for n in stmt.return_type.names][-1:] == ["trigger"]
            statement = self.world.statement
            text = trigger_function(body) if trigger or statement is None else statement.text
            self.bodies.append((self.world.place, text))
        if language == "sql" and "as" in options:
            try:
                tree = parse("\n".join(n.string.sval for n in options["as"].list.items))
            except PgQueryError:
                return
            for part in tree.stmts:
                self.query(part.stmt, scope.inner())
        for node in stmt.sql_body.list.items if stmt.HasField("sql_body") else ():
            for inner in node.list.items:
                self.query(inner, scope.inner())

    # Views, rules, policies, triggers, statistics, publications

    def on_view_stmt(self, stmt: pg.ViewStmt) -> None:
        columns = self.query(stmt.query, Scope())
        known = self.world.known(name_of(stmt.view))
        if stmt.replace and known is not None and known.presumed:
            return
        self._by_query(stmt.view, columns, [n.string.sval for n in stmt.aliases], "view")

    def on_create_table_as_stmt(self, stmt: pg.CreateTableAsStmt) -> None:
        columns = self.query(stmt.query, Scope()) if stmt.query.WhichOneof("node") == "select_stmt" else []
        if stmt.if_not_exists and self.world.known(name_of(stmt.into.rel)) is not None:
            return
        kind = "materialized view" if stmt.objtype == pg.OBJECT_MATVIEW else "table"
        self._by_query(stmt.into.rel, columns, [n.string.sval for n in stmt.into.col_names], kind)

    def _by_query(self, into: pg.RangeVar, columns: Sequence[tuple[str, Any]], names: Sequence[str], kind: Any) -> None:
        made = self.world.make(name_of(into), kind, temporary=into.relpersistence == "t")
        made.opaque = True
        for i, (name, term) in enumerate(columns):
            name = names[i] if i < len(names) else name
            if name:
                column = term if isinstance(term, Column) else Column(name, self.world.place)
                if isinstance(term, Known):
                    column.hint(100, term.type)
                made.columns[name] = column

    def on_rule_stmt(self, stmt: pg.RuleStmt) -> None:
        relation = self.world.relation(name_of(stmt.relation))
        if relation is None:
            return
        relation.made.add(stmt.rulename)
        scope = Scope([Source("new", relation=relation), Source("old", relation=relation)])
        if stmt.HasField("where_clause"):
            self.condition(stmt.where_clause, scope)
        for node in stmt.actions:
            self.query(node, scope.inner())

    def on_create_policy_stmt(self, stmt: pg.CreatePolicyStmt) -> None:
        relation = self.world.relation(name_of(stmt.table))
        self._roles(stmt.roles)
        if relation is not None:
            relation.made.add(stmt.policy_name)
            self._policy(stmt, relation)

    def on_alter_policy_stmt(self, stmt: pg.AlterPolicyStmt) -> None:
        relation = self.world.relation(name_of(stmt.table))
        self._roles(stmt.roles)
        if relation is not None:
            self.part_of(relation, relation.policies, stmt.policy_name)
            self._policy(stmt, relation)

    def _policy(self, stmt: Any, relation: Relation) -> None:
        scope = Scope([Source(relation.name.name, relation=relation)])
        for part in ("qual", "with_check"):
            if stmt.HasField(part):
                self.condition(getattr(stmt, part), scope)

    def on_create_trig_stmt(self, stmt: pg.CreateTrigStmt) -> None:
        relation = self.world.relation(name_of(stmt.relation))
        self.trigger_function(name_of_strings(stmt.funcname))
        for node in stmt.transition_rels:  # tables to the trigger's function alone
            self.world.make(Name(None, node.trigger_transition.name), temporary=True)
        if relation is None:
            return
        relation.made.add(stmt.trigname)
        for node in stmt.columns:
            relation.column(node.string.sval, self.world.place)
        if stmt.HasField("when_clause"):
            scope = Scope([Source("new", relation=relation), Source("old", relation=relation)])
            self.condition(stmt.when_clause, scope)

    def on_create_event_trig_stmt(self, stmt: pg.CreateEventTrigStmt) -> None:
        name = name_of_strings(stmt.funcname)
        if not any(r.name.name == name.name for r in self.world.routines):
            self.world.routine(name, (), result="event_trigger")

    def on_create_stats_stmt(self, stmt: pg.CreateStatsStmt) -> None:
        scope = Scope()
        for node in stmt.relations:
            self.source(node, scope)
        for node in stmt.exprs:
            part = node.stats_elem
            if part.name and scope.sources and scope.sources[0].relation:
                scope.sources[0].relation.column(part.name, self.world.place)
            elif not part.name:
                self.term(part.expr, scope)
        self.world.made_others.add(("statistics", str(name_of_strings(stmt.defnames))))

    def on_alter_stats_stmt(self, stmt: pg.AlterStatsStmt) -> None:
        if not stmt.missing_ok:
            self.world.other("statistics", str(name_of_strings(stmt.defnames)))

    def on_create_publication_stmt(self, stmt: pg.CreatePublicationStmt) -> None:
        self.world.made_others.add(("publication", stmt.pubname))
        self._published(stmt.pubobjects)

    def on_alter_publication_stmt(self, stmt: pg.AlterPublicationStmt) -> None:
        self.world.other("publication", stmt.pubname)
        self._published(stmt.pubobjects)

    def _published(self, nodes: Iterable[pg.Node]) -> None:
        for node in nodes:
            part = node.publication_obj_spec
            if part.HasField("pubtable"):
                relation = self.world.relation(name_of(part.pubtable.relation))
                for column in part.pubtable.columns:
                    if relation is not None:
                        relation.column(column.string.sval, self.world.place)
            elif part.name:
                self.world.schema(part.name)

    # Rights

    def _roles(self, nodes: Iterable[pg.Node]) -> None:
        for node in nodes:
            if node.role_spec.roletype == pg.ROLESPEC_CSTRING:
                self.world.role(node.role_spec.rolename)

    def on_grant_stmt(self, stmt: pg.GrantStmt) -> None:
        self._roles(stmt.grantees)
        for node in stmt.objects:
            match node.WhichOneof("node"):
                case "range_var":
                    kind: Any = "sequence" if stmt.objtype == pg.OBJECT_SEQUENCE else "table"
                    relation = self.world.relation(name_of(node.range_var), kind)
                    for right in stmt.privileges:
                        for column in right.access_priv.cols:
                            if relation is not None:
                                relation.column(column.string.sval, self.world.place)
                case "object_with_args":
                    self.routine_use(node.object_with_args, stmt.objtype)
                case "string" if stmt.objtype == pg.OBJECT_SCHEMA:
                    self.world.schema(node.string.sval)
                case "list" if stmt.objtype in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
                    self.world.type(name_of_strings(node.list.items))
                case "string" if stmt.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA:
                    self.world.schema(node.string.sval)

    def on_grant_role_stmt(self, stmt: pg.GrantRoleStmt) -> None:
        self._roles(stmt.grantee_roles)
        for node in stmt.granted_roles:
            self.world.role(node.access_priv.priv_name)

    def on_alter_default_privileges_stmt(self, stmt: pg.AlterDefaultPrivilegesStmt) -> None:
        options = _options(stmt.options)
        if "roles" in options:
            self._roles(options["roles"].list.items)
        if "schemas" in options:
            for node in options["schemas"].list.items:
                self.world.schema(node.string.sval)
        self._roles(stmt.action.grantees)

    def on_create_role_stmt(self, stmt: pg.CreateRoleStmt) -> None:
        self.world.made_roles.add(stmt.role)

    def on_alter_role_stmt(self, stmt: pg.AlterRoleStmt) -> None:
        self.world.role(stmt.role.rolename)

    def on_alter_role_set_stmt(self, stmt: pg.AlterRoleSetStmt) -> None:
        self.world.role(stmt.role.rolename)

    def on_drop_role_stmt(self, stmt: pg.DropRoleStmt) -> None:
        if not stmt.missing_ok:
            self._roles(stmt.roles)

    def on_reassign_owned_stmt(self, stmt: pg.ReassignOwnedStmt) -> None:
        self._roles(stmt.roles)
        self.world.role(stmt.newrole.rolename)

    def on_drop_owned_stmt(self, stmt: pg.DropOwnedStmt) -> None:
        self._roles(stmt.roles)

    # Maintenance

    def on_vacuum_stmt(self, stmt: pg.VacuumStmt) -> None:
        for node in stmt.rels:
            relation = self.world.relation(name_of(node.vacuum_relation.relation))
            for column in node.vacuum_relation.va_cols:
                if relation is not None:
                    relation.column(column.string.sval, self.world.place)

    def on_refresh_mat_view_stmt(self, stmt: pg.RefreshMatViewStmt) -> None:
        relation = self.world.relation(name_of(stmt.relation), "materialized view")
        if relation is not None and relation.presumed and stmt.concurrent:
            column = relation.column("id", self.world.place)
            if column is not None:
                relation.key((column,))

    def on_cluster_stmt(self, stmt: pg.ClusterStmt) -> None:
        if stmt.HasField("relation"):
            relation = self.world.relation(name_of(stmt.relation))
            if stmt.indexname and relation is not None:
                self.index_use(Name(relation.name.schema, stmt.indexname), relation)

    def on_reindex_stmt(self, stmt: pg.ReindexStmt) -> None:
        if stmt.kind == pg.REINDEX_OBJECT_INDEX:
            self.index_use(name_of(stmt.relation))
        elif stmt.kind == pg.REINDEX_OBJECT_TABLE:
            self.world.relation(name_of(stmt.relation))
        elif stmt.kind == pg.REINDEX_OBJECT_SCHEMA:
            self.world.schema(stmt.name)

    # Schemas, extensions

    def on_create_schema_stmt(self, stmt: pg.CreateSchemaStmt) -> None:
        name = stmt.schemaname or stmt.authrole.rolename
        if stmt.authrole.rolename:
            self.world.role(stmt.authrole.rolename)
        if not (stmt.if_not_exists or self.world.conditional):
            self.world.schemas.pop(name, None)
        self.world.made_schemas.add(name)
        for node in stmt.schema_elts:
            self.statement(node)

    def on_create_extension_stmt(self, stmt: pg.CreateExtensionStmt) -> None:
        self.world.extensions.pop(stmt.extname, None)
        self.world.made_extensions.add(stmt.extname)
        schema = _options(stmt.options).get("schema")
        if schema is not None:
            self.world.schema(schema.string.sval)

    def on_alter_extension_stmt(self, stmt: pg.AlterExtensionStmt) -> None:
        self.world.extension(stmt.extname)

    def on_comment_stmt(self, stmt: pg.CommentStmt) -> None:
        node = stmt.object
        names = list(node.list.items)
        match stmt.objtype:
            case pg.OBJECT_COLUMN if len(names) > 1:
                relation = self.world.relation(name_of_strings(names[:-1]))
                if relation is not None:
                    relation.column(names[-1].string.sval, self.world.place)
            case pg.OBJECT_TABCONSTRAINT if len(names) > 1:
                relation = self.world.relation(name_of_strings(names[:-1]))
                if relation is not None:
                    self.named_constraint(relation, names[-1].string.sval, None)
            case pg.OBJECT_TRIGGER | pg.OBJECT_POLICY | pg.OBJECT_RULE if len(names) > 1:
                relation = self.world.relation(name_of_strings(names[:-1]))
                if relation is not None:
                    self.attachment(relation, stmt.objtype, names[-1].string.sval)
            case _:
                self.object_use(stmt.objtype, node)

    def on_transaction_stmt(self, stmt: pg.TransactionStmt) -> None:
        pass
