"""The project's own books: the table in which its usual tool keeps what is deployed, written as that tool would.

Each entry is made in the transaction of the migration's last step, so that the tool agrees at any moment.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgassay.migrate.runner.model import Course
from pgassay.model import Migration, Name, Project
from pgassay.server import Connection, StatementError
from pgassay.sources.deployed import ancestors, runners_table
from pgassay.sources.files import inside, last
from pgassay.sql.queries import queries

_SQL = queries("pgassay.migrate.runner", "books.sql")
Entry = tuple[str, list[str | int | bool | None]]
_DIGITS = re.compile(r"^(\d+)_?(.*?)(\.sql)?$")
_VERSION = re.compile(r"^V(?P<version>\d+(?:[._]\d+)*)(?:__(?P<name>.*))?\.sql$")


@dataclass(frozen=True, slots=True)
class Books:
    """The table of one project in one database; ``columns`` are those that it has there."""

    project: Project
    table: Name
    columns: frozenset[str]

    def write(self, connection: Connection, course: Course, deployed: Sequence[str]) -> None:
        """A migration that is deployed now (or no more, on the way down), in the transaction that is open.

        ``deployed`` are the names of all that are deployed then. Raises StatementError.
        """
        up, down = _WRITERS[self.project.kind]
        for sql, values in (up if course.way == "up" else down)(self, course.migration, deployed):
            connection.run(sql.replace("{table}", str(self.table)), values)


_MADE = {
    "drizzle": "drizzle",
    "drizzle-v1": "drizzle_v1",
    "alembic": "alembic",
    "dbmate": "dbmate",
    "golang-migrate": "golang",
    "goose": "goose",
    "flyway": "flyway",
    "prisma": "prisma",
    "supabase": "supabase",
    "node-pg-migrate": "node_pg_migrate",
}


def keeps_books(project: Project) -> bool:
    """Whether the project's usual tool has a table that we write; sqitch has one that only sqitch can write."""
    return project.runner.table is not None and project.kind in _MADE


def open_books(project: Project, connection: Connection) -> Books | None:
    """The project's table, made as its tool would make it where it is missing; None where it has none.

    Raises StatementError.
    """
    if not keeps_books(project):
        return None
    table = runners_table(project, connection)
    if table is None:
        schema, _, name = (project.runner.table or "").rpartition(".")
        table = Name(schema or _first_schema(connection), name)
        words = {"schema": str(Name(None, table.schema or "")), "table": str(table), "name": table.name}
        script = _SQL[_MADE[project.kind]]
        for name, value in words.items():
            script = script.replace("{" + name + "}", value)
        if connection.value("SELECT pg_catalog.to_regnamespace($1)", [words["schema"]]) is not None:
            script = re.sub(r"CREATE SCHEMA.*?;", "", script)  # which wants a right even where there is nothing to do
        connection.run(f"BEGIN; {script}; COMMIT")
    columns = connection.json(_SQL["columns"], [str(table)]) or []
    return Books(project, table, frozenset(columns))


def dirty(project: Project, connection: Connection) -> str | None:
    """What the tool's table says went wrong and keeps the tool from going on, if it says so."""
    table = runners_table(project, connection)
    if table is None:
        return None
    try:
        match project.kind:
            case "golang-migrate":
                if connection.value(f"SELECT dirty FROM {table}") == "t":
                    return f"{table} is marked dirty: golang-migrate was cut off there. Repair, then `migrate force`"
            case "flyway":
                script = connection.value(f"SELECT script FROM {table} WHERE NOT success")
                if script is not None:
                    return f"{table} says that {script} failed. Repair, then `flyway repair`"
            case "prisma":
                name = connection.value(
                    f"SELECT migration_name FROM {table} WHERE finished_at IS NULL AND rolled_back_at IS NULL"
                )
                if name is not None:
                    return f"{table} says that {name} failed. Repair, then `prisma migrate resolve`"
            case _:
                return None
    except StatementError:  # who cannot read it is told so when what is deployed is looked up
        return None
    return None


def _first_schema(connection: Connection) -> str:
    return connection.value("SELECT pg_catalog.current_schema()") or "public"


Writer = Callable[[Books, Migration, Sequence[str]], list[Entry]]


def _drizzle_up(books: Books, migration: Migration, _: Sequence[str]) -> list[Entry]:
    if "name" in books.columns:
        sql = "INSERT INTO {table} (hash, created_at, name) VALUES ($1, $2, $3)"
        return [(sql, [migration.digest, migration.when, migration.name])]
    return [("INSERT INTO {table} (hash, created_at) VALUES ($1, $2)", [migration.digest, migration.when])]


