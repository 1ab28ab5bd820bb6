"""Other ways to ask the same: transformations of a query's tree that let indexes work.

Whether the rows are the same is for the caller to try: NULLs, ties and time zones decide it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from pgassay.model import literal, quote
from pgassay.sql.tree import PgQueryError, expression_text, parse, pg

STAR = "select-star"  # the one rewrite that returns less than the original: the same rows, not all of their columns
TypeOf = Callable[[str], str | None]  # a column's base type, None where it is unknown or not alone of its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """``sql`` asks the same in another way. ``probe`` returns a row of values for further parameters."""

    rule: str
    why: str
    sql: str
    probe: str | None = None


def alternatives(text: str, type_of: TypeOf) -> tuple[Alternative, ...]:
    """The ways that this room knows for one SELECT; none for anything else."""
    try:
        tree = parse(text)
    except PgQueryError:
        return ()
    if len(tree.stmts) != 1 or tree.stmts[0].stmt.WhichOneof("node") != "select_stmt":
        return ()
    found: list[Alternative] = []
    for rule, why, change in _IN_PLACE:
        copy = pg.ParseResult()
        copy.CopyFrom(tree)
        if change(copy.stmts[0].stmt.select_stmt, type_of):
            _add(found, rule, why, copy)
    for maker in (_or_to_union, _keyset, _count_exists, _latest):
        found += maker(tree)
    return tuple(found)


def _add(found: list[Alternative], rule: str, why: str, tree: Any) -> None:
    try:
        found.append(Alternative(rule=rule, why=why, sql=_text(tree)))
    except PgQueryError:
        return


def _text(tree: Any) -> str:
    from postgast import deparse

    text: str = deparse(tree)
    return text


def _parsed(text: str) -> Any:
    return parse(f"SELECT {text}").stmts[0].stmt.select_stmt.target_list[0].res_target.val


def _walk(message: Message) -> Iterator[Message]:
    waiting = [message]
    while waiting:
        each = waiting.pop()
        yield each
        for descriptor, value in each.ListFields():
            if descriptor.message_type is not None:
                waiting.extend(value if descriptor.is_repeated else [value])


def _conditions(stmt: Any) -> Iterator[Any]:
    """The nodes of all WHERE and ON clauses, subqueries' too, that stand for a truth value."""
    for each in _walk(stmt):
        tops = []
        if isinstance(each, pg.SelectStmt) and each.HasField("where_clause"):
            tops.append(each.where_clause)
        if isinstance(each, pg.JoinExpr) and each.HasField("quals"):
            tops.append(each.quals)
        while tops:
            node = tops.pop()
            yield node
            if node.WhichOneof("node") == "bool_expr":
                tops.extend(node.bool_expr.args)


def _operator(node: Any) -> tuple[str, Any, Any] | None:
    if node.WhichOneof("node") != "a_expr" or node.a_expr.kind != pg.AEXPR_OP or not node.a_expr.HasField("lexpr"):
        return None
    return node.a_expr.name[-1].string.sval, node.a_expr.lexpr, node.a_expr.rexpr


def _constant(node: Any) -> bool:
    return not any(isinstance(e, pg.ColumnRef | pg.SubLink) for e in _walk(node))


def _column(node: Any) -> str | None:
    return expression_text(node) if node.WhichOneof("node") == "column_ref" else None


def _bare_name(node: Any) -> str:
    last = node.column_ref.fields[-1]
    return str(last.string.sval)


def _put(node: Any, text: str) -> None:
    node.CopyFrom(_parsed(text))


# in place


def _any_to_contains(stmt: Any, _type_of: TypeOf) -> bool:
    done = False
    for node in list(_conditions(stmt)):
        if node.WhichOneof("node") != "a_expr" or node.a_expr.kind != pg.AEXPR_OP_ANY:
            continue
        expr = node.a_expr
        column = _column(expr.rexpr)
        if expr.name[-1].string.sval == "=" and column and _constant(expr.lexpr):
            _put(node, f"{column} @> ARRAY[{expression_text(expr.lexpr)}]")
            done = True
    return done


_STEPS = {"minute", "hour", "day", "week", "month", "quarter", "year"}


