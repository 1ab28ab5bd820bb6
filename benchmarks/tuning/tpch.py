"""TPC-H: primary keys alone, with pgassay's indexes, and with those that the planner alone would have promised.

Goal: less backend CPU than with the planner's promises, and no query more than 5 % slower than without indexes.
The stand-in for advisors that never run a query is our own search with every measurement taken away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import tpch
from benchmarks.tuning import peer as other
from benchmarks.tuning.applications import SETTINGS, advise, apply
from pgassay.advisor import Ground, Query
from pgassay.advisor import advise as search
from pgassay.advisor.model import Measure
from pgassay.report.tuning import tuning_sql
from pgassay.server import Server, ServerMessage, StatementError, find_binaries, scratch

_LIMIT = 30_000.0  # milliseconds
_NOISE = 2.0  # milliseconds


@dataclass(frozen=True, slots=True)
class Row:
    """A query: CPU in milliseconds under each design."""

    name: str
    times: tuple[Measure, ...]

    def ratio(self, design: int) -> float:
        """To the first design, below 1 where it is quicker."""
        return self.times[design].cpu_ms / self.times[0].cpu_ms


class _Planned(Ground):
    """A ground on which nothing is run: what is left is the planner's word."""

    def measure(self, sql: str, *, limit_ms: float | None = None, times: int = 1) -> Measure:  # noqa: ARG002
        raise StatementError(ServerMessage(sqlstate="57014", message="nothing is run"))


def run(scale: float = 0.2, budget: str = "50%", seconds: int = 60, peer: str | None = None) -> Iterator[str]:
    """Advice, then all 22 queries under each design, interleaved. ``peer``: a Python with postgres-mcp."""
    with scratch(find_binaries(15) if peer else None, settings=SETTINGS) as server:
        base = server.create()
        with server.connect(base) as session:
            tpch.load(session, scale)
            heap = int(
                session.value("SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relkind = 'r' AND oid > 16384") or 0
            )
        workload = "".join(f"{text};\n" for text in tpch.QUERIES.values())
        ddl, took, cpu = advise(server, base, workload, options=["--budget", budget, "--time", f"{seconds}s"])
        yield f"advice in {took:.0f} s ({cpu:.0f} s of CPU), heap {heap / 2**20:.0f} MiB, budget {budget}"
        yield from (f"  {statement};" for statement in ddl)
        if peer:
            promised, spent = other.advise(
                peer, server, base, list(tpch.QUERIES.values()), budget=heap // 2, seconds=seconds
            )
            yield f"postgres-mcp, in {spent:.0f} s:"
        else:
            promised = tuple(_promised(server, base, heap, seconds))
            yield "the planner's word alone:"
        yield from (f"  {statement};" for statement in promised)
        names = [server.create(base) for _ in range(3)]  # all copies: what was loaded lies in memory as copies do not
        apply(server, names[0], ())
        sizes = [apply(server, name, made) for name, made in zip(names[1:], (ddl, promised), strict=True)]
        rows = list(_measured(server, names))
        yield f"{'CPU ms':6} {'none':>10} {'pgassay':>10} {'peer' if peer else 'planner':>10}"
        for row in rows:
            marks = " ".join(f"{row.ratio(n):6.2f}" for n in (1, 2))
            yield f"{row.name:6} " + " ".join(f"{m.cpu_ms:10.1f}" for m in row.times) + f"   {marks}"
        for n, name in ((1, "pgassay"), (2, "postgres-mcp" if peer else "planner alone")):
            total = sum(r.times[n].cpu_ms for r in rows) / sum(r.times[0].cpu_ms for r in rows)
            mean = math.exp(sum(math.log(r.ratio(n)) for r in rows) / len(rows))
            slowed = [r.name for r in rows if r.ratio(n) > 1.05 and r.times[n].cpu_ms - r.times[0].cpu_ms > _NOISE]
            yield (
                f"{name}: total CPU {total:.3f} of that without indexes, geometric mean {mean:.3f},"
                f" indexes {sizes[n - 1] / 2**20:.0f} MiB, more than 5 % slower: {', '.join(slowed) or 'none'}"
            )


def _promised(server: Server, base: str, heap: int, seconds: int) -> Sequence[str]:
    """The indexes of the same search where nothing is run."""
    copy = server.create(base)
    queries = [
        Query(number=n, text=text, forms=(text,), kind="select") for n, text in enumerate(tpch.QUERIES.values(), 1)
    ]
    with _Planned(server, copy, kind="copied") as ground:
        ground.settle()
        advice = search(ground, queries, seconds=seconds, budget=lambda _: heap // 2)
    server.drop(copy)
    return tuple(s.strip() for s in tuning_sql(advice).split(";\n") if s.strip())


def _measured(server: Server, names: Sequence[str]) -> Iterator[Row]:
    grounds = [Ground(server, name, kind="copied") for name in names]
    try:
        for ground in grounds:
            ground.patience = _LIMIT
        for name, text in tpch.QUERIES.items():
            best: list[Measure] = [g.measure(text) for g in grounds]
            times = 1 if max(m.cpu_ms for m in best) > 5_000 else 4
            for turn in range(times):
                for k in range(len(grounds)):
                    n = (k + turn) % len(grounds)
                    if best[n].cpu_ms < 5_000:
                        best[n] = min(best[n], grounds[n].measure(text), key=lambda m: m.cpu_ms)
            yield Row(name, tuple(best))
    finally:
        for ground in grounds:
            ground.close()
