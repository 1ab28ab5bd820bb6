"""``pgassay migrate``: a group, whose commands are loaded when one of them is asked for."""

from __future__ import annotations

import importlib

import click

# One line each: the command's name, and the module and function that hold it.
COMMANDS = {
    "plan": "pgassay.cli.migrate_plan:plan",
    "up": "pgassay.cli.migrate_up:up",
    "down": "pgassay.cli.migrate_down:down",
    "status": "pgassay.cli.migrate_status:status",
    "backfill": "pgassay.cli.migrate_backfill:backfill",
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
def migrate() -> None:
    """Run migrations on a database: shown first, alone, without keeping anybody waiting, resumed after a kill.

    The project's own tool agrees afterwards: its table is written in the same transaction. What was run step by step
    is recorded in the table pgassay.step of the database itself.
    """
