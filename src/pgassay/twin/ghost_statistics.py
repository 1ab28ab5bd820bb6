"""Bring an export's statistics into a ghost: ``pg_class``, and ``pg_statistic`` by the version's own way."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from pgassay.server import SUPERUSER, Connection, Server, StatementError
from pgassay.sql.queries import queries
from pgassay.twin.export_file import Attribute, Relation
from pgassay.twin.ghost_schema import Unmade

_FILE = "ghost.sql"
_SIZES = ("schema", "name", "pages", "tuples", "all_visible")
_SLOTS = (1, 2, 3, 4, 5)


def sql(name: str) -> str:
    """A query of ``ghost.sql``."""
    return queries("pgassay.twin", _FILE)[name]


def write_sizes(server: Server, database: str, relations: Sequence[Relation]) -> None:
    """Set ``relpages``, ``reltuples`` and ``relallvisible``: our own UPDATE of the catalog, as superuser."""
    with server.connect(database, role=SUPERUSER) as admin:
        admin.run(sql("sizes"), [_json(relations)])


def write_sizes_of(admin: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """The same for rows with ``schema``, ``name``, ``pages``, ``tuples`` and ``all_visible``."""
    admin.run(sql("sizes"), [_json([{k: row[k] for k in _SIZES} for row in rows])])


def write_attributes(server: Server, database: str, attributes: Sequence[Attribute]) -> tuple[Unmade, ...]:
    """Write columns' statistics; of an export without values the frequencies get stand-in values where possible."""
    with server.connect(database, role=SUPERUSER) as admin:
        columns = admin.json(sql("columns")) or []
    types = {(c["schema"], c["relation"], c["number"] if c["index"] else c["name"]): c for c in columns}
    wanted = []
    for each in attributes:
        column = types.get((each.schema, each.relation, each.number if each.index else each.name))
        if column is not None:
            wanted.append(_filled(each, column["type"] if column["known"] else ""))
    unmade: list[Unmade] = []
    try:
        _write(server, database, wanted)
    except StatementError:
        for each in wanted:
            try:
                _write(server, database, [each])
            except StatementError as error:
                place = f"statistics of {each.schema}.{each.relation}.{each.name}"
                unmade.append(Unmade(statement=place, reason=error.report.message))
    with server.connect(database, role=SUPERUSER) as admin:
        admin.run(sql("uneven"))
    return tuple(unmade)


def _write(server: Server, database: str, attributes: Sequence[Attribute]) -> None:
    if not attributes:
        return
    if server.major >= 18:
        with server.connect(database) as session:
            session.run("SET statement_timeout = '120s'; SET client_min_messages = error")
            session.run(sql("restore"), [_json(attributes)])
        return
    with server.connect(database, role=SUPERUSER) as admin:
        admin.run(_insert(), [_json([_slotted(each) for each in attributes])])


def _json(values: Sequence[Any]) -> str:
    return msgspec.json.encode(values).decode()


def _insert() -> str:
    """The statement for ``pg_statistic``, whose slots are numbered columns."""
    types = "(g.types ->> g.of[{n}])::oid"
    parts = {
        "kinds": "CASE WHEN g.safe OR g.lists ->> {m} IS NULL THEN COALESCE(g.kinds[{n}], 0) ELSE 0 END",
        "operators": "COALESCE((g.operators ->> g.operands[{n}])::oid, 0)",
        "collations": "CASE WHEN g.operands[{n}] IN ('eq', 'lt') THEN g.attcollation"
        " WHEN g.operands[{n}] = 'element' AND (g.types ->> 'element') = '25' THEN"
        " CASE g.attcollation WHEN 0 THEN 100 ELSE g.attcollation END"
        " WHEN g.operands[{n}] = 'element' THEN g.attcollation ELSE 0 END",
        "numbers": "CASE WHEN g.numbers ->> {m} IS NOT NULL AND (g.safe OR g.lists ->> {m} IS NULL) THEN"
        " ARRAY(SELECT v::real FROM pg_catalog.jsonb_array_elements_text(g.numbers -> {m}) v) END",
        "values": "CASE WHEN g.lists ->> {m} IS NOT NULL AND g.safe"
        " THEN pg_catalog.array_in(pg_catalog.textout(g.lists ->> {m}), " + types + ", -1) END",
    }
    text = sql("insert")
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", ", ".join(part.format(n=n, m=n - 1) for n in _SLOTS))
    return text


