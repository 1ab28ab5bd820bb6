"""Time series without BRIN or partitions

Events come in by time, so a range of time is a stretch of the table: a BRIN index of some kilobytes finds it, and range
partitions let the old ones leave. Without either every question about a day reads all years.

**Seen by:** a table of events or transactions with a time of its own, no index that begins with it, and no partitions
by it. `slows` where a statement of the workload compares the time, `style` where none is known.

**Instead:** BRIN on the time; range partitions once the table is larger than memory.

Source: PostgreSQL manual, chapter 65.5 "BRIN Indexes"; chapter 5.12 "Table Partitioning".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Column, Table
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.chain import chain
from pgassay.rules.schema.columns import tables
from pgassay.rules.schema.queries import asked
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS
_FEW = 100_000  # rows, below which no range of time is worth an index


def survey(state: State) -> Iterator[Finding]:
    """Report times that nothing finds."""
    about = chain(state.catalog)
    uses = [a for a in asked(state) if a.use.kind in {"range", "equal"}]
    compared = {(a.table.name, c): a for a in uses for c in a.use.key.columns}
    for table in tables(state):
        if not about.appended(table) or state.rows.get(table.name, _FEW) < _FEW:
            continue
        for column in table.columns:
            if column.category != "D" or not about.time(table, column) or _found(table, column):
                continue
            use = compared.get((table.name, column.name))
            name = quote(f"{table.name.name}_{column.name}_brin")
            ddl = f"CREATE INDEX {{}}{name} ON {table.name} USING brin ({quote(column.name)});"
            yield state.finding(
                VERDICT if use else Verdict.STYLE,
                f"a range of {column.name} reads all of {table.name}: it has neither BRIN nor partitions by time",
                subject=(table.name, column.name),
                certainty=Certainty.COMPUTED,
                evidence=[Evidence(kind="text", text=use.use.text or use.query.text)]
                if use
                else [Evidence(kind="catalog", text=f"no index begins with {column.name}")],
                remedy=ddl.format("")
                if table.kind == "partitioned table"
                else "-- outside a transaction block\n" + ddl.format("CONCURRENTLY "),
            )


def _found(table: Table, column: Column) -> bool:
    if table.partition_key is not None and column.name in table.partition_key:
        return True
    return any(
        i.columns[0] == column.name or (i.method == "brin" and column.name in i.columns)
        for i in table.indexes
        if i.valid and i.where is None
    )
