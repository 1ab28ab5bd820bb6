"""``pgassay migrate plan``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from pgassay.cli.output import check_writable, emit, save, width
from pgassay.cli.progress import progress
from pgassay.cli.values import seconds, table_rows


def _fills(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        column, equals, sql = value.partition("=")
        if not equals or "." not in column or not sql.strip():
            raise click.BadParameter(f"{value!r} is not of the form TABLE.COLUMN=SQL, such as token.decimals=18.")
        found[column.strip()] = sql.strip()
    return found


@click.command()
@click.argument("project", default=".", metavar="[PROJECT|-]")
@click.option("--base", metavar="REF", help="Pending is what was added since this git reference.")
@click.option("--database", metavar="URL", help="Pending is what this database has not; it is only read.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Pending are the last N migrations.")
@click.option("--write", "in_place", is_flag=True, help="Write the steps in the place of the pending migrations.")
@click.option("--out", metavar="DIR", help="Write a copy of the project that ends with the steps to this new folder.")
@click.option(
    "--fill", "fills", multiple=True, callback=_fills, metavar="TABLE.COLUMN=SQL",
    help="What the rows of today get in a column that is required; may be repeated.",
)  # fmt: skip
@click.option(
    "--rows", type=click.IntRange(1, 1_000_000_000), default=1_000, show_default=True, metavar="N",
    help="Synthetic rows a table.",
)  # fmt: skip
@click.option(
    "--table-rows", multiple=True, callback=table_rows, metavar="TABLE=N",
    help="Production's rows of one table, for estimates of time; may be repeated.",
)  # fmt: skip
@click.option(
    "--assume-rows", type=click.IntRange(min=0), default=1_000_000, show_default=True, metavar="N",
    help="Production's rows of every other table.",
)  # fmt: skip
@click.option(
    "--kind", metavar="KIND", help="What the folder is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option(
    "--statement-timeout", type=float, callback=seconds, default=60.0, show_default=True, metavar="SECONDS",
    help="Longest time for one statement.",
)  # fmt: skip
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option(
    "--format", "style", type=click.Choice(["text", "sql", "json", "handoff"]), default="text", show_default=True,
    help="How to report.",
)  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to a file.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def plan(
    in_place: bool, out: str | None, style: str, output: Path | None, quiet: bool, verbose: bool, **options: Any
) -> int:
    """Rewrite pending migrations as steps for which nobody waits, and try them.

    Indexes are built CONCURRENTLY, constraints are added NOT VALID and then validated, values of many rows are written
    in batches. Renames and changes of type become expand, backfill, switch and contract: triggers keep both columns
    equal, so that the old and the new application work at every step; both are tried after each.

    The steps run on a scratch server with made-up rows beside the original: schema and rows must come out the same.
    What cannot be made safe is said, with its lock and the time at production's rows.

    Ends with 0 where all is safe and verified, with 1 where something stays unsafe, with 2 where it cannot be planned.
    """
    from pgassay.report.migrate_plan import plan_handoff, plan_json, plan_sql, plan_text
    from pgassay.workflows.migrate_plan import PlanOptions
    from pgassay.workflows.migrate_plan_run import plan_project

    if output is not None:
        check_writable(output)
    began = time.monotonic()
    text = sys.stdin.buffer.read().decode("utf-8-sig", "replace") if options["project"] == "-" else None
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        found = plan_project(PlanOptions(text=text, **options), show, out=out, in_place=in_place)
    match style:
        case "json":
            words = plan_json(found)
        case "sql":
            words = plan_sql(found)
        case "handoff":
            words = plan_handoff(found, time.monotonic() - began)
        case _:
            words = plan_text(found, width=width())
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding=None if style == "text" else "utf-8")
    return 0 if found.verified and found.safe else 1
