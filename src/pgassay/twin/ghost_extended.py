"""Bring the data of CREATE STATISTICS into a ghost (``pg_statistic_ext_data``, manual, chapter 52.53).

Before PostgreSQL 19 there is no function for it. Counts and dependencies are written in the server's own binary form.
A list of most common combinations holds values of any type in their internal form: PostgreSQL makes that itself, by
ANALYZE on a small table of just these combinations, and only the frequencies are put in their places.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pgassay.model import Name, literal, quote
from pgassay.server import SUPERUSER, Connection, Server, StatementError
from pgassay.twin.export_file import Attribute, Extended
from pgassay.twin.ghost_schema import HELPER, Unmade
from pgassay.twin.ghost_statistics import sql, write_attributes

_E = "<" if sys.byteorder == "little" else ">"
_NDISTINCT, _DEPENDENCIES, _MCV = 0xA352BFA4, 0xB4549A2C, 0xE1A651C2
_TYPES = ("pg_ndistinct", "pg_dependencies", "pg_mcv_list")


@dataclass(frozen=True, slots=True)
class _Object:
    """A statistics object of the ghost; ``numbers`` maps production's column numbers to the ghost's."""

    oid: int
    table: Name
    columns: tuple[str, ...]
    expressions: tuple[str, ...]
    keys: tuple[int, ...]


def write_extended(server: Server, database: str, given: Sequence[Extended]) -> tuple[Unmade, ...]:
    """Write the data of all statistics objects; names those that could not be written."""
    if not given or server.major < 12:
        return ()
    expressions = ", pg_catalog.pg_get_statisticsobjdef_expressions(e.oid) AS expressions" if server.major >= 14 else ""
    unmade: list[Unmade] = []
    with server.connect(database, role=SUPERUSER) as admin, server.connect(database) as owner:
        admin.run("SET TimeZone = 'UTC'")
        owner.run(f"CREATE SCHEMA IF NOT EXISTS {HELPER}; SET statement_timeout = '60s'; SET TimeZone = 'UTC'")
        objects = {
            (row["schema"], row["name"]): _Object(
                row["oid"],
                Name(row["table_schema"], row["table"]),
                tuple(row["columns"] or ()),
                tuple(row.get("expressions") or ()),
                tuple(row["keys"]),
            )
            for row in admin.json(sql("statistics_objects").replace("{expressions}", expressions)) or []
        }
        # Stored alike, so a cast costs nothing; without one no value of these types can be written.
        admin.run("; ".join(f"CREATE CAST (bytea AS {name}) WITHOUT FUNCTION" for name in _TYPES))
        for number, each in enumerate(given):
            found = objects.get((each.schema, each.name))
            if found is None or len(found.keys) != len(each.keys):
                continue
            try:
                unmade += _write(server, database, admin, owner, found, each, f"h{number}")
            except StatementError as error:
                unmade.append(Unmade(statement=f"statistics {each.schema}.{each.name}", reason=error.report.message))
        admin.run("; ".join(f"DROP CAST (bytea AS {name})" for name in _TYPES))
    return tuple(unmade)


def _write(
    server: Server, database: str, admin: Connection, owner: Connection, into: _Object, given: Extended, helper: str
) -> tuple[Unmade, ...]:
    names = [f"c{n}" for n in range(len(into.columns) + len(into.expressions))]
    parts = [*map(quote, into.columns), *(f"({text})" for text in into.expressions)]
    columns = ", ".join(f"{part} AS {name}" for part, name in zip(parts, names, strict=True))
    table = f"{HELPER}.{helper}"
    owner.run(f"CREATE TABLE {table} AS SELECT {columns} FROM {into.table} WITH NO DATA")
    unmade: tuple[Unmade, ...] = ()
    mapped = dict(zip(given.keys, into.keys, strict=True))
    values = {
        "stxdndistinct": _counts(given, mapped),
        "stxddependencies": _dependencies(given, mapped),
        "stxdmcv": _combinations(admin, owner, given, table, names),
    }
    casts = dict(zip(values, _TYPES, strict=True))
    fields = [("stxoid", str(into.oid))]
    if server.major >= 15:
        fields.append(("stxdinherit", "true" if given.inherited else "false"))
    fields += [(k, f"'\\x{v.hex()}'::bytea::{casts[k]}") for k, v in values.items() if v]
    if given.expressions and len(given.expressions) == len(into.expressions):
        first = len(into.columns)
        moved = [
            replace(e, schema=HELPER, relation=helper, name=names[first + n], index=False, inherited=False)
            for n, e in enumerate(given.expressions)
            if isinstance(e, Attribute)
        ]
        unmade = write_attributes(server, database, moved)
        rows = f"(SELECT array_agg(s ORDER BY s.staattnum) FROM pg_statistic s WHERE s.starelid = '{table}'::regclass)"
        fields.append(("stxdexpr", rows))
    inherit = f" AND stxdinherit = {fields[1][1]}" if server.major >= 15 else ""
    admin.run(
        f"DELETE FROM pg_statistic_ext_data WHERE stxoid = {into.oid}{inherit};"
        f" INSERT INTO pg_statistic_ext_data ({', '.join(k for k, _ in fields)})"
        f" VALUES ({', '.join(v for _, v in fields)})"
    )
    return unmade


def _counts(given: Extended, mapped: dict[int, int]) -> bytes | None:
    """``statext_ndistinct_serialize``."""
    if not given.ndistinct:
        return None
    data = struct.pack(f"{_E}III", _NDISTINCT, 1, len(given.ndistinct))
    for columns, count in given.ndistinct:
        numbers = [mapped.get(c, c) for c in columns]
        data += struct.pack(f"{_E}di{len(numbers)}h", count, len(numbers), *numbers)
    return data


def _dependencies(given: Extended, mapped: dict[int, int]) -> bytes | None:
    """``statext_dependencies_serialize``."""
    if not given.dependencies:
        return None
    data = struct.pack(f"{_E}III", _DEPENDENCIES, 1, len(given.dependencies))
    for columns, degree in given.dependencies:
        numbers = [mapped.get(c, c) for c in columns]
        data += struct.pack(f"{_E}dh{len(numbers)}h", degree, len(numbers), *numbers)
    return data


def _combinations(
    admin: Connection, owner: Connection, given: Extended, table: str, names: Sequence[str]
) -> bytes | None:
    """PostgreSQL's own bytes for the most common combinations, with production's frequencies."""
    if not given.mcv or len(names) < 2:
        return None
    rows = ", ".join(f"({', '.join(map(_value, values))})" for values, _, _ in given.mcv)
    statistics = f"{table}_s"
    owner.run(
        f"INSERT INTO {table} VALUES {rows};"
        f" CREATE STATISTICS {statistics} (mcv) ON {', '.join(names)} FROM {table};"
        f" ALTER STATISTICS {statistics} SET STATISTICS 10000"
    )
    owner.run(f"ANALYZE {table}")
    found: list[list[Any]] = admin.run(
        "SELECT encode(d.stxdmcv::bytea, 'hex'), (SELECT json_agg(json_build_array(i.index, i.values, i.nulls))"
        " FROM pg_mcv_list_items(d.stxdmcv) i) FROM pg_statistic_ext_data d JOIN pg_statistic_ext e ON e.oid = d.stxoid"
        f" WHERE e.stxrelid = '{table}'::regclass AND d.stxdmcv IS NOT NULL"
    )
    if not found:
        return None
    return _with_frequencies(bytearray.fromhex(found[0][0]), found[0][1], given, len(names))


def _value(value: str | None) -> str:
    return "NULL" if value is None else literal(value)


def _with_frequencies(data: bytearray, items: str, given: Extended, dimensions: int) -> bytes | None:
    """``statext_mcv_serialize``: the items come last, each with its nulls, two doubles, and an index a dimension."""
    import json

    if struct.unpack_from(f"{_E}I", data)[0] != _MCV:
        return None
    wanted = {values: (frequency, base) for values, frequency, base in given.mcv}
    listed = json.loads(items)
    size = dimensions * 3 + 16
    start = len(data) - len(listed) * size
    for index, values, nulls in listed:
        key = tuple(None if null else value for value, null in zip(values, nulls, strict=True))
        if key not in wanted:
            return None
        struct.pack_into(f"{_E}dd", data, start + index * size + dimensions, *wanted[key])
    return bytes(data)
