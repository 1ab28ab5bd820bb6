"""Filling a template. Everything is escaped, and what is not plainly visible is written out, wherever it came from."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pgassay import __version__
from pgassay.report.words import count, duration, encodable, one_line, size, visible

_LONGEST = 4_000  # characters of one text from outside


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("pgassay.report.html"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"plain": _plain, "line": _line, "duration": duration, "size": size}
    made.globals["count"] = count
    return made


def render(template: str, **values: Any) -> str:
    """The page."""
    return encodable(_environment().get_template(template).render(version=__version__, **values))


def _plain(text: str) -> str:
    """Text from outside, on many lines."""
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]} … ({len(text):,} characters)"


def _line(text: str) -> str:
    return _plain(one_line(text))
