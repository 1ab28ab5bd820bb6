"""``pgassay migrate up``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pgassay.cli.output import emit
from pgassay.cli.progress import progress
from pgassay.cli.values import seconds
from pgassay.errors import PgassayError, UsageError

if TYPE_CHECKING:
    from pgassay.migrate.runner import Outlook, Ran

F = TypeVar("F", bound=Callable[..., Any])


def running(function: F) -> F:
    """The options that ``up`` and ``down`` share."""
    options = [
        click.argument("path", default=".", metavar="[PROJECT]"),
        click.option("--to", metavar="NAME", help="The last migration to run (down: to keep), or its beginning."),
        click.option("--dry-run", is_flag=True, help="Show the plan and what a rehearsal finds, and run nothing."),
        click.option("--yes", is_flag=True, help="Run without asking."),
        click.option(
            "--allow", multiple=True, metavar="NAME",
            help="A rule (dropped-column) or verdict (fails, loses-data) that must not stop the run; may be repeated.",
        ),
        click.option(
            "--lock-timeout", type=float, callback=seconds, default=1.0, show_default=True, metavar="SECONDS",
            help="Longest time that a statement waits for a lock, and others behind it.",
        ),
        click.option(
            "--retries", type=click.IntRange(0, 1000), default=10, show_default=True, metavar="N",
            help="How often a lock is tried again, after longer and longer pauses.",
        ),
        click.option("--kind", metavar="KIND", help="What the folder is, instead of looking at it."),
        click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic)."),
        click.option(
            "--rows", type=click.IntRange(1, 1_000_000_000), default=1_000, show_default=True, metavar="N",
            help="Synthetic rows a table of the rehearsal.",
        ),
        click.option("--workload", metavar="FILE", help="The application's statements, for the rehearsal."),
        click.option(
            "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
        ),
        click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server."),
        click.option("-q", "--quiet", is_flag=True, help="No progress."),
        click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@running
@click.option("--database", metavar="URL", required=True, help="Where to run them.")
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to report."
)
@click.option(
    "--baseline", metavar="NAME",
    help="Only note the migrations up to this one as deployed: what ran before pgassay kept a record.",
)  # fmt: skip
def up(dry_run: bool, yes: bool, quiet: bool, verbose: bool, style: str, baseline: str | None, **options: Any) -> int:
    """Run the pending migrations of a project on a database.

    What is pending is told by the project's own tool's table (drizzle, Alembic, dbmate, goose, golang-migrate, Flyway,
    Prisma, Supabase, node-pg-migrate), or for plain SQL by ours. The plan is rehearsed on a scratch server that has the
    database's schema, shown, and asked about. What fails there, loses data, was edited or is skipped stops the run
    unless --allow names it.

    A migration is one transaction; a statement that none can hold (CREATE INDEX CONCURRENTLY) is a step of its own.
    No statement waits for a lock longer than --lock-timeout; then its transaction gives way and is tried again.

    After a kill, a lost connection or an error, run the same command again: it goes on where it was.
    """
    if baseline is not None:
        return _mark(baseline, dry_run=dry_run, yes=yes, style=style, **options)
    return run_migrations("up", dry_run=dry_run, yes=yes, quiet=quiet, verbose=verbose, style=style, **options)


def run_migrations(
    way: str, *, dry_run: bool, yes: bool, quiet: bool, verbose: bool, style: str = "text", **options: Any
) -> int:
    """Look ahead, show, ask, run. Ends with 0; with 1 for a dry run of what would be refused."""
    from pgassay.migrate.runner import Ran
    from pgassay.report.migrating import outlook_text, ran_text
    from pgassay.workflows.migrate_up import MigrateOptions, carry_out, command, look_ahead, refusal

    asked = MigrateOptions(way=way, **options)  # type: ignore[arg-type]
    json = style == "json"
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        outlook = look_ahead(asked, show)
    if not json:
        emit(outlook_text(outlook))
    refused = refusal(outlook) if outlook.refused else None
    if refused is not None or dry_run or not outlook.plan.courses:
        if json:
            words = "nothing-to-do" if not outlook.plan.courses else "refused" if refused is not None else "planned"
            _emit_run(outlook, None, words, refused, command(asked) if outlook.plan.courses else None)
        if refused is not None and not dry_run:
            raise refused
        return 1 if refused is not None else 0
    if not yes:
        if json and sys.stdin is not None and sys.stdin.isatty():
            click.echo(outlook_text(outlook), err=True)
        ask(f"Run {outlook.plan.steps} steps on {outlook.target}?")
    ran = Ran()
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        try:
            carry_out(outlook, asked, show, ran)
        except PgassayError as error:
            if json:
                _emit_run(outlook, ran, "stopped", error, command(asked))
            raise
    if json:
        _emit_run(outlook, ran, "done", None, None)
    else:
        emit(ran_text(ran, way))
    return 0


def _emit_run(outlook: Outlook, ran: Ran | None, outcome: Any, error: PgassayError | None, next: str | None) -> None:
    from pgassay.report.migrate_run import run_json

    emit(run_json(outlook, ran, outcome=outcome, error=error, next=next), encoding="utf-8")


def _mark(baseline: str, *, dry_run: bool, yes: bool, style: str, **options: Any) -> int:
    from pgassay.workflows.migrate_up import MigrateOptions, note_deployed, to_mark, unseen

    asked = MigrateOptions(**options | {"to": baseline})
    planned = to_mark(asked)
    names = [course.migration.name for course in planned.courses]
    if style == "text":
        said = f"To be noted as deployed, without being run: {', '.join(names)}"
        emit(f"{said if names else 'Nothing to do: they are noted as deployed already.'}\n")
    if names and not dry_run:
        if not yes:
            ask(f"Note {len(names)} migrations as deployed?")
        note_deployed(planned, asked)
    if style == "json":
        outcome = "nothing-to-do" if not names else "planned" if dry_run else "noted"
        _emit_run(unseen(planned, asked), None, outcome, None, None)
    return 0


def ask(question: str) -> None:
    """A database is changed only after its owner has said so. Raises UsageError."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("this changes the database, and nobody is here to ask", hint="Say --yes to do it.")
    if not click.confirm(question, err=True):
        raise UsageError("nothing was done")
