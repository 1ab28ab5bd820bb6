"""``pgassay explain``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from pgassay.cli.output import check_writable, colour, emit, save, width
from pgassay.cli.progress import progress
from pgassay.errors import InputError

_WIDEST = 200  # columns of two plans side by side


@click.command()
@click.argument("query", metavar="QUERY|FILE.sql|PLAN.json|-")
@click.option(
    "--twin",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Plan at the size of the database that 'pgassay twin export' read.",
)
@click.option("--database", metavar="URL", help="Plan on this database, in a transaction that cannot write.")
@click.option("--project", metavar="PATH", help="Plan on a scratch server with this project's schema and made-up rows.")
@click.option("--parameter", "-p", multiple=True, metavar="VALUE", help="Value of $1, $2 …; without any: generic plan.")
@click.option("--analyze", is_flag=True, help="Run it: on a project's scratch server, or reading only on a database.")
@click.option("--index", multiple=True, metavar="DDL", help="A CREATE INDEX to plan with; may be repeated.")
@click.option("--without", multiple=True, metavar="NAME", help="An index to plan without; may be repeated.")
@click.option("--compare", is_flag=True, help="Set the plan as things are beside that with --index and --without.")
@click.option("--against", metavar="QUERY", help="Another query (or PLAN.json), whose plan stands beside this one's.")
@click.option(
    "--rows", type=click.IntRange(1, 100_000_000), default=10_000, show_default=True, metavar="N",
    help="Made-up rows a table, of a project.",
)  # fmt: skip
@click.option("--kind", metavar="KIND", help="What the project is, instead of looking at it.")
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
@click.option(
    "--postgres-version",
    type=click.IntRange(9, 99),
    metavar="N",
    help="Major version that plans; production's where it is installed, if not given.",
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("--no-colour", "--no-color", "plain", is_flag=True, help="No colours; so does the variable NO_COLOR.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def explain(
    query: str,
    parameter: tuple[str, ...],
    index: tuple[str, ...],
    style: str,
    output: Path | None,
    against: str | None,
    plain: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> int:
    """How is this query run? Its plan as a tree, whose time or cost it is, and what to do about it.

    QUERY is one SELECT, INSERT, UPDATE, DELETE or MERGE, planned at production's size on a twin, on a database, or on a
    project's scratch server. Nothing is run without --analyze. PLAN.json is what EXPLAIN (FORMAT JSON) printed.
    """
    from pgassay.workflows.explain import ExplainOptions, explained_json, render
    from pgassay.workflows.explain import explain as run
    from pgassay.workflows.twin import query_text

    if output is not None:
        check_writable(output)
    recorded = Path(query) if query.endswith(".json") and "\n" not in query else None
    asked = ExplainOptions(
        query="" if recorded else query_text(query, _standard_input),
        recorded=recorded,
        against=against if against is None or recorded else query_text(against, _standard_input),
        parameters=parameter or None,
        indexes=index,
        **options,
    )
    with progress(quiet=quiet, verbose=verbose, colour=not plain) as show:
        made = run(asked, show)
    if style == "json":
        words = explained_json(made)
    else:
        room = shutil.get_terminal_size((100, 24)).columns if made.other else width()
        words = render(made, width=min(room, _WIDEST), colour=output is None and colour(not plain))
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
