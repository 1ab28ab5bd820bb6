"""A column that is required, with its backfill, an index, a foreign key and a rename on a large table under load.

    python -m benchmarks migrate [--rows N] [--rate SECONDS] [--batch-ms N] [--once]

Ours: the steps that ``migrate plan`` stands for, written by hand here (one transaction a step, lock_timeout with
retries, the backfill in batches, NOT VALID then VALIDATE, CONCURRENTLY, the rename as a second column kept equal by a
trigger), against the same change as a runner sends it that puts every pending file into one transaction. Both run on
the same server and rows, one after the other, under the same load: readers and writers of random rows in a process of
their own. Stalls are the longest time that one of its statements took.

Each way runs on a copy of its own. The one transaction is run once before and once after ours, since other work on the
machine comes and goes; ``--once`` leaves the second out. At the end the figures stand beside the goals.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

from pgassay.migrate.backfill import BackfillOptions, backfill
from pgassay.model import Name
from pgassay.rehearsal.traffic_load import Load, Request, quantile
from pgassay.server import OWNER, Connection, Server, StatementError, scratch
from pgassay.server.connection import connect_socket
from pgassay.server.extensions import install

_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",  # with which the backfill sees how the application feels
    "compute_query_id": "on",
    "pg_stat_statements.track": "top",
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "maintenance_work_mem": "256MB",
    "autovacuum": "on",
}
_TABLE = Name("public", "transfers")
_MADE = """
CREATE TABLE tokens (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO tokens SELECT g, 'token ' || g FROM generate_series(1, 1000) AS g;
CREATE TABLE transfers (id bigint PRIMARY KEY, token_id integer NOT NULL, sender varchar(42) NOT NULL,
  amount numeric(78,0) NOT NULL, block bigint NOT NULL);
INSERT INTO transfers SELECT g, 1 + g % 1000, '0x' || md5(g::text) || '00000000', g * 1000000007::numeric, g / 50
  FROM generate_series(1, {rows}) AS g;
"""
_ONE = (
    "ALTER TABLE transfers ADD COLUMN kind text",
    "UPDATE transfers SET kind = CASE WHEN amount % 2 = 0 THEN 'mint' ELSE 'move' END",
    "ALTER TABLE transfers ALTER COLUMN kind SET NOT NULL",
    "CREATE INDEX transfers_sender ON transfers (sender)",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_token FOREIGN KEY (token_id) REFERENCES tokens",
    "ALTER TABLE transfers RENAME COLUMN block TO block_number",
)
_KIND = "CASE WHEN {0}amount % 2 = 0 THEN 'mint' ELSE 'move' END"
# Where the backfill changes a row no trigger runs: its condition is looked at before, without PL/pgSQL.
_TWIN = f"""
CREATE FUNCTION twin() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.kind := coalesce(NEW.kind, {_KIND.format("NEW.")});
    NEW.block_number := coalesce(NEW.block_number, NEW.block);
    NEW.block := coalesce(NEW.block, NEW.block_number);
  ELSIF NEW.block IS DISTINCT FROM OLD.block THEN NEW.block_number := NEW.block;
  ELSE NEW.block := NEW.block_number;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER twin BEFORE INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION twin();
CREATE TRIGGER twins BEFORE UPDATE ON transfers FOR EACH ROW WHEN (NEW.block IS DISTINCT FROM OLD.block
  OR NEW.block_number IS DISTINCT FROM OLD.block_number AND OLD.block_number IS NOT NULL) EXECUTE FUNCTION twin()
"""
_FILL = (
    f"UPDATE transfers SET kind = {_KIND.format('')}, block_number = block WHERE kind IS NULL OR block_number IS NULL"
)
_BEFORE = ("ALTER TABLE transfers ADD COLUMN kind text, ADD COLUMN block_number bigint", _TWIN)
_AFTER = (
    "ALTER TABLE transfers ADD CONSTRAINT kind_set CHECK (kind IS NOT NULL) NOT VALID,"
    " ADD CONSTRAINT block_set CHECK (block_number IS NOT NULL) NOT VALID",
    "ALTER TABLE transfers VALIDATE CONSTRAINT kind_set, VALIDATE CONSTRAINT block_set",  # one scan
    "ALTER TABLE transfers ALTER COLUMN kind SET NOT NULL, ALTER COLUMN block_number SET NOT NULL",
    "ALTER TABLE transfers DROP CONSTRAINT kind_set, DROP CONSTRAINT block_set",
    "CREATE INDEX CONCURRENTLY transfers_sender ON transfers (sender)",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_token FOREIGN KEY (token_id) REFERENCES tokens NOT VALID",
    "ALTER TABLE transfers VALIDATE CONSTRAINT transfers_token",
)
# Contract, once no old version runs any more.
_END = ("DROP TRIGGER twin ON transfers; DROP TRIGGER twins ON transfers; ALTER TABLE transfers DROP COLUMN block",)


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds. ``spans``: beginning, end of each part."""

    calls: list[tuple[bool, float, float, bool]]  # writes, began, seconds, failed

    def longest(self, writes: bool, since: float, until: float) -> float:
        """Of the statements that were under way in a span."""
        return max((s for w, b, s, _ in self.calls if w == writes and b < until and b + s > since), default=0.0)

    def p99(self, since: float, until: float) -> float:
        """Of those that began in a span."""
        return quantile((s for _, b, s, _ in self.calls if since <= b < until), 0.99)

    def alone(self, since: float, began: float, ended: float) -> float:
        """The 99th percentile before a change began and after it ended."""
        return quantile((s for _, b, s, _ in self.calls if since <= b < began or b > ended), 0.99)

    def errors(self) -> int:
        """Statements that failed."""
        return sum(failed for *_, failed in self.calls)


def main(arguments: Sequence[str] = ()) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks migrate", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=0.01, help="pause of each of the four connections, in seconds")
    parser.add_argument("--batch-ms", type=float, default=250, help="longest time of a batch")
    parser.add_argument("--once", action="store_true", help="the one transaction before ours only")
    parser.add_argument("--idle", type=float, default=8.0, help="seconds of load alone, before")
    options = parser.parse_args(arguments)
    for line in run(options.rows, options.rate, options.batch_ms / 1000, options.idle, once=options.once):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def run(rows: int, rate: float, batch: float, idle: float, *, once: bool = False) -> Iterator[str]:
    """The lines of the report."""
    start = time.perf_counter()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    yield f"{os.cpu_count()} processors, load average before {load}"
    yield f"{rows:,} rows; 2 readers and 2 writers of random rows, a statement each {rate * 1000:.0f} ms"
    with scratch(settings=_SETTINGS) as server:
        template = server.create()
        install(server, template, "pg_stat_statements", None)
        with server.connect(template) as session:
            session.run(_MADE.format(rows=rows))
            session.run("VACUUM (ANALYZE) transfers")
        yield f"{time.perf_counter() - start:.0f} s to make the rows"
        totals: dict[str, list[float]] = {}
        felt: list[str] = []
        reached: dict[str, tuple[float, float]] = {}  # the longest stall, and p99 during the backfill to idle
        # Once before and once after: other work on the machine comes and goes.
        ways = [("one transaction", _one), ("ours, step by step", _ours(batch, felt.append)), ("one transaction", _one)]
        for name, way in ways[:2] if once else ways:
            database = server.create(template)
            seen, parts = _under_load(server, database, rows, rate, idle, way)
            began, ended = parts[0][1], parts[-1][2]
            totals.setdefault(name, []).append(ended - began)
            before = seen.alone(began - idle + 1, began, ended + 0.5)
            yield (
                f"{name:20} total {ended - began:7.1f} s   longest stall: reader"
                f" {seen.longest(False, began, ended):7.3f} s   writer {seen.longest(True, began, ended):7.3f} s"
                f"   failed statements {seen.errors()}"
            )
            yield f"{'':20} p99 idle {before * 1000:.1f} ms, during {seen.p99(began, ended) * 1000:.1f} ms"
            stall = max(seen.longest(writes, began, ended) for writes in (False, True))
            slowest = 0.0
            for part, since, until in parts:
                ratio = seen.p99(since, until) / before if before else 0.0
                slowest = ratio if part.startswith("backfill") else slowest
                yield (
                    f"    {part[:44]:44} {until - since:7.2f} s   stall r {seen.longest(False, since, until):6.3f}"
                    f" w {seen.longest(True, since, until):6.3f} s   p99 {ratio:6.2f} x idle"
                )
            yield from (f"    {words}" for words in felt)
            felt.clear()
            reached[name] = (stall, slowest)
            server.drop(database)
        one, ours = totals["one transaction"], totals["ours, step by step"]
        times = ours[0] * len(one) / sum(one)
        stall, slowest = reached["ours, step by step"]
        yield f"longest stall, ours: {_goal(stall, 0.25)} s; one transaction: {reached['one transaction'][0]:.1f} s"
        yield f"p99 during the backfill to idle: {_goal(slowest, 1.5)} x"
        yield f"total time, ours to one transaction: {_goal(times, 3.0)} x"
        yield f"{time.perf_counter() - start:.0f} s in all"


def _goal(value: float, goal: float) -> str:
    return f"{value:.3f} (goal {goal:g}, {'reached' if value <= goal else 'missed'})"


Part = tuple[str, float, float]
Way = Callable[[Callable[[], Connection], Callable[[], None]], Iterator[str]]


def _under_load(
    server: Server,
    database: str,
    rows: int,
    rate: float,
    idle: float,
    way: Way,
) -> tuple[Seen, list[Part]]:
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_load, args=(str(server.sockets), server.port, database, rows, rate, there), daemon=True
    )
    process.start()
    here.recv()
    time.sleep(idle)
    parts: list[Part] = []
    began = time.perf_counter()

    def switch() -> None:
        here.send("switch")
        time.sleep(0.3)

    for part in way(lambda: server.connect(database), switch):
        now = time.perf_counter()
        parts.append((part, began, now))
        began = now
    time.sleep(idle / 2)
    here.send("stop")
    seen = Seen(here.recv())
    process.join()
    return seen, parts


