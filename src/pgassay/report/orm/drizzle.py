"""A catalog as a Drizzle ORM schema (https://orm.drizzle.team/docs/sql-schema-declaration)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pgassay.catalog import Catalog, Column, Constraint, Index, Table
from pgassay.model import Name, quote
from pgassay.report.orm.division import divide, script
from pgassay.report.orm.drizzle_types import Imports, Words
from pgassay.report.orm.indexes import keys
from pgassay.report.orm.names import camel, classes

_ACTION = re.compile(r" ON (DELETE|UPDATE) (NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT)(?! \()")
_RESERVED = frozenset(
    "break case catch class const continue debugger default delete do else enum export extends false finally for"
    " function if import in instanceof new null return super switch this throw true try typeof var void while with"
    " let static yield await implements interface package private protected public sql".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrizzleFiles:
    """The files of a ``drizzle/`` folder by name: ``tables.ts`` is what drizzle-kit creates, ``partitioned.ts`` what it
    cannot (but queries want), ``before.sql`` and ``after.sql`` what runs around it."""

    files: tuple[tuple[str, str], ...]


def drizzle(catalog: Catalog, *, title: str = "The schema") -> DrizzleFiles:
    """The schema in TypeScript, the configuration of drizzle-kit, and the SQL for what Drizzle has no words for."""
    circular = _circular(catalog)
    division = divide(catalog, lambda table: said(table, circular))
    made = division.models.tables
    rest = [t for t in catalog.tables if t.partition_key is not None and t.partition_of is None]
    names = constants(catalog)
    about = f"// {_line(title)}: written by pgassay from the database's own catalog.\n"
    words = Words(catalog)
    files = {
        "tables.ts": about + _module(catalog, made, names, words, outside=None),
        "drizzle.config.ts": _CONFIG,
        "before.sql": script(division.before),
        "after.sql": script(division.after),
    }
    if rest:
        more = "// drizzle-kit cannot create partitioned tables: after.sql does. Queries use these.\n"
        plain = tuple(map(_plain, rest))
        files["partitioned.ts"] = about + more + _module(catalog, plain, names, words, outside="./tables")
    if words.definitions():
        files["types.ts"] = about + _types(words)
    modules = sorted(name.removesuffix(".ts") for name in files if name.endswith(".ts") and "config" not in name)
    files["index.ts"] = about + "".join(f'export * from "./{module}";\n' for module in modules)
    return DrizzleFiles(files=tuple(sorted(files.items())))


def constants(catalog: Catalog) -> dict[Name, str]:
    """The name in TypeScript of every table that is no partition."""
    names = [t.name for t in catalog.tables if t.partition_of is None]
    return dict(zip(names, _names(names), strict=True))


def _types(words: Words) -> str:
    imports = 'import { customType } from "drizzle-orm/pg-core";\n\n'
    return imports + "\n\n".join(words.definitions()) + "\n"


_CONFIG = """\
import { defineConfig } from "drizzle-kit";

