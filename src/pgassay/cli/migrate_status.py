"""``pgassay migrate status``."""

from __future__ import annotations

import click

from pgassay.cli.output import emit


@click.command()
@click.argument("path", default=".", metavar="[PROJECT]")
@click.option("--database", metavar="URL", required=True, help="Which database; it is only read.")
@click.option("--kind", metavar="KIND", help="What the folder is (drizzle, alembic …) instead of looking at it.")
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
def status(path: str, database: str, kind: str | None, allow_code: bool) -> int:
    """Which migrations a database has, which are pending, edited since or half done, and the next command.

    Ends with 0 where there is nothing to do, with 1 where there is.
    """
    from pgassay.report.migrating import status_text
    from pgassay.workflows.migrate_up import next_command
    from pgassay.workflows.migrate_up import status as look

    found = look(path, database, kind=kind, allow_code=allow_code)
    emit(status_text(found, next_command(found, path)))
    return 1 if found.pending or found.oddities or found.half("down") else 0
