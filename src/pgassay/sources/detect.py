"""Which tool a folder belongs to, and where in a project its migrations lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pgassay.errors import InputError
from pgassay.sources import drizzle, flyway, plain, sections
from pgassay.sources.files import Place, exists, folders, is_folder, join, names, read

_USUAL = (
    "drizzle", "drizzle/migrations", "supabase/migrations", "prisma/migrations", "migrations", "db/migrations",
    "database/migrations", "sql/migrations", "alembic", "src/main/resources/db/migration", "db/migration", "migration",
    "sql",
)  # fmt: skip
_NAMES = {"migrations", "migration", "drizzle", "alembic"}
_ELSEWHERE = {
    "node_modules", "dist", "build", "target", "vendor", "venv", "env", "site-packages", "__pycache__", "coverage",
    "test", "tests", "fixtures",
}  # fmt: skip
_DEPTH = 5


def locate(path: str, kind: str | None) -> tuple[str, Place]:
    """The kind of a project and the place of its migrations, from a project's root or from the folder itself.

    Raises InputError where there is none, or more than one.
    """
    direct = kind_of(path)
    if kind is not None:
        if direct in (kind, "sql"):
            return kind, Place(path, root_of(path))
        for folder in _candidates(path):
            if kind_of(folder) == kind:
                return kind, Place(folder, path)
        return kind, Place(path, root_of(path))
    if direct is not None and (direct != "sql" or _numbered(path)):
        return direct, Place(path, root_of(path))
    unnamed: Place | None = None
    for folder in _candidates(path):
        found = kind_of(folder)
        if found == "sql" and not _numbered(folder):  # SQL beside an ORM's schema, say: only where nothing else is
            unnamed = unnamed or Place(folder, path)
        elif found:
            return found, Place(folder, path)
    if unnamed is not None:
        return "sql", unnamed
    if direct is not None:
        return direct, Place(path, root_of(path))
    deep = [(k, f) for f in _walk(path, _DEPTH) if (k := kind_of(f))]
    if len(deep) > 1:
        listed = "\n".join(f"  {folder}  ({found})" for found, folder in deep[:20])
        raise InputError(f"holds {len(deep)} folders of migrations", path=path, hint=f"Name one of them:\n{listed}")
    if deep:
        return deep[0][0], Place(deep[0][1], path)
    return "sql", Place(path, path)  # whose reader knows what to say about an empty folder


def kind_of(folder: str) -> str | None:
    """The kind of one folder by what lies directly in it, or None."""
    try:
        with os.scandir(folder) as entries:
            found = {e.name: e.is_dir() for e in entries if e.name[0] != "."}
    except OSError:
        return None
    if "meta" in found and exists(join(folder, "meta/_journal.json")):
        return "drizzle"
    if "sqitch.plan" in found:
        return "sqitch"
    if "alembic.ini" in found or ("env.py" in found and found.get("versions")):
        return "alembic"
    if found.get("deploy") and (found.get("revert") or found.get("verify")):
        return "sqitch"
    inner = [n for n, is_folder in found.items() if is_folder]
    if "migration_lock.toml" in found:
        return "prisma"
    for name in inner:
        if exists(join(folder, f"{name}/migration.sql")):
            return "drizzle-v1" if exists(join(folder, f"{name}/snapshot.json")) else "prisma"
    files = sorted(n for n, is_folder in found.items() if n.endswith(".sql") and not is_folder)
    if not files:
        if any(exists(join(folder, f"{n}/up.sql")) for n in inner):
            return "sql"
        deeper = (n for name in inner for n in _file_names(join(folder, name)))
        return "flyway" if any(_flyway(n) for n in deeper) else None
    return _of_files(folder, files)


def _of_files(folder: str, files: list[str]) -> str:
    if any(_flyway(n) for n in files):
        return "flyway"
    if any((m := plain.GOLANG_NAME.match(n)) and m["way"] == "up" for n in files):
        return "golang-migrate"
    for name in (files[0], files[-1]):
        marked = sections.marked(read(join(folder, name)).text)
        if marked:
            return marked
    if str(Path(folder).absolute()).endswith("supabase/migrations") and any(plain.NUMBERED.match(n) for n in files):
        return "supabase"
    return "sql"


def _flyway(name: str) -> bool:
    return "__" in name and bool(flyway.VERSIONED.match(name) or flyway.REPEATABLE.match(name))


def _numbered(folder: str) -> bool:
    return any(n[0].isdigit() for n in _file_names(folder))


def _file_names(folder: str) -> list[str]:
    try:
        return names(folder, ".sql")
    except InputError:
        return []


def root_of(folder: str) -> str:
    """The nearest folder upwards that looks like a project's root; its configuration may name the runner's table."""
    at = folder
    for _ in range(4):
        try:
            present = [entry.name for entry in os.scandir(at)]
        except OSError:
            break
        if any(n.startswith(("drizzle.config", "flyway.", "package.json", "pyproject.toml", ".git")) for n in present):
            return at
        at = os.path.normpath(join(at, ".."))
    return folder


def _candidates(root: str) -> Iterator[str]:
    seen: set[str] = set()
    for folder in (*drizzle.output_folder(root), *flyway.locations(root), *(join(root, n) for n in _USUAL)):
        if folder not in seen and is_folder(folder):
            seen.add(folder)
            yield folder


def _walk(folder: str, depth: int) -> Iterator[str]:
    try:
        inner = folders(folder)
    except InputError:
        return
    for name in inner:
        if name in _ELSEWHERE:
            continue
        path = join(folder, name)
        if (name in _NAMES and kind_of(path)) or exists(join(path, "meta/_journal.json")):
            yield path
        elif depth > 1:
            yield from _walk(path, depth - 1)
