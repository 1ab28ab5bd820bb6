"""PostgreSQL's own parser (libpg_query), and the small pieces that every reading of its tree needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message
from postgast import PgQueryError, deparse, parse
from postgast import pg_query_pb2 as pg

from pgassay.model import Name, quote

__all__ = [
    "PgQueryError",
    "expression_text",
    "flag",
    "name_of",
    "name_of_strings",
    "parse",
    "pg",
    "relations",
    "type_text",
]

# The parser's names of built-in types, as a person writes them.
_TYPES = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varchar": "varchar",
    "bpchar": "char",
    "timestamptz": "timestamptz",
    "timetz": "timetz",
    "varbit": "bit varying",
}


def name_of(relation: pg.RangeVar) -> Name:
    """The name of a relation as written."""
    return Name(relation.schemaname or None, relation.relname)


def name_of_strings(nodes: Iterable[pg.Node]) -> Name:
    """A qualified name from a list of strings."""
    parts = [node.string.sval for node in nodes]
    return Name(parts[-2] if len(parts) > 1 else None, parts[-1])


def type_text(type_name: pg.TypeName) -> str:
    """A type as SQL: ``varchar(10)[]``."""
    parts = [node.string.sval for node in type_name.names]
    if parts[0] == "pg_catalog" and len(parts) == 2:
        text: str = _TYPES.get(parts[1], parts[1])
    else:
        text = ".".join(quote(part) for part in parts)
    if type_name.typmods and text != "interval":
        arguments = ",".join(expression_text(node) for node in type_name.typmods)
        if not (text == "char" and arguments == "1"):
            text += f"({arguments})"
    return text + "[]" * len(type_name.array_bounds)


def expression_text(node: pg.Node) -> str:
    """An expression as PostgreSQL's deparser writes it."""
    if node.WhichOneof("node") == "a_const" and node.a_const.WhichOneof("val") == "ival":
        return str(node.a_const.ival.ival)
    result = pg.ParseResult()
    target = result.stmts.add().stmt.select_stmt.target_list.add().res_target
    target.val.CopyFrom(node)
    text: str = deparse(result)
    return text.removeprefix("SELECT ")


def flag(options: Iterable[pg.Node], name: str) -> bool:
    """Whether a list of options names one that is not switched off."""
    for node in options:
        option = node.def_elem
        if option.defname == name:
            value = option.arg.string.sval.lower() if option.arg.HasField("string") else ""
            return value not in {"off", "false", "0"} and not (
                option.arg.HasField("boolean") and not option.arg.boolean.boolval
            )
    return False


def relations(message: Message) -> Iterator[Name]:
    """Every relation that a tree names, in the order of the tree."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for item in value if descriptor.is_repeated else (value,):
            if isinstance(item, pg.RangeVar):
                yield name_of(item)
            else:
                yield from relations(item)
