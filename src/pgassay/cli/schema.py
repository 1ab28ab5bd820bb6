"""``pgassay schema``."""

from __future__ import annotations

import click

from pgassay.cli.output import emit

NAMES = (
    "json",
    "handoff",
    "handoff-compact",
    "tune",
    "tune-check",
    "indexes",
    "diff",
    "design",
    "migrate-down",
    "migrate-plan",
    "migrate-run",
    "migrate-status",
    "migrate-backfill",
    "agent-route",
)


@click.command()
@click.argument("name", type=click.Choice(NAMES), metavar="|".join(NAMES))
def schema(name: str) -> None:
    """Print the JSON schema of a report format."""
    from pgassay.report import schema_text

    emit(schema_text(name), encoding="utf-8")
