"""What row security costs a keyset page: buffers and CPU of the same page with the policies of a design and without.

    python -m benchmarks rls [--rows N] [--tenants N] [--pages N] [--rounds N]

The policies are those of ``pgassay.chain.tenancy``. Without row security the application names the tenant in the
statement; with it the policy does. Both pages return the same rows. Each is a prepared statement with a generic plan,
the cheapest way and so the hardest test: what the policy adds stands beside nothing else. CPU is the backend's own
(/proc/PID/schedstat), rows sent and all, of small batches in turn: the median of
what one takes more than its neighbour without row security, for the machine has other work.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgassay.chain.tenancy import Roles, Secured, Tenancy, foundation, row_security
from pgassay.model import Name
from pgassay.server import Connection, Server, scratch

_SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB"}
_TENANCY = Tenancy(
    mode="tenant",
    roles=Roles("bench_owner", "bench_writer", "bench_reader"),
    tables=(Secured(name=Name("public", "transfers"), column="tenant_id", indexed=True),),
    hand_over=False,
)
_MADE = """
CREATE TABLE {name} (tenant_id uuid NOT NULL, block_number bigint NOT NULL, log_index integer NOT NULL,
  from_address varchar(42) NOT NULL, to_address varchar(42) NOT NULL, amount numeric(78,0) NOT NULL,
  PRIMARY KEY (tenant_id, block_number, log_index));
INSERT INTO {name} SELECT md5((n % {tenants})::text)::uuid, 19000000 + n / 50, n % 50,
  '0x' || md5(n::text) || '00000000', '0x' || md5((n * 7)::text) || '00000000', (n * 1000000007::numeric) ^ 2
  FROM generate_series(1, {rows}) AS n;
"""
_PAGE = (
    "SELECT block_number, log_index, from_address, to_address, amount FROM {name} WHERE {mine}"
    "(block_number, log_index) < ($1, $2) ORDER BY block_number DESC, log_index DESC LIMIT 50"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one page: buffers touched, and CPU in microseconds."""

    buffers: float
    cpu: float


def run(rows: int = 500_000, tenants: int = 20, pages: int = 50, rounds: int = 300) -> Iterator[str]:
    """A line a way of writing the policy."""
    with scratch(settings=_SETTINGS) as server, server.database() as name:
        _make(server, name, rows, tenants)
        costs = measure(server, name, rows, pages, rounds)
        server.drop_roles({"bench_owner", "bench_writer", "bench_reader"})
    plain = costs["no row security"]
    yield f"{rows:,} rows of {tenants} tenants, pages of 50 by keyset, {pages:,} pages x {rounds} rounds"
    for word, cost in costs.items():
        more = f"{cost.buffers / plain.buffers - 1:+7.2%} buffers {cost.cpu / plain.cpu - 1:+7.2%} CPU"
        yield f"{word:28} {cost.buffers:8.2f} buffers {cost.cpu:8.1f} us CPU a page   {'' if cost == plain else more}"


def _make(server: Server, database: str, rows: int, tenants: int) -> None:
    with server.connect(database) as session:
        for table in ("plain", "transfers", "bare"):
            session.run(_MADE.format(name=table, rows=rows, tenants=tenants))
        for statement in (*foundation(_TENANCY).forward, *row_security(_TENANCY).forward):
            session.run(statement)
        session.run("GRANT SELECT ON plain, bare TO bench_reader; ALTER TABLE bare ENABLE ROW LEVEL SECURITY")
        session.run(
            "CREATE POLICY p ON bare USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
        )
        session.run("VACUUM (ANALYZE) plain")
        session.run("VACUUM (ANALYZE) transfers")
        session.run("VACUUM (ANALYZE) bare")


def measure(server: Server, database: str, rows: int, pages: int, rounds: int) -> dict[str, Cost]:
    """The cost of a page of each table, in turn."""
    last = 19_000_000 + rows // 50
    with server.connect(database) as session:
        tenant = session.value("SELECT md5('3')::uuid::text") or ""
        session.run(f"SET ROLE bench_reader; SET app.tenant_id = '{tenant}'; SET plan_cache_mode = force_generic_plan")
        tables = {"no row security": "plain", "policy of the design": "transfers", "policy without sub-select": "bare"}
        buffers: dict[str, float] = {}
        cpu: dict[str, list[float]] = {}
        for word, table in tables.items():
            named = table == "plain"
            page = _PAGE.format(name=table, mine="tenant_id = $3 AND " if named else "")
            session.run(f"PREPARE {table}_page (bigint, integer{', uuid' if named else ''}) AS {page}")
            starts = [19_000_000 + (last - 19_000_000) * n // 20 for n in range(2, 21)]
            session.run(f"EXECUTE {table}_page({_given(table, last, tenant)})")
            buffers[word] = sum(_buffers(session, table, tenant, at) for at in starts) / len(starts)
        for number in range(rounds):
            words = list(tables)
            for word in words[number % 3 :] + words[: number % 3]:
                cpu.setdefault(word, []).append(_cpu(session, tables[word], tenant, last, pages))
        plain = cpu["no row security"]
        added = {word: statistics.median(a - b for a, b in zip(cpu[word], plain, strict=True)) for word in tables}
        base = statistics.median(plain)
        return {word: Cost(buffers[word], base + added[word]) for word in tables}


def _given(table: str, block: int, tenant: str) -> str:
    return f"{block}, 0, '{tenant}'" if table == "plain" else f"{block}, 0"


def _buffers(session: Connection, table: str, tenant: str, at: int) -> float:
    asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {table}_page({_given(table, at, tenant)})"
    plan = json.loads(session.value(asked) or "[]")[0]["Plan"]
    return float(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _cpu(session: Connection, table: str, tenant: str, last: int, pages: int) -> float:
    """Microseconds of the backend's CPU a page, with what it takes to send its rows."""
    step = max((last - 19_000_000) // 1000, 1)
    before = _spent(session.pid)
    for n in range(pages):
        session.run(f"EXECUTE {table}_page({_given(table, last - (n % 900) * step, tenant)})")
    return (_spent(session.pid) - before) / 1000 / pages


def _spent(pid: int) -> int:
    """Nanoseconds that a process has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def main(arguments: Sequence[str]) -> None:
    """Print a line a measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks rls")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=300)
    for line in run(**vars(parser.parse_args(arguments))):
        sys.stdout.write(f"{line}\n")
