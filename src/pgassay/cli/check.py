"""``pgassay check``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pgassay.cli.output import check_writable
from pgassay.cli.progress import progress
from pgassay.cli.review import FORMATS, deliver
from pgassay.model.findings import Verdict


@click.command()
@click.argument("project", required=False, metavar="[PROJECT|FILE.sql]")
@click.option("--database", metavar="URL", help="Check this database; it is only read.")
@click.option("--workload", metavar="FILE", help="The application's statements: SQL, a log, or pg_stat_statements.")
@click.option(
    "--kind", metavar="KIND", help="What the project is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
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
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("--no-colour", "--no-color", "plain", is_flag=True, help="No colours; so does the variable NO_COLOR.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Whole statements, all evidence, suppressed findings.")
def check(
    style: str, output: Path | None, fail_on: str, plain: bool, quiet: bool, verbose: bool, **options: Any
) -> int:
    """Is this schema sound? Amounts, addresses, keys, indexes and rights of the whole of it, whoever wrote it.

    PROJECT is a project, a folder of migrations or one .sql file. What can be tried is tried on a scratch PostgreSQL
    that has the schema and no rows.
    """
    from pgassay.workflows.check import CheckOptions
    from pgassay.workflows.check import check as run

    if output is not None:
        check_writable(output)
    with progress(quiet=quiet, verbose=verbose, colour=not plain) as show:
        report = run(CheckOptions(**options), show)
    return deliver(report, style, Verdict(fail_on), output, plain=plain, verbose=verbose)
