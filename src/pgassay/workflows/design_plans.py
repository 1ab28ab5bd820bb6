"""Plans of a design's reads at production size, on a ghost: PostgreSQL's planner with statistics, and no rows.

The statistics are measured on made-up rows in a copy of the designed database, and scaled: every event table is taken
to hold as many rows as were asked for, all other tables to grow along.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote as escaped

from pgassay.catalog import Catalog, read
from pgassay.chain.design import samples
from pgassay.chain.model import Design
from pgassay.chain.queries import LIMIT, Query, Way, queries, sql
from pgassay.model import Name
from pgassay.report.orm.queries_sql import WAYS
from pgassay.report.plans import PAGE, PlannedQuery
from pgassay.server import OWNER, Connection, Server
from pgassay.twin.export import export
from pgassay.twin.export_file import Attribute, Export, Relation
from pgassay.twin.ghost import Ghost, ghost
from pgassay.twin.index_size import height_of
from pgassay.workflows.design_storage import prepared
from pgassay.workflows.seed_chain import seed_rows

ROWS = 1_000  # made-up rows that statistics are measured on, a table of events
_FEW = 200
_GROWING = frozenset({"block_number", "block_time", "number", "time", "event_id", "transaction_hash"})
_MANY = 0.05  # of the rows: PostgreSQL itself takes a tenth
_MOST_PAGES = 4  # a row's own, its index entry's, and those of neighbours that have gone
_BLOCKS = 900_000  # that a story of that many rows goes on for
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")
# A read costs what it reads in pages, and nothing else does.
_PAGES_ALONE = (
    "SET seq_page_cost = 1; SET random_page_cost = 1; SET cpu_tuple_cost = 0; SET cpu_index_tuple_cost = 0;"
    " SET cpu_operator_cost = 0"
)


def plans(
    server: Server,
    database: str,
    design: Design,
    catalog: Catalog,
    *,
    events: int,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[PlannedQuery, ...]:
    """A plan for each statement of ``chain.queries.queries`` with ``events`` rows in every event table.

    ``database`` holds the design and nobody is connected to it; it stays as it is. Empty where the server is older than
    its planner can plan for parameters that nobody told (PostgreSQL 16).
    """
    every = queries(design, catalog)
    if server.major < 16 or not every:
        return ()
    progress("planning reads at production size")
    with server.database(database) as copy:
        with server.connect(copy) as session:
            _filled(session, design, catalog)
        place = f"postgresql://{OWNER}@/{copy}?host={escaped(str(server.sockets), safe='')}&port={server.port}"
        measured = export(place)
    scaled = _scaled(measured, design, catalog, events)
    with ghost(server, scaled) as twin:
        try:
            reads = [(q, way) for q in every for way in (WAYS if q.order else WAYS[:1])]
            return tuple(_planned(twin, design, catalog, reads))
        finally:
            twin.close()
            server.drop(twin.database)


def _filled(session: Connection, design: Design, catalog: Catalog) -> None:
    """A story for the standards' events, and rows of their own for tables that it says little of."""
    _two_partitions(session, design)
    seed_rows(session, catalog, rows=ROWS, seed=1)
    for table, statement in samples(design, ROWS):
        if design.settings.partition != "time" and _number(session, table) < _FEW:
            for before in prepared(design, table):
                session.run(before)
            session.run(statement)
    for each in read(session).tables:  # whoever may not see all rows may not see their statistics
        if each.row_security:
            session.run(f"ALTER TABLE {each.name} DISABLE ROW LEVEL SECURITY")
    session.run("SET client_min_messages = error")
    session.run("VACUUM (ANALYZE)")
    session.notices()


def _two_partitions(session: Connection, design: Design) -> None:
    """Rows in one partition and one made ahead: more would be planned alike, and only take longer."""
    settings = design.settings
    if settings.partition == "block" and settings.partition_size >= _BLOCKS:
        session.run(f"ALTER TABLE {Name(settings.schema, 'blocks')} DISABLE TRIGGER make_partitions")
        chain = "" if settings.layout == "plain" else "1::smallint, "
        make = Name(settings.schema, "make_partitions")
        session.run(f"SELECT {make}({chain}{settings.partition_size}::bigint, 0)")


def _number(session: Connection, table: Name) -> int:
    return int(session.value(f"SELECT count(*) FROM {table}") or 0)


def _scaled(measured: Export, design: Design, catalog: Catalog, events: int) -> Export:
    parts = {t.name.name: t.partition_of.name for t in catalog.tables if t.partition_of is not None}
    own = {t.name for t in design.tables if t.role == "event"}
    fixed = {t.name for t in design.tables if t.role == "dictionary"} | {"partition_horizon"}
    fixed -= {"addresses"}
    rows: dict[str, float] = {}
    for relation in measured.relations:
        if relation.kind == "r":
            whole = _whole(relation.name, parts, own)
            rows[whole] = rows.get(whole, 0.0) + max(relation.tuples, 0.0)
    growth = events / ROWS

    def factor(table: str) -> float:
        whole = _whole(table, parts, own)
        if whole in fixed:
            return 1.0
        return events / max(rows.get(whole, 0.0), 1.0) if whole in own else growth

    tuples = {(r.schema, r.name): r.tuples for r in measured.relations}
    relations = tuple(_grown(r, factor(r.table or r.name)) for r in measured.relations)
    attributes = tuple(_settled(a, tuples.get((a.schema, a.relation), 0.0)) for a in measured.attributes)
    return replace(measured, relations=relations, attributes=attributes)


