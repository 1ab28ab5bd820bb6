"""Files of plain SQL: golang-migrate, Supabase, Prisma, hand-made folders, one file alone, standard input."""

from __future__ import annotations

import re

from pgassay.errors import InputError
from pgassay.model import Migration, Project, Runner, Statement, TransactionMode
from pgassay.sources.files import (
    DOWN,
    File,
    Place,
    alone,
    controls_transactions,
    decode,
    empty,
    exists,
    folders,
    last,
    line_of,
    names,
    natural,
    read,
)
from pgassay.sources.sections import DBMATE, GOOSE, dbmate, duplicates, goose, halves, marked
from pgassay.sql import parse

GOLANG_NAME = re.compile(r"^(?P<version>\d+)_(?P<name>.*)\.(?P<way>up|down)\.sql$")
NUMBERED = re.compile(r"^(?P<version>\d+)_.*\.sql$")
DOWN_NAME = re.compile(r"[._-](down|rollback|revert|undo)\.sql$", re.IGNORECASE)
PAIR = ("up.sql", "down.sql", "revert.sql", "rollback.sql")
UP_NAME = re.compile(r"[._-](up|deploy|do)\.sql$", re.IGNORECASE)

GOLANG = Runner(
    name="golang-migrate",
    concurrently="as the only statement of its file",
    table="schema_migrations",
)
SUPABASE = Runner(
    name="Supabase",
    concurrently="as the first statement of its file, with no other such statement after it",
    table="supabase_migrations.schema_migrations",
)
PRISMA = Runner(
    name="Prisma",
    concurrently="as the only statement of its migration.sql",
    table="_prisma_migrations",
)
PSQL = Runner(
    name="plain SQL",
    concurrently="where the runner sends the statements one by one outside a transaction, as psql does",
)


def open_golang(place: Place) -> Project:
    """golang-migrate (4): ``N_name.up.sql`` and ``N_name.down.sql``.

    True of the runner: versions in numeric order; the table holds the newest one and a dirty flag, so a file older
    than that is never run and nobody is told. Each file goes to the server as ONE query: an implicit transaction
    unless the file begins one itself or holds a single statement (``x-multi-statement`` changes that).
    """
    ups: list[tuple[int, str]] = []
    downs: dict[int, str] = {}
    for name in names(place.folder, ".sql"):
        match = GOLANG_NAME.match(name)
        if match and match["way"] == "up":
            ups.append((int(match["version"]), name))
        elif match:
            downs[int(match["version"])] = name
    if not ups:
        raise empty(place, "golang-migrate", "N_name.up.sql")
    ups.sort()
    migrations = tuple(
        _whole(read(place.path(name)), name.removesuffix(".up.sql"), "query", version, _way_back(place, downs, version))
        for version, name in ups
    )
    return Project(
        kind="golang-migrate",
        path=place.folder,
        runner=GOLANG,
        migrations=migrations,
        oddities=tuple(duplicates(migrations, "golang-migrate stops before it runs anything")),
    )


def open_supabase(place: Place) -> Project:
    """Supabase CLI (1 and 2): ``supabase/migrations/VERSION_name.sql``.

    True of the runner: a file's statements and the entry in ``supabase_migrations.schema_migrations`` are sent as one
    pipeline, which is one implicit transaction; CONCURRENTLY works as the first statement alone. Pending is
    every version that the table does not hold; one older than an applied version stops ``db push``, unless
    ``--include-all``. Files not named ``VERSION_name.sql`` are left out, so that ``down/`` can hold the ways back.
    """
    files = [(m, n) for n in names(place.folder, ".sql") if (m := NUMBERED.match(n))]
    if not files:
        raise empty(place, "Supabase", "VERSION_name.sql")
    migrations = tuple(
        _pipelined(
            _whole(
                read(place.path(name)),
                name.removesuffix(".sql"),
                "query",
                int(match["version"]),
                back_of(place.path(f"{DOWN}/{name}")),
            )
        )
        for match, name in sorted(files, key=lambda f: f[1])
    )
    return Project(
        kind="supabase",
        path=place.folder,
        runner=SUPABASE,
        migrations=migrations,
        oddities=tuple(duplicates(migrations, "Supabase cannot tell them apart and stops at the second")),
    )


def open_prisma(place: Place) -> Project:
    """Prisma Migrate (since 2.13): ``NAME/migration.sql``.

    True of the runner: folders in order of their names; each file goes to the server as ONE query, an implicit
    transaction unless it begins one itself or holds a single statement. Pending is every name that
    ``_prisma_migrations`` does not hold; a failed one stops the next deploy until it is resolved by hand. ``down.sql``
    beside it is a way back that Prisma itself does not know.
    """
    found = [n for n in folders(place.folder) if exists(place.path(f"{n}/migration.sql"))]
    if not found:
        raise empty(place, "Prisma", "folders that hold migration.sql")
    return Project(
        kind="prisma",
        path=place.folder,
        runner=PRISMA,
        migrations=tuple(
            _whole(read(place.path(f"{n}/migration.sql")), n, "query", down=back_of(place.path(f"{n}/down.sql")))
            for n in found
        ),
    )


