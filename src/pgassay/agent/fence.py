"""The files that the agent may read and write: all of it below the project, and only what was allowed."""

from __future__ import annotations

import difflib
import functools
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pgassay.errors import UsageError

Ask = Callable[[str], bool]

MOST_READ, MOST_WRITTEN = 200_000, 500_000  # bytes
_SKIPPED = {"node_modules", "__pycache__", ".git", ".venv", "dist", "build"}
_SECRET = re.compile(
    r"(^\.env($|\.)|\.(pem|key|p12|pfx|jks|keystore)$|^id_(rsa|dsa|ecdsa|ed25519)|^\.(npmrc|pypirc|pgpass|netrc)$|credentials)",
    re.IGNORECASE,
)
# What the agent itself is steered by.
_OURS = {"pgassay-agent.toml", "AGENTS.md", "CLAUDE.md"}


class Refused(UsageError):
    """The agent may not: {problem}"""


@dataclass(slots=True)
class Fence:
    """Access below ``root``. ``globs``: what may be written; for anything else ``ask`` is asked.

    ``before``: the text of each file that was changed as it was, None where there was none; ``kept`` is called when one
    is added, before the file is written.
    """

    root: Path
    globs: tuple[str, ...] = ()
    ask: Ask = lambda _: False
    before: dict[str, str | None] = field(default_factory=dict)
    kept: Callable[[], None] = lambda: None

    def inside(self, word: str) -> str:
        """A path relative to the project. Raises Refused, also for what a symbolic link leads to."""
        root = self.root.resolve()
        if "\0" in word:
            raise Refused("a path with a NUL")
        try:
            found = (root / word).resolve().relative_to(root)
        except (ValueError, OSError, RuntimeError):
            raise Refused(f"{word[:200]!r} lies outside the project") from None
        return found.as_posix()

    def listed(self, below: str = ".", most: int = 300) -> list[str]:
        """Files below a folder, relative to the project."""
        start = self.root.resolve() / self.inside(below)
        found: list[str] = []
        for path in _files(start):
            if len(found) == most:
                break
            found.append(path.relative_to(self.root.resolve()).as_posix())
        return found

    def read(self, word: str) -> str:
        """A file's text. Raises Refused for what holds secrets, is no text, or is not there."""
        name = self.inside(word)
        path = self.root.resolve() / name
        if _SECRET.search(path.name):
            raise Refused(f"{name} may hold secrets, and is not read")
        try:
            if not path.is_file():
                raise Refused(f"there is no file {name}")
            with path.open("rb") as file:
                data = file.read(MOST_READ + 1)
            return data[:MOST_READ].decode("utf-8", "ignore" if len(data) > MOST_READ else "strict")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{name} cannot be read as text: {error}") from None

    def allowed(self, name: str) -> bool:
        """Whether a path (relative to the project) may be written without asking."""
        return any(_glob(glob).fullmatch(name) for glob in self.globs)

    def write(self, word: str, text: str) -> str:
        """Write a file, and return its path. Raises Refused."""
        name = self.inside(word)
        path = self.root.resolve() / name
        if _SECRET.search(path.name) or path.name in _OURS or ".git" in Path(name).parts:
            raise Refused(f"{name} is not for agents to write")
        if len(text.encode("utf-8", "replace")) > MOST_WRITTEN:
            raise Refused(f"{name}: more than {MOST_WRITTEN:,} bytes")
        if not self.allowed(name) and not self.ask(f"write {name}"):
            raise Refused(f"writing {name} was not allowed (--write {' '.join(self.globs) or 'GLOB'})")
        try:
            if name not in self.before:
                self.before[name] = path.read_text(encoding="utf-8") if path.exists() else None
                self.kept()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        except (OSError, UnicodeError) as error:
            raise Refused(f"{name} cannot be written: {error}") from None
        return name

    def note(self, word: str) -> None:
        """Remember a file as it is now: somebody else is about to write it."""
        name = self.inside(word)
        path = self.root.resolve() / name
        if name not in self.before:
            self.before[name] = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
            self.kept()

    def now(self, name: str) -> str | None:
        """A changed file's text as it is now."""
        path = self.root.resolve() / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None

    @property
    def changed(self) -> tuple[str, ...]:
        """Files that differ from what they were."""
        return tuple(name for name, text in sorted(self.before.items()) if self.now(name) != text)

    def digest(self) -> str:
        """Of what was changed: equal as long as nothing was written since."""
        parts = [f"{name}\0{self.now(name)}" for name in self.changed]
        return hashlib.sha256("\0\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def lines(self, name: str) -> tuple[int, int]:
        """Lines added to and removed from a changed file."""
        old, new = (self.before[name] or "").splitlines(), (self.now(name) or "").splitlines()
        marks = [line[0] for line in difflib.ndiff(old, new)] if len(old) + len(new) < 4_000 else []
        return (marks.count("+"), marks.count("-")) if marks else (len(new), len(old))


def _files(start: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(start):
        below[:] = sorted(n for n in below if n not in _SKIPPED and not n.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not _SECRET.search(name))


@functools.cache
def _glob(glob: str) -> re.Pattern[str]:
    """``*`` within a name, ``**`` over folders; what begins with a dot must be named, as in a shell."""
    parts: list[str] = []
    rest = glob.removeprefix("./")
    visible = r"(?:(?!\.)[^/]*/)*"
    for piece in re.split(r"(\*\*/|\*\*$|\*|\?)", rest):
        match piece:
            case "**/":
                parts.append(visible)
            case "**":
                parts.append(visible + r"(?!\.)[^/]+")
            case "*":
                parts.append(r"(?!\.)[^/]*" if not parts or parts[-1].endswith(("/", visible)) else r"[^/]*")
            case "?":
                parts.append(r"[^/.]")
            case _:
                parts.append(re.escape(piece))
    return re.compile("".join(parts))
