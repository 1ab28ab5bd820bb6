"""How exactly a ghost plans: TPC-H's queries and a register of tokens, node by node beside the original.

Goals: the same plan in 95 of 100, costs within 1 %, not one byte of a heap on disk, 100 tables in 3 s, 5 ms a plan.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import register, tpch
from pgassay.server import OWNER, SUPERUSER, Connection, Server, scratch
from pgassay.twin.export import export
from pgassay.twin.ghost import Ghost, ghost
from pgassay.twin.ghost_statistics import sql

_SHAPE = ("Node Type", "Relation Name", "Index Name", "Join Type", "Scan Direction", "Strategy", "Parallel Aware")
_SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A database to be imitated: its queries with values filled in, and indexes that one might think of."""

    name: str
    database: str
    queries: Mapping[str, str]
    candidates: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table. ``close`` plans cost the same within 1 %, ``worst`` is the largest difference as a share;
    ``off`` are the queries that differ; ``milliseconds`` of one plan: the ghost's median and most, the original's."""

    world: str
    what: str
    same: int
    plans: int
    close: int
    exact: int
    worst: float
    milliseconds: tuple[float, float, float]
    off: tuple[str, ...]

    def __str__(self) -> str:
        mid, most, original = self.milliseconds
        words = (
            f"{self.world:9} {self.what:30} of {self.plans} plans: same {self.same}, cost within 1 % {self.close} (most"
            f" {100 * self.worst:.2f} %), equal to the digit {self.exact};"
            f" {mid:.2f} ms a plan (most {most:.2f}, original {original:.2f})"
        )
        return words + (f"; differ: {', '.join(self.off)}" if self.off else "")


def run(scale: float = 0.1, events: int = 200_000, tables: int = 100) -> Iterator[str]:
    """Lines as they are known."""
    with scratch(settings=_SETTINGS) as server:
        made = [_tpch(server, scale), _register(server, events)]
        for world in made:
            yield from _world(server, world)
        yield _many(server, tables)


def _tpch(server: Server, scale: float) -> World:
    database = server.create()
    with server.connect(database) as session:
        tpch.load(session, scale)
    return World(name="tpch", database=database, queries=tpch.QUERIES, candidates=tpch.CANDIDATES)


def _register(server: Server, events: int) -> World:
    database = server.create()
    with server.connect(database) as session:
        register.load(server, session, events)
        queries = {f"r{n}": text for n, text in enumerate(register.with_values(session), 1)}
    return World(name="register", database=database, queries=queries, candidates=register.CANDIDATES)


def _world(server: Server, world: World) -> Iterator[str]:
    with server.connect(world.database, role=SUPERUSER) as admin:
        admin.run("CREATE EXTENSION IF NOT EXISTS pageinspect SCHEMA public")
    with server.connect(world.database) as session:
        for role, words in ((SUPERUSER, "as it is"), (OWNER, "as it is, no superuser's export")):
            with _twin(server, world, role) as twin:
                yield str(_compared(world, words, session, twin))
                if role != SUPERUSER:
                    continue
                yield _disk(world, twin)
                names = [twin.create_index(ddl) for ddl in world.candidates]
                with session.rolled_back():
                    for ddl in world.candidates:
                        session.run(ddl)
                    what = f"{len(names)} candidates, computed"
                    yield str(_compared(world, what, session, twin))
                yield _switched(world, twin, names)
        for ddl in world.candidates:
            session.run(ddl)
        session.run("VACUUM (ANALYZE)")
        with _twin(server, world, SUPERUSER) as twin:
            yield str(_compared(world, f"{len(world.candidates)} indexes, exported", session, twin))


@contextlib.contextmanager
def _twin(server: Server, world: World, role: str) -> Iterator[Ghost]:
    exported = export(f"postgresql://{role}@/{world.database}?host={server.sockets}")
    with scratch() as other, ghost(other, exported) as twin:
        assert not twin.unmade, twin.unmade
        yield twin


def _compared(world: World, what: str, session: Connection, twin: Ghost) -> Row:
    times: list[tuple[float, float]] = []
    same = close = exact = 0
    worst, off = 0.0, []
    for name, query in world.queries.items():
        ours, fast = _timed(twin.explain, query)
        theirs, slow = _timed(lambda text: session.json(f"EXPLAIN (FORMAT JSON, VERBOSE) {text}")[0], query)
        times.append((fast, slow))
        alike = shape(ours) == shape(theirs)
        differs = abs(ours["Total Cost"] / max(theirs["Total Cost"], 0.01) - 1)
        same += alike
        close += differs <= 0.01
        worst = max(worst, differs)
        if not alike or differs > 0.01:
            off.append(name)
        exact += _numbers(ours) == _numbers(theirs)
    mine = [fast for fast, _ in times]
    middle = (statistics.median(mine), max(mine), statistics.median(slow for _, slow in times))
    return Row(
        world=world.name, what=what, same=same, plans=len(times), close=close, exact=exact, worst=worst,
        milliseconds=middle, off=tuple(off),
    )  # fmt: skip


def _timed(job: Callable[[str], dict[str, Any]], query: str) -> tuple[dict[str, Any], float]:
    """A query's plan, and the least milliseconds of three runs."""
    took = []
    for _ in range(3):
        start = time.perf_counter()
        found: dict[str, Any] = job(query)["Plan"]
        took.append((time.perf_counter() - start) * 1_000)
    return found, min(took)


