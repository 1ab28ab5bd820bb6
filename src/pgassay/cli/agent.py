"""``pgassay agent``: a group, whose commands are loaded when one of them is asked for."""

from __future__ import annotations

import click

from pgassay.cli.lazy import Lazy

# One line each: the command's name, and the module and function that hold it.
COMMANDS = {
    "install": "pgassay.cli.agent_install:install",
    "uninstall": "pgassay.cli.agent_install:uninstall",
    "run": "pgassay.cli.agent_run:run",
    "route": "pgassay.cli.agent_route:route",
}


@click.group(cls=Lazy, places=COMMANDS)
def agent() -> None:
    """A database expert for other agents, and for whoever gives it a task."""