def _drizzle_down(books: Books, migration: Migration, _: Sequence[str]) -> list[Entry]:
    if "name" in books.columns:
        return [("DELETE FROM {table} WHERE name = $1", [migration.name])]
    return [("DELETE FROM {table} WHERE created_at = $1", [migration.when])]


def _heads(books: Books, _: Migration, deployed: Sequence[str]) -> list[Entry]:
    """Alembic keeps the revisions that no other deployed one descends from."""
    known = {m.name: m.path for m in books.project.migrations}
    mine = [name for name in deployed if name in known]
    passed = {parent for name in mine for parent in ancestors(known[name])}
    heads = [name for name in mine if name not in passed]
    listed = json.dumps(list(known)), json.dumps(heads)
    each = "SELECT pg_catalog.json_array_elements_text($1::pg_catalog.json)"
    return [
        (f"DELETE FROM {{table}} WHERE version_num IN ({each})", [listed[0]]),
        (f"INSERT INTO {{table}} (version_num) {each}", [listed[1]]),
    ]


def _version_up(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    return [("INSERT INTO {table} (version) VALUES ($1)", [_digits(migration)])]


def _version_down(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    return [("DELETE FROM {table} WHERE version = $1", [_digits(migration)])]


def _supabase_up(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    match = _DIGITS.match(migration.name)
    sql = (
        "INSERT INTO {table} (version, name, statements) SELECT $1, $2,"
        " ARRAY(SELECT pg_catalog.json_array_elements_text($3::pg_catalog.json))"
    )
    return [(sql, [_digits(migration), match[2] if match else "", json.dumps([s.text for s in migration.statements])])]


def _golang(books: Books, _: Migration, deployed: Sequence[str]) -> list[Entry]:
    names = set(deployed)
    newest = max((m.when or 0 for m in books.project.migrations if m.name in names), default=None)
    entries: list[Entry] = [("DELETE FROM {table}", [])]
    if newest is not None:
        entries.append(("INSERT INTO {table} (version, dirty) VALUES ($1, false)", [newest]))
    return entries


def _goose_up(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    return [("INSERT INTO {table} (version_id, is_applied) VALUES ($1, true)", [migration.when])]


def _goose_down(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    return [("DELETE FROM {table} WHERE version_id = $1", [migration.when])]


def _flyway_up(books: Books, migration: Migration, _: Sequence[str]) -> list[Entry]:
    base = last(migration.path)
    match = _VERSION.match(base)
    version = match["version"].replace("_", ".") if match else None
    words = (match["name"] or "") if match else base.removeprefix("R__").removesuffix(".sql")
    sql = (
        "INSERT INTO {table} (installed_rank, version, description, type, script, checksum, installed_by,"
        " execution_time, success)"
        " SELECT COALESCE(max(installed_rank), 0) + 1, $1, $2, 'SQL', $3, $4, current_user, 0, true FROM {table}"
    )
    script = inside(books.project.path, migration.path)
    return [(sql, [version, words.replace("_", " "), script, int(migration.digest)])]


def _flyway_down(books: Books, migration: Migration, _: Sequence[str]) -> list[Entry]:
    return [("DELETE FROM {table} WHERE script = $1", [inside(books.project.path, migration.path)])]


def _prisma_up(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    sql = (
        "INSERT INTO {table} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)"
        " VALUES ($1, $2, $3, now(), pg_catalog.clock_timestamp(), 1)"
    )
    return [(sql, [str(uuid.uuid4()), migration.digest, migration.name])]


def _prisma_down(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    return [("DELETE FROM {table} WHERE migration_name = $1", [migration.name])]


def _node_up(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    return [("INSERT INTO {table} (name, run_on) VALUES ($1, now())", [migration.name])]


def _node_down(_: Books, migration: Migration, __: Sequence[str]) -> list[Entry]:
    return [("DELETE FROM {table} WHERE name = $1", [migration.name])]


def _digits(migration: Migration) -> str:
    match = _DIGITS.match(migration.name)
    return match[1] if match else migration.name


_WRITERS: dict[str, tuple[Writer, Writer]] = {
    "drizzle": (_drizzle_up, _drizzle_down),
    "drizzle-v1": (_drizzle_up, _drizzle_down),
    "alembic": (_heads, _heads),
    "dbmate": (_version_up, _version_down),
    "supabase": (_supabase_up, _version_down),
    "golang-migrate": (_golang, _golang),
    "goose": (_goose_up, _goose_down),
    "flyway": (_flyway_up, _flyway_down),
    "prisma": (_prisma_up, _prisma_down),
    "node-pg-migrate": (_node_up, _node_down),
}