def open_numbered(place: Place) -> Project:
    """A folder of ``.sql`` files whose runner is not known, in natural order.

    Assumed: a transaction a file, as most runners do; a file that begins or ends transactions itself, or holds a
    statement that none can hold (CONCURRENTLY, VACUUM), is run statement by statement, as psql does.
    ``name.down.sql``, ``name_rollback.sql`` and the like, ``down/name.sql``, and ``down.sql`` beside ``up.sql``, are
    ways back; so is what follows a line such as ``-- Down Migration`` (node-pg-migrate) or ``-- +migrate Down``
    (sql-migrate).
    """
    found = names(place.folder, ".sql")
    nested = False
    if not found:
        nested = True
        found = [
            f"{folder}/{name}"
            for folder in sorted(folders(place.folder), key=natural)
            for name in names(place.path(folder), ".sql")
            if name[0].isdigit() or name in PAIR
        ]
    downs = {_stem(n): n for n in found if _is_down(n)}
    ups = [n for n in found if not _is_down(n)]
    if not ups:
        raise empty(
            place,
            "plain SQL",
            "*.sql, Drizzle (meta/_journal.json), dbmate, goose, golang-migrate (*.up.sql), Flyway (V1__name.sql),"
            " sqitch (sqitch.plan), Alembic (alembic.ini), Prisma and Supabase",
        )
    migrations = []
    for name in ups:
        file = read(place.path(name))
        down = downs.get(_stem(name))
        back = back_of(place.path(down or f"{DOWN}/{name}"))
        label = name.removesuffix(".sql") if not nested else name.removesuffix("/up.sql").removesuffix(".sql")
        migrations.append(_guessed(file, label, back))
    return Project(kind="sql", path=place.folder, runner=PSQL, migrations=tuple(migrations))


def open_file(path: str) -> Project:
    """One file alone. Its marks tell dbmate's and goose's; any other is taken as in a folder of plain SQL."""
    return _single("file", read(path), last(path).removesuffix(".sql"))


def open_stdin(text: str | bytes) -> Project:
    """Standard input, named ``-``."""
    raw = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    file = File("-", raw, decode(raw, "-"))
    if not file.text.strip():
        raise InputError("standard input is empty", hint="Pipe SQL in, or name a folder or file.")
    return _single("stdin", file, "-")


def _single(kind: str, file: File, name: str) -> Project:
    section = marked(file.text)
    if section == "dbmate":
        runner, migration = DBMATE, dbmate(file, name)
    elif section == "goose":
        runner, migration = GOOSE, goose(file, name)
    elif file.path.endswith(".up.sql") and GOLANG_NAME.match(last(file.path)):
        runner, migration = GOLANG, _whole(file, name.removesuffix(".up"), "query")
    else:
        runner, migration = PSQL, _guessed(file, name, None)
    return Project(kind=kind, path=file.path, runner=runner, migrations=(migration,))


def _whole(
    file: File,
    name: str,
    mode: TransactionMode,
    when: int | None = None,
    down: tuple[Statement, ...] | None = None,
) -> Migration:
    return Migration(
        name=name,
        path=file.path,
        text=file.text,
        statements=_parsed(file),
        mode=mode,
        down=down,
        digest=file.digest,
        when=when,
    )


def _guessed(file: File, name: str, down: tuple[Statement, ...] | None) -> Migration:
    end, apart = halves(file.text)
    statements = parse(file.text[:end], file.path)
    if end < len(file.text) and down is None:
        down = parse(file.text[end:], file.path, first_line=line_of(file.text, end))
    own = apart or controls_transactions(statements) or any(alone(s) for s in statements)
    return Migration(
        name=name,
        path=file.path,
        text=file.text[:end],
        statements=statements,
        mode="autocommit" if own else "block",
        down=down,
        digest=file.digest,
    )


def _pipelined(migration: Migration) -> Migration:
    """A pipeline begins its implicit transaction after the first statement, where that cannot be in one."""
    first, *rest = migration.statements or (None,)
    if first is None or not rest or not alone(first) or any(alone(s) for s in rest if s is not None):
        return migration
    from dataclasses import replace

    return replace(migration, mode="autocommit")


def back_of(path: str) -> tuple[Statement, ...] | None:
    """The statements of a file that holds a way back, or None where it is not there."""
    return _parsed(read(path)) if exists(path) else None


def _parsed(file: File) -> tuple[Statement, ...]:
    return parse(file.text, file.path)


def _way_back(place: Place, downs: dict[int, str], version: int) -> tuple[Statement, ...] | None:
    return _parsed(read(place.path(downs[version]))) if version in downs else None


def _is_down(name: str) -> bool:
    return bool(DOWN_NAME.search(name)) or name.endswith(tuple(f"/{part}" for part in PAIR[1:]))


def _stem(name: str) -> str:
    folder, _, base = name.rpartition("/")
    if folder and base in PAIR:
        return folder
    return UP_NAME.sub("", DOWN_NAME.sub("", name)).removesuffix(".sql")
