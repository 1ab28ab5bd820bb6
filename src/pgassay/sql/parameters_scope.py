"""What a query's names mean: its sources, and the columns of tables behind them."""

from __future__ import annotations

from dataclasses import dataclass, field

from postgast import pg_query_pb2 as pg

from pgassay.model import Name

# Functions that leave a value comparable with the column's own.
_TRANSPARENT = frozenset("lower upper trim btrim ltrim rtrim date_trunc coalesce nullif unaccent timezone".split())


@dataclass(frozen=True, slots=True)
class Origin:
    """A column of a table, and what stands between it and the parameter: ``lower``, or the keys into a document."""

    table: Name
    column: str
    function: str | None = None
    keys: tuple[str | int, ...] = ()  # a number is another parameter's


@dataclass(slots=True)
class Source:
    alias: str
    columns: dict[str, Origin | None]


@dataclass(slots=True)
class Scope:
    outer: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    queries: dict[str, dict[str, Origin | None]] = field(default_factory=dict)

    def query(self, name: str) -> dict[str, Origin | None] | None:
        """The columns of a WITH query in sight."""
        if name in self.queries:
            return self.queries[name]
        return self.outer.query(name) if self.outer else None

    def column(self, parts: list[str]) -> Origin | None:
        """The column that a reference means."""
        name, alias = parts[-1], parts[-2] if len(parts) > 1 else None
        for source in self.sources:
            if alias in (None, source.alias) and name in source.columns:
                return source.columns[name]
        return self.outer.column(parts) if self.outer else None


def origin_of(node: pg.Node, scope: Scope) -> Origin | None:
    """The column that an expression is made of, where a value of the column says what to compare it with."""
    match node.WhichOneof("node"):
        case "column_ref":
            parts = [f.string.sval for f in node.column_ref.fields if f.HasField("string")]
            return scope.column(parts) if parts else None
        case "type_cast":
            return origin_of(node.type_cast.arg, scope)
        case "collate_clause":
            return origin_of(node.collate_clause.arg, scope)
        case "func_call":
            name = node.func_call.funcname[-1].string.sval
            if name not in _TRANSPARENT:
                return None
            found = next((o for o in (origin_of(a, scope) for a in node.func_call.args) if o), None)
            return Origin(found.table, found.column, name, found.keys) if found else None
        case "coalesce_expr":
            return next((o for o in (origin_of(a, scope) for a in node.coalesce_expr.args) if o), None)
        case "a_expr" if node.a_expr.name and node.a_expr.name[-1].string.sval in ("->", "->>"):
            found = origin_of(node.a_expr.lexpr, scope)
            key = _key(node.a_expr.rexpr)
            if found is None or key is None:
                return None
            return Origin(found.table, found.column, found.function, (*found.keys, key))
    return None


def _key(node: pg.Node) -> str | int | None:
    """A document's key: a text, or the number of the parameter that holds it."""
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    if node.HasField("param_ref"):
        number: int = node.param_ref.number
        return number
    return str(node.a_const.sval.sval) if node.a_const.HasField("sval") else None


def renamed(columns: dict[str, Origin | None], names: list[str]) -> dict[str, Origin | None]:
    if not names:
        return columns
    return {names[i] if i < len(names) else name: origin for i, (name, origin) in enumerate(columns.items())}
