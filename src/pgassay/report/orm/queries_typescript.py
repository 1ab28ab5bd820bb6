"""A design's reads as typed functions over Drizzle, an input object in and a page out, as an API's procedures are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.resources import files

from pgassay.catalog import Table
from pgassay.chain.model import AccessPattern
from pgassay.chain.queries import Given, Query
from pgassay.model import Name
from pgassay.report.orm.names import camel
from pgassay.report.orm.parameters import numbers, pieces

_TAKEN = frozenset({"db", "input", "cursor", "limit", "key"})


_ROWS = """/** The rows of a result, which drivers hand over in two ways. */
function rowsOf(found: unknown): Record<string, unknown>[] {
  const rows = Array.isArray(found) ? found : (found as { rows: unknown }).rows;
  return rows as Record<string, unknown>[];
}"""


def queries_typescript(
    queries: Iterable[Query], names: dict[Name, str], patterns: Iterable[AccessPattern] = ()
) -> dict[str, str]:
    """``pages.ts`` and ``queries.ts``; ``names`` are the tables' constants in the Drizzle schema beside."""
    patterns = tuple(patterns)
    queries = tuple(q for q in queries if q.table.name in names)
    tables = sorted({names[q.table.name] for q in queries})
    taken = frozenset((*tables, "rowsOf"))
    functions = camel((*(q.name for q in queries), *(p.name for p in patterns)), taken)
    bodies = [_function(q, f, names[q.table.name]) for q, f in zip(queries, functions, strict=False)]
    bodies += [_pattern(p, f) for p, f in zip(patterns, functions[len(queries) :], strict=True)]
    bodies += [_ROWS] if patterns else []
    whole = "\n\n".join(bodies)
    words = [w for w in ("and", "asc", "desc", "eq", "ne", "sql", "unionAll") if re.search(rf"\b{w}\b", whole)]
    orm = [w for w in words if w != "unionAll"]
    lines = ["// The reads of the schema, written by pgassay: rows by key, and pages that cost the same however far."]
    lines.append(f'import {{ {", ".join(orm)} }} from "drizzle-orm";')
    core = ["type PgDatabase", "type PgQueryResultHKT", *(["unionAll"] if "unionAll" in words else [])]
    lines.append(f'import {{ {", ".join(core)} }} from "drizzle-orm/pg-core";')
    lines.append(f'import {{ {", ".join(tables)} }} from "./index";')
    lines.append('import { beyond, finish, start, type Page, type PageInput } from "./pages";')
    lines.append("\nexport type Database = PgDatabase<PgQueryResultHKT, any, any>;")
    return {
        "pages.ts": (files(__package__) / "runtime/pages.ts.txt").read_text("utf-8"),
        "queries.ts": "\n".join(lines) + "\n\n" + whole + "\n",
    }


def _function(query: Query, name: str, table: str) -> str:
    fields = _fields(query.table)
    parameters = dict(zip(query.parameters, camel((g.name for g in query.parameters), _TAKEN), strict=True))
    row = f"typeof {table}.$inferSelect"
    typed = "; ".join(f'{p}: NonNullable<({row})["{fields[g.column.name]}"]>' for g, p in parameters.items())
    about = f"/** {' '.join(query.purpose.split()).replace('*/', '* /')} */\n"
    equal = [_equal(g, p, table, fields) for g, p in parameters.items() if g != query.side]
    if query.where:
        equal.append(f"sql`{query.where.replace('`', '')}`")
    if not query.order:
        head = f"db: Database, input: {{ {typed} }}"
        return (
            f"{about}export async function {name}({head}): Promise<({row}) | undefined> {{\n"
            f"  const rows = await db.select().from({table}).where(and({', '.join(equal)}));\n  return rows[0];\n}}"
        )
    order = [fields[c.name] for c in query.order]
    columns = ", ".join(f"sql`${{{table}.{f}}}`" for f in order)
    types = ", ".join(json.dumps(c.base if c.base != "bpchar" else "text") for c in query.order)
    given = ", ".join(f"{json.dumps(g.name)}: input.{p}" for g, p in parameters.items())
    where = ", ".join([*equal, f"beyond(from, {str(query.descending).lower()}, [{columns}], [{types}])"])
    way = "desc" if query.descending else "asc"
    back = "asc" if query.descending else "desc"
    ordered = ", ".join(f"way({table}.{f})" for f in order)

    def read(*extra: str) -> str:
        conditions = ", ".join([where, *extra])
        return f"db.select().from({table}).where(and({conditions})).orderBy({ordered}).limit(from.limit + 1)"

    if query.either and query.side is not None:
        side = parameters[query.side]
        branches = []
        for number, column in enumerate(query.either):
            others = [f"ne({table}.{fields[c.name]}, input.{side})" for c in query.either[:number]]
            branches.append(read(f"eq({table}.{fields[column.name]}, input.{side})", *others))
        merged = ", ".join(f"way(sql.identifier({json.dumps(c.name)}))" for c in query.order)
        found = (
            f"unionAll(\n    {(',' + chr(10) + '    ').join(branches)},\n  ).orderBy({merged}).limit(from.limit + 1)"
        )
    else:
        found = read()
    picked = ", ".join(f"row.{f}" for f in order)
    head = f"input: {{ {typed} }} & PageInput" if typed else "input: PageInput = {}"
    return (
        f"{about}export async function {name}(db: Database, {head}): Promise<Page<{row}>> {{\n"
        f"  const given = {{ {given} }};\n"
        f"  const from = start({json.dumps(query.name)}, given, input, {len(order)});\n"
        f"  const way = from.backward ? {back} : {way};\n"
        f"  const found = await {found};\n"
        f"  return finish({json.dumps(query.name)}, given, input, from, found, (row) => [{picked}]);\n}}"
    )


def _pattern(pattern: AccessPattern, name: str) -> str:
    text = "".join(f"${{input.p{p}}}" if isinstance(p, int) else _template(p) for p in pieces(pattern.sql))
    given = numbers(pattern.sql)
    typed = "; ".join(f"p{n}: unknown" for n in given)
    head = f"db: Database, input: {{ {typed} }}" if given else "db: Database"
    return (
        f"/** As pgassay.toml has it. */\nexport async function {name}({head}): Promise<Record<string, unknown>[]> {{\n"
        f"  return rowsOf(await db.execute(sql`{text}`));\n}}"
    )


def _template(text: str) -> str:
    """Text inside a template literal."""
    return text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")


def _equal(given: Given, parameter: str, table: str, fields: dict[str, str]) -> str:
    return f"eq({table}.{fields[given.column.name]}, input.{parameter})"


def _fields(table: Table) -> dict[str, str]:
    return dict(zip((c.name for c in table.columns), camel(c.name for c in table.columns), strict=True))
