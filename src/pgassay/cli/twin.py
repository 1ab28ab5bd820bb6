"""``pgassay twin``."""

from __future__ import annotations

from pathlib import Path

import click

from pgassay.cli.output import check_writable, emit
from pgassay.cli.progress import progress
from pgassay.errors import UsageError


@click.group()
def twin() -> None:
    """Stand-ins for production, made from its statistics."""


@twin.command()
@click.argument("url")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file to write."
)
@click.option("--no-values", is_flag=True, help="Leave every sampled value of the data behind (see above).")
@click.option("--role", metavar="NAME", help="The application's role: with its settings (ALTER ROLE … SET) it plans.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def export(url: str, output: Path, no_values: bool, role: str | None, quiet: bool, verbose: bool) -> int:
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
        made = export_twin(url, output, values=not no_values, role=role, progress=show)
    if not quiet:
        from pgassay.report.twin import exported

        emit(exported(made.export, str(made.path), made.bytes))
    return 0


@twin.command()
@click.argument("url")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE",
    help="The SQL script to write; gzip'd where its name ends in .gz.",
)  # fmt: skip
@click.option("--sample", metavar="SHARE", help="Only such a share of the rows: 5%.")
@click.option("--rows", type=click.IntRange(1), metavar="N", help="Only so many rows of the largest table, about.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, metavar="N",
    help="Another number, another sample.",
)  # fmt: skip
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def copy(
    url: str,
    output: Path,
    sample: str | None,
    rows: int | None,
    seed: int,
    postgres_bin: str | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write real rows of a live database as a script that psql restores: all, or a sample whose foreign keys hold.

    Every row that the role may read, as of one moment, from a connection that can only read. A sample takes a share of
    the tables that refer to no other, the rows that refer to those, and all rows that any of these refer to; tables of
    up to 1,000 rows are copied whole. The file holds real data: only its owner may read it.
    """
    from pgassay.workflows.twin import copy_twin

    if sample is not None and rows is not None:
        raise UsageError("give --sample or --rows, not both")
    check_writable(output)
    share = None if sample is None else _share(sample)
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        made = copy_twin(url, output, share=share, rows=rows, seed=seed, postgres_bin=postgres_bin, progress=show)
    if not quiet:
        from pgassay.report.twin import copied

        emit(copied(made.rows, made.known, made.remarks, str(made.path), made.path.stat().st_size))
    return 0


@twin.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--workload", type=click.Path(path_type=Path), metavar="FILE",
    help="Statements to estimate; without it, those of the export.",
)  # fmt: skip
@click.option(
    "--rows", type=click.IntRange(1, 100_000_000), default=200_000, show_default=True, metavar="N",
    help="Made-up rows of the largest table.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, metavar="N", help="Of the rows."
)
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Every column and query, not those alone that are far off.")
def check(
    file: Path,
    workload: Path | None,
    rows: int,
    seed: int,
    style: str,
    postgres_version: int | None,
    postgres_bin: str | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """How close do made-up rows come to production? FILE is what 'pgassay twin export' wrote.

    Rows are made after the statistics of the export, analysed, and compared column by column; and for each statement
    the number of rows that the planner expects, with production's statistics and with the twin's.
    """
    from pgassay.report.twin import checked_json, checked_text
    from pgassay.workflows.twin import check_twin

    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        made = check_twin(
            file, workload=workload, rows=rows, seed=seed, postgres_version=postgres_version,
            postgres_bin=postgres_bin, progress=show,
        )  # fmt: skip
    if style == "json":
        emit(checked_json(made.fidelity, made.rows, made.remarks), encoding="utf-8")
    else:
        emit(checked_text(made.fidelity, made.rows, made.remarks, verbose=verbose))
    return 0


def _share(text: str) -> float:
    try:
        share = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(f"--sample {text!r} is no share of the rows", hint="Give it as 5% or 0.05.")
    return share
