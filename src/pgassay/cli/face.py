"""How every command ends: an exit code and at most one clear message, never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, NoReturn

import click

from pgassay import __version__
from pgassay.errors import DiskFull, PgassayError

USAGE, FAULT, INTERRUPTED = 2, 3, 130


class Face(click.Group):
    """The group of all commands. A command returns its exit code, or None for 0."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002
        **extra: Any,
    ) -> NoReturn:
        """Run a command and end the process with its exit code, as click's standalone mode does."""
        words = list(sys.argv[1:] if args is None else args) or ["--help"]
        with _unwinding():
            code = self._run(words, prog_name or self.name or "", complete_var, extra)
        sys.exit(code)

    def _run(self, args: list[str], name: str, complete_var: str | None, extra: dict[str, Any]) -> int:
        verbose = not {"-v", "--verbose"}.isdisjoint(args)
        try:
            result = super().main(args, name, complete_var, standalone_mode=False, **extra)
            return result if isinstance(result, int) else 0
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            hint = f"Try '{context.command_path} --help'." if context else None
            _say(error.format_message(), hint)
            return USAGE
        except (click.Abort, KeyboardInterrupt) as error:
            return _stopped(error)
        except Exception as error:
            # Clearing up after an interruption may fail in its turn: the interruption is what is to be told.
            return _stopped(error) if _interruption(error) else _told(error, verbose=verbose)


def _told(error: Exception, *, verbose: bool) -> int:
    if isinstance(error, PgassayError):
        _say(str(error))
        return error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _say(str(DiskFull(str(error.filename or error.strerror))))
        return USAGE
    return _fault(error, verbose=verbose)


def _stopped(error: BaseException) -> int:
    cause = _interruption(error)
    _say("interrupted")
    return 128 + cause.number if isinstance(cause, Stopped) else INTERRUPTED


def _interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interruption at the bottom of an error, if there is one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP: unwinds like Ctrl-C, so that scratch servers are stopped and files removed."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@contextlib.contextmanager
def _unwinding() -> Iterator[None]:
    """Turn the first SIGTERM or SIGHUP into an exception; a further one must not disturb the clearing up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        for each in kept:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    # A signal that our parent ignores (nohup) stays ignored.
    names = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    kept = {each: signal.getsignal(each) for each in names if signal.getsignal(each) is signal.SIG_DFL}
    for each in kept:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, before in kept.items():
            signal.signal(each, before)


def _say(message: str, hint: str | None = None) -> None:
    """A message on stderr, whatever state stderr is in."""
    text = f"pgassay: {message}" + (f"\n{hint}" if hint else "")
    with contextlib.suppress(OSError, ValueError):
        click.echo(_printable(text), err=True)


def _printable(text: str) -> str:
    """Messages quote file names and SQL: no escape sequence of theirs reaches the terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _fault(error: Exception, *, verbose: bool) -> int:
    """Our own fault: one line, and the traceback where it can be found. No arguments: they may hold a password."""
    words = "".join(traceback.format_exception(error))
    line = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    if verbose:
        _say(f"internal error: {line}\n{words.rstrip()}", "This is a bug in pgassay: please report it with the above.")
        return FAULT
    hint = "This is a bug in pgassay: please report it with the command's output under --verbose."
    with contextlib.suppress(OSError):
        handle, path = tempfile.mkstemp(prefix="pgassay-fault-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"pgassay {__version__}, Python {sys.version}, {sys.platform}\n{words}")
        hint = f"This is a bug in pgassay: please report it with the file {path}."
    _say(f"internal error: {line}", hint)
    return FAULT
