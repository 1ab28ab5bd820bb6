"""``pgassay tune``: a ground with rows, a workload, and advice that was tried on it."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pgassay.advisor import Advice, Ground, Query, advise
from pgassay.advisor.grounds import copied, small_enough, synthetic
from pgassay.errors import UsageError
from pgassay.model.actions import TableAction
from pgassay.server import connect_live, find_binaries, scratch
from pgassay.sql import parse
from pgassay.sql.normalise import fill as fill_in
from pgassay.sql.single import single
from pgassay.workflows.grounds import SETTINGS, populated
from pgassay.workload import Query as Statement
from pgassay.workload import read_measured, read_workload, settle

Progress = Callable[[str], None]
_FORMS = 4  # sets of parameters of one statement that are tried
_MANY = 300  # statements, above which one set of each must do
_Made = tuple[Ground, tuple[str, ...], tuple[Statement, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """The options of ``pgassay tune``. ``budget`` is ``50%`` of the heap or ``200MB``; ``seconds`` for the search."""

    project: str | None = None
    database: str | None = None
    twin: str | None = None
    workload: str | None = None
    budget: str | None = None
    seconds: float = 60.0
    kinds: frozenset[str] = frozenset()
    keep_slower: bool = False
    rows: int = 100_000
    table_rows: dict[str, int] = field(default_factory=dict)
    seed: int = 1
    kind: str | None = None
    allow_code: bool = False
    postgres_version: int | None = None
    postgres_bin: str | None = None


def tune(options: TuneOptions, progress: Progress | None = None) -> Advice:
    """Advice for a project, a database or a twin. Raises PgassayError for whatever the user can set right."""
    began = time.monotonic()
    say = progress or (lambda _: None)
    given = [w for w in (options.project, options.database, options.twin) if w]
    if len(given) != 1:
        raise UsageError("give one of PROJECT, --database URL and --twin FILE")
    budget = parse_budget(options.budget) if options.budget else None
    if options.workload is None and options.project is not None:
        raise UsageError("a project's statements are in --workload FILE")
    told = read_workload(options.workload) if options.workload else ()
    with contextlib.ExitStack() as stack:
        ground, remarks, measured = stack.enter_context(_ground(options, say))
        statements = told or measured
        if not statements:
            raise UsageError("there are no statements to tune for", hint="Give them with --workload FILE.")
        queries, skipped = _queries(ground, statements)
        found = advise(
            ground,
            queries,
            seconds=max(options.seconds - (time.monotonic() - began), options.seconds * 0.75),
            budget=budget,
            kinds=options.kinds,
            keep_slower=options.keep_slower,
            progress=say,
        )
    return replace(found, skipped=(*skipped, *found.skipped), notes=(*remarks, *found.notes))


def parse_budget(text: str) -> Callable[[int], int]:
    """``50%`` of the heap's bytes, or ``200MB`` (also kB, GB, TB and plain bytes). Raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%|[kKmMgGtT]?i?[bB]?)\s*", text)
    if match is None:
        raise UsageError(f"--budget {text!r} is neither a share (50%) nor a size (200MB)")
    number, unit = float(match[1]), match[2].lower().rstrip("b").rstrip("i")
    if unit == "%":
        return lambda heap: int(heap * number / 100)
    size = int(number * 1024 ** " kmgt".index(unit or " "))
    return lambda _: size


def _queries(ground: Ground, statements: Sequence[Statement]) -> tuple[tuple[Query, ...], tuple[tuple[str, str], ...]]:
    """The statements that the ground plans, each with its sets of parameters filled in; the others with a reason."""
    world = ground.world()
    settled = settle(ground.session, statements, world.statistics)
    found = []
    most = _FORMS if len(settled.queries) <= _MANY else 1
    for number, each in enumerate(settled.queries, 1):
        kind = single(each.text).kind
        (parsed,) = parse(each.text, each.source)
        tables = [a.table for a in parsed.actions if isinstance(a, TableAction)]
        found.append(
            Query(
                number=number,
                text=each.text,
                forms=tuple(fill_in(each.text, values) for values in each.parameters[:most]) or (each.text,),
                kind=kind,
                calls=float(each.calls),
                line=each.line,
                target=tables[0] if tables and kind != "select" else None,
            )
        )
    return tuple(found), tuple((s.statement, s.reason) for s in settled.skipped)


@contextlib.contextmanager
def _ground(options: TuneOptions, say: Progress) -> Iterator[_Made]:
    if options.project is not None:
        with _project(options, say) as made:
            yield made
        return
    from pgassay.twin.export import export
    from pgassay.twin.export_file import load

    say("reading the database" if options.database else "reading the twin")
    facts = export(options.database) if options.database else load(Path(options.twin or ""))
    binaries = find_binaries(options.postgres_version, Path(options.postgres_bin) if options.postgres_bin else None)
    with scratch(binaries, settings=SETTINGS) as server:
        if options.database and small_enough(facts):
            with connect_live(options.database) as live:
                ground, remarks = copied(server, live, facts, say)
                measured = read_measured(live)
        else:
            ground, remarks = synthetic(server, facts, say)
            measured = tuple(
                Statement(text=c.query, calls=c.calls, total_ms=c.milliseconds, source="pg_stat_statements", line=n)
                for n, c in enumerate(facts.workload, 1)
            )
        with ground:
            yield ground, remarks, measured


@contextlib.contextmanager
def _project(options: TuneOptions, say: Progress) -> Iterator[_Made]:
    assert options.project is not None
    with (
        populated(
            options.project,
            kind=options.kind,
            allow_code=options.allow_code,
            rows=options.rows,
            table_rows=options.table_rows,
            seed=options.seed,
            postgres_version=options.postgres_version,
            postgres_bin=options.postgres_bin,
            progress=say,
        ) as made,
        Ground(made.server, made.database, kind="synthetic") as ground,
    ):
        ground.settle()
        yield ground, made.remarks, ()
