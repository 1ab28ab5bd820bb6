"""What is wrong with the indexes that there are: missing, unused, duplicate, overlapping, invalid, bloated."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from pgassay.advisor.coverage import covered, covers
from pgassay.advisor.ground import buffers
from pgassay.advisor.model import Usage
from pgassay.catalog import Catalog, Constraint, Index, Table
from pgassay.model import Certainty, Name, literal, quote
from pgassay.server import Connection, StatementError
from pgassay.sql.queries import queries
from pgassay.twin.index_size import Key, btree

Problem = Literal["missing", "unused", "duplicate", "overlapping", "invalid", "bloated"]
PROBLEMS: tuple[Problem, ...] = ("invalid", "missing", "duplicate", "overlapping", "unused", "bloated")
_LITTLE = 2**20  # bytes
_BLOATED = 2.0  # times what it would be just built
_ALIGN = {"c": 1, "s": 2, "i": 4, "d": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexProblem:
    """``index`` is None where there is none; ``sql`` mends it and ``undo`` takes that back. ``bytes`` it takes, or
    wastes."""

    problem: Problem
    table: Name
    index: str | None
    message: str
    sql: str
    undo: str = ""
    certainty: Certainty = Certainty.COMPUTED
    bytes: int | None = None
    constraint: str | None = None  # the foreign key that wants an index


def usage(connection: Connection) -> Usage:
    """What the server counted. Raises StatementError."""
    sql = queries("pgassay.advisor", "index_facts.sql")
    rows = connection.json(sql["usage"]) or []
    names = {Name(r["schema"], r["name"]): r for r in rows}
    return Usage(
        scans={n: int(r["scans"] or 0) for n, r in names.items()},
        bytes={n: int(r["bytes"] or 0) for n, r in names.items()},
        since=connection.value(sql["since"]) or "",
    )


def problems(catalog: Catalog, used: Usage | None = None, *, counted: bool = False) -> tuple[IndexProblem, ...]:
    """All but bloat. ``counted``: whether the numbers of scans are those of an application."""
    found = list(
        itertools.chain.from_iterable(
            (*_invalid(t), *_missing(catalog, t), *_covered(t, used)) for t in catalog.tables if t.partition_of is None
        )
    )
    gone = {(p.table, p.index) for p in found if p.index}
    if used is not None and counted:
        for table in catalog.tables:
            found += [p for p in unused(table, used) if (p.table, p.index) not in gone]
    return tuple(sorted(found, key=lambda p: (PROBLEMS.index(p.problem), str(p.table), p.index or "")))


def _invalid(table: Table) -> Iterator[IndexProblem]:
    for index in table.indexes:
        if not index.valid and table.kind == "table":
            name = Name(table.name.schema, index.name)
            yield IndexProblem(
                problem="invalid",
                table=table.name,
                index=index.name,
                message=f"{index.name} is not valid: queries cannot use it, and every write maintains it",
                sql=f"REINDEX INDEX CONCURRENTLY {name}",
            )


def _missing(catalog: Catalog, table: Table) -> Iterator[IndexProblem]:
    for key in table.foreign_keys:
        if key.inherited or any(_serves(index, key) for index in table.indexes):
            continue
        columns = ", ".join(quote(c) for c in key.columns)
        nullable = [c for c in key.columns if (known := table.column(c)) is not None and not known.not_null]
        where = f" WHERE {quote(nullable[0])} IS NOT NULL" if nullable and len(key.columns) == 1 else ""
        taken = {i.name for t in catalog.tables for i in t.indexes}
        name = _free_name("_".join([table.name.name, *key.columns, "idx"]), taken)
        concurrently = "" if table.kind == "partitioned table" else "CONCURRENTLY "
        yield IndexProblem(
            problem="missing",
            table=table.name,
            index=None,
            message=f"the foreign key {key.name} has no index on {table.name} ({columns}): "
            f"each DELETE in {key.references}, and each UPDATE of its key, reads the whole table",
            sql=f"CREATE INDEX {concurrently}{quote(name)} ON {table.name} ({columns}){where}",
            undo=f"DROP INDEX {concurrently}{Name(table.name.schema, name)}",
            constraint=key.name,
        )


def _serves(index: Index, key: Constraint) -> bool:
    """Whether an index finds the rows of a foreign key: its columns lead, in whatever order."""
    if index.method not in ("btree", "hash") or not index.valid:
        return False
    whole = index.where is None or (
        len(key.columns) == 1 and re.fullmatch(rf"\(?{re.escape(quote(key.columns[0]))} IS NOT NULL\)?", index.where)
    )
    return bool(whole) and set(index.columns[: len(key.columns)]) == set(key.columns)


def _free_name(stem: str, taken: set[str]) -> str:
    stem = stem.encode()[:60].decode(errors="ignore")
    return next(n for n in (stem, *(f"{stem}{k}" for k in range(2, 1_000))) if n not in taken)


def _covered(table: Table, used: Usage | None) -> Iterator[IndexProblem]:
    for index, other in covered(table):
        if not index.valid:
            continue
        name = Name(table.name.schema, index.name)
        same = covers(index, other)
        words = "has the same definition as" if same else "does nothing that is not done by"
        concurrently = "" if table.kind == "partitioned table" else "CONCURRENTLY "
        yield IndexProblem(
            problem="duplicate" if same else "overlapping",
            table=table.name,
            index=index.name,
            message=f"{index.name} {words} {other.name}",
            sql=f"DROP INDEX {concurrently}{name}",
            undo=re.sub(r"^(CREATE (?:UNIQUE )?INDEX) ", rf"\1 {concurrently}", index.definition),
            bytes=used.bytes.get(name) if used else None,
        )


def unused(table: Table, used: Usage) -> Iterator[IndexProblem]:
    """Indexes of a table without one scan. Constraints, replica identity and foreign keys' indexes stay."""
    for index in table.indexes:
        name = Name(table.name.schema, index.name)
        bound = index.constraint or index.unique or index.primary or index.exclusion or index.partition_of
        if bound or not index.valid or table.replica_identity == f"index {index.name}":
            continue
        if any(_serves(index, key) for key in table.foreign_keys) or used.scans.get(name, 1) > 0:
            continue
        yield IndexProblem(
            problem="unused",
            table=table.name,
            index=index.name,
            message=f"{index.name} was not used once since {used.since} on this server (a replica counts its own)",
            sql=f"DROP INDEX CONCURRENTLY {name}",
            undo=re.sub(r"^(CREATE INDEX) ", r"\1 CONCURRENTLY ", index.definition),
            bytes=used.bytes.get(name),
        )


