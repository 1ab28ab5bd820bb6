"""From a statement and the table as it stands to the SQL of the batches. What cannot be batched is refused here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pgassay.errors import InputError
from pgassay.migrate.backfill.ranges import KeyRanges, PageRanges, Ranges
from pgassay.model import Name, quote
from pgassay.server import Connection
from pgassay.sql.batching import Batchable
from pgassay.sql.queries import queries

QUERIES = queries("pgassay.migrate.backfill", "queries.sql")
_LEFT = "count(*) AS pgassay_left"
_ROWS_A_PAGE = 60.0  # of a table without statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``first`` and ``later`` are a batch without and with a lower end, ``catching`` the same for later passes.

    ``left`` counts the rows that the statement still has to do; None where only the ranges tell. ``total``: rows of the
    sliced table by its statistics. ``changes``: OID of the changed table.
    """

    statement: Batchable
    ranges: Ranges
    first: str
    later: str
    catching: tuple[str, str]
    left: str | None
    total: int
    table: str
    changes: str
    notes: tuple[str, ...] = ()

    @property
    def by_pages(self) -> bool:
        """Whether rows are found by where they lie, so that a changed row may be met again."""
        return isinstance(self.ranges, PageRanges)


def planned(session: Connection, statement: Batchable, path: str | None = None, line: int | None = None) -> Plan:
    """Choose the key and write the batches. Raises InputError where that cannot be."""
    try:
        return _planned(session, statement)
    except _Refusal as refusal:
        raise InputError(f"this statement cannot be run in batches: {refusal}", path=path, line=line) from None


class _Refusal(Exception):
    pass


def _planned(session: Connection, statement: Batchable) -> Plan:
    table = _relation(session, statement.table)
    target = table if statement.kind != "insert" else _relation(session, statement.target)
    met = session.value(QUERIES["meets"], [target["oid"], json.dumps([str(name) for name in _read(statement)])])
    if met is not None:
        raise _Refusal(f"it reads {met}, through which it meets the rows of {target['name']} that it changes itself")
    notes = _functions(session, statement)
    anti = _anti_join(session, statement, target) if statement.kind == "insert" else None
    if statement.ordered and _counted(statement, target):
        raise _Refusal(f"its ORDER BY decides the numbers that {target['name']} gives to its rows")
    ranges = _ranges(session, statement, table, recovers=anti is not None or statement.guarded)
    if not (statement.where or statement.kind == "insert"):
        notes.append("without a WHERE, rows that are inserted from now on are not its business: they stay as they are")
    left: str | None = None
    catching = (statement.sliced(ranges.condition(True)), statement.sliced(ranges.condition(False)))
    first, later = catching
    if statement.kind == "insert":
        if anti is not None:
            catching = (
                statement.sliced(f"{ranges.condition(True)} AND {anti}"),
                statement.sliced(f"{ranges.condition(False)} AND {anti}"),
            )
            left = statement.matching(_LEFT, anti)
        elif statement.guarded:
            left = statement.matching(_LEFT)
    elif statement.where or (statement.kind == "delete" and isinstance(ranges, PageRanges)):
        left = statement.matching(_LEFT)
    return Plan(
        statement=statement,
        ranges=ranges,
        first=first,
        later=later,
        catching=catching,
        left=left,
        total=_rows(table),
        table=table["name"],
        changes=target["oid"],
        notes=tuple(notes),
    )


def _relation(session: Connection, name: Name) -> dict[str, Any]:
    found: dict[str, Any] | None = session.json(QUERIES["relation"], [str(name)])
    if found is None:
        raise _Refusal(f"there is no table {name} (as this session's search_path has it)")
    if found["kind"] not in ("r", "p", "m"):
        kind = {"v": "a view", "f": "a foreign table"}.get(found["kind"], "no table")
        raise _Refusal(f"{name} is {kind}: only a table's rows can be gone through by ranges")
    return found


def _read(statement: Batchable) -> Iterable[Name]:
    yield from statement.others
    if statement.kind == "insert":
        yield statement.table


def _functions(session: Connection, statement: Batchable) -> list[str]:
    """Notes on functions whose value differs between batches; those that make slicing wrong are refused."""
    wanted = [{"schema": n.schema, "name": n.name} for n in statement.mentioned]
    found = session.json(QUERIES["functions"], [json.dumps(wanted)]) if wanted else []
    volatile = {name for name, how, _ in found if how == "v"}
    totals = {name for name, _, kind in found if kind in ("a", "w")}
    outer = sorted(n.name for n in statement.outer if n.name in totals)
    if outer:
        raise _Refusal(f"it aggregates ({outer[0]}), which depends on all rows at once")
    choosing = sorted(n.name for n in statement.within_where if n.name in volatile)
    if choosing:
        raise _Refusal(
            f"its WHERE calls {choosing[0]}, which is volatile: which rows are meant changes with every look"
        )
    notes = [f"{name}() is volatile: it is called for each row, as in one statement" for name in sorted(volatile)]
    if statement.times or statement.mentioned & {Name(None, n) for n in ("now", "transaction_timestamp")}:
        notes.append("the current time is that of each batch, not of the beginning")
    return notes


def _counted(statement: Batchable, target: dict[str, Any]) -> bool:
    named = statement.columns or tuple(target["columns"])
    return any(column not in named for column in target["numbered"] or ())


def _ranges(session: Connection, statement: Batchable, table: dict[str, Any], *, recovers: bool) -> Ranges:
    keys = session.json(QUERIES["keys"], [table["oid"]]) or []
    free = [key for key in keys if not statement.assigned & {column for column, _ in key}]
    if free:
        columns, types = zip(*free[0], strict=True)
        return KeyRanges(statement=statement, columns=columns, types=types)
    name = table["name"]
    if keys:
        raise _Refusal(f"it sets the key of {name}: its rows would move from one range into another")
    if table["kind"] == "p" or (table["parent"] and not statement.only):
        raise _Refusal(f"{name} has partitions or children and no key: run it on each of them")
    if statement.kind == "update" and not statement.where:
        raise _Refusal(
            f"{name} has no key, and without a WHERE a changed row cannot be told from one that waits:"
            " give the table a primary key, or the statement a WHERE that a changed row no longer meets"
        )
    if statement.kind == "insert" and not recovers:
        raise _Refusal(
            f"{name} has no key, and a row that moves meanwhile would be missed or copied twice:"
            f" give it a primary key, or {statement.target} a unique key that is filled from it"
        )
    pages = table["bytes"] / table["block"]
    per_page = table["rows"] / pages if pages and table["rows"] else _ROWS_A_PAGE
    return PageRanges(statement=statement, oid=table["oid"], block=table["block"], per_page=max(per_page, 1.0))


def _anti_join(session: Connection, statement: Batchable, target: dict[str, Any]) -> str | None:
    """That the target does not have the row yet, by a key that is filled from the query; None where there is none."""
    columns = statement.columns or tuple(target["columns"])[: len(statement.values)]
    if len(columns) != len(statement.values):
        return None
    filled = {c: v for c, v in zip(columns, statement.values, strict=True) if v is not None and "(" not in v}
    for key in session.json(QUERIES["keys"], [target["oid"]]) or []:
        if all(column in filled for column, _ in key):
            pairs = " AND ".join(f"pgassay_target.{quote(c)} = ({filled[c]})::{kind}" for c, kind in key)
            return f"NOT EXISTS (SELECT FROM {statement.target} AS pgassay_target WHERE {pairs})"
    return None


def _rows(table: dict[str, Any]) -> int:
    return int(table["rows"]) or int(table["bytes"] / table["block"] * _ROWS_A_PAGE)
