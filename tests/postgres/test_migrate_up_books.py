"""The books of each tool: written as it writes them, read back as it reads them, taken back again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgassay.migrate.runner import MigrationStopped
from pgassay.server import OWNER, Connection, Server
from pgassay.sources.flyway import checksum
from tests.migrating import drizzle, look, migrate, write

A, B = "CREATE TABLE a (id int);", "CREATE TABLE b (id int);"
PROJECTS: dict[str, tuple[dict[str, str], str, list[list[str | None]]]] = {
    "dbmate": (
        {
            "db/migrations/01_a.sql": f"-- migrate:up\n{A}\n-- migrate:down\nDROP TABLE a;",
            "db/migrations/02_b.sql": f"-- migrate:up\n{B}\n-- migrate:down\nDROP TABLE b;",
        },
        "SELECT version FROM schema_migrations ORDER BY version",
        [["01"], ["02"]],
    ),
    "goose": (
        {
            "migrations/00001_a.sql": f"-- +goose Up\n{A}\n-- +goose Down\nDROP TABLE a;",
            "migrations/00002_b.sql": f"-- +goose Up\n{B}\n-- +goose Down\nDROP TABLE b;",
        },
        "SELECT version_id, is_applied FROM goose_db_version WHERE version_id > 0 ORDER BY id",
        [["1", "t"], ["2", "t"]],
    ),
    "golang-migrate": (
        {
            "migrations/1_a.up.sql": A,
            "migrations/1_a.down.sql": "DROP TABLE a;",
            "migrations/2_b.up.sql": B,
            "migrations/2_b.down.sql": "DROP TABLE b;",
        },
        "SELECT version, dirty FROM schema_migrations",
        [["2", "f"]],
    ),
    "flyway": (
        {
            "V1__first_one.sql": A,
            "U1__u.sql": "DROP TABLE a;",
            "V1_2__b.sql": B,
            "R__view.sql": "SELECT 1;",
        },
        "SELECT installed_rank, version, description, type, script, checksum, success FROM flyway_schema_history"
        " ORDER BY 1",
        [
            ["1", "1", "first one", "SQL", "V1__first_one.sql", checksum(A), "t"],
            ["2", "1.2", "b", "SQL", "V1_2__b.sql", checksum(B), "t"],
            ["3", None, "view", "SQL", "R__view.sql", checksum("SELECT 1;"), "t"],
        ],
    ),
    "prisma": (
        {
            "prisma/migrations/1_a/migration.sql": A,
            "prisma/migrations/2_b/migration.sql": B,
            "prisma/migrations/2_b/down.sql": "DROP TABLE b;",
        },
        "SELECT migration_name, length(checksum), finished_at IS NOT NULL, applied_steps_count FROM _prisma_migrations"
        " ORDER BY 1",
        [["1_a", "64", "t", "1"], ["2_b", "64", "t", "1"]],
    ),
    "supabase": (
        {
            "supabase/migrations/01_a.sql": A,
            "supabase/migrations/02_b.sql": B,
            "supabase/migrations/down/02_b.sql": "DROP TABLE b;",
        },
        "SELECT version, name, statements FROM supabase_migrations.schema_migrations ORDER BY 1",
        [["01", "a", '{"CREATE TABLE a (id int)"}'], ["02", "b", '{"CREATE TABLE b (id int)"}']],
    ),
    "drizzle-v1": (
        {
            "drizzle/20250101000000_a/migration.sql": A,
            "drizzle/20250101000000_a/snapshot.json": "{}",
            "drizzle/20250102000000_b/migration.sql": B,
            "drizzle/20250102000000_b/snapshot.json": "{}",
            "drizzle/20250102000000_b/down.sql": "DROP TABLE b;",
        },
        "SELECT name, created_at, length(hash) FROM drizzle.__drizzle_migrations ORDER BY 1",
        [["20250101000000_a", "1735689600000", "64"], ["20250102000000_b", "1735776000000", "64"]],
    ),
    "node-pg-migrate": (
        {
            "migrations/1_a.sql": f"-- Up Migration\n{A}\n-- Down Migration\nDROP TABLE a;",
            "migrations/2_b.sql": f"-- Up Migration\n{B}\n-- Down Migration\nDROP TABLE b;",
        },
        "SELECT name FROM pgmigrations ORDER BY id",
        [["1_a"], ["2_b"]],
    ),
}


@pytest.fixture
def url(server: Server, database: str) -> str:
    return f"postgresql://{OWNER}@/{database}?host={server.sockets}"


@pytest.mark.parametrize("kind", PROJECTS)
def test_books_are_kept(tmp_path: Path, url: str, connection: Connection, kind: str) -> None:
    files, query, expected = PROJECTS[kind]
    write(tmp_path, files)
    assert look(tmp_path, url).project.kind in (kind, "sql" if kind == "node-pg-migrate" else kind)
    migrate(tmp_path, url)
    assert connection.run(query) == expected
    assert look(tmp_path, url).pending == ()
    if kind == "flyway":
        return
    migrate(tmp_path, url, "down")
    gone = [["1", "f"]] if kind == "golang-migrate" else expected[:1]
    assert connection.run(query) == gone
    assert [m.name for m in look(tmp_path, url).pending] == [look(tmp_path, url).project.migrations[-1].name]
    migrate(tmp_path, url)
    assert connection.run(query) == expected


def test_what_the_tool_took_back_runs_again(tmp_path: Path, url: str, connection: Connection) -> None:
    drizzle(tmp_path, {"0000_a": A, "0001_b": B})
    migrate(tmp_path, url)
    connection.run("DROP TABLE b; DELETE FROM drizzle.__drizzle_migrations WHERE created_at = 1700000000001")
    assert migrate(tmp_path, url).migrations == ["0001_b"]


def test_a_dirty_table_is_respected(tmp_path: Path, url: str, connection: Connection) -> None:
    from pgassay.workflows.migrate_status import status

    write(tmp_path, PROJECTS["golang-migrate"][0])
    connection.run("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)")
    connection.run("INSERT INTO schema_migrations VALUES (1, true)")
    with pytest.raises(MigrationStopped, match="is marked dirty"):
        status(str(tmp_path), url)


def test_sqitch_is_told_by_our_record(tmp_path: Path, url: str, connection: Connection) -> None:
    plan = "%syntax-version=1.0.0\n%project=p\n\na 2025-01-01T00:00:00Z A <a@b> # a\n"
    write(tmp_path, {"sqitch.plan": plan, "deploy/a.sql": f"BEGIN;\n{A}\nCOMMIT;", "revert/a.sql": "DROP TABLE a;"})
    assert "sqitch deploy --log-only" in migrate(tmp_path, url).notes[-1]
    assert look(tmp_path, url).pending == ()
    migrate(tmp_path, url, "down")
    assert connection.value("SELECT to_regclass('a')") is None
