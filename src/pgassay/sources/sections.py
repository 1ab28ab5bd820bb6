"""One file, both ways: dbmate and goose, whose files hold an up and a down section."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.errors import InputError
from pgassay.model import Migration, Oddity, Project, Runner, Statement
from pgassay.sources.files import File, Place, empty, line_of, names, read
from pgassay.sql import parse

_VERSION = re.compile(r"^(\d+)")
_DBMATE = re.compile(r"^--[ \t]*migrate:(?P<way>up|down)(?=[ \t\r]*$|[ \t])(?P<options>.*)$", re.MULTILINE)
_GOOSE = re.compile(r"^--[ \t]*\+goose[ \t]+(?P<way>up|down)[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
_GOOSE_ALONE = re.compile(r"^--[ \t]*\+goose[ \t]+no[ \t]+transaction[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
# What other runners write: node-pg-migrate's "Up Migration", sql-migrate's "+migrate Up", a bare "Up".
_OTHERS = re.compile(
    r"^--[ \t-]*(?:(?:\+migrate|rambler)[ \t]+(?P<tool>up|down)\b(?P<options>.*)"
    r"|(?P<named>up|down)[ \t]+migration\b.*|(?P<bare>up|down)[ \t\r]*)$",
    re.MULTILINE | re.IGNORECASE,
)

DBMATE = Runner(
    name="dbmate",
    concurrently="as the only statement of a section marked `-- migrate:up transaction:false`",
    table="schema_migrations",
)
GOOSE = Runner(
    name="goose",
    concurrently="in a file that says `-- +goose NO TRANSACTION`",
    table="goose_db_version",
)


def open_dbmate(place: Place) -> Project:
    """dbmate (1 and 2): ``VERSION_name.sql`` with ``-- migrate:up`` and ``-- migrate:down``.

    True of the runner: files in order of their names; pending is every version that ``schema_migrations`` does not
    hold, older ones too; a transaction a file. With ``transaction:false`` the section goes to the server as one
    query: several statements then still share an implicit transaction, so CONCURRENTLY must stand alone.
    """
    files = [n for n in sorted(names(place.folder, ".sql")) if n[0].isdigit()]
    if not files:
        raise empty(place, "dbmate", "VERSION_name.sql with -- migrate:up")
    migrations = tuple(dbmate(read(place.path(name)), name) for name in files)
    return Project(
        kind="dbmate",
        path=place.folder,
        runner=DBMATE,
        migrations=migrations,
        oddities=tuple(duplicates(migrations, "dbmate counts the second as applied once the first is")),
    )


def open_goose(place: Place) -> Project:
    """goose (3): ``VERSION_name.sql`` with ``-- +goose Up`` and ``-- +goose Down``.

    True of the runner: files in order of their versions; statements one by one in a transaction a file, or each on
    its own after ``-- +goose NO TRANSACTION``. A pending file older than an applied one stops the run, unless
    ``-allow-missing``. Environment variables (ENVSUB) are not filled in here. Migrations in Go are not read.
    """
    files = [n for n in names(place.folder, ".sql") if _VERSION.match(n)]
    if not files:
        raise empty(place, "goose", "VERSION_name.sql with -- +goose Up (migrations written in Go cannot be read)")
    migrations = tuple(goose(read(place.path(name)), name) for name in files)
    return Project(
        kind="goose",
        path=place.folder,
        runner=GOOSE,
        migrations=migrations,
        oddities=tuple(duplicates(migrations, "goose stops before it runs anything")),
    )


def dbmate(file: File, name: str) -> Migration:
    """One dbmate file. Raises InputError where dbmate itself refuses it."""
    text = file.text
    marks = list(_DBMATE.finditer(text))
    up = next((m for m in marks if m["way"] == "up"), None)
    down = next((m for m in marks if m["way"] == "down"), None)
    if up is None or (down and down.start() < up.start()):
        raise InputError(
            "dbmate needs a line `-- migrate:up` before `-- migrate:down`" if up else "has no line `-- migrate:up`",
            path=file.path,
            line=1,
            hint="dbmate refuses this file. For plain SQL files use --kind sql.",
        )
    if re.search(r"^(?![ \t\r]*(--|$))", text[: up.start()], re.MULTILINE) and parse(text[: up.start()], file.path):
        raise InputError("has statements before `-- migrate:up`, which dbmate refuses", path=file.path, line=1)
    end = down.start() if down else len(text)
    section = text[up.start() : end]
    return Migration(
        name=name,
        path=file.path,
        text=section,
        statements=_section(text, up.start(), end, file.path),
        mode="query" if "transaction:false" in up["options"].split() else "block",
        down=_section(text, end, len(text), file.path) if down else None,
        digest=file.digest,
        when=_version(name),
    )


def goose(file: File, name: str) -> Migration:
    """One goose file. Raises InputError where goose itself refuses it."""
    text = file.text
    marks = list(_GOOSE.finditer(text))
    if not marks or marks[0]["way"].lower() != "up":
        raise InputError(
            "has no line `-- +goose Up` to begin with",
            path=file.path,
            line=line_of(text, marks[0].start()) if marks else 1,
            hint="goose refuses this file. For plain SQL files use --kind sql.",
        )
    if len(marks) > 1 and marks[1]["way"].lower() == "up":
        raise InputError("has two lines `-- +goose Up`", path=file.path, line=line_of(text, marks[1].start()))
    end = marks[1].start() if len(marks) > 1 else len(text)
    return Migration(
        name=name,
        path=file.path,
        text=text[:end],
        statements=_section(text, 0, end, file.path),
        mode="autocommit" if _GOOSE_ALONE.search(text) else "block",
        down=_section(text, end, len(text), file.path) if len(marks) > 1 else None,
        digest=file.digest,
        when=_version(name),
    )


def marked(text: str) -> str | None:
    """Whose sections a text holds: ``dbmate``, ``goose`` or nobody's."""
    if "migrate:up" in text and _DBMATE.search(text):
        return "dbmate"
    if "+goose" in text and _GOOSE.search(text):
        return "goose"
    return None


