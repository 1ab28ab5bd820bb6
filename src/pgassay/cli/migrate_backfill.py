"""``pgassay migrate backfill``."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgassay.cli.output import emit
from pgassay.cli.progress import progress

if TYPE_CHECKING:
    from pgassay.migrate.backfill import BackfillResult
    from pgassay.workflows.backfill import Task, Tasks

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
    help="Pause after each batch, as a share of its time.",
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
@click.option("--again", is_flag=True, help="Begin anew, even though it is recorded as done.")
@click.option("--dry-run", is_flag=True, help="Say how it would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Run without asking.")
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
    again: bool,
    dry_run: bool,
    yes: bool,
    quiet: bool,
    verbose: bool,
) -> int:  # fmt: skip
    """Run large UPDATE, DELETE or INSERT … SELECT statements in small transactions.

    Each statement of the file is cut into ranges of its table's key; how far it has come is kept in the table
    pgassay.backfill of the database, in the same transaction as the rows. After a kill or an error run the same command
    again: it goes on there, and does nothing twice. Rows that come meanwhile are done as well where WHERE tells them;
    the end is a look that nothing is left.

    To pause: create the --pause-file, send SIGUSR1 (once more to go on), or set the record's column paused to true.
    Ends with 1 where rows are left.
    """
    from pgassay.cli.migrate_up import ask
    from pgassay.migrate.backfill import BackfillOptions
    from pgassay.workflows.backfill import look, run

    tasks = look(file, database)
    emit(_outlook(tasks))
    if dry_run:
        return 0
    if not yes:
        ask(f"Run this on {tasks.target}?")
    proved = True
    with progress(quiet=quiet, verbose=verbose, colour=True) as show, _signalled() as signalled:
        options = BackfillOptions(
            batch=batch_time,
            max_wait=max_wait,
            max_lag=max_lag,
            rest=rest,
            patience=patience,
            again=again,
            paused=lambda: signalled() or (pause_file is not None and pause_file.exists()),
        )
        done = []
        for task, result in run(tasks, database, options, lambda now: show(str(now))):
            done.append((task, result))
            proved = proved and result.proved
    emit("".join(_told(task, result) for task, result in done))
    return 0 if proved else 1


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


def _outlook(tasks: Tasks) -> str:
    words = [f"{tasks.target}\n"]
    for task in tasks.tasks:
        place, plan = f"{task.statement.path}:{task.statement.line}", task.plan
        words.append(
            f"{place}: {plan.statement.kind.upper()} by {', '.join(plan.ranges.columns)} of {plan.table}"
            f" (about {plan.total:,} rows)\n"
        )
        words += [f"  {note}\n" for note in plan.notes]
    words.append("Is there a backup, or a way back? What a backfill writes, nothing takes back.\n")
    return "".join(words)


_PROOFS = {
    "where": "nothing meets WHERE any more",
    "target": "every row has its row in the target",
    "ranges": "every range of keys was done once",
}


def _told(task: Task, result: BackfillResult) -> str:
    end = f"proved: {_PROOFS[result.proof]}" if result.proof else f"{result.left:,} rows are left"
    resumed = ", resumed" if result.resumed else ""
    words = (
        f"{task.statement.path}:{task.statement.line}: {result.changed:,} rows in {result.batches:,} batches{resumed}, "
        f"{result.seconds:.1f} s; longest batch {result.longest * 1000:.0f} ms,"
        f" longest wait behind one {result.waited * 1000:.0f} ms; {end}\n"
    )
    notes = [note for note in result.notes if note not in task.plan.notes]
    return words + "".join(f"  {note}\n" for note in notes)
