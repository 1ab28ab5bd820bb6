"""``pgassay agent run``."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from pgassay.cli.output import check_writable, emit, save
from pgassay.cli.tune import duration
from pgassay.errors import UsageError

if TYPE_CHECKING:
    from pgassay.report import Handoff

FORMATS = ("text", "handoff", "handoff-yaml", "handoff-compact")


@click.command()
@click.argument("task", required=False, metavar="[TASK]")
@click.option("--task", "more", multiple=True, metavar="TASK", help="Another task, beside the first; may be repeated.")
@click.option("--tasks", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Tasks of a TOML file: [[task]] with id, task, needs, model and reason.")  # fmt: skip
@click.option("--project", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True, metavar="DIR",
              help="The folder that the agent may read.")  # fmt: skip
@click.option("--write", "globs", multiple=True, metavar="GLOB",
              help="Files that it may write without asking, such as 'drizzle/**'; may be repeated.")  # fmt: skip
@click.option("--model", metavar="NAME", help="This model, whatever the routing says: default, strong, or a name.")
@click.option("--reason", metavar="WORDS", help="Why --model.")
@click.option("--routing", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A routing table over the shipped one.  [pgassay-agent.toml of the project]")  # fmt: skip
@click.option("--docs", "docs", envvar="PGASSAY_DOCS", metavar="URL|COMMAND|off",
              help="A Context7-compatible MCP server; also from PGASSAY_DOCS.  [mcp.context7.com]")  # fmt: skip
@click.option("--budget", type=click.IntRange(1_000), default=400_000, show_default=True, metavar="TOKENS",
              help="Most tokens of all tasks together.")  # fmt: skip
@click.option("--time", "seconds", default="30min", show_default=True, callback=duration, metavar="TIME",
              help="Longest time of all tasks together.")  # fmt: skip
@click.option("--steps", type=click.IntRange(1, 500), default=40, show_default=True, metavar="N",
              help="Most requests of one task.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with these tasks where the last run of them was cut off.")
@click.option("--transcript", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write what was said, without secrets, as lines of JSON.")  # fmt: skip
@click.option("--kind", metavar="KIND", help="What the project is, instead of looking at it.")
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to report.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to a file.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def run(
    task: str | None, more: tuple[str, ...], file: Path | None, project: Path, globs: tuple[str, ...],
    model: str | None, reason: str | None, routing: Path | None, docs: str | None, budget: int, seconds: float,
    steps: int, resume: bool, transcript: Path | None, kind: str | None, allow_code: bool,
    postgres_version: int | None, postgres_bin: str | None, style: str, output: Path | None, quiet: bool,
) -> int:  # fmt: skip
    """Let a model do a database task with pgassay's tools, and prove what it did.

    It reads documentation first, works on scratch servers alone, writes only files that --write allows (else it asks),
    and may say completed only where a review and a check of its work found nothing new. The hand-off's gates come from
    those runs. Needs: pip install 'pgassay[agent]', and the key of the model's provider in the environment.

    Exit codes: 0 completed, 1 partial or blocked.
    """
    try:
        from pgassay.agent import run as room
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pgassay"):
            raise
        raise UsageError(f"{error.name} is not installed", hint="pip install 'pgassay[agent]'") from None
    import asyncio

    from pgassay.agent.docs import DEFAULT, Documentation
    from pgassay.agent.facts import project_facts
    from pgassay.agent.policy import policy_for
    from pgassay.agent.proof import How
    from pgassay.agent.redaction import secrets_of
    from pgassay.agent.routing import Choice, Facts
    from pgassay.agent.state import load, place
    from pgassay.agent.tasks import assign, given, read_tasks
    from pgassay.errors import PgassayError

    texts = (*((task,) if task else ()), *more)
    if bool(texts) == bool(file):
        raise UsageError("give a task in quotes, --task for more of them, or --tasks FILE")
    if reason and not model:
        raise UsageError("--reason is for --model")
    for path in (output, transcript):
        if path is not None:
            check_writable(path)
    tasks = read_tasks(file) if file else given(texts)

    def facts(text: str) -> Facts:
        try:
            return project_facts(text, str(project), kind=kind, allow_code=allow_code)
        except PgassayError:  # no migrations yet: the words decide
            return Facts()

    def say(words: str) -> None:
        if not quiet:
            click.echo(f"  {words[:300]}", err=True)

    choice = Choice(model=model, reason=reason or "--model") if model else None
    decisions = assign(tasks, facts, policy_for(project, routing), choice)
    secrets = secrets_of()
    state = load(place(project, tasks), tasks, resume=resume, secrets=secrets, transcript=transcript)
    setup = room.Setup(
        project=project, globs=globs, ask=_confirmed, say=say,
        secrets=secrets, budget=budget, seconds=seconds, steps=steps,
        docs=Documentation(root=project, server=docs or DEFAULT),
        how=How(kind=kind, allow_code=allow_code, postgres_version=postgres_version, postgres_bin=postgres_bin),
    )  # fmt: skip
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        whole = asyncio.run(room.run(tasks, decisions, setup, state))
    except KeyboardInterrupt:
        click.echo("  the same command with --resume goes on from here", err=True)
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    words = _formatted(whole, style)
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding=None if style == "text" else "utf-8")
    return 0 if whole.task_completion.status == "completed" else 1


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """At once, also in the middle of a workflow: asyncio's own handler would wait for it."""
    raise KeyboardInterrupt


def _confirmed(what: str) -> bool:
    """Ask where somebody sits at a terminal; elsewhere the answer is no."""
    import sys

    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return click.confirm(f"The agent wants to {what[:400]!r}. Let it?", default=False, err=True)


def _formatted(whole: Handoff, style: str) -> str:
    from pgassay import report

    match style:
        case "handoff":
            return report.handoff_json(whole)
        case "handoff-yaml":
            return report.handoff_yaml(whole)
        case "handoff-compact":
            return report.handoff_compact(whole)
        case _:
            from pgassay.report.worked import worked_text

            return worked_text(whole)
