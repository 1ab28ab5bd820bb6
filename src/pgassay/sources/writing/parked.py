"""Migrations that park what they drop: suggestions beside the migrations, where no runner takes them for its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.model import Migration
from pgassay.sources.files import join, last, parent
from pgassay.sources.plain import PAIR
from pgassay.sources.writing import save
from pgassay.sources.writing.model import NewFile, Writing
from pgassay.sources.writing.text import comment, script

PARKED = "parked"  # the folder


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedFiles:
    """The statements of one such migration, of its way back, and of what destroys in the end."""

    migration: Migration
    up: tuple[str, ...]
    down: tuple[str, ...]
    contract: tuple[str, ...]
    alone: bool = False  # the way back does not run in one transaction


def write_parked(suggestions: Sequence[ParkedFiles], *, out: str | None = None) -> tuple[str, ...]:
    """``parked/park_NAME.up.sql``, ``….down.sql`` and ``….contract.sql``. Returns the paths.

    Raises InputError for a file that is there already, DiskFull.
    """
    files = [file for each in suggestions for file in _files(each, out)]
    with save.saved(Writing(files=tuple(files))):
        return tuple(file.path for file in files)


def _files(each: ParkedFiles, out: str | None) -> list[NewFile]:
    path = each.migration.path
    folder = parent(path)
    if last(path) in (*PAIR, "migration.sql"):
        folder = parent(folder)
    stem = join(out or folder, f"{PARKED}/park_" + re.sub(r"\W+", "_", each.migration.name))
    name = last(path)
    head = comment(f"In place of {name}: what it drops is moved to the schema pgassay_parked instead.")
    back = comment(f"The way back of {last(stem)}.up.sql: what is parked comes back.")
    if each.alone:
        back += comment(
            "Outside of a transaction, as psql --file runs it: some of it must be committed before the rest."
        )
    end = comment("To be run when nobody wants it back any more: this destroys what is parked.")
    return [
        NewFile(path=f"{stem}.up.sql", text=head + script(each.up)),
        NewFile(path=f"{stem}.down.sql", text=back + script(each.down)),
        NewFile(path=f"{stem}.contract.sql", text=end + script(each.contract)),
    ]
