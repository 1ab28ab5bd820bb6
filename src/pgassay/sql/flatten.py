"""A query with its views, CTEs and subqueries in FROM opened, as PostgreSQL's planner opens them.

Only for reading what a query asks of its tables: the result asks the same of each table, and need not return the same
(outer joins are kept loosely). Sources: the manual on views and rules (chapter 39.2) and on CTEs (chapter 7.8.3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from google.protobuf.message import Message

from pgassay.model import Name
from pgassay.sql.tree import PgQueryError, expression_text, name_of, parse, pg

Columns = Callable[[Name], Collection[str] | None]
Views = Callable[[Name], str | None]  # a view's SELECT

_DEEP = 12  # views on views
_AGGREGATES = frozenset(
    "count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or"
    " every stddev stddev_pop stddev_samp variance var_pop var_samp percentile_cont percentile_disc mode bit_and bit_or"
    " range_agg corr".split()
)


def flatten(select: Any, columns: Columns, views: Views) -> None:
    """Open what can be opened in one SELECT, in place."""
    _inline_ctes(select)
    for _ in range(_DEEP):
        _open_views(select, columns, views)
        if not any(_pull_up(select, place, columns) for place in _places(select)):
            break
    _push_down(select)


def _places(select: Any) -> list[Any]:
    """The FROM items that hold subqueries, those inside joins too."""
    found, waiting = [], list(select.from_clause)
    while waiting:
        item = waiting.pop()
        if item.WhichOneof("node") == "join_expr":
            waiting += [item.join_expr.larg, item.join_expr.rarg]
        elif item.WhichOneof("node") == "range_subselect":
            found.append(item)
    return found


def walk(message: Message) -> Iterator[Message]:
    """Every message of a tree, subqueries included."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        yield each
        for descriptor, value in each.ListFields():
            if descriptor.message_type is not None:
                waiting.extend(value if descriptor.is_repeated else [value])


# CTEs and views


def _inline_ctes(select: Any) -> None:
    """A CTE that is used once and is not said to be materialised is a subquery in FROM."""
    if not select.HasField("with_clause") or select.with_clause.recursive:
        return
    kept = []
    for cte in select.with_clause.ctes:
        of = cte.common_table_expr
        uses = [n for n in walk(select) if _ranges(n, of.ctename)]
        plain = of.ctequery.WhichOneof("node") == "select_stmt" and of.ctematerialized != pg.CTEMaterializeAlways
        if not plain or len(uses) != 1 or of.ctequery.select_stmt.HasField("with_clause"):
            kept.append(_copy(cte))
            continue
        (use,) = uses
        alias = use.range_var.alias.aliasname or of.ctename
        names = [c.string.sval for c in of.aliascolnames]
        _put_subselect(use, of.ctequery, alias, names)
    del select.with_clause.ctes[:]
    select.with_clause.ctes.extend(kept)
    if not kept:
        select.ClearField("with_clause")


def _ranges(node: Message, name: str) -> bool:
    if not isinstance(node, pg.Node) or node.WhichOneof("node") != "range_var":
        return False
    return bool(node.range_var.relname == name and not node.range_var.schemaname)


def _open_views(select: Any, columns: Columns, views: Views) -> None:
    ctes = {c.common_table_expr.ctename for c in select.with_clause.ctes}
    waiting = list(select.from_clause)
    while waiting:
        item = waiting.pop()
        if item.WhichOneof("node") == "join_expr":
            waiting += [item.join_expr.larg, item.join_expr.rarg]
        if item.WhichOneof("node") != "range_var":
            continue
        name = name_of(item.range_var)
        if (not name.schema and name.name in ctes) or columns(name) is not None:
            continue
        text = views(name)
        if text is None:
            continue
        try:
            query = parse(text).stmts[0].stmt
        except (PgQueryError, IndexError):
            continue
        names = [c.string.sval for c in item.range_var.alias.colnames]
        _put_subselect(item, query, item.range_var.alias.aliasname or name.name, names)


def _put_subselect(item: Any, query: Any, alias: str, names: Iterable[str]) -> None:
    made = pg.Node()
    made.range_subselect.subquery.CopyFrom(query)
    made.range_subselect.alias.aliasname = alias
    for name in names:
        made.range_subselect.alias.colnames.add().string.sval = name
    item.CopyFrom(made)


