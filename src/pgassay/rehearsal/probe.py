"""The old-application probe: statements that the version running before the migration would send.

They come from the catalog before (read each column, write what was required and what was known, update each column) and
from the user's workload. Those that work before are tried again after; each that stops working breaks the application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pgassay.catalog import Catalog, Table
from pgassay.model import Name, literal, quote
from pgassay.rehearsal.watch import watch
from pgassay.server import Connection, Server, ServerMessage, StatementError

_MOST_LABELS = 20
_SECONDS = 5
TIMED_OUT = "57014"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A statement of the old application. ``essence`` is how a report shows it."""

    sql: str
    table: Name | None = None
    column: str | None = None
    source: Literal["catalog", "workload"] = "catalog"
    prepared: bool = False  # only prepared: its parameters are unknown


def catalog_probes(
    before: Catalog, spare: Mapping[Name, Mapping[str, str | None]], tables: Iterable[Table]
) -> tuple[Probe, ...]:
    """What the old application would send to these tables. ``spare`` holds the values of a valid new row."""
    return tuple(probe for table in tables for probe in _of_table(before, table, spare.get(table.name)))


def _key(table: Table) -> tuple[str, ...]:
    """What finds a row. A view that takes the table's place has no ctid: without a key it is any column that can be
    compared."""
    if table.primary_key:
        return table.primary_key.columns
    return next(((c.name,) for c in table.columns if c.category in "BDENST"), ("ctid",))


def _of_table(before: Catalog, table: Table, spare: Mapping[str, str | None] | None) -> Iterable[Probe]:
    name = table.name
    key = ", ".join(map(quote, _key(table)))
    one = f"({key}) = (SELECT {key} FROM {name} LIMIT 1)"
    for column in table.columns:
        bare = quote(column.name)
        yield Probe(sql=f"SELECT {bare} FROM {name} LIMIT 1", table=name, column=column.name)
        if column.generated is None and column.identity != "always" and table.kind == "table":
            yield Probe(sql=f"UPDATE {name} SET {bare} = {bare} WHERE {one}", table=name, column=column.name)
        enum = before.enum(column.type)
        for label in enum.labels[:_MOST_LABELS] if enum else ():
            yield Probe(
                sql=f"SELECT count(*) FROM {name} WHERE {bare} = {literal(label)}", table=name, column=column.name
            )
    if spare:
        required = {c.name for c in table.columns if c.required}
        if required < spare.keys():
            yield Probe(sql=_insert(name, {c: v for c, v in spare.items() if c in required}), table=name)
        yield Probe(sql=_insert(name, spare), table=name)


def _insert(table: Name, values: Mapping[str, str | None]) -> str:
    if not values:
        return f"INSERT INTO {table} DEFAULT VALUES"
    columns = ", ".join(quote(c) for c in values)
    texts = ", ".join("NULL" if v is None else literal(v) for v in values.values())
    return f"INSERT INTO {table} ({columns}) VALUES ({texts})"


def view_probes(before: Catalog) -> tuple[Probe, ...]:
    """One read of each view."""
    return tuple(Probe(sql=f"SELECT * FROM {view.name} LIMIT 1", table=view.name) for view in before.views)


def workload_probes(statements: Sequence[str]) -> tuple[Probe, ...]:
    """The user's own statements; those with parameters are prepared, not run."""
    return tuple(Probe(sql=sql, source="workload", prepared="$1" in sql) for sql in statements)


def try_probes(server: Server, session: Connection, probes: Sequence[Probe]) -> dict[Probe, ServerMessage]:
    """Run each in a transaction that is rolled back; the errors of those that fail.

    One that takes longer than _SECONDS is not broken but slow: it and all others of its table count as failing with
    query_canceled (TIMED_OUT), and only on the first is that time spent.
    """
    failed: dict[Probe, ServerMessage] = {}
    slow: dict[Name | None, ServerMessage] = {}
    opened = session.transaction == "idle"
    with watch(server, session, "a statement of the running application") as allow:
        if opened:
            session.run("BEGIN")
        session.run(f"SAVEPOINT pgassay_probes; SET LOCAL statement_timeout = '{_SECONDS}s'")
        for probe in probes:
            if probe.table is not None and probe.table in slow:
                failed[probe] = slow[probe.table]
                continue
            command = f"PREPARE pgassay_probe AS {probe.sql}; DEALLOCATE pgassay_probe" if probe.prepared else probe.sql
            allow(_SECONDS + 1.0)
            try:
                session.run(f"SAVEPOINT pgassay_probe; {command}; ROLLBACK TO SAVEPOINT pgassay_probe")
            except StatementError as error:
                failed[probe] = error.report
                if error.sqlstate == TIMED_OUT:
                    slow[probe.table] = error.report
                session.run("ROLLBACK TO SAVEPOINT pgassay_probe")
        allow(None)
        session.run("ROLLBACK" if opened else "ROLLBACK TO SAVEPOINT pgassay_probes; RELEASE SAVEPOINT pgassay_probes")
    return failed
