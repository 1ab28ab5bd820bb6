"""Where results go: standard output, or a file that is either whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from pathlib import Path

from pgassay.errors import DiskFull, InputError

_LEGIBLE = 120  # columns: longer lines of prose are hard to read


def emit(text: str, *, encoding: str | None = None) -> None:
    """Write to standard output, in its own encoding or the given one. A reader that has gone (``| head``) is no error.

    Raises DiskFull or InputError where standard output cannot be written.
    """
    stream = sys.stdout
    if stream is None:  # closed by the caller (`>&-`)
        return
    try:
        data = text.encode(encoding or stream.encoding or "utf-8", "backslashreplace")
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        _discard(stream.fileno())
    except OSError as error:
        _discard(stream.fileno())
        raise _problem(error, "standard output") from error


def _discard(descriptor: int) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def check_writable(path: Path) -> None:
    """Raise InputError before the work begins where ``save`` is bound to fail after it."""
    if path.is_dir():
        raise InputError("is a folder; --output wants a file", path=str(path))
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError("no such folder for --output", path=str(path.parent))
    if not os.access(folder if not path.exists() or path.is_file() else path, os.W_OK):
        raise InputError("--output cannot be written there", path=str(path))


def save(path: Path, text: str) -> None:
    """Write a file in one step: a reader, or a crash, meets the old one or the new one. Raises DiskFull, InputError."""
    target = path.resolve()
    data = text.encode("utf-8", "backslashreplace")
    try:
        if target.exists() and not target.is_file():  # a device or pipe: there is nothing to replace
            target.write_bytes(data)
            return
        draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                file.write(data)
            if target.exists():
                shutil.copymode(target, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except BrokenPipeError:
        return
    except OSError as error:
        raise _problem(error, str(path)) from error


def _problem(error: OSError, place: str) -> DiskFull | InputError:
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{place} could not be written")
    return InputError(f"cannot be written: {error.strerror or error}", path=place)


def width() -> int:
    """Columns for prose: the terminal's, or 100 where there is none."""
    return min(shutil.get_terminal_size((100, 24)).columns, _LEGIBLE)


def colour(wanted: bool) -> bool:
    """Whether to colour standard output: a terminal, unless --no-colour, NO_COLOR or TERM=dumb say otherwise."""
    if not wanted or os.environ.get("NO_COLOR"):
        return False
    with contextlib.suppress(AttributeError, ValueError):
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return False
