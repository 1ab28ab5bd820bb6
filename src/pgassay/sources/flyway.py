"""Flyway: versioned, repeatable and undo files."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator

from pgassay.errors import InputError
from pgassay.model import Migration, Oddity, Project, Runner, TransactionMode
from pgassay.sources.files import File, Place, alone, empty, exists, folders, join, last, line_of, names, natural, read
from pgassay.sql import parse

VERSIONED = re.compile(r"^(?P<kind>[VU])(?P<version>\d+(?:[._]\d+)*)(?:__(?P<name>.*))?\.sql$")
REPEATABLE = re.compile(r"^R__(?P<name>.+)\.sql$")
_PLACEHOLDER = re.compile(r"\$\{(?P<name>[^}\s]+)\}")
_CONFIGS = ("flyway.toml", "flyway.conf", "conf/flyway.conf")
_SETTING = r"^[ \t]*(?:flyway\.)?{name}[ \t]*=[ \t]*[\"'\[]*(?P<value>[^\"'\]\r\n]*)"
_BUILT_IN = {"flyway:defaultSchema": "public", "flyway:database": "app", "flyway:user": "app", "flyway:table": "t"}


def open_flyway(place: Place) -> Project:
    """Flyway (9 to 11): ``V1__name.sql``, ``R__name.sql`` and ``U1__name.sql``, in subfolders too.

    True of the runner: versions in order of their numbers, then the repeatable files whose checksum changed, by name.
    A transaction a file (``group=true``: one for all); a file of statements that no transaction can hold runs without
    one, a file that mixes both kinds is refused unless ``mixed=true``. Since 9.1.2 CREATE INDEX CONCURRENTLY waits
    forever for Flyway's own lock unless ``flyway.postgresql.transactional.lock=false``. A version older than an applied
    one, and an applied file whose checksum changed, stop the run (``outOfOrder``, ``repair``).
    """
    config = _config(place.root)
    versioned: list[tuple[tuple[int, ...], str]] = []
    repeatable: list[tuple[str, str]] = []
    undo: dict[tuple[int, ...], str] = {}
    for name in _everywhere(place.folder):
        base = name.rsplit("/", 1)[-1]
        match = VERSIONED.match(base)
        again = REPEATABLE.match(base)
        if match and match["kind"] == "V":
            versioned.append((version_key(match["version"]), name))
        elif match:
            undo[version_key(match["version"])] = name
        elif again:
            repeatable.append((again["name"], name))
    if not versioned and not repeatable:
        raise empty(place, "Flyway", "V1__name.sql and R__name.sql")
    versioned.sort()
    repeatable.sort()
    reader = _Reader(config, place)
    migrations = [reader.migration(n, ".".join(map(str, v)), undo.get(v)) for v, n in versioned]
    migrations += [reader.migration(n, f"R__{description}", None) for description, n in repeatable]
    return Project(
        kind="flyway",
        path=place.folder,
        runner=Runner(
            name="Flyway",
            one_transaction=_setting(config, "group") == "true",
            concurrently="in a file of its own, with flyway.postgresql.transactional.lock=false"
            " (otherwise it waits forever for Flyway's own lock)",
            table=_setting(config, "table") or "flyway_schema_history",
        ),
        migrations=tuple(migrations),
        oddities=tuple(_duplicates(migrations)),
    )


def checksum(text: str) -> str:
    """Flyway's checksum: CRC-32 over the lines without their ends, as a signed number."""
    crc = 0
    for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")):
        crc = zlib.crc32(line.encode(), crc)
    return str(crc - (1 << 32) if crc >= 1 << 31 else crc)


def runs_out_of_order(root: str) -> bool:
    """Whether the configuration in a project's root lets Flyway run versions older than an applied one."""
    return _setting(_config(root), "outOfOrder") == "true"