def _load(sockets: str, port: int, database: str, rows: int, rate: float, pipe: Pipe) -> None:
    """The application, in a process of its own: the old version until it is told to be the new one."""
    name, more, value = "block", "", "1"

    def at(source: random.Random) -> int:
        return source.randint(1, rows)

    requests = [
        Request(sql=lambda r: f"SELECT amount FROM transfers WHERE id = {at(r)}", table=_TABLE, writes=False),
        Request(sql=lambda r: f"SELECT t.name FROM transfers JOIN tokens AS t ON t.id = token_id"
                f" WHERE transfers.id BETWEEN {(n := at(r))} AND {n + 9}", table=_TABLE, writes=False),
        Request(sql=lambda r: f"UPDATE transfers SET amount = amount + 2 + 0 * {name} WHERE id = {at(r)}",
                table=_TABLE, writes=True),
        Request(sql=lambda r: f"INSERT INTO transfers (id, token_id, sender, amount, {name}{more})"
                f" VALUES ({rows + r.randint(1, 10**15)}, {r.randint(1, 1000)}, '0x', 1, {value})",
                table=_TABLE, writes=True),
    ]  # fmt: skip

    def connect() -> Connection:
        return connect_socket(sockets, user=OWNER, database=database, port=port, patience=5)

    with Load(connect, requests, each=2, pause=rate, limit=600) as load:
        pipe.send("ready")
        while pipe.recv() != "stop":
            name, more, value = "block_number", ", kind", "1, 'move'"
    pipe.send([(c.request.writes, c.began, c.seconds, c.error is not None) for c in load.calls()])


