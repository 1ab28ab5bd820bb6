"""``pgassay indexes``."""

from __future__ import annotations

from typing import Any

import click

from pgassay.cli.output import emit, width
from pgassay.cli.progress import progress
from pgassay.cli.values import table_rows


@click.command()
@click.argument("project", required=False, metavar="[PROJECT]")
@click.option("--database", metavar="URL", help="Look at this database; it is only read.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "sql"]),
    default="text",
    show_default=True,
    help="How to report.",
)
@click.option(
    "--rows",
    type=click.IntRange(1, 1_000_000_000),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Synthetic rows a table, of a project.",
)
@click.option(
    "--table-rows", multiple=True, callback=table_rows, metavar="TABLE=N", help="Rows of one table; may be repeated."
)
@click.option(
    "--kind", metavar="KIND", help="What the project is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def indexes(style: str, quiet: bool, verbose: bool, project: str | None, database: str | None, **options: Any) -> int:
    """List indexes that are missing, unused, duplicate, overlapping, invalid or bloated.

    Ends with 1 where there are any.
    """
    from pgassay.report import indexing
    from pgassay.workflows.grounds import Filling
    from pgassay.workflows.indexes import IndexOptions
    from pgassay.workflows.indexes import indexes as run

    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        filling = Filling(project=project, **options) if project else None
        found = run(IndexOptions(filling=filling, database=database), show)
    match style:
        case "json":
            emit(indexing.indexes_json(found.seen, found.problems, found.notes), encoding="utf-8")
        case "sql":
            emit(indexing.indexes_sql(found.problems), encoding="utf-8")
        case _:
            emit(indexing.indexes_text(found.seen, found.problems, found.notes, width=width()))
    return 1 if found.problems else 0
