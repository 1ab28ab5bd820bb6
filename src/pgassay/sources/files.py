"""Files as the user sees them: read once, named so that he can open them, in the order a person expects."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pgassay.errors import InputError
from pgassay.model import Statement
from pgassay.model.actions import CreateIndex, DetachPartition, Drop, Maintain, Other, Reindex, Transact

DOWN = "down"  # a folder beside the migrations, with the ways back of a runner that knows none
_DIGITS = re.compile(r"(\d+)")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NEVER_IN_A_TRANSACTION = {
    "createdb", "dropdb", "create table space", "drop table space", "alter system", "create subscription",
    "drop subscription",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where migrations lie. ``folder`` and ``root`` (the project's folder) can be opened from the current directory."""

    folder: str
    root: str

    def path(self, name: str) -> str:
        """The path of a file in the folder."""
        return join(self.folder, name)


@dataclass(frozen=True, slots=True)
class File:
    """A text file. ``raw`` holds its bytes, ``text`` the same without a byte order mark."""

    path: str
    raw: bytes
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hex."""
        return sha256(self.raw).hexdigest()


def join(folder: str, name: str) -> str:
    """A path below a folder, without a leading ``./``."""
    return name if folder in ("", ".") else f"{folder.rstrip('/')}/{name}"


def shown(path: str) -> str:
    """A path relative to the current directory where it lies below it, else as given."""
    if Path(path).is_absolute():
        relative = os.path.relpath(path)
        return os.path.normpath(path) if relative.startswith("..") else relative
    return os.path.normpath(path)


def inside(folder: str, path: str) -> str:
    """A path relative to a folder."""
    if path.startswith(f"{folder}/"):  # the common case, at a hundredth of relpath's cost
        return path[len(folder) + 1 :]
    return os.path.relpath(path, folder)


def exists(path: str) -> bool:
    """Whether there is such a file or folder."""
    return Path(path).exists()


def is_folder(path: str) -> bool:
    """Whether there is such a folder."""
    return Path(path).is_dir()


def last(path: str) -> str:
    """The last name of a path."""
    return path.rsplit("/", 1)[-1]


def parent(path: str) -> str:
    """The folder of a path, ``.`` for a bare name."""
    return str(Path(path).parent)


def read(path: str) -> File:
    """A file's text. Raises InputError where it cannot be read, is not UTF-8 or holds a NUL byte."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 (twice as fast as Path here, and there may be thousands)
            raw = stream.read()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=path) from None
    return File(path, raw, decode(raw, path))


def decode(raw: bytes, path: str) -> str:
    """Bytes as text, without a byte order mark. Raises InputError as ``read`` does."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        if raw[:2] in _UTF16:
            raise InputError(
                "is UTF-16, not UTF-8", path=path, line=1, hint=f"Convert it: iconv -f UTF-16 -t UTF-8 {path}"
            ) from None
        raise InputError(
            f"is not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}",
            path=path,
            line=line,
            hint=f"Convert it, for instance: iconv -f WINDOWS-1252 -t UTF-8 {path}",
        ) from None
    if "\0" in text:
        at = text.index("\0")
        raise InputError(
            "holds a NUL byte, which no SQL text can",
            path=path,
            line=text.count("\n", 0, at) + 1,
            hint="Is it a binary file, such as a dump in custom format?",
        )
    return text


def names(folder: str, *suffixes: str) -> list[str]:
    """The names of a folder's files that end so, in natural order. Hidden files are left out."""
    try:
        with os.scandir(folder) as entries:
            found = [e.name for e in entries if e.name.endswith(suffixes) and e.name[0] != "." and not e.is_dir()]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=folder) from None
    found.sort(key=natural)
    return found


def folders(folder: str) -> list[str]:
    """The names of a folder's folders, in plain order. Hidden ones are left out."""
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if e.is_dir() and e.name[0] != ".")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path=folder) from None


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts ``2_b`` before ``10_a``."""
    return tuple((int(part), "") if i % 2 else (-1, part) for i, part in enumerate(_DIGITS.split(name)))


def line_of(text: str, offset: int) -> int:
    """The line, counted from 1, of an offset."""
    return text.count("\n", 0, offset) + 1


def empty(place: Place, tool: str, looked_for: str) -> InputError:
    """The error for a folder without migrations."""
    return InputError(
        f"no migrations found ({tool})",
        path=place.folder,
        hint=f"Looked for: {looked_for}. Name the folder with the migrations, or --kind if it is another tool's.",
    )


def alone(statement: Statement) -> bool:
    """Whether PostgreSQL refuses the statement inside a transaction block."""
    for action in statement.actions:
        match action:
            case CreateIndex() | Drop() | DetachPartition():
                if action.concurrently:
                    return True
            case Reindex():
                if action.concurrently or action.kind in ("schema", "system", "database"):
                    return True
            case Maintain(kind="vacuum"):
                return True
            case Other():
                if action.kind in _NEVER_IN_A_TRANSACTION:
                    return True
    return False


def controls_transactions(statements: tuple[Statement, ...]) -> bool:
    """Whether a file begins or ends transactions itself."""
    return any(isinstance(action, Transact) for statement in statements for action in statement.actions)