# pulling up


def _simple(select: Any) -> bool:
    """Whether a subquery is one with the query around it: nothing in it depends on all its rows."""
    if select.op not in (pg.SETOP_NONE, pg.SET_OPERATION_UNDEFINED) or not select.from_clause:
        return False
    if select.group_clause or select.HasField("having_clause") or select.distinct_clause or select.window_clause:
        return False
    if select.HasField("limit_count") or select.HasField("limit_offset") or select.HasField("with_clause"):
        return False
    return not any(
        isinstance(n, pg.FuncCall) and (n.HasField("over") or n.funcname[-1].string.sval in _AGGREGATES)
        for target in select.target_list
        for n in walk(target)
    )


def _pull_up(select: Any, item: Any, columns: Columns) -> bool:
    inner = item.range_subselect.subquery.select_stmt
    alias = item.range_subselect.alias.aliasname
    if not alias or not _simple(inner):
        return False
    if not _own_names(inner, alias, columns):
        return False
    outputs = _outputs(inner, [c.string.sval for c in item.range_subselect.alias.colnames], columns)
    if outputs is None:
        return False
    where = [inner.where_clause] if inner.HasField("where_clause") else []
    parts = [_copy(each) for each in inner.from_clause]
    made = parts[0]
    for each in parts[1:]:
        joined = pg.Node()
        joined.join_expr.jointype = pg.JOIN_INNER
        joined.join_expr.larg.CopyFrom(made)
        joined.join_expr.rarg.CopyFrom(each)
        made = joined
    conditions = [_copy(w) for w in where]
    item.CopyFrom(made)
    _substitute(select, alias, outputs, columns)
    for condition in conditions:
        _also(select, condition)
    return True


def _own_names(inner: Any, alias: str, columns: Columns) -> bool:
    """Name every table of a subquery after its alias, and say of every column whose it is."""
    tables: dict[str, Any] = {}
    waiting = list(inner.from_clause)
    while waiting:
        item = waiting.pop()
        kind = item.WhichOneof("node")
        if kind == "join_expr":
            if item.join_expr.using_clause or item.join_expr.is_natural or item.join_expr.HasField("alias"):
                return False
            waiting += [item.join_expr.larg, item.join_expr.rarg]
        elif kind == "range_var" and not item.range_var.alias.colnames and columns(name_of(item.range_var)) is not None:
            tables[item.range_var.alias.aliasname or item.range_var.relname] = item.range_var
        else:
            return False
    owners: dict[str, list[str]] = {}
    for name, table in tables.items():
        for column in columns(name_of(table)) or ():
            owners.setdefault(column, []).append(name)
    for node in walk(inner):
        if not isinstance(node, pg.ColumnRef) or not node.fields:
            continue
        parts = [f.string.sval for f in node.fields if f.WhichOneof("node") == "string"]
        starred = len(parts) < len(node.fields)
        if len(parts) == 1 and not starred:
            if len(owners.get(parts[0], ())) == 1:
                _rename(node, [f"{alias}.{owners[parts[0]][0]}", parts[0]])
            elif parts[0] in tables:
                return False  # a whole row
        elif parts and parts[-1 if starred else -2] in tables:
            table = f"{alias}.{parts[-1 if starred else -2]}"
            if starred:
                del node.fields[:-1]
                first = pg.Node()
                first.string.sval = table
                node.fields.insert(0, first)
            else:
                _rename(node, [table, parts[-1]])
    for name, table in tables.items():
        table.alias.aliasname = f"{alias}.{name}"
    return True


def _rename(ref: Any, parts: list[str]) -> None:
    del ref.fields[:]
    for part in parts:
        ref.fields.add().string.sval = part


