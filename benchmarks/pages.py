"""Does page 100,000 of every generated listing touch what page 1 touches, and are statistics read in constant buffers?

A designed schema (ERC-20) gets blocks, transactions, transfers of 2,000 accounts in 200 tokens and approvals, batch
after batch, and its own triggers keep what they keep. Each listing is asked for the value that most rows have, in pages
of 10 rows, or of fewer where page 100,000 is only there then: 100 pages at the start, and 100 at page 100,000 or after
19 of 20 pages where there are not so many. Their place is found beforehand and not counted. Buffers are those that
EXPLAIN (ANALYZE, BUFFERS) counts when all is in memory; VACUUM runs after every million rows, as autovacuum would.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from pgassay.catalog import Catalog, read
from pgassay.chain.design import design, samples
from pgassay.chain.model import Design, Layout, Settings
from pgassay.chain.presets import presets
from pgassay.chain.queries import LIMIT, Query, Way, place, queries, sql
from pgassay.model import literal, quote
from pgassay.server import Connection, scratch
from pgassay.workflows.design import proved

ROWS, PAGE, PAGES, FARTHEST = 1_000_000, 10, 100, 100_000
FEW, BATCH, ACCOUNTS, PER_BLOCK = 10_000, 1_000_000, 2_000, 40
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")
Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """Buffers a page, on average, at the beginning of a listing and at page ``number``."""

    name: str
    size: int
    first: float
    number: int
    late: float

    @property
    def ratio(self) -> float:
        """Late pages to early ones."""
        return self.late / self.first


def listings(
    session: Connection, made: Design, catalog: Catalog, *, fewest: int = 100, pages: int = PAGES
) -> Iterator[Measured]:
    """Every listing that has ``fewest`` pages or more for the value that most rows have."""
    for query in queries(made, catalog):
        if not query.order:
            continue
        given, rows = _busiest(session, query)
        there = rows // (FARTHEST + pages + 1)  # rows a page, for page 100,000 to be there
        size = min(PAGE, there) if there else PAGE
        number = FARTHEST if there else min(rows // size * 19 // 20, rows // size - pages - 1)
        if number < fewest:
            continue
        late = _skipped(session, query, given, number * size)
        early, later = (_average(session, query, given, at, size, pages) for at in (None, late))
        yield Measured(query.name, size, early, number + 1, later)


def statistics(session: Connection, made: Design, catalog: Catalog) -> int:
    """Buffers of one token's statistics, read by its key: the busiest token's. By the index, as where there are many
    tokens: of a table of few pages PostgreSQL would read them all."""
    query = next(q for q in queries(made, catalog) if q.name == "token_statistics_get")
    keys = ", ".join(quote(g.column.name) for g in query.given)
    row = session.run(f"SELECT {keys} FROM {query.table.name} ORDER BY transfers DESC LIMIT 1")[0]
    text = _with(query, "first", dict(zip((g.name for g in query.given), row, strict=True)))
    session.run("SET enable_seqscan = off; SET enable_bitmapscan = off")
    found = _buffers(session, text)
    session.run("RESET enable_seqscan; RESET enable_bitmapscan")
    return found


def _busiest(session: Connection, query: Query) -> tuple[Values, int]:
    columns = [*(g.column for g in query.given), *query.either[:1]]
    names = [*(g.name for g in query.given), *([query.side.name] if query.side else [])]
    where = f" WHERE {query.where}" if query.where else ""
    if not columns:
        return {}, int(session.value(f"SELECT count(*) FROM {query.table.name}{where}") or 0)
    keys = ", ".join(quote(c.name) for c in columns)
    found = session.run(
        f"SELECT {keys}, count(*) FROM {query.table.name}{where} GROUP BY {keys} ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    return (dict(zip(names, found[0], strict=False)), int(found[0][-1])) if found else ({}, 0)


def _skipped(session: Connection, query: Query, given: Values, rows: int) -> Values:
    """Where the page after so many rows begins."""
    order = ", ".join(quote(c.name) for c in query.order)
    text = _with(query, "first", given, limit=f"1 OFFSET {rows - 1}")
    if query.either:  # each side is read as far
        text = text.replace(f"LIMIT 1 OFFSET {rows - 1})", f"LIMIT {rows})")
    row = session.run(f"SELECT {order} FROM ({text}) AS page")[0]
    return {place(c): str(v) for c, v in zip(query.order, row, strict=True)}


def _average(session: Connection, query: Query, given: Values, at: Values | None, size: int, pages: int) -> float:
    """Of some pages, one after the other."""
    total = 0
    for _ in range(pages):
        text = _with(query, "after" if at else "first", given | (at or {}), limit=str(size))
        total += _buffers(session, text)
        order = ", ".join(quote(c.name) for c in query.order)
        last = session.run(f"SELECT {order} FROM ({text}) AS page")[-1]
        at = {place(c): str(v) for c, v in zip(query.order, last, strict=True)}
    return total / pages


def _with(query: Query, way: Way, values: Values, *, limit: str = str(PAGE)) -> str:
    def value(match: re.Match[str]) -> str:
        return limit if match[1] == LIMIT else literal(values[match[1]])

    return _PARAMETER.sub(value, sql(query, way))


def _buffers(session: Connection, text: str) -> int:
    session.run(text)
    plan = session.json(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF, FORMAT JSON) {text}")[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def load(session: Connection, made: Design, rows: int) -> None:
    """So many transfers, a tenth as many approvals, their blocks and transactions; the triggers do the rest."""
    session.run("SELECT setseed(0.5); SET work_mem = '256MB'")
    plain = made.settings.layout == "plain"
    chain, address = (
        ("chain_id", "'0x' || substr(encode(h, 'hex'), 1, 40)") if plain else ("chain_no", "substr(h, 1, 20)")
    )
    session.run(
        f"INSERT INTO blocks (number, time, {chain}, hash, parent_hash) SELECT n, timestamptz '2026-01-05 00:00Z' + n *"
        " interval '12 s', 1, sha256(n::text::bytea), sha256((n - 1)::text::bytea)"
        f" FROM generate_series(0, {rows // PER_BLOCK}) n"
    )
    statements = {table.name: text.replace("* 50000)", f"* {ACCOUNTS})") for table, text in samples(made, rows)}
    for low in range(0, rows, BATCH):
        high = min(low + BATCH, rows)
        session.run(
            f"INSERT INTO transactions (block_number, {chain}, transaction_index, hash, sender)"
            f" SELECT n / {PER_BLOCK // 2}, 1, n % {PER_BLOCK // 2}, sha256(n::text::bytea), {address} FROM (SELECT n,"
            f" sha256(((power(random(), 3) * {ACCOUNTS})::integer)::text::bytea) AS h"
            f" FROM generate_series({low // 2}, {high // 2 - 1}) n) made"
        )
        for table, least, most in (("transfer", low, high), ("approval", low // 10, high // 10)):
            series = re.compile(r"generate_series\(0, \d+\)")
            session.run(series.sub(f"generate_series({least}, {most - 1})", statements[table]))
        session.run("VACUUM (ANALYZE)")


def run(rows: int, layouts: tuple[Layout, ...]) -> Iterator[str]:
    """A line a listing."""
    with scratch(settings={"shared_buffers": "1GB", "max_wal_size": "4GB", "jit": "off"}) as server:
        for layout in layouts:
            made = design(presets(("erc20",)), None, Settings(layout=layout, chains=(1,)))
            read_in = []
            for number in (FEW, rows):
                began = time.monotonic()
                database, _ = proved(server, made)
                with server.connect(database) as session:
                    load(session, made, number)
                    if number == rows:
                        yield f"load {layout}: {rows:,} transfers in {time.monotonic() - began:.0f} s"
                    catalog = read(session)
                    read_in.append(statistics(session, made, catalog))
                    for m in listings(session, made, catalog) if number == rows else ():
                        yield (
                            f"pages {layout} {m.name}: {m.first:.1f} buffers for page 1 of {m.size} rows,"
                            f" {m.late:.1f} for page {m.number:,} ({m.ratio:.2f} times)"
                        )
                server.drop(database)
            yield f"statistics {layout}: {read_in[0]} buffers with {FEW:,} transfers, {read_in[1]} with {rows:,}"


def main(words: list[str]) -> None:
    """``python -m benchmarks pages [--rows N] [--layout plain|bytea|compact …]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pages")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--layout", nargs="+", choices=("plain", "bytea", "compact"), default=["plain", "compact"])
    chosen = parser.parse_args(words)
    for line in run(chosen.rows, tuple(chosen.layout)):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
