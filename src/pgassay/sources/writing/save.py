"""Files put on the disk all together or not at all, never over others, and read back before they are called written."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pgassay.errors import DiskFull, InputError
from pgassay.model import Migration, Project, Statement
from pgassay.model.actions import Transact
from pgassay.sources.project import open_project
from pgassay.sources.writing.compose import compose, compose_plain
from pgassay.sources.writing.model import Change, NewFile, Writing


def write(project: Project, change: Change, *, now: datetime | None = None, allow_code: bool = False) -> Writing:
    """``compose``, written and read back: the project must then end with just these migrations.

    Nothing is left where anything goes wrong. ``allow_code``: Alembic's project is read by running it.
    Raises InputError and DiskFull as well as what ``compose`` raises.
    """
    writing = compose(project, change, now=now)
    with saved(writing):
        _check(project, writing, open_project(project.path, kind=project.kind, allow_code=allow_code))
    return writing


def write_plain(folder: str, change: Change, *, now: datetime | None = None) -> Writing:
    """``compose_plain``, written. The folder is made where there is none. Raises as ``write`` does."""
    writing = compose_plain(folder, change, now=now)
    with saved(writing):
        pass
    return writing


@contextlib.contextmanager
def saved(writing: Writing) -> Iterator[None]:
    """The files are there within, and stay unless an exception passes."""
    made: list[Path] = []
    replaced: list[NewFile] = []
    try:
        for file in writing.files:
            path = Path(file.path)
            made += _folders(path.parent)
            if file.replaces is None:
                with path.open("xb") as stream:
                    made.append(path)
                    stream.write(file.text.encode())
            else:
                replaced.append(file)
                _replace(path, file.replaces, file.text)
        yield
    except BaseException as error:
        for file in reversed(replaced):
            with contextlib.suppress(OSError, InputError):
                _replace(Path(file.path), file.text, file.replaces or "")
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise _problem(error) from None
        raise


def _folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; which were made, the highest first."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    for path in reversed(missing):
        path.mkdir()
    return missing[::-1]


def _replace(path: Path, before: str, text: str) -> None:
    raw = path.read_bytes()
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    if raw != mark + before.encode():
        raise InputError("has changed while the migration was being written", path=str(path))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(mark + text.encode())
        draft.chmod(path.stat().st_mode & 0o7777)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _problem(error: OSError) -> DiskFull | InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{error.filename} could not be written")
    if isinstance(error, FileExistsError):
        return InputError("is there already, and is not overwritten", path=str(error.filename))
    return InputError(f"cannot be written: {error.strerror or error}", path=str(error.filename))


def _check(before: Project, writing: Writing, after: Project) -> None:
    old = len(before.migrations)
    kept, new = after.migrations[:old], after.migrations[old:]
    if [m.name for m in kept] != [m.name for m in before.migrations] or len(new) != len(writing.expected):
        raise InputError(
            f"{before.runner.name} would not run the new migrations last, or not all of them",
            path=before.path,
            hint="Write them elsewhere with --out DIR, and name them as your runner wants it.",
        )
    if len(after.oddities) > len(before.oddities):
        odd = next(o for o in after.oddities if o not in before.oddities)
        raise InputError(f"the new migration would not run: {odd.message}", path=odd.path)
    for migration, expected in zip(new, writing.expected, strict=True):
        if texts(migration.statements) != expected.forward or not _same_way_back(migration, expected.backward):
            raise InputError(
                f"{before.runner.name} would not read the new migration as it was meant",
                path=migration.path,
                hint="A line of its SQL looks like a mark of the runner. Write it elsewhere with --out DIR.",
            )


def _same_way_back(migration: Migration, expected: tuple[str, ...] | None) -> bool:
    return (None if migration.down is None else texts(migration.down)) == expected


def texts(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    return tuple(s.text for s in statements if not any(s.of(Transact)))