def _outputs(inner: Any, names: list[str], columns: Columns) -> dict[str, Any] | None:
    """What each column of a subquery is; None where that cannot be told."""
    found: list[tuple[str, Any]] = []
    for target in inner.target_list:
        value = target.res_target.val
        if value.WhichOneof("node") == "column_ref" and value.column_ref.fields[-1].WhichOneof("node") == "a_star":
            found += [(_last(node), node) for node in _starred(inner.from_clause, value.column_ref, columns)]
            continue
        name = target.res_target.name or _last(value)
        if not name and value.WhichOneof("node") == "func_call":
            name = value.func_call.funcname[-1].string.sval
        found.append((name, value))
    found = [(names[n] if n < len(names) else name, node) for n, (name, node) in enumerate(found)]
    return {name: _copy(node) for name, node in found}


def _starred(items: Any, star: Any, columns: Columns) -> Iterator[Any]:
    wanted = [f.string.sval for f in star.fields if f.WhichOneof("node") == "string"]
    for item in items:
        if item.WhichOneof("node") == "join_expr":
            yield from _starred([item.join_expr.larg, item.join_expr.rarg], star, columns)
        elif item.WhichOneof("node") == "range_var":
            alias = item.range_var.alias.aliasname or item.range_var.relname
            if not wanted or wanted[-1] == alias:
                for column in columns(name_of(item.range_var)) or ():
                    node = pg.Node()
                    _rename(node.column_ref, [alias, column])
                    yield node


def _last(node: Any) -> str:
    if node.WhichOneof("node") != "column_ref":
        return _last(node.type_cast.arg) if node.WhichOneof("node") == "type_cast" else ""
    return str(node.column_ref.fields[-1].string.sval)


def _substitute(select: Any, alias: str, outputs: dict[str, Any], columns: Columns) -> None:
    """Put what a subquery's columns are in their place, everywhere in the query."""
    targets = []
    for target in select.target_list:
        value = target.res_target.val
        star = value.WhichOneof("node") == "column_ref" and value.column_ref.fields[-1].WhichOneof("node") == "a_star"
        parts = [f.string.sval for f in value.column_ref.fields if f.WhichOneof("node") == "string"] if star else []
        if star and parts[-1:] in ([], [alias]):
            for name, node in outputs.items():
                made = pg.Node()
                made.res_target.name = name
                made.res_target.val.CopyFrom(node)
                targets.append(made)
            if not parts:
                targets += [_star(a) for a in _aliases(select) if not a.startswith(f"{alias}.")]
        else:
            targets.append(_copy(target))
    del select.target_list[:]
    select.target_list.extend(targets)
    others = [t for t in _tables(select) if not t.alias.aliasname.startswith(f"{alias}.")]
    taken = {c for t in others for c in columns(name_of(t)) or ()}
    for node in list(walk(select)):
        if not isinstance(node, pg.Node) or node.WhichOneof("node") != "column_ref":
            continue
        parts = [f.string.sval for f in node.column_ref.fields if f.WhichOneof("node") == "string"]
        if len(parts) != len(node.column_ref.fields) or parts[-1] not in outputs:
            continue
        if (len(parts) == 2 and parts[0] == alias) or (len(parts) == 1 and parts[0] not in taken):
            node.CopyFrom(outputs[parts[-1]])


def _star(alias: str) -> Any:
    node = pg.Node()
    ref = node.res_target.val.column_ref
    ref.fields.add().string.sval = alias
    ref.fields.add().a_star.SetInParent()
    return node


def _tables(select: Any) -> Iterator[Any]:
    waiting = list(select.from_clause)
    while waiting:
        item = waiting.pop()
        if item.WhichOneof("node") == "join_expr":
            waiting += [item.join_expr.larg, item.join_expr.rarg]
        elif item.WhichOneof("node") == "range_var":
            yield item.range_var


def _aliases(select: Any) -> list[str]:
    found = [t.alias.aliasname or t.relname for t in _tables(select)]
    return found + [item.range_subselect.alias.aliasname for item in _places(select)]


# pushing down


