"""Bytes a row of an ERC-20 Transfer, heap and indexes, in each layout, with the listings that its indexes serve.

Rows come block after block, as an indexer writes them; then every index is rebuilt, as is done once to a partition that
gets no more rows. Reading: a page at the beginning of a contract's listing, and page 100,000.
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
LATE = 100_000  # pages
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
                    f"{sum(rebuilt.values()):.0f} after REINDEX ({parts}); "
                    f"without the recipients' listing {_without(loaded):.0f} and {_without(rebuilt):.0f}"
                )
                yield f"keyset {layout}: {_pages(connection, layout)}"
            server.drop(database)


def _bytes(connection: Connection, rows: int) -> dict[str, float]:
    found: dict[str, Any] = connection.json(_SIZES)
    return {name: size / rows for name, size in found.items()}


def _without(sizes: dict[str, float]) -> float:
    return sum(size for name, size in sizes.items() if "to_" not in name)


def _pages(connection: Connection, layout: Layout) -> str:
    """Buffers of a page of the busiest contract's listing: the first ones and those about page 100,000, mean of 40."""
    contract = "contract_id" if layout == "compact" else "contract_address"
    order = ("block_number", "log_index") if layout == "plain" else ("event_id",)
    busiest = connection.run(f"SELECT {contract}, count(*) FROM transfer GROUP BY 1 ORDER BY 2 DESC LIMIT 1")[0]
    where = f"{contract} = '{busiest[0]}'" + (" AND chain_id = 1" if layout == "plain" else "")
    size = max(1, int(busiest[1]) // (LATE + 50))
    place, down = ", ".join(order), ", ".join(f"{c} DESC" for c in order)
    connection.run("VACUUM ANALYZE transfer")

    def buffers(first: int) -> float:
        places = connection.run(
            f"SELECT {place} FROM transfer WHERE {where} ORDER BY {down} OFFSET {first * size} LIMIT {40 * size}"
        )
        total = 0
        for after in places[::size]:
            query = f"SELECT * FROM transfer WHERE {where} AND ({place}) < ({', '.join(after)})"
            text = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query} ORDER BY {down} LIMIT {size}"
            plan = connection.json(text)[0]["Plan"]
            total += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return total / 40

    early, late = buffers(1), buffers(LATE)
    return f"{early:.2f} buffers for a page of {size} rows at the beginning, {late:.2f} at page {LATE:,}"


def main(words: list[str]) -> None:
    """``python -m benchmarks storage [ROWS]``."""
    for line in run(int(words[0]) if words else ROWS):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
