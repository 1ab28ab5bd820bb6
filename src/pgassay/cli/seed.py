"""``pgassay seed``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pgassay.cli.output import emit
from pgassay.cli.progress import progress
from pgassay.cli.values import table_rows
from pgassay.errors import UsageError


@click.command()
@click.option("--database", metavar="URL", help="Fill the empty tables of this database, all of them or none.")
@click.option("--project", metavar="PATH", help="Make rows for the schema of this project's migrations (with --out).")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write COPY files and load.sql here.")
@click.option(
    "--rows", type=click.IntRange(1, 1_000_000_000), default=1_000, show_default=True, metavar="N", help="Rows a table."
)
@click.option(
    "--table-rows", multiple=True, callback=table_rows, metavar="TABLE=N", help="Rows of one table; may be repeated."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=1,
    show_default=True,
    metavar="N",
    help="The same seed makes the same rows.",
)
@click.option("--beside", is_flag=True, help="Leave tables that hold rows as they are, and fill the empty ones.")
@click.option(
    "--kind", metavar="KIND", help="What the project is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("--yes", is_flag=True, help="Fill the database without asking.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def seed(
    database: str | None,
    project: str | None,
    out: Path | None,
    rows: int,
    table_rows: dict[str, int],
    seed: int,
    beside: bool,
    kind: str | None,
    allow_code: bool,
    postgres_version: int | None,
    postgres_bin: str | None,
    yes: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Make up rows that obey every constraint: in a database, or as files to load.

    In a schema that pgassay designed they tell one story of a chain: balances add up, and --rows is the number of
    transfers of each standard. Ends with 1 where a table could not be filled; it is named, with the reason.
    """
    if (database is None) == (project is None) or (project is None) != (out is None):
        raise UsageError("give either --database URL, or --project PATH and --out DIR")
    if database is not None and not yes:
        _ask(database)
    from pgassay.report import seeded
    from pgassay.workflows.seeding import seed_live, seed_project

    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        if database is not None:
            made = seed_live(database, rows=rows, table_rows=table_rows, seed=seed, beside=beside, progress=show)
        else:
            assert project is not None
            assert out is not None
            made = seed_project(
                project,
                out,
                kind=kind,
                allow_code=allow_code,
                rows=rows,
                table_rows=table_rows,
                seed=seed,
                postgres_version=postgres_version,
                postgres_bin=postgres_bin,
                progress=show,
            )
    unfilled = [(each.table, each.reason) for each in made.fill.unfilled]
    emit(seeded(made.fill.rows, unfilled, made.notes, len(made.files)))
    return 1 if unfilled else 0


def _ask(url: str) -> None:
    """A database is changed only after its owner has said so."""
    from pgassay.server.targets import parse_target

    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("this writes to the database, and nobody is here to ask", hint="Say --yes to do it.")
    if not click.confirm(f"Fill the tables of {parse_target(url)} with made-up rows?", err=True):
        raise UsageError("nothing was done")
