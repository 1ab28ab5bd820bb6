"""``pgassay agent install`` and ``uninstall``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pgassay.cli.output import emit
from pgassay.errors import UsageError

if TYPE_CHECKING:
    from pgassay.agent.packaging.plan import Client, Edit

F = TypeVar("F", bound=Callable[..., Any])


def _shared(function: F) -> F:
    options = [
        click.option("--claude", is_flag=True, help="Claude Code: .mcp.json, a subagent and a skill in .claude/."),
        click.option("--cursor", is_flag=True, help="Cursor: .cursor/mcp.json and a rule."),
        click.option("--codex", is_flag=True, help="Codex: .codex/config.toml and a skill in .agents/."),
        click.option("--vscode", is_flag=True, help="VS Code: .vscode/mcp.json and an agent in .github/agents/."),
        click.option(
            "--project", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(), metavar="DIR",
            help="The project's folder.  [the current one]",
        ),
        click.option("--yes", is_flag=True, help="Write without asking."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@_shared
@click.option(
    "--with-database", "database", is_flag=True,
    help="Hand the variable PGASSAY_DATABASE on to the server. Its value is written nowhere.",
)  # fmt: skip
def install(project: Path, yes: bool, database: bool, **chosen: bool) -> int:
    """Let a coding agent use pgassay: its MCP server, a database-expert and hints in AGENTS.md.

    Shows what it would change, and asks. Run again, it brings up to date what is there.
    """
    from pgassay.agent.packaging.plan import installing

    root = project.resolve()
    return _carry_out(installing(root, _clients(chosen), database=database), root, yes=yes)


@click.command()
@_shared
def uninstall(project: Path, yes: bool, **chosen: bool) -> int:
    """Take back what install wrote, and nothing else: files that somebody has changed since stay."""
    from pgassay.agent.packaging.plan import removing

    root = project.resolve()
    return _carry_out(removing(root, _clients(chosen)), root, yes=yes)


def _clients(chosen: dict[str, bool]) -> list[Client]:
    from pgassay.agent.packaging.plan import CLIENTS

    named = [client for client in CLIENTS if chosen[client]]
    if not named:
        raise UsageError("for which agent?", hint=f"Say one or more of {', '.join(f'--{c}' for c in CLIENTS)}.")
    return named


def _carry_out(edits: tuple[Edit, ...], root: Path, *, yes: bool) -> int:
    from pgassay.agent.packaging.plan import carry_out

    if not edits:
        emit("Nothing to change.\n")
        return 0
    emit("".join(edit.diff(root) for edit in edits))
    if not yes:
        if not (sys.stdin and sys.stdin.isatty()):
            raise UsageError("nothing was written: nobody is there to ask", hint="Say --yes to write this.")
        if not click.confirm("Write this?", default=False, err=True):
            return 1
    carry_out(edits, root)
    emit("".join(f"{'wrote' if e.after is not None else 'removed'} {e.path}\n" for e in edits))
    return 0
