"""``pgassay agent route``."""

from __future__ import annotations

from pathlib import Path

import click

from pgassay.cli.output import emit
from pgassay.errors import UsageError


@click.command()
@click.argument("task", nargs=-1, metavar="[TASK]...")
@click.option("--tasks", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Tasks of a TOML file: [[task]] with id, task, needs, model and reason.")  # fmt: skip
@click.option("--project", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="Its migrations are read, and count as far as a task concerns them.")  # fmt: skip
@click.option("--model", metavar="NAME", help="This model, whatever the table says: default, strong, or a name.")
@click.option("--reason", metavar="WORDS", help="Why --model.")
@click.option("--routing", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A routing table over the shipped one.  [pgassay-agent.toml of the project]")  # fmt: skip
@click.option("--kind", metavar="KIND", help="What the project is, instead of looking at it.")
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option("--format", "style", type=click.Choice(("text", "json")), default="text", show_default=True,
              help="How to report.")  # fmt: skip
def route(
    task: tuple[str, ...], file: Path | None, project: Path | None, model: str | None, reason: str | None,
    routing: Path | None, kind: str | None, allow_code: bool, style: str,
) -> None:  # fmt: skip
    """Which model would serve this task, and why? Nothing is asked of any model.

    Decided from the task's words, the sizes that it names, and what a project's migrations say, by a table of rules.
    Several tasks run beside each other: those on which others wait get the stronger model, and so does security.
    """
    from pgassay.agent.facts import project_facts
    from pgassay.agent.policy import policy_for
    from pgassay.agent.routing import Choice, Facts
    from pgassay.agent.tasks import assign, given, read_tasks
    from pgassay.report.routing import Routed, routed_json, routed_text

    if bool(task) == bool(file):
        raise UsageError("give a task in quotes, several of them, or --tasks FILE")
    if reason and not model:
        raise UsageError("--reason is for --model")
    tasks = read_tasks(file) if file else given(task)
    policy = policy_for(project, routing)
    choice = Choice(model=model, reason=reason or "--model") if model else None

    def facts(text: str) -> Facts:
        return Facts() if project is None else project_facts(text, str(project), kind=kind, allow_code=allow_code)

    decisions = assign(tasks, facts, policy, choice)
    routed = [
        Routed(id=t.id, task=t.task, needs=t.needs, model=d.model, fallback=d.models[1:], level=d.level, rule=d.rule,
               reason=d.reason, evidence=d.evidence)
        for t in tasks for d in [decisions[t.id]]
    ]  # fmt: skip
    emit(routed_json(routed) if style == "json" else routed_text(routed), encoding="utf-8" if style == "json" else None)
