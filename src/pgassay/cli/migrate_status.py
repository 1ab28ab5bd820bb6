"""``pgassay migrate status``."""

from __future__ import annotations

import click

from pgassay.cli.output import emit


@click.command()
@click.argument("path", default=".", metavar="[PROJECT]")
@click.option("--database", metavar="URL", required=True, help="Which database; it is only read.")
@click.option("--kind", metavar="KIND", help="What the folder is (drizzle, alembic …) instead of looking at it.")
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to report."
)
def status(path: str, database: str, kind: str | None, allow_code: bool, style: str) -> int:
    """Which migrations a database has, which are pending, edited since or half done, who is at work, and the next
    command. A step's retries, stalls and who blocked it are in --format json.

    Ends with 0 where there is nothing to do, with 1 where there is.
    """
    from pgassay.workflows.migrate_status import status as look

    seen = look(path, database, kind=kind, allow_code=allow_code)
    if style == "json":
        from pgassay.report.migrate_status import status_json

        words = status_json(seen.found, target=seen.target, at_work=seen.runner, places=seen.places, next=seen.next)
    else:
        from pgassay.report.migrating import status_text

        words = status_text(seen.found, seen.next, at_work=seen.runner, places=seen.places)
    emit(words, encoding="utf-8" if style == "json" else None)
    return 0 if seen.settled else 1