// Order on an empty database: before.sql, what drizzle-kit makes of tables.ts, after.sql.
export default defineConfig({
  dialect: "postgresql",
  schema: "./tables.ts",
  out: "./migrations",
  dbCredentials: { url: process.env.DATABASE_URL ?? "" },
});
"""


def said(table: Table, circular: frozenset[tuple[Name, str]] = frozenset()) -> Table | None:
    """What drizzle-kit can create of a table; ``circular`` foreign keys would leave TypeScript without types."""
    outside = table.kind != "table" or table.partition_of is not None or table.inherits or table.of_type
    return None if outside or table.partition_key else _plain(table, circular)


def _circular(catalog: Catalog) -> frozenset[tuple[Name, str]]:
    """Foreign keys, by table and name, from whose parent a way of foreign keys leads back."""
    parents = {t.name: {k.references for k in t.foreign_keys} for t in catalog.tables}

    def reached(start: Name) -> set[Name]:
        seen, ahead = set[Name](), [start]
        while ahead:
            for name in parents.get(ahead.pop(), ()):
                if name is not None and name not in seen:
                    seen.add(name)
                    ahead.append(name)
        return seen

    return frozenset(
        (t.name, k.name)
        for t in catalog.tables
        for k in t.foreign_keys
        if k.references not in (None, t.name) and t.name in reached(k.references or t.name)
    )


def _plain(table: Table, circular: frozenset[tuple[Name, str]] = frozenset()) -> Table:
    kept = tuple(c for c in table.constraints if _sayable(c) and (table.name, c.name) not in circular)
    named = {c.name for c in kept}
    return Table(
        name=table.name,
        columns=tuple(
            replace(c, storage=None, compression=None, statistics=None, options=(), comment=None, collation=None)
            for c in table.columns
        ),
        constraints=tuple(replace(c, comment=None) for c in kept),
        indexes=tuple(
            replace(i, comment=None, clustered=False)
            for i in table.indexes
            if (i.constraint in named if i.constraint else _index_sayable(i))
        ),
        owner=table.owner,
    )


def _sayable(constraint: Constraint) -> bool:
    odd = (
        r" NOT VALID$| NOT ENFORCED$| NO INHERIT|WITHOUT OVERLAPS| INCLUDE \(|PERIOD |DEFERRABLE| MATCH FULL"
        r"| SET (?:NULL|DEFAULT) \("
    )
    return constraint.kind in ("primary key", "unique", "foreign key", "check") and not re.search(
        odd, constraint.definition
    )


def _index_sayable(index: Index) -> bool:
    return index.valid and not (index.exclusion or index.tablespace or index.include) and index.nulls_distinct


def _names(names: Iterable[Name]) -> list[str]:
    return camel((n.name if n.schema in (None, "public") else f"{n.schema}_{n.name}" for n in names), _RESERVED)


def _module(
    catalog: Catalog, tables: Iterable[Table], names: dict[Name, str], words: Words, *, outside: str | None
) -> str:
    """One module; ``outside`` is where the tables come from that foreign keys name and that it does not define."""
    tables = tuple(tables)
    imports = Imports()
    here = {t.name for t in tables}
    schemas = sorted({t.name.schema for t in tables if t.name.schema not in (None, "public")})
    constants = {s: f"{camel([s], _RESERVED)[0]}Schema" for s in schemas if s is not None}
    bodies = [_table(catalog, table, names, constants, words, imports) for table in tables]
    kinds = [
        f"export type {kind} = typeof {names[t.name]}.$inferSelect;\n"
        f"export type New{kind} = typeof {names[t.name]}.$inferInsert;"
        for t, kind in zip(tables, classes(names[t.name] for t in tables), strict=True)
    ]
    if constants:
        imports.core.add("pgSchema")
    lines = [f"export const {c} = pgSchema({_text(s)});" for s, c in constants.items()]
    others = sorted(
        {
            names[k.references]
            for t in tables
            for k in t.foreign_keys
            if k.references in names and k.references not in here
        }
    )
    head = [imports.text()]
    if imports.own:
        head.append(f'import {{ {", ".join(sorted(imports.own))} }} from "./types";')
    if others and outside:
        head.append(f'import {{ {", ".join(others)} }} from "{outside}";')
    return "\n".join(head) + "\n\n" + "\n\n".join([*lines, *bodies, *kinds]) + "\n"


def _table(
    catalog: Catalog,
    table: Table,
    names: dict[Name, str],
    schemas: dict[str, str],
    words: Words,
    imports: Imports,
) -> str:
    fields = dict(zip((c.name for c in table.columns), camel(c.name for c in table.columns), strict=True))
    schema = schemas.get(table.name.schema or "")
    if schema is None:
        imports.core.add("pgTable")
    lines = []
    whole = catalog.table(table.name)
    if whole is not None and whole.comment:
        lines.append(f"/** {_line(whole.comment)} */")
    lines.append(
        f"export const {names[table.name]} = {f'{schema}.table' if schema else 'pgTable'}({_text(table.name.name)}, {{"
    )
    for column in table.columns:
        known = whole.column(column.name) if whole is not None else None
        if known is not None and known.comment:
            lines.append(f"  /** {_line(known.comment)} */")
        lines.append(f"  {fields[column.name]}: {_column(catalog, table, column, words, imports)},")
    extras = [_constraint(table, c, fields, names, imports) for c in table.constraints if _reachable(c, names)]
    extras += [_index(i, fields, imports) for i in table.indexes if i.constraint is None]
    lines.append("}, (t) => [" if extras else "});")
    if extras:
        lines += [f"  {extra}," for extra in extras]
        lines.append("]);")
    return "\n".join(lines)


def _reachable(constraint: Constraint, names: dict[Name, str]) -> bool:
    return constraint.kind != "foreign key" or constraint.references in names


def _column(catalog: Catalog, table: Table, column: Column, words: Words, imports: Imports) -> str:
    written = words.column(column, imports)
    if column.not_null and not column.identity:
        written += ".notNull()"
    if column.identity:
        sequence = next((s for s in catalog.sequences if s.owned_by == (table.name, column.name)), None)
        options = []
        if sequence is not None:
            options.append(f"name: {_text(sequence.name.name)}")
            options.append(f"startWith: {_text(str(sequence.start))}")
            options.append(f"increment: {_text(str(sequence.increment))}")
            options.append(f"minValue: {_text(str(sequence.minimum))}, maxValue: {_text(str(sequence.maximum))}")
            options.append(f"cache: {_text(str(sequence.cache))}")
            options += ["cycle: true"] if sequence.cycle else []
        verb = "Always" if column.identity == "always" else "ByDefault"
        written += f".generated{verb}AsIdentity({{ {', '.join(options)} }})"
    elif column.generated == "stored":
        imports.orm.add("sql")
        written += f".generatedAlwaysAs(sql`{_template(column.expression or '')}`)"
    elif column.default is not None:
        imports.orm.add("sql")
        written += f".default(sql`{_template(column.default)}`)"
    return written


def _constraint(
    table: Table, constraint: Constraint, fields: dict[str, str], names: dict[Name, str], imports: Imports
) -> str:
    columns = ", ".join(f"t.{fields[c]}" for c in constraint.columns if c in fields)
    match constraint.kind:
        case "primary key":
            imports.core.add("primaryKey")
            return f"primaryKey({{ name: {_text(constraint.name)}, columns: [{columns}] }})"
        case "unique":
            imports.core.add("unique")
            nulls = ".nullsNotDistinct()" if "NULLS NOT DISTINCT" in constraint.definition else ""
            return f"unique({_text(constraint.name)}).on({columns}){nulls}"
        case "foreign key":
            imports.core.add("foreignKey")
            assert constraint.references is not None
            parent = "t" if constraint.references == table.name else names[constraint.references]
            to = ", ".join(f"{parent}.{camel([c])[0]}" for c in constraint.referenced_columns)
            actions = "".join(
                f".on{verb.capitalize()}({_text(action.lower())})"
                for verb, action in _ACTION.findall(constraint.definition)
            )
            what = f"name: {_text(constraint.name)}, columns: [{columns}], foreignColumns: [{to}]"
            return f"foreignKey({{ {what} }}){actions}"
        case _:
            imports.core.add("check")
            imports.orm.add("sql")
            return f"check({_text(constraint.name)}, sql`{_template(constraint.expression or '')}`)"


def _index(index: Index, fields: dict[str, str], imports: Imports) -> str:
    verb = "uniqueIndex" if index.unique else "index"
    imports.core.add(verb)
    plain = {quote(column): f"t.{field}" for column, field in fields.items()}
    on = ", ".join(plain.get(k, f"sql`{_template(k)}`") for k in keys(index))
    how = f"on({on})" if index.method == "btree" else f"using({_text(index.method)}, {on})"
    written = f"{verb}({_text(index.name)}).{how}"
    if "sql`" in on or index.where:
        imports.orm.add("sql")
    if index.where:
        written += f".where(sql`{_template(index.where)}`)"
    if found := re.search(r" WITH \(([^)]*)\)", index.definition):
        pairs = dict(p.strip().replace("'", "").split("=", 1) for p in found[1].split(","))
        written += f".with({json.dumps(pairs)})"
    return written


def _template(sql: str) -> str:
    """SQL within a template literal."""
    return sql.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("*/", "* /")
