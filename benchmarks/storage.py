"""Bytes a row of an ERC-20 Transfer, heap and indexes, in each layout, with the listings that its indexes serve.

Rows come block after block, as an indexer writes them; then every index is rebuilt, as is done once to a partition that
gets no more rows. Reading: a page of 20 rows at the beginning of a contract's listing and the last whole one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pgassay.chain.design import design, samples
from pgassay.chain.model import Layout, Settings
from pgassay.chain.presets import presets
from pgassay.server import Connection, scratch
from pgassay.workflows.design import proved

ROWS, BATCH = 1_500_000, 100_000
LAYOUTS: tuple[Layout, ...] = ("plain", "bytea", "compact")
_SIZES = """
SELECT json_object_agg(coalesce(p.relname, c.relname), pg_relation_size(c.oid))
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE c.oid = 'transfer_p0'::regclass
  OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'transfer_p0'::regclass)
"""


def run(rows: int = ROWS) -> Iterator[str]:
    """A line a layout: bytes a row as loaded and after REINDEX, and what each index takes of them."""
    with scratch(settings={"shared_buffers": "1GB"}) as server:
        for layout in LAYOUTS:
            made = design(presets(("erc20",)), None, Settings(layout=layout))
            database, _ = proved(server, made)
            with server.connect(database) as connection:
                sql = next(s for table, s in samples(made, rows) if table.name == "transfer")
                connection.run("ALTER TABLE transfer DISABLE TRIGGER USER; SELECT setseed(0.5)")
                for low in range(0, rows, BATCH):
                    connection.run(sql.replace("(0, ", f"({low}, ").replace(f", {rows - 1})", f", {low + BATCH - 1})"))
                loaded = _bytes(connection, rows)
                connection.run("REINDEX TABLE transfer_p0")
                rebuilt = _bytes(connection, rows)
                parts = ", ".join(f"{name} {size:.1f}" for name, size in rebuilt.items() if size >= 0.05)
                yield (
                    f"storage {layout}: {sum(loaded.values()):.0f} bytes a row as loaded, "
                    f"{sum(rebuilt.values()):.0f} after REINDEX ({parts})"
                )
                yield f"keyset {layout}: {_pages(connection, layout)}"
            server.drop(database)


def _bytes(connection: Connection, rows: int) -> dict[str, float]:
    found: dict[str, Any] = connection.json(_SIZES)
    return {name: size / rows for name, size in found.items()}


def _pages(connection: Connection, layout: Layout) -> str:
    """Buffers of the first page of the busiest contract's listing, and of the last one that is whole."""
    contract = "contract_id" if layout == "compact" else "contract_address"
    order = ("block_number", "log_index") if layout == "plain" else ("event_id",)
    busiest = connection.run(f"SELECT {contract}, count(*) FROM transfer GROUP BY 1 ORDER BY 2 DESC LIMIT 1")[0]
    where = f"{contract} = '{busiest[0]}'" + (" AND chain_id = 1" if layout == "plain" else "")
    depth = int(busiest[1]) // 20 - 1
    place, down = ", ".join(order), ", ".join(f"{c} DESC" for c in order)
    connection.run("VACUUM ANALYZE transfer")
    late = connection.run(
        f"SELECT {place} FROM transfer WHERE {where} ORDER BY {down} OFFSET {depth * 20 - 1} LIMIT 1"
    )[0]
    found = []
    for after in ("", f" AND ({place}) < ({', '.join(late)})"):
        query = f"SELECT * FROM transfer WHERE {where}{after} ORDER BY {down} LIMIT 20"
        connection.run(query)
        plan = connection.json(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query}")[0]["Plan"]
        found.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return f"{found[0]} buffers for page 1, {found[1]} for page {depth + 1:,}"


def main(words: list[str]) -> None:
    """``python -m benchmarks storage [ROWS]``."""
    for line in run(int(words[0]) if words else ROWS):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
