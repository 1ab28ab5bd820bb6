"""``pgassay migrate``: a group, whose commands are loaded when one of them is asked for."""

from __future__ import annotations

import click

from pgassay.cli.lazy import Lazy

# One line each: the command's name, and the module and function that hold it.
COMMANDS = {
    "plan": "pgassay.cli.migrate_plan:plan",
    "up": "pgassay.cli.migrate_up:up",
    "down": "pgassay.cli.migrate_down:down",
    "status": "pgassay.cli.migrate_status:status",
    "backfill": "pgassay.cli.migrate_backfill:backfill",
}


@click.group(cls=Lazy, places=COMMANDS)
def migrate() -> None:
    """Run migrations on a database: shown first, alone, without keeping anybody waiting, resumed after a kill.

    The project's own tool agrees afterwards: its table is written in the same transaction. What was run step by step
    is recorded in the table pgassay.step of the database itself.
    """