def shape(plan: Mapping[str, Any]) -> tuple[Any, ...]:
    """A plan without its numbers: nodes, tables, indexes, ways to join."""
    facts = tuple(plan.get(key) for key in _SHAPE)
    return (*facts, *(shape(part) for part in plan.get("Plans", ())))


def _numbers(plan: Mapping[str, Any]) -> tuple[Any, ...]:
    facts = tuple(plan.get(key) for key in ("Node Type", "Startup Cost", "Total Cost", "Plan Rows", "Plan Width"))
    return (*facts, *(_numbers(part) for part in plan.get("Plans", ())))


def _switched(world: World, twin: Ghost, names: Sequence[str]) -> str:
    """What-if: each query with each candidate alone switched off, so that every plan is made under another set."""
    took = []
    for query in world.queries.values():
        for name in names:
            start = time.perf_counter()
            twin.explain(query, without=[name])
            took.append((time.perf_counter() - start) * 1_000)
    took.sort()
    middle, nearly = statistics.median(took), took[int(len(took) * 0.95)]
    words = f"{len(took)} plans, each with another index off"
    return f"{world.name:9} {words}: median {middle:.2f} ms, 95 % below {nearly:.2f} ms"


def _disk(world: World, twin: Ghost) -> str:
    heaps, others = _on_disk(twin)
    claimed = twin.export.bytes / 1e6
    return f"{world.name:9} on disk: heaps {heaps:,} bytes, indexes {others:,} bytes; claimed {claimed:,.1f} MB"


def _on_disk(twin: Ghost) -> tuple[int, int]:
    """Bytes that heaps and indexes take (``st_blocks``), in all their segments."""
    rows = twin.admin.json(sql("paths")) or []
    found = [0, 0]
    for row in rows:
        path = twin.path(row["path"])
        for part in (path, *path.parent.glob(f"{path.name}.*")):
            found[row["method"] != "heap"] += part.stat().st_blocks * 512
    return found[0], found[1]


def _many(server: Server, tables: int) -> str:
    """The time to make a ghost of many tables, five indexes each, of a terabyte in all."""
    name = server.create()
    with server.connect(name) as session:
        for n in range(tables):
            parent = f"REFERENCES t{n - 1}" if n else ""
            session.run(
                f"CREATE TABLE t{n} (id bigint PRIMARY KEY, a text NOT NULL, b numeric(78,0), c timestamptz, d jsonb,"
                f" parent bigint {parent}, CHECK (b >= 0)); INSERT INTO t{n} SELECT i, 'a' || i % 50, i % 7, now(),"
                " '{}', NULL FROM generate_series(1, 500) i;"
                f" CREATE INDEX ON t{n} (a, c); CREATE INDEX ON t{n} (parent); CREATE INDEX ON t{n} (c DESC);"
                f" CREATE INDEX ON t{n} USING gin (d)"
            )
        session.run("ANALYZE")
    exported = export(f"postgresql://{OWNER}@/{name}?host={server.sockets}")
    grown = replace(exported, relations=tuple(replace(r, blocks=r.blocks * 400_000) for r in exported.relations))
    with scratch() as other:
        took = []
        for _ in range(3):
            start = time.perf_counter()
            with ghost(other, grown) as twin:
                took.append(time.perf_counter() - start)
                heaps, _others = _on_disk(twin)
            other.drop(twin.database)
    size = grown.bytes / 1e12
    made = f"ghost made in {min(took):.2f} s; heaps take {heaps} bytes"
    return f"{tables} tables, {5 * tables} indexes, {size:.1f} TB: {made}"


def main(arguments: Sequence[str]) -> None:
    """``python -m benchmarks ghosts``."""
    reader = argparse.ArgumentParser(prog="python -m benchmarks ghosts", description=__doc__)
    reader.add_argument("--scale", type=float, default=0.1, help="of TPC-H: 1 is a gigabyte (0.1)")
    reader.add_argument("--events", type=int, default=200_000, help="of the register (200,000)")
    reader.add_argument("--tables", type=int, default=100, help="of the large schema (100)")
    asked = reader.parse_args(arguments)
    for line in run(asked.scale, asked.events, asked.tables):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
