"""What an expression says about the types of the columns in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pgassay.model import Name
from pgassay.sql.tree import name_of_strings, pg, type_text
from pgassay.sql.usage_known import BUILT_IN, EXTENSION_FUNCTIONS, EXTENSION_TYPES, FUNCTIONS, PLATFORM_FUNCTIONS
from pgassay.sql.usage_objects import ARGUMENT, COMPARED, WEAK, Column, Relation
from pgassay.sql.usage_world import World


@dataclass(slots=True)
class Known:
    """A value of a known type."""

    type: str


@dataclass(slots=True)
class Quoted:
    """A string literal, which takes the type of what it meets."""

    text: str


@dataclass(slots=True)
class Number:
    """A numeric literal."""

    text: str


@dataclass(slots=True)
class Items:
    """An array of terms alike."""

    item: Term


Term: TypeAlias = "Column | Known | Quoted | Number | Items | None"


@dataclass(slots=True)
class Source:
    """One entry of a FROM clause: a relation, or a query's columns."""

    alias: str
    relation: Relation | None = None
    columns: dict[str, Term] = field(default_factory=dict)
    opaque: bool = False


@dataclass(slots=True)
class Scope:
    """What names mean inside a query. ``queries`` are its WITH clauses."""

    sources: list[Source] = field(default_factory=list)
    parent: Scope | None = None
    queries: dict[str, Source] = field(default_factory=dict)

    def inner(self) -> Scope:
        """A scope within this one."""
        return Scope(parent=self, queries=dict(self.queries))

    def chain(self) -> Iterable[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


_SYSTEM_COLUMNS = {"ctid": "tid", "xmin": "xid", "xmax": "xid", "cmin": "cid", "cmax": "cid", "tableoid": "oid"}

_T, _TS, _J, _B = "text", "timestamptz", "jsonb", "boolean"

_CLOCK = {
    pg.SVFOP_CURRENT_DATE: "date",
    pg.SVFOP_CURRENT_TIME: "timetz",
    pg.SVFOP_CURRENT_TIMESTAMP: _TS,
    pg.SVFOP_CURRENT_TIMESTAMP_N: _TS,
    pg.SVFOP_LOCALTIMESTAMP: "timestamp",
    pg.SVFOP_LOCALTIME: "time",
}
_NUMERIC = {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
_TIMES = {"date", "timestamp", _TS}


def unify(left: Term, right: Term, weight: int = COMPARED) -> None:
    """The two terms meet, so they have one type."""
    if isinstance(right, Column) and not isinstance(left, Column):
        left, right = right, left
    match left, right:
        case Column(), Column():
            left.like(right)
        case Column(), Known(type=type):
            left.hint(weight, type)
        case Column(), Quoted(text=text):
            left.literals.append(text)
        case Column(), Number(text=text):
            left.numbers.append(text)
        case Column(), Items(item=item):
            left.hint(weight, array_of(item))
        case Items(item=one), Items(item=two):
            unify(one, two, weight)
        case Items(item=one), Known(type=type):
            if type.endswith("[]"):
                unify(one, Known(type[:-2]), weight)
        case Known(), Items():
            unify(right, left, weight)


def array_of(item: Term) -> str:
    """The array type of such items."""
    match item:
        case Known(type=type):
            return f"{type}[]"
        case Number():
            return "integer[]"
    return "text[]"


class Reader:
    """Reads expressions and queries against a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    # Types

    def type(self, type_name: pg.TypeName) -> str:
        """The text of a type; types that nobody made become known to the world."""
        text = type_text(type_name)
        names = [n.string.sval for n in type_name.names]
        if type_name.pct_type:
            relation = self.world.relation(Name(names[-3] if len(names) > 2 else None, names[-2]))
            if relation:
                relation.column(names[-1], self.world.place)
            return "text"
        if names and names[0] != "pg_catalog":
            name = name_of_strings(type_name.names)
            if name.schema or name.name not in BUILT_IN:
                extension = EXTENSION_TYPES.get(name.name)
                if extension and name not in self.world.types:
                    self.world.extension(extension)
                else:
                    self.world.type(name)
        return text

    # Expressions

    def term(self, node: pg.Node, scope: Scope) -> Term:
        """What one expression is; what it compares is noted on the way."""
        kind = node.WhichOneof("node")
        reader = getattr(self, f"_{kind}", None) if kind else None
        if reader is not None:
            found: Term = reader(getattr(node, kind or ""), scope)
            return found
        if kind:
            self._children(getattr(node, kind), scope)
        return None

    def terms(self, nodes: Iterable[pg.Node], scope: Scope) -> list[Term]:
        """Several expressions."""
        return [self.term(node, scope) for node in nodes]

    def condition(self, node: pg.Node, scope: Scope) -> None:
        """An expression that must be boolean."""
        unify(self.term(node, scope), Known(_B))

    def _children(self, message: object, scope: Scope) -> None:
        for descriptor, value in message.ListFields():  # type: ignore[attr-defined]
            if descriptor.message_type is None:
                continue
            for item in value if descriptor.is_repeated else (value,):
                if isinstance(item, pg.Node):
                    self.term(item, scope)
                elif isinstance(item, pg.TypeName):
                    self.type(item)
                else:
                    self._children(item, scope)

    def _column_ref(self, ref: pg.ColumnRef, scope: Scope) -> Term:
        names = [f.string.sval for f in ref.fields if f.HasField("string")]
        if len(names) < len(ref.fields) or not names:
            return None  # a star
        *qualifier, name = names
        if qualifier:
            return self._qualified(qualifier[-1], name, scope)
        return self._bare(name, scope)

    def _qualified(self, alias: str, name: str, scope: Scope) -> Term:
        for level in scope.chain():
            for source in level.sources:
                if source.alias == alias:
                    if source.relation is None:
                        return source.columns.get(name)
                    if name in _SYSTEM_COLUMNS:
                        return Known(_SYSTEM_COLUMNS[name])
                    return source.relation.column(name, self.world.place)
        return None

    def _bare(self, name: str, scope: Scope) -> Term:
        if name in _SYSTEM_COLUMNS:
            return Known(_SYSTEM_COLUMNS[name])
        candidate: Relation | None = None
        for level in scope.chain():
            opaque = False
            for source in level.sources:
                if source.relation is not None and source.relation.has(name):
                    return source.relation.columns[name]
                if source.relation is None and name in source.columns:
                    return source.columns[name]
                if source.alias == name:
                    return None  # a whole row
                opaque = opaque or source.opaque or (source.relation is not None and source.relation.opaque)
                presumed = source.relation is not None and source.relation.presumed
                if presumed and candidate is None and name not in (source.relation.gone if source.relation else ()):
                    candidate = source.relation
            if opaque and candidate is None:
                return None
        return candidate.column(name, self.world.place) if candidate else None

    def _a_const(self, const: pg.A_Const, scope: Scope) -> Term:  # noqa: ARG002
        match const.WhichOneof("val"):
            case "sval":
                return Quoted(const.sval.sval)
            case "ival":
                return Number(str(const.ival.ival))
            case "fval":
                return Number(const.fval.fval)
            case "boolval":
                return Known(_B)
            case "bsval":
                return Known("bit")
        return Number("0") if not const.isnull else None

    def _type_cast(self, cast: pg.TypeCast, scope: Scope) -> Term:
        type = self.type(cast.type_name)
        inner = self.term(cast.arg, scope)
        if isinstance(inner, Quoted):
            used = self.world.typed(type)
            if used is not None and used.kind in ("enum", "unknown"):
                used.kind = "enum"
                used.label(inner.text)
            if type in {"regclass", "pg_catalog.regclass"}:
                self._relation_text(inner.text)
        elif isinstance(inner, Column) and type not in {_T, "varchar"}:
            inner.hint(WEAK, "text" if type not in {"date", "timestamp", _TS} else _TS)
        return Known(type)

    def _relation_text(self, text: str, kind: str = "table") -> None:
        parts = [p.strip('"') for p in text.split(".")] if text else []
        if parts and all(parts):
            name = Name(parts[-2] if len(parts) > 1 else None, parts[-1])
            known = self.world.known(name) is not None or (kind == "sequence" and self.world.serial(name))
            if not known and name.name not in self.world.created:
                self.world.relation(name, kind)  # type: ignore[arg-type]

    def _func_call(self, call: pg.FuncCall, scope: Scope) -> Term:
        name = name_of_strings(call.funcname)
        if call.HasField("agg_filter"):
            self.condition(call.agg_filter, scope)
        for node in [*call.agg_order, *([call.over] if call.HasField("over") else [])]:
            self._children(node, scope)
        arguments = self.terms(call.args, scope)
        if name.schema not in (None, "pg_catalog"):
            return self._own_call(name, arguments)
        takes, gives = FUNCTIONS.get(name.name, ((), ""))
        if name.name in {"nextval", "currval", "setval"} and arguments and isinstance(arguments[0], Quoted):
            self._relation_text(arguments[0].text, "sequence")
        if name.name == "timezone" and len(arguments) == 2:
            unify(arguments[1], Known(_TS), ARGUMENT)
            return None
        for argument, type in zip(arguments, takes, strict=False):
            if isinstance(argument, Column) and type:
                argument.hint(ARGUMENT, type)
        if name.name in {"to_tsvector"} and arguments and isinstance(arguments[-1], Column):
            arguments[-1].hint(ARGUMENT, _T)
        if name.name not in FUNCTIONS and name.schema is None:
            extension = EXTENSION_FUNCTIONS.get(name.name)
            if not self._made(name):
                if extension:
                    self.world.extension(extension)
                else:
                    self.world.calls.setdefault(name, self.world.place)
        elif name.name in EXTENSION_FUNCTIONS and not self._made(name):
            self.world.extension(EXTENSION_FUNCTIONS[name.name])
        if gives == "=":
            return arguments[0] if arguments else None
        return Known(gives) if gives else None

    def _made(self, name: Name) -> bool:
        return any(r.name.name == name.name for r in self.world.routines)

    def _own_call(self, name: Name, arguments: Sequence[Term]) -> Term:
        if self._made(name) and not any(r.presumed for r in self.world.routines if r.name.name == name.name):
            return None
        if name.name in EXTENSION_FUNCTIONS:
            self.world.schema(name.schema or "public")
            self.world.extension(EXTENSION_FUNCTIONS[name.name])
            return None
        self.world.routine(name, tuple(argument_type(a) for a in arguments))
        gives = PLATFORM_FUNCTIONS.get(str(name))
        return Known(gives) if gives else None

    def _a_expr(self, expr: pg.A_Expr, scope: Scope) -> Term:
        operator = expr.name[-1].string.sval if expr.name else "="
        left = self.term(expr.lexpr, scope)
        if expr.kind in {
            pg.AEXPR_IN,
            pg.AEXPR_BETWEEN,
            pg.AEXPR_NOT_BETWEEN,
            pg.AEXPR_BETWEEN_SYM,
            pg.AEXPR_NOT_BETWEEN_SYM,
        }:
            for item in self.terms(expr.rexpr.list.items, scope):
                unify(left, item)
            return Known(_B)
        right = self.term(expr.rexpr, scope)
        match expr.kind:
            case pg.AEXPR_OP_ANY | pg.AEXPR_OP_ALL:
                if isinstance(right, Items):
                    unify(left, right.item)
                elif isinstance(right, Known) and right.type.endswith("[]"):
                    unify(left, Known(right.type[:-2]))
                elif isinstance(right, Column):
                    right.hint(ARGUMENT, array_of(left))
                return Known(_B)
            case pg.AEXPR_LIKE | pg.AEXPR_ILIKE | pg.AEXPR_SIMILAR:
                for side in (left, right):
                    unify(side, Known(_T), ARGUMENT)
                return Known(_B)
            case pg.AEXPR_NULLIF:
                unify(left, right)
                return left
            case pg.AEXPR_DISTINCT | pg.AEXPR_NOT_DISTINCT:
                unify(left, right)
                return Known(_B)
        return self._operator(operator, left, right)

    def _operator(self, operator: str, left: Term, right: Term) -> Term:
        match operator:
            case "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=":
                unify(left, right)
                return Known(_B)
            case "+" | "-" | "*" | "/" | "%" | "^":
                return self._arithmetic(operator, left, right)
            case "||":
                for side, other in ((left, right), (right, left)):
                    if isinstance(side, Column):
                        joined = (
                            other.type
                            if isinstance(other, Known)
                            else array_of(other.item)
                            if isinstance(other, Items)
                            else _T
                        )
                        side.hint(WEAK, joined if joined == _J or joined.endswith("[]") else _T)
                known = next((s for s in (left, right) if isinstance(s, Known) and s.type == _J), None)
                return known or (left if isinstance(left, Items) else Known(_T))
            case "->" | "#>" | "->>" | "#>>":
                unify(left, Known(_J), ARGUMENT)
                return Known(_T if operator.endswith(">>") else _J)
            case "?" | "?|" | "?&" | "@?":
                unify(left, Known(_J), ARGUMENT)
                return Known(_B)
            case "@>" | "<@" | "&&":
                sides = (left, right) if operator != "<@" else (right, left)
                if isinstance(sides[0], Column) and isinstance(sides[1], Quoted):
                    sides[0].hint(ARGUMENT, _J if sides[1].text.lstrip()[:2] in ('{"', "[{", '["', "{}") else "text[]")
                else:
                    unify(left, right)
                return Known(_B)
            case "@@":
                unify(left, Known("tsvector"), ARGUMENT)
                return Known(_B)
            case "~" | "~*" | "!~" | "!~*" | "~~" | "~~*" | "^@":
                unify(left, Known(_T), ARGUMENT)
                return Known(_B)
        return None

    def _arithmetic(self, operator: str, left: Term, right: Term) -> Term:
        types = {s.type for s in (left, right) if isinstance(s, Known)}
        if "interval" in types:
            for side in (left, right):
                if isinstance(side, Column):
                    side.hint(ARGUMENT, _TS)
            return Known(_TS) if operator in "+-" else Known("interval")
        if types & _TIMES and operator == "-":
            for side in (left, right):
                if isinstance(side, Column):
                    side.hint(WEAK, _TS)
            return Known("interval")
        if operator == "-" and _J in types:
            return Known(_J)
        for side in (left, right):
            if isinstance(side, Column):
                side.numbers.append("0")
        known = next((t for t in ("numeric", "double precision", "bigint", "integer") if t in types), None)
        column = next((s for s in (left, right) if isinstance(s, Column)), None)
        if column is not None:
            for side in (left, right):
                unify(column, side, WEAK) if not isinstance(side, Column) else None
            return column
        return Known(known) if known else next((s for s in (left, right) if isinstance(s, Number)), None)

    def _bool_expr(self, expr: pg.BoolExpr, scope: Scope) -> Term:
        for argument in expr.args:
            self.condition(argument, scope)
        return Known(_B)

    def _null_test(self, test: pg.NullTest, scope: Scope) -> Term:
        self.term(test.arg, scope)
        return Known(_B)

    def _boolean_test(self, test: pg.BooleanTest, scope: Scope) -> Term:
        self.condition(test.arg, scope)
        return Known(_B)

    def _coalesce_expr(self, expr: pg.CoalesceExpr, scope: Scope) -> Term:
        return self._alike(self.terms(expr.args, scope))

    def _min_max_expr(self, expr: pg.MinMaxExpr, scope: Scope) -> Term:
        return self._alike(self.terms(expr.args, scope))

    def _alike(self, terms: Sequence[Term]) -> Term:
        terms = [t for t in terms if t is not None]
        ranked = sorted(terms, key=lambda t: (not isinstance(t, Column), not isinstance(t, Known)))
        for other in ranked[1:]:
            unify(ranked[0], other)
        return ranked[0] if ranked else None

    def _case_expr(self, expr: pg.CaseExpr, scope: Scope) -> Term:
        subject = self.term(expr.arg, scope) if expr.HasField("arg") else None
        results = []
        for node in expr.args:
            when = node.case_when
            if expr.HasField("arg"):
                unify(subject, self.term(when.expr, scope))
            else:
                self.condition(when.expr, scope)
            results.append(self.term(when.result, scope))
        if expr.HasField("defresult"):
            results.append(self.term(expr.defresult, scope))
        return self._alike(results)

    def _a_array_expr(self, expr: pg.A_ArrayExpr, scope: Scope) -> Term:
        return Items(self._alike(self.terms(expr.elements, scope)))

    def _collate_clause(self, clause: pg.CollateClause, scope: Scope) -> Term:
        inner = self.term(clause.arg, scope)
        unify(inner, Known(_T), ARGUMENT)
        return inner

    def _a_indirection(self, expr: pg.A_Indirection, scope: Scope) -> Term:
        inner = self.term(expr.arg, scope)
        subscript = any(n.WhichOneof("node") == "a_indices" for n in expr.indirection)
        if isinstance(inner, Column) and subscript:
            text = any(
                n.a_indices.uidx.a_const.WhichOneof("val") == "sval"
                for n in expr.indirection
                if n.WhichOneof("node") == "a_indices"
            )
            inner.hint(ARGUMENT, _J if text else "text[]")
        if isinstance(inner, Known) and subscript and inner.type.endswith("[]"):
            return Known(inner.type[:-2])
        return None

    def _sqlvalue_function(self, expr: pg.SQLValueFunction, scope: Scope) -> Term:  # noqa: ARG002
        return Known(_CLOCK.get(expr.op, _T))

    def _res_target(self, target: pg.ResTarget, scope: Scope) -> Term:
        return self.term(target.val, scope)


def argument_type(term: Term) -> str:
    """The type of an argument, ``?`` where it is unknown."""
    match term:
        case Known(type=type):
            return type
        case Column(type=str() as type):
            return type
        case Number(text=text):
            return "numeric" if "." in text else "integer"
        case Items(item=item):
            return array_of(item)
    return "?"
