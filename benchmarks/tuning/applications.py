"""Application workloads: backend CPU and buffers without indexes, with pgassay's and with a careful expert's.

Every world is a file of ``worlds/`` with its schema and rows, its workload and the expert's statements. The advice
comes from the command line, as users get it: from the database itself, or (``twin``) from a file of its statistics.
Goal: within 1.3 times of the expert.
"""

from __future__ import annotations

import math
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.tuning import peer as other
from pgassay.advisor import Ground
from pgassay.advisor.model import Measure
from pgassay.server import OWNER, SUPERUSER, Server, StatementError, find_binaries, scratch
from pgassay.sql.normalise import fill
from pgassay.workload import read_workload

WORLDS = Path(__file__).parent / "worlds"
_TIMES = 6
_LIMIT = 60_000.0  # milliseconds
# With asynchronous commits VACUUM leaves pages that index-only scans must look up.
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "synchronous_commit": "on"}


@dataclass(frozen=True, slots=True)
class World:
    """A schema with rows, the statements of an application, and what an expert would create for them."""

    name: str
    schema: str
    workload: str
    expert: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One query with one set of parameters under each design."""

    text: str
    calls: float
    before: Measure
    ours: Measure
    expert: Measure
    peer: Measure | None = None


@dataclass(slots=True)
class Result:
    """A world measured. ``seconds`` and ``cpu`` of the advice; ``bytes`` of new indexes."""

    world: str
    seconds: float
    cpu: float
    ddl: tuple[str, ...]
    bytes: tuple[int, int]
    outcomes: list[Outcome] = field(default_factory=list)
    peer: tuple[tuple[str, ...], float] | None = None  # its statements and the seconds that it took

    def ratio(self, what: str, against: str = "expert") -> float:
        """The geometric mean of ours to another's, over queries."""
        logs = [math.log((_of(o.ours, what)) / _of(getattr(o, against), what)) for o in self.outcomes]
        return math.exp(sum(logs) / max(len(logs), 1))

    def total(self, what: str, against: str = "expert", *, calls: bool = False) -> float:
        """The sum of ours to another's."""
        weigh = [o.calls if calls else 1.0 for o in self.outcomes]
        ours = sum(w * _of(o.ours, what) for w, o in zip(weigh, self.outcomes, strict=True))
        return ours / sum(w * _of(getattr(o, against), what) for w, o in zip(weigh, self.outcomes, strict=True))


def _of(measure: Measure, what: str) -> float:
    return max(measure.cpu_ms, 0.01) if what == "cpu" else float(measure.buffers + 1)


def worlds(names: Sequence[str] = ()) -> Iterator[World]:
    """The worlds of these names, or all."""
    for path in sorted(WORLDS.glob("*.sql")):
        if names and path.stem not in names:
            continue
        parts = re.split(r"^-- name: (\w+)\n", path.read_text(), flags=re.MULTILINE)
        of = dict(zip(parts[1::2], parts[2::2], strict=True))
        yield World(path.stem, of["schema"], of["workload"], tuple(statements(of["expert"])))


def statements(text: str) -> list[str]:
    """Statements that each end a line with a semicolon."""
    return [s.strip() for s in re.split(r";\s*\n", text + "\n") if s.strip()]


def advise(
    server: Server, database: str, workload: str, *, twin: bool = False, options: Sequence[str] = ()
) -> tuple[tuple[str, ...], float, float]:
    """What ``pgassay tune --format sql`` prints; seconds on the clock and of CPU of it and its servers."""
    url = f"postgresql://{OWNER}@/{database}?host={server.sockets}&port={server.port}"
    program = str(Path(sys.executable).parent / "pgassay")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "workload.sql"
        file.write_text(workload)
        where = ["--database", url]
        if twin:
            made = Path(place) / "file.twin"
            _run([program, "twin", "export", url, "-o", str(made)])
            where = ["--twin", str(made)]
        began, cpu = time.monotonic(), _cpu()
        text = _run([program, "tune", *where, "--workload", str(file), "--format", "sql", "--quiet", *options])
        return tuple(statements(text)), time.monotonic() - began, _cpu() - cpu


def _run(words: Sequence[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words[:3])} ended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def apply(server: Server, database: str, ddl: Sequence[str]) -> int:
    """Run the statements; the bytes that new indexes take."""
    with server.connect(database) as session, server.connect(database, role=SUPERUSER) as admin:
        size = "SELECT sum(pg_relation_size(indexrelid)) FROM pg_index WHERE indexrelid >= 16384"
        before = int(admin.value(size) or 0)
        for statement in ddl:
            session.run(statement.replace(" CONCURRENTLY", ""))
        session.run("VACUUM (ANALYZE)")
        return int(admin.value(size) or 0) - before


def measured(grounds: Sequence[Ground], sql: str) -> list[Measure]:
    """The best of several runs in each database, interleaved."""
    best: list[Measure | None] = [None] * len(grounds)
    times = _TIMES
    while times:
        for k in range(len(grounds)):  # each has its turn to be the first
            n = (k + times) % len(grounds)
            one, known = grounds[n].measure(sql, limit_ms=_LIMIT), best[n]
            best[n] = (
                one
                if known is None
                else Measure(
                    cpu_ms=min(one.cpu_ms, known.cpu_ms), buffers=min(one.buffers, known.buffers), rows=one.rows
                )
            )
        times -= 1
        if max(m.cpu_ms for m in best if m) > 1_000:
            times = min(times, 1)
    return [m for m in best if m is not None]


