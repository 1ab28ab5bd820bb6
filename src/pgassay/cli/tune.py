"""``pgassay tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgassay.cli.output import check_writable, emit, save, width
from pgassay.cli.progress import progress
from pgassay.cli.values import table_rows

if TYPE_CHECKING:
    from pgassay.workflows.grounds import Filling

FORMATS = ("text", "json", "html", "sql", "handoff")


def duration(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """``60s``, ``2min``, ``1h`` or plain seconds. Raises click.BadParameter."""
    units = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
    text = value.strip().lower()
    unit = next((u for u in ("min", "m", "h", "s") if text.endswith(u)), "")
    try:
        seconds = float(text.removesuffix(unit)) * units.get(unit, 1.0)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:
        raise click.BadParameter(f"{value!r} is not a time such as 60s or 5min.")
    return seconds


def kinds(_ctx: click.Context, _param: click.Parameter, value: str | None) -> frozenset[str]:
    """A list with commas. Raises click.BadParameter."""
    from pgassay.advisor.model import KINDS

    chosen = frozenset(filter(None, (word.strip() for word in (value or "").split(","))))
    unknown = sorted(chosen - set(KINDS))
    if unknown:
        raise click.BadParameter(f"there is no kind {unknown[0]}; there are {', '.join(KINDS)}.")
    return chosen


def tolerance(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """``20%``. Raises click.BadParameter."""
    try:
        share = float(value.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise click.BadParameter(f"{value!r} is not a share such as 20%.")
    return share


@click.command()
@click.argument("project", required=False, metavar="[PROJECT]")
@click.option("--database", metavar="URL", help="Tune this database; it is only read.")
@click.option("--twin", metavar="FILE", help="Tune the database of which `pgassay twin export` made this file.")
@click.option("--workload", metavar="FILE", help="The application's statements (.sql, with `-- calls: N` before each).")
@click.option("--budget", metavar="50%|200MB", help="Most that new indexes may take: of the heap, or in bytes.")
@click.option(
    "--time", "seconds", default="60s", show_default=True, callback=duration, metavar="TIME", help="For the search."
)
@click.option("--kinds", callback=kinds, metavar="LIST", help="Only these kinds of advice, with commas between.")
@click.option("--allow-slower", "keep_slower", is_flag=True, help="Recommend what slows some query, too.")
@click.option("--write", is_flag=True, help="Write a migration, forward and back, in the project's own format.")
@click.option("--out", metavar="DIR", help="Write it there as plain SQL (N_name.up.sql, N_name.down.sql).")
@click.option(
    "--prove-here", is_flag=True,
    help="Build what is recommended in --database itself (CONCURRENTLY, under names of our own), measure its SELECTs "
    "there, and drop it again. For scratch and staging servers.",
)  # fmt: skip
@click.option("--record", is_flag=True, help="Record the workload's plans and buffers, for --check.")
@click.option("--check", is_flag=True, help="Exit with 1 where a plan or its buffers grew worse than recorded.")
@click.option(
    "--plans", metavar="FILE", help="Where they are recorded.  [default: pgassay.plans.json beside the workload]"
)
@click.option("--tolerance", default="20%", show_default=True, callback=tolerance, metavar="SHARE", help="Of --check.")
@click.option(
    "--rows", type=click.IntRange(1, 1_000_000_000), metavar="N",
    help="Synthetic rows a table, of a project.  [default: 100000; 20000 for --record]",
)  # fmt: skip
@click.option(
    "--table-rows", multiple=True, callback=table_rows, metavar="TABLE=N", help="Rows of one table; may be repeated."
)
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to report.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to a file.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, metavar="N",
    help="Of the synthetic rows: the same seed makes the same rows.",
)  # fmt: skip
@click.option(
    "--kind", metavar="KIND", help="What the project is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Every query, and what was tried and refused.")
def tune(
    project: str | None,
    style: str,
    output: Path | None,
    quiet: bool,
    verbose: bool,
    record: bool,
    check: bool,
    **options: Any,
) -> int:
    """Which indexes does this workload want? Tried on a scratch PostgreSQL, query by query.

    Rows come from the database where it is small enough to copy, else they are made up after its statistics or the
    project's schema. What slows a query by more than 5 % is refused.
    """
    from pgassay.workflows.grounds import Filling

    if output is not None:
        check_writable(output)
    own = {name: options.pop(name) for name in ("kind", "allow_code", "table_rows", "seed")}
    rows, plans, least = options.pop("rows"), options.pop("plans"), options.pop("tolerance")
    server = {name: options[name] for name in ("postgres_version", "postgres_bin")}
    filling = Filling(project=project, rows=rows or 100_000, **own, **server) if project else None
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        if record or check:
            words, code = _checked(filling, record, check, rows, plans, least, style, options, show)
        else:
            words, code = _tuned(filling, plans, style, verbose, options, show), 0
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding=None if style == "text" else "utf-8")
    return code


def _tuned(
    filling: Filling | None, plans: str | None, style: str, verbose: bool, options: dict[str, Any], show: Any
) -> str:
    from pgassay.errors import UsageError
    from pgassay.report import tuning
    from pgassay.workflows.tune import TuneOptions
    from pgassay.workflows.tune import tune as run

    if plans is not None:
        raise UsageError("--plans is for --record and --check")
    tuned = run(TuneOptions(filling=filling, **options), show)
    advice, written = tuned.advice, tuned.written.paths if tuned.written else ()
    match style:
        case "json":
            return tuning.tuning_json(advice, written)
        case "sql":
            return tuning.tuning_sql(advice)
        case "html":
            from pgassay.report.html import tune_html

            return tune_html(advice)
        case "handoff":
            from pgassay.report.tuning_handoff import tuning_handoff

            return tuning_handoff(advice, written)
    wanted = options["write"] or options["out"]
    return tuning.tuning_text(advice, width=width(), verbose=verbose, written=written if wanted else None)


def _checked(
    filling: Filling | None,
    record: bool,
    check: bool,
    rows: int | None,
    plans: str | None,
    least: float,
    style: str,
    options: dict[str, Any],
    show: Any,
) -> tuple[str, int]:
    from pgassay.errors import UsageError
    from pgassay.report import plan_baseline, tuning_check
    from pgassay.workflows import tune_check

    if record and check:
        raise UsageError("give one of --record and --check")
    for name in ("database", "twin", "budget", "write", "out", "prove_here", "kinds", "keep_slower"):
        if options[name]:
            word = "allow-slower" if name == "keep_slower" else name.replace("_", "-")
            raise UsageError(f"--{word} is not for --record and --check")
    if style not in ("text", "json"):
        raise UsageError(f"--format {style} is not for --record and --check")
    wanted = tune_check.CheckOptions(
        filling=filling, workload=options["workload"], plans=plans, rows=rows, tolerance=least
    )
    if record:
        path, base = tune_check.record(wanted, show)
        return (plan_baseline.written(base) if style == "json" else tuning_check.recorded_text(path, base)), 0
    found = tune_check.check(wanted, show)
    words = tuning_check.check_json(found) if style == "json" else tuning_check.check_text(found, width=width())
    return words, 1 if found.worse else 0
