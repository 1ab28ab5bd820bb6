"""Checks of option values that click has no type for."""

from __future__ import annotations

import click

_YEAR = 86_400 * 365


def table_rows(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """``TABLE=N``, any number of times. Raises click.BadParameter."""
    return dict(map(_table_rows, values))


def _table_rows(value: str) -> tuple[str, int]:
    table, equals, number = value.rpartition("=")
    try:
        rows = int(number)
    except ValueError:
        rows = -1
    if not equals or not table.strip() or rows < 0:
        raise click.BadParameter(f"{value!r} is not of the form TABLE=N, such as transfers=250000000.")
    return table.strip(), rows


def seconds(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    """A positive, finite number. Raises click.BadParameter."""
    if not 0 < value <= _YEAR:
        raise click.BadParameter(f"{value} is not a number of seconds between 0 and a year.")
    return value
