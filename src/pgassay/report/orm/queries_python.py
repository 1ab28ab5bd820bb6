"""A design's reads as typed Python functions over SQLAlchemy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files

from pgassay.catalog import Column, Table
from pgassay.chain.model import AccessPattern
from pgassay.chain.queries import Given, Query, place, sql
from pgassay.report.orm.names import attributes, classes
from pgassay.report.orm.parameters import numbers, pieces

_PYTHON = {
    "smallint": "int", "integer": "int", "bigint": "int", "numeric": "Decimal", "boolean": "bool", "bytea": "bytes",
    "uuid": "uuid.UUID", "date": "datetime.date", "timestamp with time zone": "datetime.datetime",
    "timestamp without time zone": "datetime.datetime", "double precision": "float", "real": "float",
    "text": "str", "character varying": "str", "character": "str", "bpchar": "str", "varchar": "str",
}  # fmt: skip


def queries_python(queries: Iterable[Query], patterns: Iterable[AccessPattern] = ()) -> dict[str, str]:
    """The files of a package: ``pages.py`` (cursors) and ``__init__.py`` (the functions)."""
    queries = tuple(queries)
    tables = {q.table.name: q.table for q in queries}
    names = dict(zip(tables, classes(f"{n.name}_row" for n in tables), strict=True))
    bodies = [_row(table, names[name]) for name, table in tables.items()]
    for query in queries:
        bodies.append(_page(query, names[query.table.name]) if query.order else _one(query, names[query.table.name]))
    bodies += [_pattern(p) for p in patterns]
    whole = "\n\n\n".join(bodies)
    return {
        "pages.py": (files(__package__) / "runtime/pages.py.txt").read_text("utf-8"),
        "__init__.py": _head(whole) + whole + "\n",
    }


def _head(body: str) -> str:
    lines = [
        '"""The reads of the schema, written by pgassay: rows by key, and pages that cost the same however far."""',
        "",
    ]
    lines += ["from __future__ import annotations", ""]
    lines += [f"import {m}" for m in ("datetime", "uuid") if f"{m}." in body]
    lines += ["from decimal import Decimal"] if "Decimal" in body else []
    words = [w for w in ("Any", "NamedTuple") if re.search(rf"\b{w}\b", body)]
    lines += [f"from typing import {', '.join(words)}"] if words else []
    lines += ["", "from sqlalchemy import Connection" + (", text" if "(text(" in body else ""), ""]
    lines += ["from .pages import CursorError, Listing, Page, one, page", ""]
    exported = re.findall(r"^(?:def|class) ([A-Za-z]\w*)", body, re.M)
    lines += ["__all__ = ["] + [f'    "{name}",' for name in sorted({"CursorError", "Page", *exported})] + ["]"]
    return "\n".join(lines) + "\n\n\n"


def _row(table: Table, name: str) -> str:
    fields = attributes((c.name for c in table.columns), frozenset({"count", "index"}))
    lines = [f"class {name}(NamedTuple):", f'    """{_words(table.comment or table.name.name)}"""', ""]
    for field, column in zip(fields, table.columns, strict=True):
        lines.append(f"    {field}: {python_type(column)}")
    return "\n".join(lines)


def python_type(column: Column, *, null: bool = True) -> str:
    """Python's type for a column's values, as a driver hands them over."""
    if column.element is not None or column.type.endswith("[]"):
        found = "list[Any]"
    else:
        found = _PYTHON.get(column.base, "str" if column.category in "SE" else "Any")
    optional = null and not (column.not_null or column.type_not_null) and found != "Any"
    return f"{found} | None" if optional else found


def _signature(parameters: Iterable[Given]) -> tuple[str, str]:
    """The keyword parameters of a function, and the dictionary that is made of them."""
    given = tuple(parameters)
    names = attributes((g.name for g in given), frozenset({"connection", "cursor", "limit", "key"}))
    words = "".join(f"{n}: {python_type(g.column, null=False)}, " for n, g in zip(names, given, strict=True))
    pairs = ", ".join(f'"{g.name}": {n}' for n, g in zip(names, given, strict=True))
    return words, f"{{{pairs}}}"


def _one(query: Query, row: str) -> str:
    words, pairs = _signature(query.parameters)
    return (
        f"def {query.name}(connection: Connection, *, {words.rstrip(', ')}) -> {row} | None:\n"
        f'    """{_words(query.purpose)}"""\n'
        f"    return one(connection, {_sql(sql(query))}, {pairs}, {row})"
    )


def _page(query: Query, row: str) -> str:
    words, pairs = _signature(query.parameters)
    constant = f"_{query.name.upper()}"
    index = {c.name: i for i, c in enumerate(query.table.columns)}
    order = ", ".join(str(index[c.name]) for c in query.order)
    places = ", ".join(f'"{place(c)}"' for c in query.order)
    ways = "".join(f"    {way}={_sql(sql(query, way))},\n" for way in ("first", "after", "before"))
    return (
        f'{constant} = Listing(\n    name="{query.name}",\n{ways}'
        f"    order=({order},),\n    places=({places},),\n    row={row},\n)\n\n\n"
        f"def {query.name}(\n    connection: Connection, *, {words}"
        f"cursor: str | None = None, limit: int = 50, key: bytes | None = None\n) -> Page[{row}]:\n"
        f'    """{_words(query.purpose)}"""\n'
        f"    return page(connection, {constant}, {pairs}, cursor, limit, key)"
    )


def _pattern(pattern: AccessPattern) -> str:
    statement = "".join(f":p{p}" if isinstance(p, int) else _colons(p) for p in pieces(pattern.sql))
    given = numbers(pattern.sql)
    words = "".join(f", p{n}: Any" for n in given)
    star = ", *" if given else ""
    pairs = ", ".join(f'"p{n}": p{n}' for n in given)
    name = attributes([pattern.name])[0]
    return (
        f"def {name}(connection: Connection{star}{words}) -> list[tuple[Any, ...]]:\n"
        f'    """As pgassay.toml has it."""\n'
        f"    return [tuple(row) for row in connection.execute(text({_raw(statement)}), {{{pairs}}})]"
    )


def _sql(statement: str) -> str:
    """A statement for ``text()``, where a cast's colons would begin a parameter."""
    return _raw(statement.replace("::", r"\:\:"))


def _raw(text: str) -> str:
    return '"""' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""'


def _colons(text: str) -> str:
    return re.sub(r":(?=\w)|::", lambda m: m[0].replace(":", "\\:"), text)


def _words(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")