def _slotted(each: Attribute) -> dict[str, Any]:
    """A column's statistics as slots of ``pg_statistic`` (pg_statistic.h)."""
    slots: list[tuple[int, str, Sequence[float] | None, str | None, str | None]] = []
    if each.most_common_vals is not None and each.most_common_freqs:
        slots.append((1, "eq", each.most_common_freqs, each.most_common_vals, "own"))
    if each.histogram_bounds is not None:
        slots.append((2, "lt", None, each.histogram_bounds, "own"))
    if each.correlation is not None:
        slots.append((3, "lt", [each.correlation], None, None))
    if each.most_common_elems is not None and each.most_common_elem_freqs:
        slots.append((4, "element", each.most_common_elem_freqs, each.most_common_elems, "element"))
    if each.elem_count_histogram:
        slots.append((5, "element", each.elem_count_histogram, None, None))
    if each.range_length_histogram is not None and each.range_empty_frac is not None:
        slots.append((6, "float8", [each.range_empty_frac], each.range_length_histogram, "float8"))
    if each.range_bounds_histogram is not None:
        slots.append((7, "none", None, each.range_bounds_histogram, "own"))
    slots = slots[: len(_SLOTS)]
    return {
        "schema": each.schema,
        "relation": each.relation,
        "name": each.name,
        "number": each.number,
        "index": each.index,
        "inherited": each.inherited,
        "null_frac": each.null_frac,
        "avg_width": each.avg_width,
        "n_distinct": each.n_distinct,
        "kinds": [slot[0] for slot in slots],
        "operands": [slot[1] for slot in slots],
        "numbers": [slot[2] for slot in slots],
        "lists": [slot[3] for slot in slots],
        "of": [slot[4] for slot in slots],
    }


def _filled(each: Attribute, kind: str) -> Attribute:
    """With stand-ins for common values that were left out, so that all other values stay as rare as they are."""
    frequencies = each.most_common_freqs or ()
    if each.most_common_vals is not None or not frequencies:
        return each if each.most_common_vals is not None else replace(each, most_common_freqs=None)
    salt = zlib.crc32(f"{each.schema}.{each.relation}.{each.name}".encode()) % 1_000_003
    values = _stand_ins(kind, len(frequencies), salt)
    if values is None:
        return replace(each, most_common_freqs=None)
    elements = each.most_common_elem_freqs if each.most_common_elems is not None else None
    return replace(each, most_common_vals="{" + ",".join(values) + "}", most_common_elem_freqs=elements)


def _stand_ins(kind: str, count: int, salt: int) -> list[str] | None:
    """Values that nobody asks for, by turns below and above all that there may be; other columns have others."""
    turns = [(n, n % 2 == 0) for n in range(count)]
    match kind:
        case "int4" | "int8" | "numeric" | "float8" | "float4":
            return [f"{'-' if low else ''}{2_000_000_000 + (salt * 10_007 + n) % 147_000_000}" for n, low in turns]
        case "text" | "varchar":
            return [f'"{"!" if low else "~~"}{salt:x}-{n:x}"' for n, low in turns]
        case "uuid":
            return [f"{'00000000' if low else 'ffffffff'}-0000-0000-0000-{salt:08x}{n:04x}" for n, low in turns]
        case "timestamptz" | "timestamp" | "date":
            offset = salt % 2_000
            return [f'"{(1 if low else 9000) + (offset + n) % 900:04d}-01-01"' for n, low in turns]
        case _:
            return None
