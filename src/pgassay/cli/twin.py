"""``pgassay twin``."""

from __future__ import annotations

from pathlib import Path

import click

from pgassay.cli.output import check_writable, emit
from pgassay.cli.progress import progress


@click.group()
def twin() -> None:
    """Stand-ins for production, made from its statistics."""


@twin.command()
@click.argument("url")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file to write."
)
@click.option("--no-values", is_flag=True, help="Leave every sampled value of the data behind (see above).")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def export(url: str, output: Path, no_values: bool, quiet: bool, verbose: bool) -> int:
    """Write what the planner of a live database goes by: a few kilobytes, and not one row.

    The file has the schema, the sizes of tables and indexes, the statistics of columns, the settings that steer the
    planner, and the statements of pg_stat_statements. The database is only read, in read-only transactions.

    Statistics hold samples of the data: common values, histogram bounds, the ends of indexes, and constants of
    statements. --no-values leaves all of these out and keeps what describes the data's shape: null fractions,
    distinct counts, widths, correlations, frequencies. Then plans for constants are those for an unknown value, ranges
    get PostgreSQL's default estimates (a third of the rows; 0.5 % between two bounds), a common value is taken for a
    rare one, and joins do not see which values meet. The text of the schema is in the file either way, with its
    defaults, CHECK constraints and partition bounds.
    """
    from pgassay.workflows.twin import export_twin

    check_writable(output)
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        made = export_twin(url, output, values=not no_values, progress=show)
    if not quiet:
        from pgassay.report.twin import exported

        emit(exported(made.export, str(made.path), made.bytes))
    return 0
