"""``pgassay explain``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pgassay.cli.output import check_writable, emit, save
from pgassay.cli.progress import progress
from pgassay.errors import InputError


@click.command()
@click.argument("query", metavar="QUERY|FILE.sql|-")
@click.option(
    "--twin",
    "twin",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Plan at the size of the database that 'pgassay twin export' read.",
)
@click.option("--parameter", "-p", multiple=True, metavar="VALUE", help="Value of $1, $2 …; without any: generic plan.")
@click.option("--index", multiple=True, metavar="DDL", help="A CREATE INDEX to plan with; may be repeated.")
@click.option("--without", multiple=True, metavar="NAME", help="An index to plan without; may be repeated.")
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
@click.option(
    "--postgres-version",
    type=click.IntRange(9, 99),
    metavar="N",
    help="Major version that plans; production's where it is installed, if not given.",
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def explain(
    query: str,
    twin: Path,
    parameter: tuple[str, ...],
    index: tuple[str, ...],
    without: tuple[str, ...],
    style: str,
    output: Path | None,
    postgres_version: int | None,
    postgres_bin: str | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """How would production run this query? Plan it at production's size, without production and without a row.

    QUERY is one SELECT, INSERT, UPDATE, DELETE or MERGE. Nothing is run.
    """
    from pgassay.report.plan import plan_text
    from pgassay.workflows.twin import explain_json, explain_twin, query_text

    if output is not None:
        check_writable(output)
    text = query_text(query, _standard_input)
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        made = explain_twin(
            twin,
            text,
            parameters=parameter or None,
            without=without,
            indexes=index,
            postgres_version=postgres_version,
            postgres_bin=postgres_bin,
            progress=show,
        )
    words = explain_json(made) if style == "json" else plan_text(made.plan, remarks=made.remarks)
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding="utf-8" if style == "json" else None)
    return 0


def _standard_input() -> str:
    if sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 (byte {error.start + 1})") from error
