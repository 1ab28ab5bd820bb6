"""The command line: no logic. ``main`` is a click group, so documentation is generated from its own tree."""

from __future__ import annotations

import click

from pgassay import __version__
from pgassay.cli.agent import agent
from pgassay.cli.check import check
from pgassay.cli.design import design
from pgassay.cli.diff import diff
from pgassay.cli.explain import explain
from pgassay.cli.face import Face
from pgassay.cli.indexes import indexes
from pgassay.cli.mcp import mcp
from pgassay.cli.migrate import migrate
from pgassay.cli.review import review
from pgassay.cli.rules import rules
from pgassay.cli.schema import schema
from pgassay.cli.secure import secure
from pgassay.cli.seed import seed
from pgassay.cli.tune import tune
from pgassay.cli.twin import twin

__all__ = ["main"]


@click.group(cls=Face, name="pgassay", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pgassay", message="%(prog)s %(version)s")
def main() -> None:
    """A PostgreSQL expert that runs the thing on a disposable server and reports what happened.

    Exit codes: 0 nothing found at or above --fail-on, 1 findings, 2 wrong usage or unreadable input, 3 a fault of
    pgassay itself, 130 interrupted.
    """


for command in (
    review,
    check,
    secure,
    seed,
    twin,
    explain,
    tune,
    indexes,
    design,
    diff,
    migrate,
    rules,
    schema,
    mcp,
    agent,
):
    main.add_command(command)