def version_key(version: str) -> tuple[int, ...]:
    """``1.10`` after ``1.9``; ``1.0`` is ``1``."""
    parts = [int(p) for p in re.split(r"[._]", version)]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def locations(root: str) -> Iterator[str]:
    """The folders that Flyway's configuration names, where it lies in the root."""
    value = _setting(_config(root), "locations")
    for location in (value or "").split(","):
        kind, _, folder = location.strip().strip("\"'").rpartition(":")
        if folder and kind in ("", "filesystem"):
            yield os.path.normpath(join(root, folder.rstrip("*/")))


class _Reader:
    def __init__(self, config: str, place: Place) -> None:
        self.place = place
        self.mixed = _setting(config, "mixed") == "true"
        self.replace = _setting(config, "placeholderReplacement") != "false"
        found = re.finditer(
            r"^[ \t]*(?:flyway\.)?placeholders\.(\S+?)[ \t]*=[ \t]*[\"']?([^\"'\r\n]*)", config, re.MULTILINE
        )
        self.placeholders = _BUILT_IN | {m[1]: m[2].strip() for m in found} | _table(config, "placeholders")

    def migration(self, name: str, label: str, undo: str | None) -> Migration:
        file = read(self.place.path(name))
        text = self.filled(file)
        statements = parse(text, file.path)
        outside = [alone(s) for s in statements]
        settings = file.path + ".conf"
        own = _setting(read(settings).text, "executeInTransaction") if exists(settings) else None
        mode: TransactionMode = "block"
        if own == "false" or (own is None and any(outside) and (all(outside) or self.mixed)):
            mode = "autocommit"
        down = None
        if undo:
            back = read(self.place.path(undo))
            down = parse(self.filled(back), back.path)
        return Migration(
            name=label,
            path=file.path,
            text=text,
            statements=statements,
            mode=mode,
            down=down,
            digest=checksum(file.text),
        )

    def filled(self, file: File) -> str:
        if not self.replace or "${" not in file.text:
            return file.text

        def value(match: re.Match[str]) -> str:
            name = match["name"]
            if name == "flyway:filename":
                return last(file.path)
            if name not in self.placeholders:
                raise InputError(
                    f"the placeholder ${{{name}}} has no value",
                    path=file.path,
                    line=line_of(file.text, match.start()),
                    hint=f"Write flyway.placeholders.{name}=… into flyway.conf, or placeholderReplacement=false.",
                )
            found: str = self.placeholders[name]
            return found

        return _PLACEHOLDER.sub(value, file.text)


def _everywhere(folder: str) -> Iterator[str]:
    yield from names(folder, ".sql")
    for inner in sorted(folders(folder), key=natural):
        for name in _everywhere(join(folder, inner)):
            yield f"{inner}/{name}"


def _duplicates(migrations: list[Migration]) -> Iterator[Oddity]:
    seen: dict[str, Migration] = {}
    for migration in migrations:
        first = seen.setdefault(migration.name, migration)
        if first is not migration:
            yield Oddity(
                rule="silently-skipped-migration",
                path=migration.path,
                line=1,
                migration=migration.name,
                message=f"{migration.path} has the version of {first.path}: Flyway stops before it runs anything.",
            )


def _config(root: str) -> str:
    return "\n".join(read(path).text for c in _CONFIGS if exists(path := join(root, c)))


def _setting(config: str, name: str) -> str | None:
    match = re.search(_SETTING.format(name=re.escape(name)), config, re.MULTILINE)
    return match["value"].strip() if match else None


def _table(config: str, name: str) -> dict[str, str]:
    """The lines of a TOML table such as ``[flyway.placeholders]``."""
    match = re.search(rf"^\[(?:flyway\.)?{name}\](?P<body>[^\[]*)", config, re.MULTILINE)
    lines = re.finditer(
        r"^[ \t]*[\"']?([\w.-]+)[\"']?[ \t]*=[ \t]*[\"']([^\"'\r\n]*)", match["body"] if match else "", re.M
    )
    return {m[1]: m[2] for m in lines}
