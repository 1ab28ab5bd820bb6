"""Row plans → SQL: the INSERT of a table or of a circle of tables, the spare row, sequences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pgassay.catalog.model import Catalog, Table
from pgassay.model import Name, literal, quote
from pgassay.sql.expressions import columns_of, parse_expression
from pgassay.twin.plans import NUMBER, ROW, RowPlan


def select(plan: RowPlan, first: int, last: int, *, filtered: bool = False, limit: int | None = None) -> str:
    """The rows of a plan from number ``first`` to ``last``, in the order of :func:`written`."""
    defined = dict(plan.defined)
    base = [c.name for c in plan.target.columns if c.name not in defined]
    listed = [f"{plan.sql(name, ROW)} AS {quote(name)}" for name in base]
    source = f"generate_series({first}::bigint, {last}) AS s({NUMBER}) {' '.join(plan.joins)}".rstrip()
    query = f"SELECT {', '.join([ROW, *listed] if filtered else listed)} FROM {source}"
    for name, text in _in_turn(defined):
        query = f"SELECT *, {text} AS {quote(name)} FROM ({query}) AS l"
    if filtered:
        for column in plan.target.table.columns:
            if column.generated is not None and column.expression:
                query = f"SELECT *, ({column.expression}) AS {quote(column.name)} FROM ({query}) AS l"
    if defined or filtered:
        query = f"SELECT {', '.join(quote(c) for c in written(plan))} FROM ({query}) AS l"
    if filtered:
        where = " AND ".join(plan.filters) or "true"
        query += f" WHERE {where} ORDER BY {NUMBER}" + (f" LIMIT {limit}" if limit is not None else "")
    return query


def _in_turn(defined: dict[str, str]) -> list[tuple[str, str]]:
    """Definitions after those that they use."""
    waiting, done = dict(defined), []
    while waiting:
        ready = next(
            (n for n, text in waiting.items() if not (set(columns_of(parse_expression(text))) - {n}) & set(waiting)),
            next(iter(waiting)),
        )
        done.append((ready, waiting.pop(ready)))
    return done


def written(plan: RowPlan) -> list[str]:
    """The columns that an INSERT names."""
    return [c.name for c in plan.target.columns]


def insert(plan: RowPlan, *, filtered: bool = False, conflict: bool = False, first: int = 1) -> str:
    """The INSERT of a table's rows. ``filtered``: of more candidates, those that meet the table's checks;
    ``conflict``: rows that a unique or exclusion constraint refuses are left out."""
    last = reach(plan) if filtered else plan.rows
    head = head_of(plan)
    tail = " ON CONFLICT DO NOTHING" if conflict else ""
    return f"{head} {select(plan, first, last, filtered=filtered, limit=plan.rows)}{tail}"


def head_of(plan: RowPlan) -> str:
    columns = ", ".join(quote(name) for name in written(plan))
    if not columns:
        return f"INSERT INTO {plan.target.name}"
    system = " OVERRIDING SYSTEM VALUE" if any(c.identity for c in plan.target.columns) else ""
    return f"INSERT INTO {plan.target.name} ({columns}){system}"


def reach(plan: RowPlan) -> int:
    """The last candidate row of a filtered INSERT."""
    wanted = plan.rows * 20 if plan.rows <= 10_000 else plan.rows * 4
    return max(min(wanted, plan.capacity), plan.rows)


def together(plans: Sequence[RowPlan]) -> str:
    """Several tables in one statement: foreign keys are checked when all of them have their rows."""
    parts = [f"w{n} AS ({insert(plan)})" for n, plan in enumerate(plans)]
    return f"WITH {', '.join(parts)} SELECT 1"


def one_by_one(plan: RowPlan, most: int) -> str:
    """A block that inserts row after row and passes over those that anything refuses."""
    row = literal(insert_one(plan, "%s"))
    return (
        f"DO $pgassay$ DECLARE n bigint; BEGIN FOR n IN 1..{most} LOOP"
        f" BEGIN EXECUTE replace({row}, '%s', n::text); SET CONSTRAINTS ALL IMMEDIATE;"
        " EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $pgassay$"
    )


def insert_one(plan: RowPlan, number: str) -> str:
    text = select(plan, 1, 1).replace("generate_series(1::bigint, 1)", f"generate_series({number}::bigint, {number})")
    return f"{head_of(plan)} {text} ON CONFLICT DO NOTHING"


def spare(plan: RowPlan, *, filtered: bool) -> str | None:
    """A query for one further row as a JSON object of texts: what an application would write."""
    columns = [c for c in plan.target.columns if c.identity is None and not (c.default or "").startswith("nextval(")]
    if plan.rows >= plan.capacity:
        return None
    listed = ", ".join(f"{quote(c.name)}::text AS {quote(c.name)}" for c in columns)
    if filtered:
        rows = select(plan, plan.rows + 1, reach(plan), filtered=True, limit=1)
    else:
        rows = select(plan, plan.rows + 1, plan.rows + 1)
    return f"SELECT row_to_json(r)::text FROM (SELECT {listed} FROM ({rows}) AS l) AS r"


def sequences(catalog: Catalog, tables: Iterable[Table]) -> list[str]:
    """Statements that move each sequence past the values that were written for it."""
    used: dict[str, list[str]] = {}
    for table in tables:
        for column in table.columns:
            drawn = re.match(r"nextval\('(.+)'::(?:pg_catalog\.)?regclass\)", column.default or "")
            name = str(column.owned_sequence) if column.owned_sequence else drawn[1].replace("''", "'") if drawn else ""
            if name and (column.identity is not None or drawn):
                used.setdefault(name, []).append(f"(SELECT max({quote(column.name)}) FROM {table.name})")
    bounds = {str(s.name): s for s in catalog.sequences}
    statements = []
    for name, maxima in used.items():
        limit = f" WHERE v BETWEEN {bounds[name].minimum} AND {bounds[name].maximum}" if name in bounds else ""
        value = f"(SELECT greatest({', '.join(maxima)})::bigint AS v) AS m"
        statements.append(f"SELECT setval({literal(name)}, v) FROM {value}{limit or ' WHERE v IS NOT NULL'}")
    return statements


def count(tables: Iterable[Table], names: Iterable[Name]) -> str:
    """A query for the number of rows of tables, as a JSON list. Tables that inherit are counted apart."""
    split = {table.name for table in tables if table.kind == "partitioned table"}
    numbers = [f"(SELECT count(*) FROM {'' if name in split else 'ONLY '}{name})" for name in names]
    return f"SELECT json_build_array({', '.join(numbers)})"