def measure(
    server: Server, world: World, *, twin: bool = False, options: Sequence[str] = (), peer: str | None = None
) -> Result:
    """Advice for a world, applied and measured."""
    base = server.create()
    with server.connect(base) as session:
        for statement in statements(world.schema):
            session.run(statement)
        session.run("VACUUM (ANALYZE)")
    ddl, seconds, cpu = advise(server, base, world.workload, twin=twin, options=options)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "workload.sql"
        file.write_text(world.workload)
        queries = read_workload(str(file))
    names = [server.create(base) for _ in range(3)]  # all copies: what was loaded lies in memory as copies do not
    apply(server, names[0], ())
    sizes = tuple(apply(server, n, d) for n, d in zip(names[1:], (ddl, world.expert), strict=True))
    result = Result(world.name, seconds, cpu, ddl, (sizes[0], sizes[1]))
    if peer:
        asked = [fill(q.text, q.parameters[0]) if q.parameters else q.text for q in queries]
        result.peer = other.advise(peer, server, base, asked)
        names.append(server.create(base))
        apply(server, names[-1], result.peer[0])
    grounds = [Ground(server, name, kind="copied") for name in names]
    try:
        for ground in grounds:
            ground.patience = _LIMIT
            ground.session.run("SET plan_cache_mode = force_custom_plan")
        for query in queries:
            for values in query.parameters or ((),):
                sql = fill(query.text, values) if values else query.text
                try:
                    before, ours, expert, *more = measured(grounds, sql)
                except StatementError as error:
                    raise RuntimeError(f"{world.name}: {sql}: {error}") from error
                one = Outcome(text=sql, calls=query.calls, before=before, ours=ours, expert=expert)
                result.outcomes.append(replace(one, peer=more[0] if more else None))
    finally:
        for ground in grounds:
            ground.close()
        for name in (base, *names):
            server.drop(name)
    return result


def told(result: Result, *, verbose: bool = False) -> Iterator[str]:
    """Lines for people."""
    if verbose:
        yield from (f"  {s};" for s in result.ddl)
        yield f"  {'CPU ms: none':>12} {'ours':>9} {'expert':>9}   {'pages: none':>11} {'ours':>7} {'expert':>7}"
        for o in result.outcomes:
            worse = (
                "!"
                if o.ours.cpu_ms > 1.3 * o.expert.cpu_ms + 0.1 or o.ours.buffers > 1.3 * o.expert.buffers + 3
                else " "
            )
            yield (
                f"{worse} {o.before.cpu_ms:12.2f} {o.ours.cpu_ms:9.3f} {o.expert.cpu_ms:9.3f}   {o.before.buffers:11}"
                f" {o.ours.buffers:7} {o.expert.buffers:7}  {' '.join(o.text.split())[:110]}"
            )
    cpu, pages = ((result.ratio(w), result.total(w), result.total(w, calls=True)) for w in ("cpu", "pages"))
    yield (
        f"{result.world:10} CPU {cpu[0]:5.2f} x expert's (sum {cpu[1]:5.2f}, by calls {cpu[2]:5.2f}),"
        f" pages {pages[0]:5.2f} x (sum {pages[1]:5.2f}, by calls {pages[2]:5.2f});"
        f" to none: CPU 1/{1 / result.ratio('cpu', 'before'):.1f}, pages 1/{1 / result.ratio('pages', 'before'):.1f};"
        f" indexes {result.bytes[0] / 2**20:.1f} MiB, expert's {result.bytes[1] / 2**20:.1f};"
        f" advice {result.seconds:.0f} s, {result.cpu:.0f} s of CPU"
    )


def _beside(results: Sequence[Result], verbose: bool) -> Iterator[str]:
    """The other advisor's figures."""
    of = [(r, [o for o in r.outcomes if o.peer is not None]) for r in results if r.peer]
    for result, outcomes in of:
        if verbose and result.peer:
            yield from (f"  postgres-mcp: {s};" for s in result.peer[0])
        found = []
        for what in ("cpu", "pages"):
            logs = [math.log(_of(o.peer, what) / _of(o.expert, what)) for o in outcomes if o.peer]
            found.append(math.exp(sum(logs) / max(len(logs), 1)))
        slowed = sum(o.peer.cpu_ms > o.before.cpu_ms * 1.05 + 0.5 for o in outcomes if o.peer)
        yield (
            f"{result.world:10} postgres-mcp: CPU {found[0]:5.2f} x expert's, pages {found[1]:5.2f} x;"
            f" {len(result.peer[0]) if result.peer else 0} indexes, {slowed} queries slower;"
            f" advice {result.peer[1] if result.peer else 0:.0f} s"
        )


def run(
    names: Sequence[str] = (),
    *,
    twin: bool = False,
    verbose: bool = False,
    seconds: int = 60,
    peer: str | None = None,
) -> Iterator[str]:
    """All worlds, or those named. ``twin``: the advice sees statistics alone. ``peer``: a Python with postgres-mcp."""
    results = []
    with scratch(find_binaries(15) if peer else None, settings=SETTINGS) as server:
        for world in worlds(names):
            results.append(measure(server, world, twin=twin, options=["--time", f"{seconds}s"], peer=peer))
            yield from told(results[-1], verbose=verbose)
            yield from _beside(results[-1:], verbose)
    outcomes = [o for r in results for o in r.outcomes]
    means = []
    for what in ("cpu", "pages"):
        logs = [math.log(_of(o.ours, what) / _of(o.expert, what)) for o in outcomes]
        means.append(math.exp(sum(logs) / max(len(logs), 1)))
    yield f"all: CPU {means[0]:.2f} x the expert's, pages {means[1]:.2f} x (goal: 1.3)"