def halves(text: str) -> tuple[int, bool]:
    """Where the way back begins in a file of another runner that holds both ways (the end where it holds none), and
    whether its marks ask for no transaction."""
    forth = alone = False
    for mark in _OTHERS.finditer(text):
        way = (mark["tool"] or mark["named"] or mark["bare"]).lower()
        if way == "up":
            forth = True
            alone = alone or "notransaction" in (mark["options"] or "").lower()
        elif forth or mark["named"]:
            return mark.start(), alone
    return len(text), alone


def other_marks(text: str) -> tuple[str, str] | None:
    """The lines with which another runner's file begins its way forward and back, without what else they say."""
    for mark in _OTHERS.finditer(text):
        way = mark["tool"] or mark["named"] or mark["bare"]
        other = "Down" if way[0].isupper() else "down"
        start, end = mark.start(), mark.end("tool") if mark["tool"] else mark.end()
        line = text[start:end].rstrip()
        if way.lower() == "up":
            return line, line.replace(way, other, 1)
    return None


def duplicates(migrations: tuple[Migration, ...], consequence: str) -> Iterator[Oddity]:
    """The migrations whose version another one has already."""
    seen: dict[int, Migration] = {}
    for migration in migrations:
        if migration.when is None:
            continue
        first = seen.setdefault(migration.when, migration)
        if first is not migration:
            yield Oddity(
                rule="silently-skipped-migration",
                path=migration.path,
                line=1,
                migration=migration.name,
                message=f"{migration.name} has the version of {first.name} ({migration.when}): {consequence}.",
            )


def _section(text: str, start: int, end: int, path: str) -> tuple[Statement, ...]:
    return parse(text[start:end], path, first_line=line_of(text, start))


def _version(name: str) -> int | None:
    match = _VERSION.match(name)
    return int(match[1]) if match else None
