"""Drizzle: the journal of drizzle-kit up to 0.31, and the folders of 1.0."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pgassay.errors import InputError
from pgassay.model import Migration, Oddity, Project, Runner, Statement
from pgassay.sources.files import DOWN, Place, empty, exists, folders, join, line_of, names, natural, read
from pgassay.sql import parse

BREAKPOINT = "--> statement-breakpoint"
_SETTING = r"""["']?\b{name}["']?\s*:\s*["'`](?P<value>[^"'`]+)["'`]"""
_LINE_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
_STAMP = re.compile(r"^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)_")


def open_journal(place: Place) -> Project:
    """The legacy layout (drizzle-kit to 0.31): ``meta/_journal.json`` and ``NNNN_name.sql``.

    True of the runner: the order is the journal's; a file is pending if its ``when`` is greater than the greatest
    ``created_at`` in ``drizzle.__drizzle_migrations``, read once before the run; all pending files run in ONE
    transaction, each piece between breakpoints as a query of its own. Edited files go unnoticed; no way down. What
    ``down/NNNN_name.sql`` holds is a way back that Drizzle itself does not know.
    """
    journal = place.path("meta/_journal.json")
    text = read(journal).text
    entries = list(_entries(text, journal))
    for tag, _ in entries:
        file = place.path(f"{tag}.sql")
        if not exists(file):
            raise InputError(
                f"names {file}, which is not there",
                path=journal,
                line=_entry_line(text, tag),
                hint="Restore the file, or drop the entry (drizzle-kit drop). Drizzle itself stops here as well.",
            )
    migrations = tuple(
        _migration(place.path(f"{tag}.sql"), tag, when, place.path(f"{DOWN}/{tag}.sql")) for tag, when in entries
    )
    return Project(
        kind="drizzle",
        path=place.folder,
        runner=_runner(place),
        migrations=migrations,
        oddities=(*_overtaken(text, journal, migrations), *_unnamed(place, {tag for tag, _ in entries})),
    )


def open_folders(place: Place) -> Project:
    """The layout of drizzle-kit 1.0: ``YYYYMMDDHHMMSS_name/migration.sql`` beside a ``snapshot.json``.

    True of the runner: folders in order of their names; pending is every name that is not in the table; still ONE
    transaction for all of them. Edited files go unnoticed; no way down but ``down.sql`` beside it, for whoever runs it.
    """
    found = [n for n in folders(place.folder) if exists(place.path(f"{n}/migration.sql"))]
    if not found:
        raise empty(place, "Drizzle 1.0", "folders that hold migration.sql and snapshot.json")
    migrations = tuple(
        _migration(place.path(f"{name}/migration.sql"), name, stamp(name), place.path(f"{name}/down.sql"))
        for name in found
    )
    return Project(kind="drizzle-v1", path=place.folder, runner=_runner(place), migrations=migrations)


def pieces(text: str, path: str) -> tuple[Statement, ...]:
    """The statements of a file, cut where Drizzle cuts it: whatever stands between the breakpoints."""
    line = 1
    statements: list[Statement] = []
    for piece in text.split(BREAKPOINT):
        statements += parse(piece, path, first_line=line)
        line += piece.count("\n")
    return tuple(statements)


def journal_whens(text: str, path: str) -> dict[str, int]:
    """Tag to ``when`` of a journal's text."""
    return dict(_entries(text, path))


def stamp(name: str) -> int | None:
    """Milliseconds since 1970 of a folder's name in UTC, as Drizzle records them."""
    from datetime import UTC, datetime

    match = _STAMP.match(name)
    if match is None:
        return None
    try:
        return int(datetime(*map(int, match.groups()), tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def output_folder(root: str) -> Iterator[str]:
    """The folders that the root's ``drizzle.config.*`` name as ``out``."""
    for config in _configs(root):
        match = re.search(_SETTING.format(name="out"), config)
        yield os.path.normpath(join(root, match["value"] if match else "drizzle"))


def _configs(root: str) -> Iterator[str]:
    suffixes = (".ts", ".js", ".mjs", ".cjs", ".mts", ".cts", ".json")
    for name in names(root or ".", *suffixes):
        if name.startswith("drizzle") and ".config" in name:
            yield _LINE_COMMENT.sub("", read(join(root, name)).text)


def _runner(place: Place) -> Runner:
    schema, table = "drizzle", "__drizzle_migrations"
    for config in _configs(place.root):
        block = re.search(r"\bmigrations[\"']?\s*:\s*\{(?P<body>[^}]*)\}", config)
        if block:
            found = {n: re.search(_SETTING.format(name=n), block["body"]) for n in ("schema", "table")}
            schema = found["schema"]["value"] if found["schema"] else schema
            table = found["table"]["value"] if found["table"] else table
            break
    return Runner(name="Drizzle", one_transaction=True, concurrently=None, table=f"{schema}.{table}")


def _migration(path: str, name: str, when: int | None, back: str) -> Migration:
    file = read(path)
    return Migration(
        name=name,
        path=path,
        text=file.text,
        statements=pieces(file.text, path),
        down=pieces(read(back).text, back) if exists(back) else None,
        digest=file.digest,
        when=when,
    )


def _entries(text: str, path: str) -> Iterator[tuple[str, int]]:
    try:
        journal: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"is no JSON: {error.msg} (column {error.colno})",
            path=path,
            line=error.lineno,
            hint="A merge conflict? Restore it from git, or let drizzle-kit write it anew.",
        ) from None
    dialect = journal.get("dialect") if isinstance(journal, dict) else None
    entries = journal.get("entries") if isinstance(journal, dict) else None
    if not isinstance(entries, list):
        raise InputError("is no journal of drizzle-kit: it has no list of entries", path=path, line=1)
    if dialect not in (None, "pg", "postgresql"):
        raise InputError(f"is the journal of a {dialect} project; pgassay reviews PostgreSQL", path=path, line=1)
    if not entries:
        raise InputError("names no migrations", path=path, line=1, hint="Run drizzle-kit generate first.")
    for number, entry in enumerate(entries):
        tag = entry.get("tag") if isinstance(entry, dict) else None
        when = entry.get("when") if isinstance(entry, dict) else None
        if not isinstance(tag, str) or not isinstance(when, (int, float)):
            raise InputError(f"entry {number} has no tag and time stamp (`when`)", path=path, line=1)
        yield tag, int(when)


def _entry_line(text: str, tag: str) -> int:
    return line_of(text, max(text.find(json.dumps(tag)), 0))


def _overtaken(text: str, journal: str, migrations: tuple[Migration, ...]) -> Iterator[Oddity]:
    """One oddity for each entry that overtakes later ones, at the first of these."""
    newest: Migration | None = None
    behind: dict[str, list[Migration]] = {}
    for migration in migrations:
        if newest is None or (migration.when or 0) > (newest.when or 0):
            newest = migration
        else:
            behind.setdefault(newest.name, []).append(migration)
    whens = {migration.name: migration.when or 0 for migration in migrations}
    for name, skipped in behind.items():
        first = overtaken(text, journal, skipped[0], name, whens[name])
        others = ", ".join(migration.name for migration in skipped[1:])
        yield replace(first, message=f"{first.message} So it does with {others}.") if others else first


def overtaken(text: str, journal: str, migration: Migration, newest: str, when: int) -> Oddity:
    """The oddity of an entry that is older than one deployed before it."""
    return Oddity(
        rule="silently-skipped-migration",
        path=journal,
        line=_entry_line(text, migration.name),
        migration=migration.name,
        message=(
            f"{migration.name} has `when` {migration.when}, which is not greater than {when} of {newest}:"
            f" where {newest} is deployed, Drizzle skips {migration.name} in silence and reports success."
            f" Give it a `when` greater than {when}."
        ),
    )


def _unnamed(place: Place, tags: set[str]) -> Iterator[Oddity]:
    for name in sorted(names(place.folder, ".sql"), key=natural):
        tag = name.removesuffix(".sql")
        if tag not in tags and name[0].isdigit():
            yield Oddity(
                rule="silently-skipped-migration",
                path=place.path(name),
                line=1,
                migration=tag,
                message=f"meta/_journal.json does not name {name}: Drizzle never runs it, and says nothing.",
            )
