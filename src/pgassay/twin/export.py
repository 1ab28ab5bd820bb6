"""Read from a live database what its planner goes by: schema, sizes, statistics, settings, workload. Not one row.

The connection is guarded (read-only, timeouts) and reads ``pg_catalog`` and two extensions alone; ``pg_dump`` does the
schema. Statistics that the role may not read are left out, and the export says so.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from pgassay.errors import ConnectionProblem, UsageError
from pgassay.model import Name, quote
from pgassay.server import LiveConnection, StatementError, connect_live
from pgassay.sql.queries import queries
from pgassay.sql.single import without_values
from pgassay.twin.export_dump import dump_schema
from pgassay.twin.export_file import Attribute, Call, End, Export, Extended, Relation, ServerFacts, settled
from pgassay.twin.index_size import height_of

_OLDEST = 120000
_AT_ONCE = 40  # indexes a query
_LONGEST = 120  # characters of a value
_SAMPLES = ("most_common_vals", "histogram_bounds", "most_common_elems")
_RANGES = ("range_length_histogram", "range_bounds_histogram")
_DEPENDENCIES = 0xB4549A2C  # STATS_DEPS_MAGIC
_LEFT_OUT = "constants of statements whose text cannot be parsed: those statements"


def export(
    url: str, *, values: bool = True, role: str | None = None, progress: Callable[[str], None] = lambda _: None
) -> Export:
    """Everything that a ghost of this database is made of.

    Without ``values`` no sampled value leaves: most common values, histogram bounds, common elements and the constants
    of statements stay behind, while frequencies, distinct counts, null fractions, widths and correlations are kept.
    Settings and search path are those of ``role``, or else of the role that connects.
    Raises ConnectionProblem where the database cannot be read.
    """
    with connect_live(url) as live:
        left_out: list[str] = []
        try:
            progress("Reading sizes and statistics")
            facts = _Facts(live, values, left_out)
            server = facts.server()
            if server.number < _OLDEST:
                raise ConnectionProblem(f"production has PostgreSQL {server.version}; a twin needs 12 or newer")
            attributes = facts.attributes(server)
            relations = facts.relations(attributes)
            unreadable = [(str(schema), str(name)) for schema, name in live.run(facts.sql["unreadable"])]
            result = Export(
                made=datetime.now(UTC).isoformat(timespec="seconds"),
                values=values,
                server=server,
                settings=facts.settings(role),
                search_path=live.value(facts.sql["search_path"], [role]),
                schema="",
                relations=relations,
                attributes=attributes,
                extended=facts.extended(server),
                ends=facts.ends() if values else (),
                workload=facts.workload(),
                tablespaces=facts.tablespaces(),
            )
        except StatementError as error:
            raise ConnectionProblem(f"{url.rpartition('@')[2]}: {error.report}") from None
    progress("Reading the schema")
    schema = dump_schema(url, without=unreadable)
    if unreadable:
        shown = ", ".join(".".join(each) for each in unreadable[:5]) + (" …" if len(unreadable) > 5 else "")
        left_out.append(f"{len(unreadable)} tables that {url_user(url)} has no privilege for: {shown}")
        lost = set(unreadable)
        result = replace(result, relations=tuple(r for r in relations if (r.schema, r.table or r.name) not in lost))
    return settled(replace(result, schema=schema, left_out=tuple(left_out)))


def url_user(url: str) -> str:
    """The user of a URL, or "the role"."""
    found = re.match(r"[^:]+://([^:@/]+)[^@/]*@", url)
    return found[1] if found else "the role"


class _Facts:
    """The queries of ``export.sql`` against one connection."""

    def __init__(self, live: LiveConnection, values: bool, left_out: list[str]) -> None:
        self.live, self.values, self.left_out = live, values, left_out
        self.sql = queries("pgassay.twin", "export.sql")

    def server(self) -> ServerFacts:
        return ServerFacts(**self.live.json(self.sql["server"]))

    def settings(self, role: str | None) -> dict[str, str]:
        """What steers the planner for a role: its own settings, those of its tablespace, those of the database."""
        found: dict[str, str] = self.live.json(self.sql["settings"]) or {}
        for space in self.live.json(self.sql["tablespaces"]) or ():
            if space["own"]:
                found |= {name: value for name, value in space["options"].items() if name in found}
        roles: dict[str, dict[str, str]] = {}
        for row in self.live.json(self.sql["role_settings"]) or ():
            roles.setdefault(row["role"], {})[row["name"]] = row["value"]
        if role is not None:
            if self.live.value("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", [role]) is None:
                raise UsageError(f"there is no role {role} in this database")
            return found | roles.get(role, {})
        others = sorted(set(roles) - {self.live.user})
        if others:
            listed = ", ".join(others[:5]) + (" …" if len(others) > 5 else "")
            self.left_out.append(
                f"settings of other roles that steer the planner ({listed}): --role takes those of one"
            )
        return found

    def tablespaces(self) -> dict[str, dict[str, str]]:
        """Those with options, other than the database's own, whose costs are among the settings."""
        found = self.live.json(self.sql["tablespaces"]) or ()
        return {row["name"]: row["options"] for row in found if not row["own"]}

    def relations(self, attributes: Iterable[Attribute]) -> tuple[Relation, ...]:
        widths = {(a.schema, a.relation, a.name): a.avg_width for a in attributes}
        rows = self.live.json(self.sql["relations"]) or []
        heights, gin = self._pages()
        found = []
        for row in rows:
            keys = row.pop("keys") or []
            row["order"] = row["order"] or 0
            place = (row["schema"], row["name"])
            if row["method"] == "btree" and row["kind"] == "i":
                width = sum(
                    size
                    if size > 0
                    else widths.get((row["schema"], row["table"] if column else row["name"], column or own), 16)
                    for column, size, own in keys
                )
                row["measured"] = place in heights
                row["height"] = heights.get(place, height_of(row["blocks"], width))
            if place in gin:
                row["gin"] = tuple(gin[place])
            found.append(Relation(**row))
        return tuple(found)

    def _pages(self) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], list[int]]]:
        """What the first pages of B-trees and GIN indexes say, where pageinspect is there and we may use it."""
        schema = self.live.value(self.sql["pageinspect"])
        if schema is None:
            self.left_out.append("exact heights of B-trees (needs pageinspect and a superuser): computed instead")
            return {}, {}
        try:
            heights = self.live.json(self.sql["heights"].replace("{schema}", schema)) or []
            gin = self.live.json(self.sql["gin"].replace("{schema}", schema)) or []
        except StatementError as error:
            self.left_out.append(f"exact heights of B-trees: computed instead ({error.report.message})")
            return {}, {}
        return (
            {(row["schema"], row["name"]): row["height"] for row in heights},
            {(row["schema"], row["name"]): row["gin"] for row in gin},
        )

    def attributes(self, server: ServerFacts) -> tuple[Attribute, ...]:
        own = server.major >= 17
        query = self.sql["attributes"].replace("{ranges_shape}", ", s.range_empty_frac" if own else "")
        wanted = [*_SAMPLES, *(_RANGES if own else ())] if self.values else []
        query = query.replace("{values}", "".join(f", s.{name}::text AS {name}" for name in wanted))
        rows = self.live.json(query) or []
        if not own:
            self._add_ranges(rows)
        known = {f.name for f in fields(Attribute)}
        found = tuple(Attribute(**{k: _frozen(v) for k, v in row.items() if k in known}) for row in rows)
        seen = {(a.schema, a.relation) for a in found}
        if not seen:
            self.left_out.append("statistics of columns: there are none that the role may read (see pg_stats)")
        return found

    def _add_ranges(self, rows: list[dict[str, Any]]) -> None:
        wanted = ""
        if self.values:
            for kind, name in ((6, _RANGES[0]), (7, _RANGES[1])):
                cases = " ".join(f"WHEN s.stakind{n} THEN s.stavalues{n}::text" for n in (1, 2, 3, 4, 5))
                wanted += f", CASE {kind} {cases} END AS {name}"
        try:
            ranges = self.live.json(self.sql["ranges"].replace("{values}", wanted)) or []
        except StatementError:
            return  # only superusers read pg_statistic
        by_place = {tuple(r.pop(k) for k in ("schema", "relation", "name", "inherited")): r for r in ranges}
        for row in rows:
            row |= by_place.get((row["schema"], row["relation"], row["name"], row["inherited"]), {})

    def extended(self, server: ServerFacts) -> tuple[Extended, ...]:
        wanted = ", s.most_common_freqs AS frequencies, s.most_common_base_freqs AS bases"
        wanted = f"{wanted}, s.most_common_vals AS items" if self.values else ""
        exact = ""
        rows = self.live.json(self.sql["extended"].replace("{exact}", exact).replace("{values}", wanted)) or []
        if not rows:
            return ()
        try:
            degrees = {
                (d["schema"], d["name"], d["inherited"]): d["bytes"] for d in self.live.json(self.sql["exact"]) or ()
            }
        except StatementError:
            degrees = {}
        expressions = self._expressions() if server.number >= 140000 else {}
        found = []
        for row in rows:
            place = (row["schema"], row["name"], row["inherited"])
            known = bytes.fromhex(degrees[place]) if place in degrees else None
            items = zip(row.get("items") or (), row.get("frequencies") or (), row.get("bases") or (), strict=False)
            found.append(
                Extended(
                    schema=row["schema"],
                    name=row["name"],
                    inherited=row["inherited"],
                    keys=tuple(row["keys"] or ()),
                    ndistinct=_ndistinct(row["ndistinct"]),
                    dependencies=_dependencies(known) if known else _dependencies_text(row["dependencies"]),
                    mcv=tuple((tuple(values), float(freq), float(base)) for values, freq, base in items),
                    expressions=expressions.get(place, ()),
                )
            )
        return tuple(found)

    def _expressions(self) -> dict[tuple[str, str, bool], tuple[Attribute, ...]]:
        wanted = "".join(f", s.{name}::text AS {name}" for name in _SAMPLES) if self.values else ""
        rows = self.live.json(self.sql["expressions"].replace("{values}", wanted)) or []
        found: dict[tuple[str, str, bool], tuple[Attribute, ...]] = {}
        for row in rows:
            place = (row["schema"], row["relation"], row["inherited"])
            row |= {"name": str(row["number"]), "index": True}
            if row["n_distinct"] is not None:
                found[place] = (*found.get(place, ()), Attribute(**{k: _frozen(v) for k, v in row.items()}))
        return found

    def ends(self) -> tuple[End, ...]:
        """Read from the ends of indexes, as the planner does; the only look at the tables themselves."""
        rows = [[str(part) for part in row] for row in self.live.run(self.sql["ended"])]
        found: list[End] = []
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            try:
                answers = self._read_ends(some)
            except StatementError as error:
                tables = ", ".join(sorted({f"{schema}.{table}" for schema, table, _ in some})[:5])
                self.left_out.append(f"the ends of indexes of {tables} …: {error.report.message}")
                continue
            for (schema, table, column), (low, high) in zip(some, answers, strict=True):
                if low is not None and high is not None and max(len(low), len(high)) <= _LONGEST:
                    found.append(End(schema=schema, table=table, column=column, low=low, high=high))
        return tuple(found)

    def _read_ends(self, some: list[list[str]]) -> list[list[str | None]]:
        pairs = []
        for schema, table, column in some:
            name = quote(column)
            ends = (
                f"(SELECT x.{name}::pg_catalog.text FROM ONLY {Name(schema, table)} x"
                f" WHERE x.{name} IS NOT NULL ORDER BY x.{name} {way} LIMIT 1)"
                for way in ("ASC", "DESC")
            )
            pairs.append(f"pg_catalog.json_build_array({', '.join(ends)})")
        query = self.sql["ends"].replace("{pairs}", ", ".join(pairs))
        answers: list[list[str | None]] = self.live.json(query)
        return answers

    def workload(self) -> tuple[Call, ...]:
        schema = self.live.value(self.sql["statements_schema"])
        if schema is None:
            self.left_out.append("the workload: pg_stat_statements is not installed in this database")
            return ()
        try:
            rows = self.live.json(self.sql["statements"].replace("{schema}", schema)) or []
        except StatementError as error:
            self.left_out.append(f"the workload: {error.report.message}")
            return ()
        calls = [Call(**row) for row in rows if row["query"] and not row["query"].startswith("<insufficient")]
        if self.values:
            return tuple(calls)
        plain = [(call, without_values(call.query)) for call in calls]
        if any(text is None for _, text in plain):
            self.left_out.append(_LEFT_OUT)
        return tuple(replace(call, query=text) for call, text in plain if text is not None)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _ndistinct(text: str | None) -> tuple[tuple[tuple[int, ...], float], ...]:
    """``{"1, 2": 100}``, or since PostgreSQL 19 a list of objects."""
    if not text:
        return ()
    read = json.loads(text)
    if isinstance(read, list):
        return tuple((tuple(item["attributes"]), float(item["ndistinct"])) for item in read)
    return tuple((tuple(map(int, key.split(","))), float(value)) for key, value in read.items())


def _dependencies_text(text: str | None) -> tuple[tuple[tuple[int, ...], float], ...]:
    if not text:
        return ()
    read: list[Mapping[str, Any]] | dict[str, float] = json.loads(text)
    if isinstance(read, list):
        return tuple(((*item["attributes"], item["dependency"]), float(item["degree"])) for item in read)
    return tuple((tuple(map(int, re.findall(r"-?\d+", key))), float(value)) for key, value in read.items())


def _dependencies(data: bytes) -> tuple[tuple[tuple[int, ...], float], ...]:
    """What ``statext_dependencies_serialize`` wrote, on a machine of either byte order."""
    order = "<" if struct.unpack_from("<I", data)[0] == _DEPENDENCIES else ">"
    (count,) = struct.unpack_from(f"{order}I", data, 8)
    found, at = [], 12
    for _ in range(count):
        degree, members = struct.unpack_from(f"{order}dh", data, at)
        numbers = struct.unpack_from(f"{order}{members}h", data, at + 10)
        found.append((tuple(numbers), degree))
        at += 10 + 2 * members
    return tuple(found)