def _push_down(select: Any) -> None:
    """Conditions on the columns of a subquery that stays go into it, where its grouping lets them."""
    if not select.HasField("where_clause"):
        return
    where = select.where_clause
    both = where.WhichOneof("node") == "bool_expr" and where.bool_expr.boolop == pg.AND_EXPR
    conditions = [_copy(c) for c in (where.bool_expr.args if both else [where])]
    places = _places(select)
    for item in places:
        alias = item.range_subselect.alias.aliasname
        names = [c.string.sval for c in item.range_subselect.alias.colnames]
        for condition in conditions:
            refs = [n for n in walk(condition) if isinstance(n, pg.ColumnRef)]
            if not refs or any(isinstance(n, pg.SubLink) for n in walk(condition)):
                continue
            owned = [[f.string.sval for f in r.fields] for r in refs]
            alone = len(places) == 1 and not list(_tables(select))
            if all((len(o) == 2 and o[0] == alias) or (len(o) == 1 and alone) for o in owned):
                _push(item.range_subselect.subquery.select_stmt, condition, [o[-1] for o in owned], names)


def _push(inner: Any, condition: Any, wanted: list[str], names: list[str]) -> None:
    if inner.HasField("limit_count") or inner.HasField("limit_offset"):
        return
    if inner.op not in (pg.SETOP_NONE, pg.SET_OPERATION_UNDEFINED):
        first = inner
        while first.op not in (pg.SETOP_NONE, pg.SET_OPERATION_UNDEFINED):
            first = first.larg
        names = names or [t.res_target.name or _last(t.res_target.val) for t in first.target_list]
        for arm in (inner.larg, inner.rarg):
            _push(arm, condition, wanted, names)
        return
    outputs = {}
    for n, target in enumerate(inner.target_list):
        name = names[n] if n < len(names) else target.res_target.name or _last(target.res_target.val)
        outputs[name] = target.res_target.val
    if any(name not in outputs for name in wanted):
        return
    values = [outputs[name] for name in wanted]
    texts = {expression_text(v) for v in values}
    for keys in _keys(inner, outputs):
        if not texts <= keys:
            return
    if any(isinstance(n, pg.SubLink) for v in values for n in walk(v)):
        return
    moved = _copy(condition)
    for node in list(walk(moved)):
        if isinstance(node, pg.Node) and node.WhichOneof("node") == "column_ref":
            node.CopyFrom(outputs[node.column_ref.fields[-1].string.sval])
    _also(inner, moved)


def _keys(inner: Any, outputs: dict[str, Any]) -> Iterator[set[str]]:
    """The expressions that rows are grouped by, each time that they are."""
    listed = list(outputs.values())

    def texts(nodes: Iterable[Any]) -> set[str]:
        found = set()
        for node in nodes:
            if node.WhichOneof("node") == "a_const" and 0 < node.a_const.ival.ival <= len(listed):
                node = listed[node.a_const.ival.ival - 1]
            elif node.WhichOneof("node") == "column_ref" and len(node.column_ref.fields) == 1:
                node = outputs.get(node.column_ref.fields[0].string.sval, node)
            found.add(expression_text(node))
        return found

    if inner.group_clause:
        yield texts(inner.group_clause)
    elif any(
        isinstance(n, pg.FuncCall) and not n.HasField("over") and n.funcname[-1].string.sval in _AGGREGATES
        for value in listed
        for n in walk(value)
    ):
        yield set()
    distinct = [d for d in inner.distinct_clause if d.WhichOneof("node")]
    if distinct:
        yield texts(distinct)
    for value in listed:
        for node in walk(value):
            if isinstance(node, pg.FuncCall) and node.HasField("over"):
                over = node.over
                name = over.name or over.refname
                if name:
                    over = next((w.window_def for w in inner.window_clause if w.window_def.name == name), over)
                yield texts(over.partition_clause)


def _also(select: Any, condition: Any) -> None:
    if not select.HasField("where_clause"):
        select.where_clause.CopyFrom(condition)
        return
    both = pg.Node()
    both.bool_expr.boolop = pg.AND_EXPR
    old = select.where_clause
    flat = old.WhichOneof("node") == "bool_expr" and old.bool_expr.boolop == pg.AND_EXPR
    both.bool_expr.args.extend([_copy(a) for a in (old.bool_expr.args if flat else [old])])
    flat = condition.WhichOneof("node") == "bool_expr" and condition.bool_expr.boolop == pg.AND_EXPR
    both.bool_expr.args.extend([_copy(a) for a in (condition.bool_expr.args if flat else [condition])])
    select.where_clause.CopyFrom(both)


def _copy(node: Any) -> Any:
    made = pg.Node()
    made.CopyFrom(node)
    return made
