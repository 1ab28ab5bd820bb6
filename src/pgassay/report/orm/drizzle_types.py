"""PostgreSQL's types as Drizzle's column builders."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from pgassay.catalog import Catalog, Column
from pgassay.model import Name
from pgassay.report.orm.names import camel

_PLAIN = {
    "text": "text",
    "smallint": "smallint",
    "integer": "integer",
    "boolean": "boolean",
    "uuid": "uuid",
    "date": "date",
    "double precision": "doublePrecision",
    "real": "real",
    "json": "json",
    "jsonb": "jsonb",
    "inet": "inet",
    "cidr": "cidr",
    "macaddr": "macaddr",
}
_LENGTH = re.compile(r"(character varying|character)(?:\((\d+)\))?$")
_TIMES = re.compile(r"(timestamp|time)(?:\((\d)\))? (with|without) time zone$")
_NUMERIC = re.compile(r"numeric(?:\((\d+),(-?\d+)\))?$")
_WHOLE = re.compile(r"u?int\d*$")  # a domain named as Solidity names its integers
_TYPESCRIPT = {  # a base type's values, as the driver hands them over
    "smallint": "number", "integer": "number", "real": "number", "double precision": "number", "boolean": "boolean",
    "json": "unknown", "jsonb": "unknown", "bytea": "Buffer",
}  # fmt: skip


@dataclass(slots=True)
class Imports:
    """What a module needs of ``drizzle-orm/pg-core``, of ``drizzle-orm`` and of our ``types.ts``."""

    core: set[str] = field(default_factory=set)
    orm: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)

    def text(self) -> str:
        """The import lines."""
        lines = [f'import {{ {", ".join(sorted(self.orm))} }} from "drizzle-orm";'] if self.orm else []
        if self.core:
            lines.append(f'import {{ {", ".join(sorted(self.core))} }} from "drizzle-orm/pg-core";')
        return "\n".join(lines)


class Words:
    """Column builders, and the custom types that they need."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._custom: dict[str, str] = {}  # a type: the definition of its builder
        self._names: dict[str, str] = {}

    def definitions(self) -> list[str]:
        """The custom types, in the order in which they were first met."""
        return list(self._custom.values())

    def column(self, column: Column, imports: Imports) -> str:
        """``numeric("amount", { precision: 78, scale: 0, mode: "bigint" })``."""
        depth = 0
        name = column.type
        while name.endswith("[]"):
            name, depth = name[:-2], depth + 1
        depth = max(depth, column.dimensions if depth else 0)
        return self._scalar(name, json.dumps(column.name, ensure_ascii=False), imports) + ".array()" * depth

    def _scalar(self, name: str, column: str, imports: Imports) -> str:
        if name in _PLAIN:
            imports.core.add(_PLAIN[name])
            return f"{_PLAIN[name]}({column})"
        if name == "bigint":
            imports.core.add("bigint")
            return f'bigint({column}, {{ mode: "bigint" }})'
        if found := _NUMERIC.match(name):
            imports.core.add("numeric")
            if not found[1]:
                return f"numeric({column})"
            mode = ', mode: "bigint"' if found[2] == "0" else ""
            return f"numeric({column}, {{ precision: {found[1]}, scale: {found[2]}{mode} }})"
        if found := _LENGTH.match(name):
            builder = "varchar" if found[1].endswith("varying") else "char"
            imports.core.add(builder)
            return f"{builder}({column}, {{ length: {found[2]} }})" if found[2] else f"{builder}({column})"
        if found := _TIMES.match(name):
            imports.core.add(found[1])
            options = [f"withTimezone: {str(found[3] == 'with').lower()}"]
            options += [f"precision: {found[2]}"] if found[2] else []
            return f"{found[1]}({column}, {{ {', '.join(options)} }})"
        builder = self._made(name)
        imports.own.add(builder)
        return f"{builder}({column})"

    def _made(self, name: str) -> str:
        """The builder of a type that Drizzle does not know: a domain, an enum, ``bytea`` …"""
        if name not in self._custom:
            self._names[name] = camel([*self._names.values(), f"{_last(name)}_type"])[-1]
            self._custom[name] = self._definition(name, self._names[name])
        return self._names[name]

    def _definition(self, name: str, builder: str) -> str:
        enum, domain = self._catalog.enum(name), self._catalog.domain(name)
        catalog = self._catalog
        types = [t.name for t in catalog.enums] + [t.name for t in catalog.domains]
        types += [t.name for t in catalog.composites] + [t.name for t in catalog.ranges]
        named = next((t for t in types if str(t) == name), None)
        before = ""
        parts = [f"  dataType: () => {json.dumps(_spelt(name, named))}"]
        if enum is not None:
            values = f"{builder.removesuffix('Type')}Values"
            before = f"export const {values} = {json.dumps(list(enum.labels), ensure_ascii=False)} as const;\n"
            kind = f"{{ data: (typeof {values})[number] }}"
        elif domain is not None:
            base = domain.base
            if _integral(domain.type) or (base == "numeric" and _WHOLE.match(domain.name.name)):
                kind = "{ data: bigint; driverData: string }"
                parts += ["  fromDriver: (value) => BigInt(value)", "  toDriver: (value) => value.toString()"]
            else:
                kind = f"{{ data: {_TYPESCRIPT.get(base, 'string')} }}"
        else:
            kind = f"{{ data: {_TYPESCRIPT.get(name, 'string')} }}"
        body = ",\n".join(parts)
        return f"{before}export const {builder} = customType<{kind}>({{\n{body},\n}});"


def _integral(type: str) -> bool:
    found = _NUMERIC.match(type)
    return type == "bigint" or bool(found and found[2] == "0")


def _spelt(type: str, name: Name | None) -> str:
    """drizzle-kit puts a type that it does not know in double quotes, whole: a schema's dot must be outside of them."""
    if name is None:
        return type
    return name.name if name.schema in (None, "public") else f'{name.schema}"."{name.name}'


def _last(type: str) -> str:
    return type.rsplit(".", 1)[-1].strip('"')
