"""``pgassay design``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pgassay.cli.output import emit
from pgassay.cli.progress import progress

FORMATS = ("text", "json", "html", "handoff")


@click.command()
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--subgraph", metavar="FILE", help="A subgraph's schema.graphql.")
@click.option("--preset", "presets", multiple=True, metavar="NAME", help="erc20, erc721, erc1155, erc3643, onchainid.")
@click.option("--layout", type=click.Choice(("plain", "bytea", "compact")), help="Of addresses and keys.  [plain]")
@click.option("--tenancy", type=click.Choice(("none", "owner", "tenant")), help="Whose rows are whose.  [none]")
@click.option("--chain", "chains", type=click.IntRange(1, 2**63 - 1), multiple=True, metavar="ID",
              help="A chain that is known from the start; may be repeated.")  # fmt: skip
@click.option("--schema", metavar="NAME", help="The schema of all tables.  [public]")
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings.  [pgassay.toml if it is there]"
)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where migrations and documents go.")  # fmt: skip
@click.option("--events", type=click.IntRange(1, 10**13), default=10_000_000, show_default=True, metavar="N",
              help="Rows of each event, for the storage forecast.")  # fmt: skip
@click.option("--drop", is_flag=True, help="Drop what the input no longer asks for, with its rows.")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to report.")
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="Every step.")
def design(style: str, drop: bool, quiet: bool, verbose: bool, **options: Any) -> None:
    """From contracts to a PostgreSQL schema.

    INPUT is an ABI: a file, an artifact, a folder of them or an npm package in node_modules. The schema is applied to a
    scratch server, taken back and applied again before anything is written. Where DIR holds migrations already, one
    more is written that turns what they make into what is wanted now; where nothing has changed, none.
    """
    from pgassay.report.design import design_json, design_text
    from pgassay.workflows.design import make
    from pgassay.workflows.design_input import wanted

    def ask(losses: Sequence[str]) -> bool:
        return drop or _confirmed(losses)

    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        designed = make(wanted(ask=ask, **options), show)
    if style == "json":
        words = design_json(designed)
    elif style == "html":
        from pgassay.report.html import design_html

        words = design_html(designed)
    elif style == "handoff":
        from pgassay.report.design_handoff import design_handoff

        words = design_handoff(designed)
    else:
        words = design_text(designed)
    emit(words, encoding=None if style == "text" else "utf-8")


def _confirmed(losses: Sequence[str]) -> bool:
    """Ask where somebody sits at a terminal; elsewhere the answer is no."""
    import sys

    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    shown = "\n".join(f"  {loss}" for loss in losses[:20])
    return click.confirm(f"This drops what holds data:\n{shown}\nGo on?", default=False, err=True)
