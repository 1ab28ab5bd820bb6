"""``pgassay tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pgassay.cli.output import check_writable, emit, save, width
from pgassay.cli.progress import progress
from pgassay.cli.values import table_rows

FORMATS = ("text", "json", "sql", "handoff")


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
@click.option(
    "--rows", type=click.IntRange(1, 1_000_000_000), default=100_000, show_default=True, metavar="N",
    help="Synthetic rows a table, of a project.",
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
def tune(style: str, output: Path | None, quiet: bool, verbose: bool, **options: Any) -> None:
    """Which indexes does this workload want? Tried on a scratch PostgreSQL, query by query.

    Rows come from the database where it is small enough to copy, else they are made up after its statistics or the
    project's schema. What slows a query by more than 5 % is refused.
    """
    from pgassay.workflows.tune import TuneOptions
    from pgassay.workflows.tune import tune as run

    if output is not None:
        check_writable(output)
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        advice = run(TuneOptions(**options), show)
    from pgassay.report import tuning

    match style:
        case "json":
            words = tuning.tuning_json(advice)
        case "sql":
            words = tuning.tuning_sql(advice)
        case "handoff":
            from pgassay.report.tuning_handoff import tuning_handoff

            words = tuning_handoff(advice)
        case _:
            words = tuning.tuning_text(advice, width=width(), verbose=verbose)
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding=None if style == "text" else "utf-8")