def _date_range(stmt: Any, type_of: TypeOf) -> bool:
    done = False
    for node in list(_conditions(stmt)):
        compared = _operator(node)
        if compared is None or compared[0] != "=":
            continue
        _, left, right = compared
        for one, other in ((left, right), (right, left)):
            text = _as_range(one, other, type_of) if _constant(other) else None
            if text is not None:
                _put(node, f"({text})")
                done = True
                break
    return done


def _as_range(node: Any, value: Any, type_of: TypeOf) -> str | None:
    kind = node.WhichOneof("node")
    against = expression_text(value)
    if kind == "type_cast" and node.type_cast.type_name.names[-1].string.sval == "date":
        column = _column(node.type_cast.arg)
        return None if column is None else _between(column, f"({against})::date", f"(({against})::date + 1)")
    if kind != "func_call":
        return None
    name = node.func_call.funcname[-1].string.sval
    args = list(node.func_call.args)
    if name == "to_char" and len(args) == 2 and args[1].WhichOneof("node") == "a_const":
        return _of_format(args[0], args[1].a_const.sval.sval, against)
    if name == "date" and len(args) == 1 and (column := _column(args[0])):
        return _between(column, f"({against})::date", f"(({against})::date + 1)")
    if len(args) != 2 or args[0].WhichOneof("node") != "a_const" or (column := _column(args[1])) is None:
        return None
    step = args[0].a_const.sval.sval.lower()
    base = type_of(_bare_name(args[1])) or "timestamp without time zone"
    if name == "date_trunc" and step in _STEPS:
        length = "3 months" if step == "quarter" else f"1 {step}"
        typed = f"({against})::{base}"
        return _between(column, typed, f"({typed} + interval '{length}')")
    if name in ("extract", "date_part") and step == "year":
        year = f"({against})::integer"
        return _between(column, f"make_date({year}, 1, 1)", f"make_date({year} + 1, 1, 1)")
    return None


_FORMATS = {"YYYY-MM-DD": "1 day", "YYYYMMDD": "1 day", "YYYY-MM": "1 month", "YYYYMM": "1 month", "YYYY": "1 year"}


def _of_format(node: Any, form: str, against: str) -> str | None:
    """``to_char(ts, 'YYYY-MM') = '2024-03'``, also of a time at some zone."""
    step = _FORMATS.get(form.upper())
    if step is None:
        return None
    low = f"to_date({against}, '{form}')::timestamp"
    high = f"({low} + interval '{step}')"
    zoned = node.func_call if node.WhichOneof("node") == "func_call" else None
    if zoned is not None and zoned.funcname[-1].string.sval == "timezone" and len(zoned.args) == 2:
        column, zone = _column(zoned.args[1]), zoned.args[0]
        if column is None or not _constant(zone):
            return None
        at = f"AT TIME ZONE {expression_text(zone)}"
        return _between(column, f"(({low}) {at})", f"({high} {at})")
    column = _column(node)
    return None if column is None else _between(column, low, high)


def _between(column: str, low: str, high: str) -> str:
    return f"{column} >= {low} AND {column} < {high}"


_MOVED = {"+": "-", "-": "+"}


def _arithmetic(stmt: Any, type_of: TypeOf) -> bool:
    """``x + interval '1 day' > now()`` becomes ``x > now() - interval '1 day'``."""
    done = False
    for node in list(_conditions(stmt)):
        compared = _operator(node)
        if compared is None or compared[0] not in ("=", "<", "<=", ">", ">="):
            continue
        operator, left, right = compared
        inner = _operator(left)
        if inner is None or inner[0] not in _MOVED or not _constant(right) or not _constant(inner[2]):
            continue
        column = _column(inner[1])
        if column is not None:
            base = type_of(_bare_name(inner[1]))
            typed = f"({expression_text(right)})" + (f"::{base}" if base else "")
            value = f"{typed} {_MOVED[inner[0]]} ({expression_text(inner[2])})"
            _put(node, f"{column} {operator} {value}")
            done = True
    return done


