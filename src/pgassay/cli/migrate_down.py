"""``pgassay migrate down``: with a database, run ways back; without one, write and prove them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pgassay.cli.migrate_up import run_migrations, running
from pgassay.cli.output import check_writable, emit, save, width
from pgassay.cli.progress import progress
from pgassay.errors import UsageError

if TYPE_CHECKING:
    from pgassay.report.migrate_down import DownReport
    from pgassay.workflows.migrate_down import Downs

F = TypeVar("F", bound=Callable[..., Any])
_WRITING = ("prove", "out", "all", "only", "park", "style", "output", "count_on")


def writing(function: F) -> F:
    """The options without --database."""
    options = [
        click.option("--prove", is_flag=True, help="Prove the ways back that are there too."),
        click.option(
            "--out", metavar="DIR", help="Write to this folder, instead of beside the migrations in their own format."
        ),
        click.option("--all", "all", is_flag=True, help="Derive one for every migration, not only if missing."),
        click.option("--only", multiple=True, metavar="NAME", help="Of these migrations alone; may be repeated."),
        click.option(
            "--park", is_flag=True,
            help="Where data would be lost, also offer a way forward that keeps them until they are no longer wanted.",
        ),
        click.option(
            "--count-on", metavar="URL", help="Count in this database, which is only read, what would be lost."
        ),
        click.option(
            "--format", "style", type=click.Choice(["text", "json", "handoff"]), default="text", show_default=True,
            help="How to report.",
        ),
        click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to a file."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@running
@writing
@click.option("--database", metavar="URL", help="Run them there, instead of writing and proving them.")
@click.pass_context
def down(context: click.Context, /, database: str | None, **options: Any) -> int:
    """Write the ways back that a project lacks and prove them, or run them on a database.

    Without --database: each migration is played on a scratch server with made-up rows, and its way back is derived from
    the schemas before and after. Then it goes there, back, there, back and there again: schemas and rows must be equal.
    Data that the way back cannot bring back are named with their numbers. What holds is written in the project's own
    format (or --out DIR); what is there is never overwritten. --prove tries the project's own ways back in the same
    way. Ends with 0 where all are proved, with 1 where one is not.

    With --database: takes back the last migration of the project there, or all after --to NAME. What is run are the
    project's own ways back: the down section or file as its tool has it, or down/NAME.sql. It is rehearsed, shown and
    run with the same care as 'up'; what loses data has to be allowed by name.
    """
    given = {name for name in options if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE}
    apart = {name: options.pop(name) for name in _WRITING}
    if database is not None:
        style = apart["style"]
        _refuse(given & set(_WRITING) - {"style"}, "go without --database: they are about writing")
        _refuse({"style"} if style == "handoff" else set(), "handoff goes without --database: it is about writing")
        return run_migrations("down", database=database, style=style, **options)
    _refuse(given & {"to", "yes", "allow", "lock_timeout", "retries", "workload"}, "need --database URL")
    return _write(options | apart)


def _refuse(given: set[str], why: str) -> None:
    if given:
        names = ", ".join(sorted("--format" if n == "style" else f"--{n.replace('_', '-')}" for n in given))
        raise UsageError(f"{names}: {why}")


def _write(options: dict[str, Any]) -> int:
    from pgassay.report.migrate_down import down_handoff, down_json, down_text
    from pgassay.workflows.migrate_down import DownOptions, migrate_down

    output: Path | None = options["output"]
    if output is not None:
        check_writable(output)
    start = time.monotonic()
    names = ("path", "prove", "all", "only", "out", "park", "dry_run", "count_on", "kind", "allow_code", "rows")
    asked = DownOptions(
        **{name: options[name] for name in names},
        postgres_version=options["postgres_version"],
        postgres_bin=options["postgres_bin"],
        text=sys.stdin.read() if options["path"] == "-" else None,
    )
    with progress(quiet=options["quiet"], verbose=options["verbose"], colour=True) as show:
        found = migrate_down(asked, show)
    report = _report(found, time.monotonic() - start)
    match options["style"]:
        case "json":
            words = down_json(report)
        case "handoff":
            words = down_handoff(report)
        case _:
            words = down_text(report, width=width())
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding=None if options["style"] == "text" else "utf-8")
    return 0 if all(entry.proved for entry in report.entries) else 1


def _report(found: Downs, seconds: float) -> DownReport:
    from pgassay.report.migrate_down import DownEntry, DownReport, OfferEntry

    return DownReport(
        project=found.project.path,
        runner=found.project.runner.name,
        server=found.server,
        entries=tuple(
            DownEntry(
                path=way.migration.path,
                name=way.migration.name,
                statements=way.statements,
                own=way.own,
                alone=way.alone,
                verdict=way.verdict,
                proved=way.proved,
                trial=way.trial,
                notes=way.notes,
                written=way.written,
                offer=OfferEntry(
                    up=way.offer.up,
                    down=way.offer.down,
                    contract=way.offer.contract,
                    trial=way.offer.trial,
                    left_out=way.offer.left_out,
                )
                if way.offer
                else None,
            )
            for way in found.ways
        ),
        files=found.files,
        notes=found.notes,
        seconds=seconds,
    )
