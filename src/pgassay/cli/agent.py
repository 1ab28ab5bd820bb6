"""``pgassay agent``: a group, whose commands are loaded when one of them is asked for."""

from __future__ import annotations

import importlib

import click

# One line each: the command's name, and the module and function that hold it.
COMMANDS = {
    "install": "pgassay.cli.agent_install:install",
    "uninstall": "pgassay.cli.agent_install:uninstall",
    "run": "pgassay.cli.agent_run:run",
    "route": "pgassay.cli.agent_route:route",
}


class Lazy(click.Group):
    """A group that imports a command's module only for that command (and all of them for ``--help``)."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Their names, in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """One command, or None."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


@click.group(cls=Lazy)
def agent() -> None:
    """A database expert for other agents, and for whoever gives it a task."""