def _position(stmt: Any, _type_of: TypeOf) -> bool:
    """``position('x' IN body) > 0`` becomes ``body LIKE '%x%'``, which a trigram index serves."""
    done = False
    for node in list(_conditions(stmt)):
        compared = _operator(node)
        if compared is None or (compared[0], expression_text(compared[2])) not in (
            (">", "0"),
            (">=", "1"),
            ("<>", "0"),
        ):
            continue
        call = compared[1].func_call if compared[1].WhichOneof("node") == "func_call" else None
        if call is None or call.funcname[-1].string.sval not in ("position", "strpos") or len(call.args) != 2:
            continue
        # The parser has turned position(x IN y) round: both functions name the text first.
        text, part = call.args
        if part.WhichOneof("node") == "a_const" and part.a_const.WhichOneof("val") == "sval" and not _constant(text):
            pattern = re.sub(r"([%_\\])", r"\\\1", part.a_const.sval.sval)
            _put(node, f"{expression_text(text)} LIKE {literal('%' + pattern + '%')}")
            done = True
    return done


def _ilike(stmt: Any, _type_of: TypeOf) -> bool:
    """``mail ILIKE 'a@b.example'``, a pattern of no wildcards, is an equality of lower case."""
    done = False
    for node in list(_conditions(stmt)):
        if node.WhichOneof("node") != "a_expr" or node.a_expr.kind != pg.AEXPR_ILIKE:
            continue
        expr = node.a_expr
        column, value = _column(expr.lexpr), expr.rexpr
        if column is None or expr.name[-1].string.sval != "~~*" or value.WhichOneof("node") != "a_const":
            continue
        if value.a_const.WhichOneof("val") == "sval" and not re.search(r"[%_\\]", value.a_const.sval.sval):
            _put(node, f"lower({column}) = lower({expression_text(value)})")
            done = True
    return done


def _star(stmt: Any, _type_of: TypeOf) -> bool:
    """``SELECT *`` of one table, with only the columns that the query itself speaks of."""
    if len(stmt.from_clause) != 1 or stmt.from_clause[0].WhichOneof("node") != "range_var" or not _plain(stmt):
        return False
    if len(stmt.target_list) != 1 or _last(stmt.target_list[0].res_target.val) != "*":
        return False
    parts = [stmt.where_clause, *(s.sort_by.node for s in stmt.sort_clause)]
    found = {expression_text(n): n for p in parts for n in _walk(p) if isinstance(n, pg.Node) and _column(n)}
    if not found:
        return False
    del stmt.target_list[:]
    for name in sorted(found):
        stmt.target_list.add().res_target.val.CopyFrom(_parsed(name))
    return True


_WHOLE = {"integer", "bigint", "smallint", "uuid", "numeric"}


def _casts(stmt: Any, type_of: TypeOf) -> bool:
    """A cast of the column, written or by a constant of another type, moves to the constant."""
    done = False
    for node in list(_conditions(stmt)):
        compared = _operator(node)
        if compared is None or compared[0] != "=":
            continue
        _, left, right = compared
        for one, other in ((left, right), (right, left)):
            if not _constant(other):
                continue
            cast = one.WhichOneof("node") == "type_cast"
            inner = one.type_cast.arg if cast else one
            column = _column(inner)
            base = type_of(_bare_name(inner)) if column else None
            if column is None or base not in _WHOLE or not (cast or _of_another_type(other, base)):
                continue
            _put(node, f"{column} = ({expression_text(other)})::{base}")
            done = True
            break
    return done


def _of_another_type(node: Any, base: str) -> bool:
    """Whether a constant's own type makes PostgreSQL convert an integer column instead."""
    if base not in ("integer", "bigint", "smallint"):
        return False
    if node.WhichOneof("node") == "type_cast":
        return node.type_cast.type_name.names[-1].string.sval in ("numeric", "float8", "float4")
    return bool(node.WhichOneof("node") == "a_const" and node.a_const.WhichOneof("val") == "fval")


