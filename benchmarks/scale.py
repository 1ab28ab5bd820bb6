"""A database of 500 tables and 2,000 statements: export, ghost and advice come to an end, below 2 GB in all.

    python -m benchmarks scale [--tables N] [--statements N] [--rows N] [--time S]

Memory is that of every process that a command starts, the PostgreSQL server included: the sum of proportional set
sizes, so that what processes share counts once, with and without the server's shared buffers.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgassay.server import OWNER, SUPERUSER, Connection, scratch

_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements", "compute_query_id": "on", "pg_stat_statements.max": "10000",
}  # fmt: skip
_INTERVAL = 0.2  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a command took: seconds, and at its peak MiB of all its processes, with and without shared memory."""

    name: str
    seconds: float
    memory: float
    private: float
    largest: str
    last: str

    def __str__(self) -> str:
        words = f"{self.seconds:7.1f} s, peak {self.memory:6.0f} MiB ({self.private:.0f} without shared memory)"
        words += f", of it {self.largest}"
        return f"{self.name:44} {words}   {self.last}"


def run(tables: int = 500, statements: int = 2_000, rows: int = 2_000, seconds: float = 60.0) -> Iterator[str]:
    """Lines as they are known."""
    with scratch(settings=_SETTINGS) as server, server.database() as name, tempfile.TemporaryDirectory() as place:
        with server.connect(name, role=SUPERUSER) as admin:
            admin.run("CREATE EXTENSION pg_stat_statements SCHEMA public; GRANT pg_read_all_stats TO app_owner")
        with server.connect(name) as session:
            texts = _made(session, tables, statements, rows)
        yield f"{tables} tables of {rows:,} rows, {len(texts):,} statements"
        url = f"postgresql://{OWNER}@/{name}?host={server.sockets}"
        folder = Path(place)
        workload, twin = folder / "workload.sql", folder / "large.twin"
        workload.write_text(";\n".join(texts) + ";\n", encoding="utf-8")
        limit = ["--time", f"{seconds:g}s"]
        yield str(_spent("twin export", ["twin", "export", url, "-o", str(twin)]))
        bare = folder / "bare.twin"
        yield str(_spent("twin export --no-values", ["twin", "export", url, "-o", str(bare), "--no-values"]))
        yield str(_spent("explain --twin", ["explain", "--twin", str(twin), "SELECT * FROM t7 WHERE a = 'a1'"]))
        yield str(_spent("tune --twin, its own workload", ["tune", "--twin", str(twin), *limit]))
        named = ["tune", "--twin", str(twin), "--workload", str(workload), *limit]
        yield str(_spent("tune --twin --workload", named))
        yield str(_spent("tune --database", ["tune", "--database", url, *limit]))


def _made(session: Connection, tables: int, statements: int, rows: int) -> list[str]:
    """Tables in families that refer to each other, filled; and statements of all sorts, each of which ran once."""
    dice = random.Random(7)
    for n in range(tables):
        parent = f"REFERENCES t{n - 1}" if n % 10 else ""
        session.run(
            f"CREATE TABLE t{n} (id bigint PRIMARY KEY, a text NOT NULL, b numeric(78,0), c timestamptz NOT NULL,"
            f" d jsonb, e integer, f boolean, parent bigint {parent});"
            f" INSERT INTO t{n} SELECT i, 'a' || i % 50, i % 700, timestamptz '2024-01-01' + i * interval '1 minute',"
            f" jsonb_build_object('k', i % 9), i % 333, i % 40 = 0, 1 + i % {rows} FROM generate_series(1, {rows}) i;"
            f" CREATE INDEX ON t{n} (a)" + (f"; CREATE INDEX ON t{n} (c, a)" if n % 3 else "")
        )
    session.run("VACUUM (ANALYZE)")
    texts = list(dict.fromkeys(_statement(dice, tables, n) for n in range(statements * 2)))[:statements]
    for text in texts:
        session.run(text)
    return texts


def _statement(dice: random.Random, tables: int, n: int) -> str:
    t = dice.randrange(tables)
    parent = t - 1 if t % 10 else t
    return dice.choice(
        (
            f"SELECT id, b FROM t{t} WHERE e = {dice.randrange(333)} AND f ORDER BY c DESC LIMIT {10 + n % 7}",
            f"SELECT count(*) FROM t{t} WHERE b > {dice.randrange(700)} AND a = 'a{dice.randrange(50)}'",
            f"SELECT * FROM t{t} x JOIN t{parent} p ON p.id = x.parent WHERE x.e = {dice.randrange(333)}",
            f"SELECT a, count(*), max(c) FROM t{t} WHERE c >= '2024-01-02' GROUP BY a ORDER BY 2 DESC",
            f"SELECT * FROM t{t} WHERE d @> '{{\"k\": {dice.randrange(9)}}}' AND e < {1 + n % 50}",
            f"SELECT * FROM t{t} WHERE lower(a) = 'a{dice.randrange(50)}' AND id < {n % 1000}",
            f"UPDATE t{t} SET b = b + 1 WHERE e = {dice.randrange(333)} AND id < {n % 100}",
            f"SELECT * FROM t{t} WHERE parent = {1 + dice.randrange(500)} AND c > '2024-01-02' ORDER BY id LIMIT 5",
        )
    )


def _spent(name: str, words: Sequence[str]) -> Spent:
    command = [str(Path(sys.executable).with_name("pgassay")), *words]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peaks: list[_Peak] = [_Peak()]
    watcher = threading.Thread(target=_watch, args=(process, peaks), daemon=True)
    watcher.start()
    out, said = process.communicate()
    watcher.join()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{name} ended with {process.returncode}: {said[-800:]}")
    last = (out.strip().splitlines() or [""])[0]
    seconds = time.perf_counter() - start
    peak = peaks[0]
    return Spent(
        name=name, seconds=seconds, memory=peak.memory, private=peak.private, largest=peak.largest, last=last[:90]
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Peak:
    memory: float = 0.0
    private: float = 0.0
    largest: str = ""


def _watch(process: subprocess.Popen[str], peaks: list[_Peak]) -> None:
    while process.poll() is None:
        sizes = [(*_size(pid), pid) for pid in _family(process.pid)]
        private = sum(size - shared for size, shared, _ in sizes)
        if private > peaks[0].private:
            most = max(sizes, key=lambda each: each[0] - each[1])
            largest = f"{most[0] - most[1]:.0f} MiB {_name(most[2])}"
            peaks[0] = _Peak(sum(size for size, _, _ in sizes), private, largest)
        time.sleep(_INTERVAL)


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return "a process"
    return "python" if "python" in words.split(" ")[0] else words[:50]


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = [int(w) for t in Path(f"/proc/{pid}/task").iterdir() for w in (t / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from _family(child)


def _size(pid: int) -> tuple[float, float]:
    """A process's part of memory in MiB, and how much of it is shared memory (proc, smaps_rollup)."""
    found = {}
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, value = line.partition(":")
            found[name] = int(value.split()[0]) / 1024
    except (OSError, ValueError):
        return 0.0, 0.0
    return found.get("Pss", 0.0), found.get("Pss_Shmem", 0.0)


def main(arguments: Sequence[str]) -> None:
    """``python -m benchmarks scale``."""
    reader = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    reader.add_argument("--tables", type=int, default=500)
    reader.add_argument("--statements", type=int, default=2_000)
    reader.add_argument("--rows", type=int, default=2_000, help="of each table")
    reader.add_argument("--time", type=float, default=60.0, metavar="S", help="seconds, of tune")
    asked = reader.parse_args(arguments)
    for line in run(asked.tables, asked.statements, asked.rows, asked.time):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