def _one(connect: Callable[[], Connection], switch: Callable[[], None]) -> Iterator[str]:
    with connect() as session:
        session.run("BEGIN")
        for sql in _ONE:
            session.run(sql)
            if sql == _ONE[-1]:
                session.run("COMMIT")
            yield sql
        switch()


def _ours(batch: float, told: Callable[[str], None]) -> Way:
    def steps(connect: Callable[[], Connection], switch: Callable[[], None]) -> Iterator[str]:
        with connect() as session:
            for sql in _BEFORE:
                yield _step(session, sql)
            done = backfill(connect, _FILL, options=BackfillOptions(batch=batch), record="benchmark")
            if not done.proved:
                raise RuntimeError(f"{done.left} rows are left")
            yield f"backfill: {done.batches} batches, longest {done.longest * 1000:.0f} ms, {done.retries} tried anew"
            told(
                f"rested {done.rested:.1f} of {done.seconds:.1f} s, longest wait seen behind a batch"
                f" {done.waited * 1000:.0f} ms; the application by pg_stat_statements: {done.application}"
            )
            for sql in _AFTER:
                yield _step(session, sql)
            switch()
            yield "the new version of the application takes over"
            for sql in _END:
                yield _step(session, sql)

    return steps


def _step(session: Connection, sql: str) -> str:
    """One step: it waits 50 ms for its lock, then makes room for those behind it and tries again."""
    session.run("SET lock_timeout = '50ms'" if "CONCURRENTLY" not in sql else "SET lock_timeout = '10min'")
    while True:
        try:
            session.run(sql)
            return " ".join(sql.split())
        except StatementError as error:
            if error.sqlstate != "55P03":
                raise
            time.sleep(random.uniform(0.02, 0.1))


__all__ = ["main", "run"]