def _not_in(stmt: Any, _type_of: TypeOf) -> bool:
    done = False
    aliases = _aliases(stmt)
    for node in list(_conditions(stmt)):
        if node.WhichOneof("node") != "bool_expr" or node.bool_expr.boolop != pg.NOT_EXPR:
            continue
        inner = node.bool_expr.args[0]
        if inner.WhichOneof("node") != "sub_link" or inner.sub_link.sub_link_type != pg.ANY_SUBLINK:
            continue
        link = inner.sub_link
        select = link.subselect.select_stmt
        plain = not (select.group_clause or select.HasField("limit_count") or select.op not in (0, pg.SETOP_NONE))
        own = _aliases(select)
        if len(select.target_list) != 1 or not plain or len(own) != 1 or select.HasField("having_clause"):
            continue
        wanted, asked = select.target_list[0].res_target.val, link.testexpr
        if wanted.WhichOneof("node") != "column_ref" or asked.WhichOneof("node") != "column_ref":
            continue
        if len(wanted.column_ref.fields) == 1:
            _qualify(wanted, own[0])
        if len(asked.column_ref.fields) == 1:
            if len(aliases) != 1 or aliases[0] == own[0]:
                continue
            _qualify(asked, aliases[0])
        condition = f"{expression_text(wanted)} = {expression_text(asked)}"
        if select.HasField("where_clause"):
            condition = f"({expression_text(select.where_clause)}) AND {condition}"
        select.where_clause.CopyFrom(_parsed(condition))
        select.target_list[0].res_target.val.CopyFrom(_parsed("1"))
        link.sub_link_type = pg.EXISTS_SUBLINK
        link.ClearField("testexpr")
        done = True
    return done


def _aliases(select: Any) -> list[str]:
    if any(item.WhichOneof("node") != "range_var" for item in select.from_clause):
        return []
    return [item.range_var.alias.aliasname or item.range_var.relname for item in select.from_clause]


def _qualify(node: Any, alias: str) -> None:
    first = pg.Node()
    first.string.sval = alias
    fields = [first, *node.column_ref.fields]
    kept = [pg.Node() for _ in fields]
    for new, old in zip(kept, fields, strict=True):
        new.CopyFrom(old)
    del node.column_ref.fields[:]
    node.column_ref.fields.extend(kept)


def _count_compared(stmt: Any, _type_of: TypeOf) -> bool:
    """``(SELECT count(*) …) > 0`` becomes EXISTS."""
    done = False
    for node in _walk(stmt):
        if not isinstance(node, pg.Node):
            continue
        compared = _operator(node)
        if compared is None:
            continue
        operator, left, right = compared
        wanted = {(">", "0"): True, (">=", "1"): True, ("<>", "0"): True, ("=", "0"): False, ("<", "1"): False}
        if left.WhichOneof("node") != "sub_link" or left.sub_link.sub_link_type != pg.EXPR_SUBLINK:
            continue
        select = left.sub_link.subselect.select_stmt
        exists = wanted.get((operator, expression_text(right)))
        if exists is None or not _counts_rows(select):
            continue
        inner = pg.Node()
        inner.CopyFrom(left)
        inner.sub_link.sub_link_type = pg.EXISTS_SUBLINK
        inner.sub_link.subselect.select_stmt.target_list[0].res_target.val.CopyFrom(_parsed("1"))
        if exists:
            node.CopyFrom(inner)
        else:
            outer = pg.Node()
            outer.bool_expr.boolop = pg.NOT_EXPR
            outer.bool_expr.args.append(inner)
            node.CopyFrom(outer)
        done = True
    return done


def _counts_rows(select: Any) -> bool:
    if len(select.target_list) != 1 or select.group_clause or select.HasField("limit_count"):
        return False
    value = select.target_list[0].res_target.val
    return bool(value.WhichOneof("node") == "func_call" and value.func_call.agg_star)


_IN_PLACE: tuple[tuple[str, str, Callable[[Any, TypeOf], bool]], ...] = (
    ("array-any", "= ANY (column) cannot use an index; @> can, with GIN", _any_to_contains),
    ("date-function", "a range on the bare column can use a plain index, whatever the time zone", _date_range),
    ("column-arithmetic", "arithmetic on the column hides it from its index: it moves to the other side", _arithmetic),
    ("cast-on-column", "a cast of the column hides it from its index: it moves to the constant", _casts),
    ("not-in", "NOT IN over a subquery cannot become an anti-join, NOT EXISTS can", _not_in),
    ("count-for-existence", "count(*) reads all rows to learn that there is one", _count_compared),
    ("position-to-like", "LIKE with wildcards on both sides can use a trigram index, position() cannot", _position),
    ("ilike-to-lower", "ILIKE without a wildcard is an equality of lower case, which a B-tree finds", _ilike),
    (STAR, "where the application needs no other columns, an index alone can answer", _star),
)


# whole queries