def _settled(attribute: Attribute, rows: float) -> Attribute:
    """Contracts do not become more where their events do; blocks and transactions do, and whatever is of many kinds."""
    if attribute.name in ("contract_address", "contract_id"):
        if attribute.n_distinct < 0:
            return replace(attribute, n_distinct=max(1.0, -attribute.n_distinct * rows))
    elif rows and attribute.n_distinct > (1 if attribute.name in _GROWING else rows * _MANY):
        return replace(attribute, n_distinct=-attribute.n_distinct / rows)
    return attribute


def _whole(name: str, parts: Mapping[str, str], own: set[str]) -> str:
    """The table that a partition is of; those made while rows came in are named after it."""
    if name in parts or name in own:
        return parts.get(name, name)
    found = [t for t in own if re.match(rf"{re.escape(t[:32])}_[0-9a-f]{{6}}_[0-9_]+$", name)]
    return max(found, key=len) if found else name


def _grown(relation: Relation, factor: float) -> Relation:
    if relation.tuples <= 0 or relation.kind in ("p", "I"):
        return relation
    if relation.method == "brin":
        return replace(relation, tuples=relation.tuples * factor)
    grown = {n: math.ceil(getattr(relation, n) * factor) for n in ("blocks", "pages", "all_visible", "toast_blocks")}
    height = relation.height
    if relation.method == "btree":
        key = max(8.0, relation.blocks * 8192 * 0.7 / relation.tuples - 12)
        height = height_of(grown["blocks"], key)
    return replace(relation, **grown, tuples=relation.tuples * factor, height=height)


def _planned(
    twin: Ghost, design: Design, catalog: Catalog, reads: Sequence[tuple[Query, Way]]
) -> Iterator[PlannedQuery]:
    """The statements are our own, so they need no guard, and planning them takes one round trip each."""
    empty = {r.name for r in twin.export.relations if r.blocks == 0}
    texts = [statement(query, way) for query, way in reads]
    expected = [_explained(twin.session, text) for text in texts]
    twin.session.run(_PAGES_ALONE)
    counted = [_explained(twin.session, text) for text in texts]
    for (query, way), text, plan, pages in zip(reads, texts, expected, counted, strict=True):
        same = _shape(plan) == _shape(pages)
        number = math.ceil(pages["Total Cost"]) if same else None
        wrong = [*faults(design, catalog, query, text, plan, empty)]
        if query.order and (number or 0) > _MOST_PAGES * PAGE * max(len(query.either), 1):
            wrong.append(f"reads {number:,} pages: a filter instead of an index")
        yield PlannedQuery(
            name=query.name, way=way if query.order else "", cost=plan["Total Cost"], rows=plan["Plan Rows"],
            pages=number, shape=_shape(plan), faults=tuple(wrong),
        )  # fmt: skip


def _explained(session: Connection, text: str) -> dict[str, Any]:
    found: dict[str, Any] = session.json(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}")[0]["Plan"]
    return found


def statement(query: Query, way: Way) -> str:
    """A read with a page's rows as its limit and ``$1`` … for what a caller tells."""
    found: dict[str, int] = {}
    text = sql(query, way).replace(f":{LIMIT}", str(PAGE))
    return _PARAMETER.sub(lambda m: f"${found.setdefault(m[1], len(found) + 1)}", text)


def faults(
    design: Design, catalog: Catalog, query: Query, text: str, plan: dict[str, Any], empty: Collection[str] = ()
) -> Iterator[str]:
    """What a read should not need: sorting more than a page (of each side), all of an event table, OFFSET, a count.
    Partitions made ahead are ``empty``, and read in no time."""
    parts = {t.name.name: t.partition_of.name for t in catalog.tables if t.partition_of is not None}
    own = {t.name for t in design.tables if t.role == "event"}
    most = PAGE * max(len(query.either), 1)
    for node in _nodes(plan):
        kind, table = node["Node Type"], node.get("Relation Name", "")
        below = max((child["Plan Rows"] for child in node.get("Plans", ())), default=0)
        if kind in ("Sort", "Incremental Sort") and below > most:
            yield f"sorts {below:,} rows"
        if kind == "Seq Scan" and table not in empty and _whole(table, parts, own) in own:
            yield f"reads all of {table}"
        if kind == "Aggregate":
            yield "counts"
    if re.search(r"\b(offset|count\s*\()", text, re.I):
        yield "has OFFSET or count"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _shape(plan: dict[str, Any]) -> str:
    """The plan's nodes in a line, from the top; what is done for each partition is said once."""
    children = list(dict.fromkeys(_shape(child) for child in plan.get("Plans", ())))
    name = plan["Node Type"]
    below = children[0] if len(children) == 1 else f"({', '.join(children)})" if children else ""
    return f"{name} ← {below}" if below else name
