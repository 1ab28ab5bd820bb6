"""``pgassay migrate backfill``."""

from __future__ import annotations

import contextlib
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from pgassay.cli.output import emit
from pgassay.cli.progress import progress
from pgassay.errors import PgassayError

if TYPE_CHECKING:
    from pgassay.migrate.backfill import BackfillResult

_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "min": 60.0, "m": 60.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|)\Z")


def span(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """``250ms``, ``10s``, ``2min`` or a number of seconds. Raises click.BadParameter."""
    found = _SPAN.match(value.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= 86_400:
        raise click.BadParameter(f"{value!r} is not a time such as 250ms, 10s or 2min.")
    return seconds


@click.command()
@click.argument("file", metavar="FILE.sql")
@click.option("--database", metavar="URL", required=True, help="Where to run it.")
@click.option(
    "--batch-time",
    default="250ms",
    show_default=True,
    callback=span,
    metavar="TIME",
    help="Longest time that a batch should take.",
)
@click.option(
    "--max-wait",
    default="150ms",
    show_default=True,
    callback=span,
    metavar="TIME",
    help="A batch that keeps another session waiting longer is given up and tried smaller.",
)
@click.option(
    "--max-lag",
    default="10s",
    show_default=True,
    callback=span,
    metavar="TIME",
    help="Wait while a standby lags more than this.",
)
@click.option(
    "--rest",
    type=click.FloatRange(0, 100),
    default=0.25,
    show_default=True,
    metavar="SHARE",
    help="Pause after each batch, as a share of its time: to begin with, where pg_stat_statements shows how slow the"
    " application's statements are.",
)
@click.option(
    "--patience",
    default="10min",
    show_default=True,
    callback=span,
    metavar="TIME",
    help="How long to try rows that somebody else holds.",
)
@click.option(
    "--pause-file", type=click.Path(path_type=Path), metavar="FILE", help="Pause for as long as this file exists."
)
@click.option(
    "--new-rows",
    type=click.Choice(["pass", "trigger"]),
    default="pass",
    show_default=True,
    help="Rows that come meanwhile: gone after in later passes, or done by a trigger for as long as it runs.",
)
@click.option("--again", is_flag=True, help="Begin anew, even though it is recorded as done.")
@click.option("--dry-run", is_flag=True, help="Say how it would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Run without asking.")
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to report."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="A line a batch where there is no terminal.")
def backfill(
    file: str,
    database: str,
    batch_time: float,
    max_wait: float,
    max_lag: float,
    rest: float,
    patience: float,
    pause_file: Path | None,
    new_rows: Literal["pass", "trigger"],
    again: bool,
    dry_run: bool,
    yes: bool,
    style: str,
    quiet: bool,
    verbose: bool,
) -> int:  # fmt: skip
    """Run large UPDATE, DELETE or INSERT … SELECT statements in small transactions.

    Each statement of the file is cut into ranges of its table's key; how far it has come is kept in the table
    pgassay.backfill of the database, in the same transaction as the rows. After a kill or an error run the same command
    again: it goes on there, and does nothing twice. Rows that come meanwhile are done as well where WHERE tells them:
    in later passes, or with --new-rows trigger as they are written, where the statement looks at nothing but the row.
    The end is a look that nothing is left.

    To pause: create the --pause-file, send SIGUSR1 (once more to go on), or set the record's column paused to true.
    Ends with 1 where rows are left.
    """
    from pgassay.cli.migrate_up import ask
    from pgassay.migrate.backfill import BackfillOptions
    from pgassay.report.migrate_backfill import backfill_json, outlook_text, told
    from pgassay.workflows.backfill import look, run

    tasks = look(file, database)
    seen = [(task.statement, task.plan, task.record) for task in tasks.tasks]
    results: dict[str, BackfillResult] = {}

    def report(error: PgassayError | None, *, ran: bool = True) -> None:
        if style == "text":
            emit("".join(told(s, plan, results[record]) for s, plan, record in seen if record in results))
            return
        again = f"pgassay migrate backfill {shlex.quote(file)} --database URL"
        again += " --new-rows trigger" if new_rows == "trigger" else ""
        emit(backfill_json(tasks.target, seen, results, run=ran, error=error, next=again), encoding="utf-8")

    if style == "text":
        emit(outlook_text(tasks.target, seen))
    elif not yes and not dry_run and sys.stdin is not None and sys.stdin.isatty():
        click.echo(outlook_text(tasks.target, seen), err=True)
    if dry_run:
        report(None, ran=False)
        return 0
    if not yes:
        ask(f"Run this on {tasks.target}?")
    with progress(quiet=quiet, verbose=verbose, colour=True) as show, _signalled() as signalled:
        options = BackfillOptions(
            batch=batch_time,
            max_wait=max_wait,
            max_lag=max_lag,
            rest=rest,
            patience=patience,
            again=again,
            new_rows=new_rows,
            paused=lambda: signalled() or (pause_file is not None and pause_file.exists()),
        )
        try:
            for task, result in run(tasks, database, options, lambda now: show(str(now))):
                results[task.record] = result
        except PgassayError as error:
            report(error)
            raise
    report(None)
    return 0 if all(result.proved for result in results.values()) else 1


@contextlib.contextmanager
def _signalled() -> Iterator[Callable[[], bool]]:
    """SIGUSR1 pauses, and the next one goes on."""
    paused = False

    def turn(*_: object) -> None:
        nonlocal paused
        paused = not paused

    if not hasattr(signal, "SIGUSR1") or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGUSR1, turn)
    try:
        yield lambda: paused
    finally:
        signal.signal(signal.SIGUSR1, before)