def _plain(select: Any) -> bool:
    """A SELECT of one level: no set operation, grouping, windows, DISTINCT, locks or aggregates."""
    if select.op not in (0, pg.SETOP_NONE) or select.HasField("with_clause") or select.locking_clause:
        return False
    if select.group_clause or select.HasField("having_clause") or select.distinct_clause or select.window_clause:
        return False
    return not any(isinstance(e, pg.FuncCall) for t in select.target_list for e in _walk(t))


def _or_to_union(tree: Any) -> list[Alternative]:
    select = tree.stmts[0].stmt.select_stmt
    if not _plain(select) or not select.HasField("where_clause") or select.HasField("limit_offset"):
        return []
    where = select.where_clause
    parts = list(where.bool_expr.args) if _is(where, pg.AND_EXPR) else [where]
    ors = [p for p in parts if _is(p, pg.OR_EXPR)]
    if len(ors) != 1 or not 2 <= len(ors[0].bool_expr.args) <= 6:
        return []
    outputs = {t.res_target.name or _last(t.res_target.val) for t in select.target_list}
    sorts = [s.sort_by.node for s in select.sort_clause]
    if not all(n.WhichOneof("node") == "column_ref" and (_last(n) in outputs or "*" in outputs) for n in sorts):
        return []
    rest = [expression_text(p) for p in parts if p is not ors[0]]
    arms = [expression_text(a) for a in ors[0].bool_expr.args]
    texts = []
    for n, arm in enumerate(arms):
        copy = pg.ParseResult()
        copy.CopyFrom(tree)
        conditions = [*(f"({r})" for r in rest), f"({arm})", *(f"({a}) IS NOT TRUE" for a in arms[:n])]
        one = copy.stmts[0].stmt.select_stmt
        one.where_clause.CopyFrom(_parsed(" AND ".join(conditions)))
        if not select.HasField("limit_count"):
            del one.sort_clause[:]
        texts.append(f"({_text(copy)})" if one.sort_clause else _text(copy))
    sql = "\nUNION ALL\n".join(texts)
    if sorts:
        keys = []
        for sort in select.sort_clause:
            direction = " DESC" if sort.sort_by.sortby_dir == pg.SORTBY_DESC else ""
            nulls = {pg.SORTBY_NULLS_FIRST: " NULLS FIRST", pg.SORTBY_NULLS_LAST: " NULLS LAST"}
            keys.append(_last_text(sort.sort_by.node) + direction + nulls.get(sort.sort_by.sortby_nulls, ""))
        sql += f"\nORDER BY {', '.join(keys)}"
    if select.HasField("limit_count"):
        sql += f"\nLIMIT {expression_text(select.limit_count)}"
    why = "each branch can use an index of its own, also across tables and with a LIMIT"
    return [Alternative(rule="or-to-union", why=why, sql=sql)]


def _is(node: Any, operator: int) -> bool:
    return bool(node.WhichOneof("node") == "bool_expr" and node.bool_expr.boolop == operator)


def _last(node: Any) -> str:
    if node.WhichOneof("node") != "column_ref":
        return ""
    last = node.column_ref.fields[-1]
    return "*" if last.WhichOneof("node") == "a_star" else str(last.string.sval)


def _last_text(node: Any) -> str:
    return quote(_last(node))


def _keyset(tree: Any) -> list[Alternative]:
    select = tree.stmts[0].stmt.select_stmt
    if not _plain(select) or not select.HasField("limit_offset") or not select.sort_clause:
        return []
    nodes = [s.sort_by for s in select.sort_clause]
    directions = {n.sortby_dir == pg.SORTBY_DESC for n in nodes}
    if len(directions) != 1 or any(n.node.WhichOneof("node") != "column_ref" for n in nodes):
        return []
    keys = [expression_text(n.node) for n in nodes]
    first = max((e.number for e in _walk(tree) if isinstance(e, pg.ParamRef)), default=0) + 1
    values = ", ".join(f"${first + n}" for n in range(len(keys)))
    condition = f"({', '.join(keys)}) {'<' if directions == {True} else '>'} ({values})"
    if len(keys) == 1:
        condition = f"{keys[0]} {'<' if directions == {True} else '>'} {values}"
    probe, copy = pg.ParseResult(), pg.ParseResult()
    probe.CopyFrom(tree)
    copy.CopyFrom(tree)
    page = copy.stmts[0].stmt.select_stmt
    if page.HasField("where_clause"):
        condition = f"({expression_text(page.where_clause)}) AND {condition}"
    page.where_clause.CopyFrom(_parsed(condition))
    offset = expression_text(page.limit_offset)
    page.ClearField("limit_offset")
    before = probe.stmts[0].stmt.select_stmt
    del before.target_list[:]
    for key in keys:
        before.target_list.add().res_target.val.CopyFrom(_parsed(key))
    before.limit_offset.CopyFrom(_parsed(f"({offset}) - 1"))
    before.limit_count.CopyFrom(_parsed("1"))
    why = "OFFSET reads and throws away all rows before the page; the last row of the page before says where to go on"
    return [Alternative(rule="offset-to-keyset", why=why, sql=_text(copy), probe=_text(probe))]


