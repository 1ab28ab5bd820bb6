"""What new indexes cost writers: real rows inserted into an empty copy of the table, with and without them."""

from __future__ import annotations

import time
from collections import defaultdict

from pgassay.advisor.candidates import World
from pgassay.advisor.ground import Ground
from pgassay.advisor.model import WriteCost
from pgassay.advisor.search import Search
from pgassay.model import Name, quote
from pgassay.server import StatementError

_ROWS = 3_000
_TIMES = 2


def write_costs(
    ground: Ground, world: World, search: Search, tables: list[Name], deadline: float
) -> tuple[WriteCost, ...]:
    """Rows a second and bytes of WAL for each table that gets an index, those that the workload writes first.

    After the deadline (on the ground's clock) the others are left out.
    """
    calls: dict[Name, float] = defaultdict(float)
    for query in search.queries:
        target = search.effects.target(query) if query.writes else None
        if target is not None:
            calls[target] += query.calls
    found: list[WriteCost] = []
    for table in sorted(tables, key=lambda t: (-calls[t], t)):
        if found and ground.now() > deadline:
            break
        try:
            one = _write_cost(ground, world, search, table)
        except StatementError:  # a generated column, a rule …: nothing is said of it
            continue
        if one is not None:
            found.append(one)
    return tuple(found)


def _write_cost(ground: Ground, world: World, search: Search, table: Name) -> WriteCost | None:
    known = world.catalog.table(table)
    if known is None or known.kind != "table":
        return None
    new = [
        search.effects.names[n].candidate
        for n in sorted(search.chosen)
        if search.effects.names[n].candidate.table == table
    ]
    columns = ", ".join(quote(c.name) for c in known.columns if c.generated is None)
    session = ground.session
    copy = Name(table.schema, "pgassay_writes")
    source = f"INSERT INTO {copy} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM pgassay_rows"
    session.run(f"DROP TABLE IF EXISTS {copy}; DROP TABLE IF EXISTS pgassay_rows")
    session.run(f"CREATE TEMPORARY TABLE pgassay_rows AS SELECT * FROM {table} LIMIT {_ROWS}")
    best: dict[bool, tuple[float, int]] = {}
    rows = int(session.value("SELECT count(*) FROM pgassay_rows") or 0)
    try:
        if rows == 0:
            return None
        for _ in range(_TIMES):
            for after in (False, True):
                session.run(f"CREATE TABLE {copy} (LIKE {table} INCLUDING DEFAULTS INCLUDING GENERATED)")
                existing = [i.definition for i in known.indexes if i.valid]
                for n, definition in enumerate(existing):
                    session.run(_moved(definition, copy, f"pgassay_writes_{n}"))
                for n, candidate in enumerate(new if after else ()):
                    text = candidate.ddl(f"pgassay_writes_new_{n}")
                    session.run(text.replace(f" ON {table}", f" ON {copy}", 1))
                wal = session.value("SELECT pg_catalog.pg_current_wal_insert_lsn()")
                cpu, began = ground._cpu(), time.monotonic()
                session.run(source)
                spent = (ground._cpu() or 0.0) - cpu if cpu is not None else (time.monotonic() - began) * 1_000
                written = session.value("SELECT pg_catalog.pg_current_wal_insert_lsn() - $1::pg_lsn", [wal])
                session.run(f"DROP TABLE {copy}")
                one = (max(spent, 0.001), int(float(written or 0)))
                best[after] = min(best.get(after, one), one)
    finally:
        if session.transaction == "idle":
            session.run(f"DROP TABLE IF EXISTS {copy}; DROP TABLE IF EXISTS pgassay_rows")
    held = {c for candidate in new for c in (*candidate.columns, *candidate.include)}
    already = {c for i in known.indexes for c in (*i.columns, *i.include) if c}
    updated = {c for q in search.queries if search.effects.target(q) == table for b in q.blocks[:1] for c in b.written}
    return WriteCost(
        table=table,
        rows=rows,
        rows_per_second_before=rows / best[False][0] * 1_000,
        rows_per_second_after=rows / best[True][0] * 1_000,
        wal_bytes_before=best[False][1],
        wal_bytes_after=best[True][1],
        hot_lost=tuple(sorted((held - already) & updated)),
    )


def _moved(definition: str, copy: Name, name: str) -> str:
    """An existing index's definition on the copy."""
    head, _, rest = definition.partition(" USING ")
    unique = "UNIQUE " if head.startswith("CREATE UNIQUE") else ""
    return f"CREATE {unique}INDEX {quote(name)} ON {copy} USING {rest}"
