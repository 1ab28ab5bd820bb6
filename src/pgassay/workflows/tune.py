"""``pgassay tune``: a ground with rows, a workload, advice that was tried on it, and a migration that holds it."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pgassay.advisor import Advice, advise
from pgassay.errors import UsageError
from pgassay.sources.writing import Writing
from pgassay.workflows.grounds import Filling
from pgassay.workflows.tune_ground import Progress, of_origin, of_project, planned
from pgassay.workflows.tune_write import check_target, write_advice
from pgassay.workload import read_workload


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """The options of ``pgassay tune``. ``budget`` is ``50%`` of the heap or ``200MB``; ``seconds`` for the search.

    ``filling`` is a project; or ``database`` or ``twin``. ``write`` puts a migration into the project, ``out`` plain
    SQL into a folder. ``prove_here`` builds what is recommended in the database itself, measures there, and drops it.
    """

    filling: Filling | None = None
    database: str | None = None
    twin: str | None = None
    workload: str | None = None
    budget: str | None = None
    seconds: float = 60.0
    kinds: frozenset[str] = frozenset()
    keep_slower: bool = False
    write: bool = False
    out: str | None = None
    prove_here: bool = False
    postgres_version: int | None = None
    postgres_bin: str | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """Advice, and the files that were written of it."""

    advice: Advice
    written: Writing | None = None


def tune(options: TuneOptions, progress: Progress | None = None) -> Tuned:
    """Advice for a project, a database or a twin. Raises PgassayError for whatever the user can set right."""
    began = time.monotonic()
    say = progress or (lambda _: None)
    if sum(1 for w in (options.filling, options.database, options.twin) if w) != 1:
        raise UsageError("give one of PROJECT, --database URL and --twin FILE")
    budget = parse_budget(options.budget) if options.budget else None
    if options.workload is None and options.filling is not None:
        raise UsageError("a project's statements are in --workload FILE")
    if options.prove_here and options.database is None:
        raise UsageError("--prove-here needs --database URL: there the indexes are built")
    if options.write or options.out:
        check_target(options.filling, options.out)
    told = read_workload(options.workload) if options.workload else ()
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(
            of_project(options.filling, say)
            if options.filling
            else of_origin(options.database, options.twin, options.postgres_version, options.postgres_bin, say)
        )
        statements = told or made.measured
        if not statements:
            raise _nothing(options)
        queries, skipped = planned(made.ground, statements)
        found = advise(
            made.ground,
            queries,
            seconds=max(options.seconds - (time.monotonic() - began), options.seconds * 0.75),
            budget=budget,
            kinds=options.kinds,
            keep_slower=options.keep_slower,
            progress=say,
        )
    advice = replace(found, skipped=(*skipped, *found.skipped), notes=(*made.remarks, *found.notes))
    if options.prove_here:
        from pgassay.workflows.tune_here import prove_here

        advice = prove_here(options.database or "", advice, keep_slower=options.keep_slower, progress=say)
    written = write_advice(advice, options.filling, options.out) if options.write or options.out else None
    if written:
        advice = replace(advice, notes=(*advice.notes, *written.notes))
    return Tuned(advice, written)


def _nothing(options: TuneOptions) -> UsageError:
    if options.workload:
        return UsageError(f"{options.workload} holds no statements")
    where = "pg_stat_statements of the database has" if options.database else "the twin holds"
    return UsageError(
        f"there are no statements to tune for: {where} none that this role may see",
        hint="Give the application's statements with --workload FILE.",
    )


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
