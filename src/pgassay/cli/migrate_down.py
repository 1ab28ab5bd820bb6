"""``pgassay migrate down``."""

from __future__ import annotations

from typing import Any

import click

from pgassay.cli.migrate_up import run_migrations, running
from pgassay.errors import UsageError


@click.command()
@running
@click.option("--database", metavar="URL", help="Where to run them.")
def down(database: str | None, dry_run: bool, yes: bool, quiet: bool, verbose: bool, **options: Any) -> int:
    """Take back the last migration of a project on a database, or all after --to NAME.

    What is run are the project's own ways back: the down section or file as its tool has it, or down/NAME.sql. It is
    rehearsed, shown and run with the same care as 'up'; what loses data has to be allowed by name.
    """
    if database is None:
        raise UsageError("--database URL is missing", hint="It says where to run the ways back.")
    return run_migrations("down", database=database, dry_run=dry_run, yes=yes, quiet=quiet, verbose=verbose, **options)
