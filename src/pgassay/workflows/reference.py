"""The reference, written from the code: ``python -m pgassay.workflows.reference DIR [--check]``.

The command line from click's own tree, a page a rule from the registry, the JSON schemas from the classes encoded.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click

from pgassay.report import rule_index, rule_page, schema_text
from pgassay.report.schemas import NAMES
from pgassay.rules import registry


def pages() -> dict[str, str]:
    """Every file of the reference: its path below the folder, and its text."""
    written = {f"{name}.schema.json": schema_text(name) for name in NAMES}
    written["cli.md"] = command_page(installed_command())
    written["rules/index.md"] = rule_index(registry())
    return written | {f"rules/{rule.id}.md": rule_page(rule) for rule in registry()}


def write(folder: Path) -> list[str]:
    """Write what is out of date and remove what nothing generates any more. Returns the paths concerned."""
    wanted = pages()
    changed = outdated(folder)
    for path in changed:
        file = folder / path
        if path in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[path], encoding="utf-8")
        else:
            file.unlink()
    return changed


def outdated(folder: Path) -> list[str]:
    """The paths that differ from the code: changed, missing, or no longer generated."""
    wanted = pages()
    there = {str(f.relative_to(folder)): f for f in (*folder.glob("*.schema.json"), *folder.glob("rules/*.md"))}
    there |= {"cli.md": folder / "cli.md"} if (folder / "cli.md").exists() else {}
    stale = set(there) - set(wanted)
    return sorted(stale | {p for p, text in wanted.items() if p not in there or there[p].read_text("utf-8") != text})


def installed_command() -> click.Group:
    """The command as it is installed, by its entry point: this room stands below the command line."""
    (script,) = entry_points(group="console_scripts", name="pgassay")
    command: Any = script.load()
    assert isinstance(command, click.Group)
    return command


def command_page(group: click.Group) -> str:
    """The command line as Markdown."""
    context = click.Context(group, info_name=group.name, **group.context_settings)
    parts = [f"# {group.name}", _help(group)]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            parts += _command(command, click.Context(command, info_name=name, parent=context))
    return "\n\n".join(parts) + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}"
    yield f"```text\n{usage}\n```"
    yield _help(command)
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if options:
        yield "\n".join(["| option | default | |", "| --- | --- | --- |", *(_option(o, context) for o in options)])
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _command(below, click.Context(below, info_name=name, parent=context))


def _help(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "")


def _option(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    if isinstance(option.type, click.Choice):
        names += " " + " \\| ".join(f"`{choice}`" for choice in option.type.choices)
    elif not option.is_flag and option.metavar:
        names += f" `{option.metavar}`"
    default = f"`{option.get_default(context)}`" if option.show_default else ""
    return f"| {names} | {default} | {(option.help or '').replace('|', chr(92) + '|')} |"


def main(arguments: list[str] | None = None) -> int:
    """Write the reference, or with ``--check`` say what is out of date (exit code 1)."""
    parser = argparse.ArgumentParser(prog="python -m pgassay.workflows.reference", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where something is out of date"
    )
    asked = parser.parse_args(arguments)
    changed = outdated(asked.folder) if asked.check else write(asked.folder)
    for path in changed:
        sys.stdout.write(f"{'out of date' if asked.check else 'written'}: {asked.folder / path}\n")
    return 1 if asked.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