def bloated(connection: Connection, catalog: Catalog) -> tuple[IndexProblem, ...]:
    """B-trees that are at least twice as large as CREATE INDEX would make them, by the statistics there are."""
    rows = connection.json(queries("pgassay.advisor", "index_facts.sql")["keys"]) or []
    tables = {Name(t.name.schema, i.name): t.name for t in catalog.tables for i in t.indexes}
    found = []
    for (schema, index), group in itertools.groupby(rows, key=lambda r: (r["schema"], r["name"])):
        name, parts = Name(schema, index), list(group)
        size = int(parts[0]["bytes"])
        expected = _expected(parts)
        if name in tables and expected and size > _BLOATED * expected and size - expected > _LITTLE:
            found.append(
                IndexProblem(
                    problem="bloated",
                    table=tables[name],
                    index=index,
                    message=f"{index} is {size / expected:.1f} times as large as it would be, built anew",
                    sql=f"REINDEX INDEX CONCURRENTLY {name}",
                    bytes=size - expected,
                )
            )
    return tuple(found)


def _expected(parts: list[dict[str, Any]]) -> int | None:
    tuples = float(parts[0]["tuples"])
    if tuples < 0 or any(p["width"] is None for p in parts):
        return None
    keys = [_key(p, tuples) for p in parts]
    number = int(parts[0]["keys"])
    found = btree(tuples, keys[:number], unique=parts[0]["unique"], include=keys[number:], fill=int(parts[0]["fill"]))
    return found.bytes


def _key(part: dict[str, Any], tuples: float) -> Key:
    distinct = float(part["distinct"])
    return Key(
        width=float(part["width"]) if part["length"] < 0 else float(part["length"]),
        align=_ALIGN[part["align"]],
        varying=part["length"] < 0,
        distinct=max(distinct if distinct > 0 else -distinct * tuples, 1.0),
        null_frac=float(part["null_frac"]),
        common=tuple(part["common"] or ()),
        merges=not part["unmerged"],
    )


def prove_missing(connection: Connection, found: IndexProblem, catalog: Catalog) -> IndexProblem:
    """The same with what a scratch database showed: pages read to find a parent's children, without and with."""
    table = catalog.table(found.table)
    key = next((k for k in table.foreign_keys if k.name == found.constraint), None) if table else None
    if key is None:
        return found
    columns = ", ".join(quote(c) for c in key.columns)
    pages = []
    try:
        rows = connection.run(f"SELECT {columns} FROM {found.table} WHERE ({columns}) IS NOT NULL LIMIT 1")
        if not rows:
            return found
        values = [literal(value) for value in rows[0]]
        where = " AND ".join(f"{quote(c)} = {value}" for c, value in zip(key.columns, values, strict=True))
        for create in (None, found.sql.replace(" CONCURRENTLY ", " ")):
            with connection.rolled_back():
                if create:
                    connection.run(create)
                text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT FROM {found.table} WHERE {where}"
                pages.append(buffers(connection.json(text)[0]["Plan"]))
    except StatementError:
        return found
    if pages[0] <= pages[1]:
        return found
    words = f"{found.message} ({pages[0]:,} pages on the scratch server; with the index {pages[1]:,})"
    return replace(found, message=words, certainty=Certainty.PROVED)
