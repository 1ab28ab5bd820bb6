"""``pgassay secure``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pgassay.cli.output import check_writable
from pgassay.cli.progress import progress
from pgassay.cli.review import FORMATS, deliver
from pgassay.model.findings import Verdict


def _values(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE``, any number of times. Raises click.BadParameter."""
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or "." not in name:
            raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE, such as app.role=member.")
        found[name.strip()] = text
    return found


@click.command()
@click.argument("project", required=False, metavar="[PROJECT|FILE.sql]")
@click.option("--database", metavar="URL", help="Try the schema of this database; it is only read, without its rows.")
@click.option(
    "--tenant-setting", multiple=True, metavar="NAME", help="Session setting that names the tenant (app.tenant_id)."
)
@click.option("--tenant-column", multiple=True, metavar="COLUMN", help="Column that says whose a row is (tenant_id).")
@click.option("--role", multiple=True, metavar="ROLE", help="Try as this role, instead of all that have privileges.")
@click.option("--shared", multiple=True, metavar="TABLE", help="Table whose rows are everybody's.")
@click.option(
    "--set", "values", multiple=True, callback=_values, metavar="NAME=VALUE", help="Another setting of every session."
)
@click.option(
    "--kind", metavar="KIND", help="What the project is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to report.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to a file.")
@click.option(
    "--fail-on",
    type=click.Choice([verdict.value for verdict in Verdict]),
    default=Verdict.EXPOSES.value,
    show_default=True,
    help="Exit with 1 where a finding has this verdict or a worse one.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, metavar="N",
    help="Of the synthetic rows: the same seed makes the same rows.",
)  # fmt: skip
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("--no-colour", "--no-color", "plain", is_flag=True, help="No colours; so does the variable NO_COLOR.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Whole statements, all evidence.")
def secure(
    style: str, output: Path | None, fail_on: str, plain: bool, quiet: bool, verbose: bool, **options: Any
) -> int:
    """Can one tenant reach what is another's? Every table, command, view, function and key is tried.

    The schema goes onto a scratch PostgreSQL with made-up rows of two tenants; the session of one tries everything on
    those of the other. What leaks is shown by the statement that did it, and a remedy is run before it is called
    verified. Whose rows are whose is read from the policies, or told by --tenant-column and --tenant-setting.
    """
    from pgassay.workflows.secure import SecureOptions
    from pgassay.workflows.secure import secure as run

    if output is not None:
        check_writable(output)
    with progress(quiet=quiet, verbose=verbose, colour=not plain) as show:
        report = run(SecureOptions(**options), show)
    return deliver(report, style, Verdict(fail_on), output, plain=plain, verbose=verbose)