def _count_exists(tree: Any) -> list[Alternative]:
    """``SELECT count(*) > 0 FROM …``."""
    select = tree.stmts[0].stmt.select_stmt
    if len(select.target_list) != 1 or select.group_clause or select.HasField("with_clause"):
        return []
    compared = _operator(select.target_list[0].res_target.val)
    if compared is None or (compared[0], expression_text(compared[2])) not in ((">", "0"), (">=", "1")):
        return []
    left = compared[1]
    if left.WhichOneof("node") != "func_call" or not left.func_call.agg_star:
        return []
    copy = pg.ParseResult()
    copy.CopyFrom(tree)
    copy.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(_parsed("1"))
    why = "count(*) reads all rows to learn that there is one"
    return [Alternative(rule="count-for-existence", why=why, sql=f"SELECT EXISTS ({_text(copy)})")]


def _latest(tree: Any) -> list[Alternative]:
    """``SELECT DISTINCT ON (k) … ORDER BY k, t DESC`` of one table, by a jump from key to key."""
    select = tree.stmts[0].stmt.select_stmt
    if len(select.distinct_clause) != 1 or len(select.from_clause) != 1 or select.group_clause:
        return []
    key, source = select.distinct_clause[0], select.from_clause[0]
    if key.WhichOneof("node") != "column_ref" or source.WhichOneof("node") != "range_var" or not select.sort_clause:
        return []
    if select.HasField("limit_count") or select.HasField("with_clause") or len(select.sort_clause) < 2:
        return []
    if expression_text(select.sort_clause[0].sort_by.node) != expression_text(key):
        return []
    if select.sort_clause[0].sort_by.sortby_dir == pg.SORTBY_DESC:
        return []
    column = _last_text(key)
    table = expression_from(source)
    copy = pg.ParseResult()
    copy.CopyFrom(tree)
    one = copy.stmts[0].stmt.select_stmt
    del one.distinct_clause[:]
    rest = [pg.Node() for _ in one.sort_clause[1:]]
    for new, old in zip(rest, one.sort_clause[1:], strict=True):
        new.CopyFrom(old)
    del one.sort_clause[:]
    one.sort_clause.extend(rest)
    where = f"({expression_text(one.where_clause)}) AND " if one.HasField("where_clause") else ""
    filtered = where.removesuffix(" AND ")
    own = expression_text(key)
    one.where_clause.CopyFrom(_parsed(f"{where}{own} = keys.key"))
    one.limit_count.CopyFrom(_parsed("1"))
    one.limit_option = pg.LIMIT_OPTION_COUNT
    first = f"SELECT {own} AS key FROM {table}" + (f" WHERE {filtered}" if filtered else "")
    sql = (
        f"WITH RECURSIVE keys AS (\n  ({first} ORDER BY {own} LIMIT 1)\n  UNION ALL\n"
        f"  SELECT (SELECT {own} FROM {table} WHERE {where}{own} > keys.key ORDER BY {own} LIMIT 1)"
        f" FROM keys WHERE keys.key IS NOT NULL\n)\n"
        f"SELECT latest.* FROM keys CROSS JOIN LATERAL (\n  {_text(copy)}\n) AS latest\nORDER BY keys.key"
    )
    why = f"one row for each {column}: an index on ({column}, …) can jump from key to key instead of reading all rows"
    return [Alternative(rule="latest-by-key", why=why, sql=sql)]


def expression_from(source: Any) -> str:
    """One item of FROM as SQL."""
    tree = parse("SELECT 1 FROM t")
    tree.stmts[0].stmt.select_stmt.from_clause[0].CopyFrom(source)
    return _text(tree).removeprefix("SELECT 1 FROM ")
