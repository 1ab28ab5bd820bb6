"""A register of tokens on chain: what ``pgassay tune`` advises for its application, and what that is worth.

    python -m benchmarks register [--events N]

Rows are made in a scratch database that is gone afterwards; 10 million events take 5 GB. The advice comes from the
command line, told the database's URL; its statements are run there, and every query is measured before and after:
backend CPU and pages touched, the best of several.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pgassay.advisor import Ground
from pgassay.advisor.model import Measure
from pgassay.catalog import column_statistics
from pgassay.server import OWNER, Connection, Server, install, scratch
from pgassay.sql.normalise import fill
from pgassay.sql.queries import queries
from pgassay.workload import read_workload, settle

_ALL = queries("benchmarks", "register.sql")
_SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "maintenance_work_mem": "512MB"}
_LIMIT = 60_000.0  # milliseconds for one run of a query
WORKLOAD = _ALL["workload"]
CANDIDATES = tuple(each.strip() for each in _ALL["candidates"].split(";\n"))


def load(server: Server, session: Connection, events: int) -> None:
    """Make and analyse the tables: ``events`` transfers, a fifth as many balances, at most 3,000 tokens."""
    install(server, session.database, "pg_trgm")
    numbers = {"events": events, "accounts": max(events // 20, 50), "tokens": min(max(events // 200, 20), 3_000)}
    numbers["balances"] = max(events // 5, 50)
    text = _ALL["rows"]
    for name, number in numbers.items():
        text = text.replace(f"{{{name}}}", str(number))
    session.run(_ALL["schema"])
    for statement in text.split(";\n"):
        session.run(statement)
    session.run("VACUUM (ANALYZE)")
    session.notices()


def workload(folder: Path) -> Path:
    """The workload as a file."""
    path = folder / "register.sql"
    path.write_text(WORKLOAD, encoding="utf-8")
    return path


def with_values(session: Connection) -> tuple[str, ...]:
    """The workload's statements, each with a few sets of values that the database's statistics suggest."""
    with tempfile.TemporaryDirectory() as place:
        told = read_workload(workload(Path(place)))
    settled = settle(session, told, column_statistics(session))
    assert not settled.skipped, settled.skipped
    return tuple(fill(q.text, values) for q in settled.queries for values in (q.parameters[:3] or ((),)))


def run(events: int = 1_000_000, seconds: float = 120.0) -> Iterator[str]:
    """Lines as they are known."""
    with _place() as place, scratch(settings=_SETTINGS) as server:
        name = server.create()
        start = time.perf_counter()
        with server.connect(name) as session:
            load(server, session, events)
            size = int(session.value("SELECT pg_database_size(current_database())") or 0) / 1e9
            queries = [q for q in with_values(session) if not q.startswith("INSERT")]  # rows that may be there
        yield f"{events:,} events, {size:.1f} GB, made in {time.perf_counter() - start:.0f} s"
        with Ground(server, name, kind="copied") as ground:
            ground.patience = _LIMIT
            before = [_measured(ground, text) for text in queries]
            start = time.perf_counter()
            advice = _advised(f"postgresql://{OWNER}@/{name}?host={server.sockets}", workload(place), seconds)
            took = time.perf_counter() - start
            start = time.perf_counter()
            for made in advice["recommendations"]:
                for statement in (*made["before"], made["sql"]):
                    ground.session.run(statement)
            built = time.perf_counter() - start
            ground.settle()
            after = [_measured(ground, text) for text in queries]
            for made in advice["recommendations"]:
                yield f"  {made['sql']}"
            new = ground.session.value("SELECT pg_database_size(current_database())")
        yield f"advice in {took:.0f} s, built in {built:.0f} s, {int(new or 0) / 1e9 - size:.2f} GB more"
        for text, one, other in zip(queries, before, after, strict=True):
            yield _line(" ".join(text.split())[:70], one, other)
        yield _line("all", _total(before), _total(after))


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """A folder under /tmp where scratch servers live as long as this runs: gigabytes are no matter for a cache."""
    kept = os.environ.get("PGASSAY_HOME")
    place = Path(tempfile.mkdtemp(prefix="pgassay-register-", dir="/tmp"))
    place.chmod(0o755)
    os.environ["PGASSAY_HOME"] = str(place / "home")
    try:
        yield place
    finally:
        os.environ.pop("PGASSAY_HOME")
        if kept is not None:
            os.environ["PGASSAY_HOME"] = kept
        shutil.rmtree(place, ignore_errors=True)


def _advised(url: str, file: Path, seconds: float) -> dict[str, Any]:
    program = [str(Path(sys.executable).with_name("pgassay")), "tune", "--database", url]
    command = [*program, "--workload", str(file), "--time", f"{seconds:g}s", "--format", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        raise RuntimeError(f"tune ended with {ended.returncode}: {ended.stderr[-800:]}")
    advice: dict[str, Any] = json.loads(ended.stdout)
    return advice


def _measured(ground: Ground, text: str) -> Measure:
    return ground.measure(text, limit_ms=_LIMIT, times=3)


def _total(found: Sequence[Measure]) -> Measure:
    return Measure(
        cpu_ms=sum(m.cpu_ms for m in found),
        buffers=sum(m.buffers for m in found),
        rows=0,
        over=any(m.over for m in found),
    )


def _line(words: str, before: Measure, after: Measure) -> str:
    cpu = f"{before.cpu_ms:10,.1f} ms → {after.cpu_ms:9,.1f} ms"
    pages = f"{before.buffers:10,} → {after.buffers:8,} pages"
    return f"{words:70} {cpu} {pages}" + (" (cut off)" if before.over or after.over else "")


def main(arguments: Sequence[str]) -> None:
    """``python -m benchmarks register``."""
    reader = argparse.ArgumentParser(prog="python -m benchmarks register")
    reader.add_argument("--events", type=int, default=1_000_000, help="transfers (1,000,000)")
    reader.add_argument("--time", type=float, default=120.0, metavar="S", help="seconds, of tune (120)")
    asked = reader.parse_args(arguments)
    for line in run(asked.events, asked.time):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
