"""What is going on, on standard error: a line that changes on a terminal, nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import click

Progress = Callable[[str], None]


@contextlib.contextmanager
def progress(*, quiet: bool, verbose: bool, colour: bool) -> Iterator[Progress]:
    """A callback that shows what is being done. With --verbose away from a terminal it prints a line a step."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if quiet or not (terminal or verbose):
        yield lambda _words: None
    elif not terminal:
        yield _line
    else:
        from rich.console import Console
        from rich.text import Text

        from pgassay.report.words import one_line

        console = Console(stderr=True, no_color=not colour, highlight=False)
        with console.status(Text("Starting"), spinner="dots") as status:
            yield lambda words: status.update(Text(one_line(words), overflow="ellipsis", no_wrap=True))


def _line(words: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(f"pgassay: {words}", err=True)
