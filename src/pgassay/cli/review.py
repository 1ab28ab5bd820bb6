"""``pgassay review``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgassay.cli.output import check_writable, colour, emit, save, width
from pgassay.cli.progress import progress
from pgassay.cli.values import seconds, table_rows
from pgassay.errors import InputError, UsageError
from pgassay.model.findings import Verdict

if TYPE_CHECKING:
    from pgassay.model import Report

FORMATS = ("text", "json", "html", "handoff", "handoff-yaml", "handoff-compact")


@click.command()
@click.argument("path", default=".", metavar="[PATH|-]")
@click.option("--history", is_flag=True, help="Review every file in turn, each met by a populated database.")
@click.option("--base", metavar="REF", help="Review the files added since this git reference.")
@click.option(
    "--draft", metavar="FILE", help="Review this SQL as the next migration of the project, all others being deployed."
)
@click.option("--database", metavar="URL", help="Read what is deployed, sizes and statistics from this database.")
@click.option(
    "--kind", metavar="KIND", help="What the folder is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option("--static", is_flag=True, help="Read the text alone; start no server.")
@click.option(
    "--rows",
    type=click.IntRange(1, 1_000_000_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Synthetic rows a table.",
)
@click.option(
    "--table-rows",
    multiple=True,
    callback=table_rows,
    metavar="TABLE=N",
    help="Production's rows of one table; may be repeated.",
)
@click.option(
    "--assume-rows",
    type=click.IntRange(min=0),
    default=1_000_000,
    show_default=True,
    metavar="N",
    help="Production's rows of every other table, for estimates of time.",
)
@click.option("--workload", metavar="FILE", help="The application's statements, to be tried before and after.")
@click.option(
    "--traffic",
    is_flag=True,
    help="Run each migration once more while readers and writers send statements, and measure how long they wait.",
)
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to report.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to a file.")
@click.option(
    "--fail-on",
    type=click.Choice([verdict.value for verdict in Verdict]),
    default=Verdict.BLOCKS.value,
    show_default=True,
    help="Exit with 1 where a finding has this verdict or a worse one.",
)
@click.option(
    "--statement-timeout",
    type=float,
    callback=seconds,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for one statement.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=1,
    show_default=True,
    metavar="N",
    help="Of the synthetic rows: the same seed makes the same rows.",
)
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("--no-colour", "--no-color", "plain", is_flag=True, help="No colours; so does the variable NO_COLOR.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Whole statements, all evidence, suppressed findings.")
def review(
    path: str,
    style: str,
    output: Path | None,
    fail_on: str,
    draft: str | None,
    plain: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> int:
    """What will these migrations do? Rehearse them on a scratch PostgreSQL.

    PATH is a project, a folder of migrations or one .sql file; - reads standard input.
    """
    from pgassay.workflows.options import ReviewOptions
    from pgassay.workflows.review import review as run

    if output is not None:
        check_writable(output)
    if path == "-" and draft == "-":
        raise UsageError("the migration and the draft cannot both come on standard input")
    text = _standard_input() if path == "-" else None
    asked = ReviewOptions(text=text, draft=_draft(draft), **options)
    with progress(quiet=quiet, verbose=verbose, colour=not plain) as show:
        report = run(path, asked, show)
    return deliver(report, style, Verdict(fail_on), output, plain=plain, verbose=verbose)


def _standard_input() -> str:
    if sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 (byte {error.start + 1})") from error


def _draft(path: str | None) -> str | None:
    if path is None or path == "-":
        return None if path is None else _standard_input()
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"is not UTF-8 (byte {error.start + 1})"
        raise InputError(reason or str(error), path=path) from None


def deliver(report: Report, style: str, threshold: Verdict, output: Path | None, *, plain: bool, verbose: bool) -> int:
    """Print a report or save it; the exit code that its findings ask for."""
    words = formatted(report, style, threshold, verbose=verbose, coloured=output is None and colour(not plain))
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding=None if style == "text" else "utf-8")
    return 1 if report.failed(threshold) else 0


def formatted(report: Report, style: str, threshold: Verdict, *, verbose: bool, coloured: bool) -> str:
    """A report in one of FORMATS."""
    from pgassay import report as formats

    match style:
        case "json":
            return formats.json_text(report)
        case "html":
            from pgassay.report.html import report_html

            return report_html(report, threshold=threshold)
        case "handoff":
            return formats.handoff_json(formats.handoff(report, threshold=threshold))
        case "handoff-yaml":
            return formats.handoff_yaml(formats.handoff(report, threshold=threshold))
        case "handoff-compact":
            return formats.handoff_compact(formats.handoff(report, threshold=threshold))
        case _:
            return formats.text(report, width=width(), colour=coloured, verbose=verbose)
