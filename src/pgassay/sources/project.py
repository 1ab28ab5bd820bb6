"""From what the user names to a project, and from pending files to transactions."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from pgassay.errors import InputError, UsageError
from pgassay.model import Migration, Project, Transaction
from pgassay.sources import detect, drizzle, flyway, plain, sections, sqitch
from pgassay.sources.files import Place, join, last, shown

_READERS: dict[str, Callable[[Place], Project]] = {
    "drizzle": drizzle.open_journal,
    "drizzle-v1": drizzle.open_folders,
    "dbmate": sections.open_dbmate,
    "goose": sections.open_goose,
    "golang-migrate": plain.open_golang,
    "flyway": flyway.open_flyway,
    "sqitch": sqitch.open_sqitch,
    "prisma": plain.open_prisma,
    "supabase": plain.open_supabase,
    "sql": plain.open_numbered,
}

KINDS = (*_READERS, "alembic", "file", "stdin")
_MARKERS = {"_journal.json": "../..", "sqitch.plan": "..", "alembic.ini": "..", "migration_lock.toml": ".."}


def open_project(path: str, *, kind: str | None = None, allow_code: bool = False, text: str | None = None) -> Project:
    """The migrations of a project's root, a migrations folder, one ``.sql`` file, or ``text`` where ``path`` is ``-``.

    ``kind`` (one of KINDS) overrides what the folder looks like. ``allow_code`` lets Alembic run the project's Python.
    Raises InputError for what cannot be read and UsageError for what is asked for wrongly.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"there is no kind {kind!r}", hint=f"Kinds: {', '.join(KINDS)}.")
    if path == "-" or kind == "stdin":
        return plain.open_stdin(text or "")
    place = shown(path)
    try:
        folder = stat.S_ISDIR(Path(place).stat().st_mode)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise InputError("no such file or folder" if missing else error.strerror or str(error), path=path) from None
    if not folder:
        name = last(place)
        if name in _MARKERS or name.startswith("drizzle.config"):
            place = os.path.normpath(join(place, _MARKERS.get(name, "..")))
        elif kind in (None, "file", "sql"):
            if kind is None and not name.endswith((".sql", ".pgsql", ".psql", ".ddl")):
                raise InputError(
                    "is neither a folder nor a .sql file",
                    path=place,
                    hint="To read it as SQL all the same: --kind file.",
                )
            return plain.open_file(place)
        else:
            raise UsageError(f"{place} is a file; --kind {kind} needs a folder")
    elif kind == "file":
        raise UsageError(f"{place} is a folder; --kind file needs a file")
    found, where = detect.locate(place, kind)
    if found == "alembic":
        from pgassay.sources.revisions import open_alembic

        return open_alembic(where, allow_code=allow_code)
    return _READERS[found](where)


def transactions(project: Project, pending: Sequence[Migration]) -> tuple[Transaction, ...]:
    """Pending migrations as the runner sends them: all together, or each on its own."""
    groups: list[Transaction] = []
    for migration in pending:
        last = groups[-1] if groups else None
        if project.runner.one_transaction and migration.mode == "block" and last and last.mode == "block":
            groups[-1] = Transaction(migrations=(*last.migrations, migration), mode="block")
        else:
            groups.append(Transaction(migrations=(migration,), mode=migration.mode))
    return tuple(groups)
