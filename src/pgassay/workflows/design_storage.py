"""What a row of each event table takes, heap and indexes, measured on made-up rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pgassay.chain.design import samples
from pgassay.chain.model import Design
from pgassay.model import Name, literal, quote
from pgassay.report.design import IndexBytes, TableBytes
from pgassay.server import Connection, Server

_MOST, _FEWEST, _TOGETHER = 10_000, 1_500, 60_000  # rows a table, and of all tables
_PAGE = 8192

_SIZES = """
SELECT json_agg(json_build_object('name', i.relname, 'bytes', pg_relation_size(i.oid), 'method', a.amname)
  ORDER BY i.relname)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am a ON a.oid = i.relam
WHERE x.indrelid = $1::text::regclass
"""
_PARENTS = """
SELECT json_object_agg(c.relname, p.relname) FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
JOIN pg_class p ON p.oid = h.inhparent WHERE c.relkind = 'i'
"""
_LEAF = """
SELECT coalesce(
  (SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = $1::text::regclass LIMIT 1), $1::text)
"""


def measure(
    server: Server,
    database: str,
    design: Design,
    progress: Callable[[str], None] = lambda _: None,
    *,
    most: int = _MOST,
) -> tuple[TableBytes, ...]:
    """Bytes a row of each event table, as rows come in one block after the other, and after a rebuild of the indexes.

    ``database`` holds the design, and holds it still afterwards: everything happens in a transaction that is rolled
    back. Raises StatementError where a made-up row does not fit, which would be a fault of the design.
    """
    if design.settings.partition == "time":
        return ()  # its first partition comes with the first block
    with server.connect(database) as connection:
        number = sum(t.role == "event" for t in design.tables)
        rows = min(most, max(_FEWEST, min(_MOST, _TOGETHER // max(number, 1))))
        found = []
        connection.run("SELECT setseed(0.5)")
        for table, sql in samples(design, rows):
            progress(f"measuring {table}")
            with connection.rolled_back():
                found.append(_measured(connection, design, table, sql, rows))
        return tuple(found)


def _measured(connection: Connection, design: Design, table: Name, sql: str, rows: int) -> TableBytes:
    for statement in prepared(design, table):
        connection.run(statement)
    connection.run(sql)
    leaf = connection.value(_LEAF, [str(table)])
    heap = int(connection.value("SELECT pg_table_size($1::text::regclass)", [leaf]) or 0)
    parents = connection.json(_PARENTS) or {}
    loaded = {row["name"]: row for row in connection.json(_SIZES, [leaf])}
    connection.run(f"REINDEX TABLE {leaf}")
    rebuilt = {row["name"]: row for row in connection.json(_SIZES, [leaf])}
    indexes = tuple(
        IndexBytes(
            name=parents.get(name, name),
            row=_per_row(row, rows),
            rebuilt=_per_row(rebuilt[name], rows),
            purpose=connection.value(
                "SELECT obj_description($1::text::regclass, 'pg_class')", [str(table.named(parents.get(name, name)))]
            )
            or "the key",
        )
        for name, row in loaded.items()
    )
    return TableBytes(table=table.name, rows=rows, heap=heap / rows, indexes=indexes)


def _per_row(row: dict[str, object], rows: int) -> float:
    """Without the first page, which there is one of whatever the size; a BRIN index stays as small as it is."""
    size = int(str(row["bytes"])) - _PAGE
    return 0.0 if row["method"] == "brin" else size / rows


def prepared(design: Design, table: Name) -> Iterable[str]:
    """Statements after which made-up rows go into an event table, past triggers and row security."""
    yield f"ALTER TABLE {table} DISABLE TRIGGER USER"
    if design.settings.tenancy != "none":
        yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
        schema = literal(quote(design.settings.schema))
        yield (
            "DO $$ DECLARE part text; BEGIN FOR part IN SELECT c.oid::regclass::text FROM pg_class c"
            f" WHERE c.relnamespace = {schema}::regnamespace AND c.relispartition AND c.relkind = 'r' LOOP"
            " EXECUTE 'ALTER TABLE ' || part || ' NO FORCE ROW LEVEL SECURITY'; END LOOP; END $$"
        )
