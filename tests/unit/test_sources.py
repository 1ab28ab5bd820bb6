"""Every layout, and every way in which a folder can be wrong."""

from __future__ import annotations

import json
import os
import zlib
from hashlib import sha1, sha256
from pathlib import Path

import pytest

from pgassay.errors import InputError, PgassayError, SyntaxProblem, UsageError
from pgassay.model import Project
from pgassay.sources import open_project, pending_history, transactions
from pgassay.sources.flyway import checksum

A = "CREATE TABLE a (id int);"
B = "CREATE TABLE b (id int);"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def journal(*entries: tuple[str, int], **more: object) -> str:
    listed = [{"idx": i, "version": "7", "when": w, "tag": t, "breakpoints": True} for i, (t, w) in enumerate(entries)]
    return json.dumps({"version": "7", "dialect": "postgresql", "entries": listed} | more, indent=2)


def names(project: Project) -> list[str]:
    return [m.name for m in project.migrations]


def modes(project: Project) -> list[str]:
    return [m.mode for m in project.migrations]


def problem(path: str = ".", **options: object) -> str:
    with pytest.raises(PgassayError) as caught:
        open_project(path, **options)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    return str(caught.value)


def drizzle(*entries: tuple[str, int, str], folder: str = "drizzle") -> None:
    tree({f"{folder}/meta/_journal.json": journal(*((t, w) for t, w, _ in entries))})
    tree({f"{folder}/{t}.sql": sql for t, _, sql in entries})


# Drizzle


def test_drizzle_runs_all_pending_files_in_one_transaction() -> None:
    drizzle(("0000_a", 1, A), ("0001_b", 2, B))
    project = open_project(".")
    assert (project.kind, project.path, names(project)) == ("drizzle", "drizzle", ["0000_a", "0001_b"])
    assert project.runner.one_transaction and project.runner.concurrently is None
    (transaction,) = transactions(project, project.migrations)
    assert transaction.mode == "block" and len(transaction.statements) == 2


def test_drizzle_keeps_hash_time_stamp_and_journal_order() -> None:
    drizzle(("0001_b", 5, B), ("0000_a", 7, A))
    first, second = open_project("drizzle").migrations
    assert (first.name, first.when, second.when) == ("0001_b", 5, 7)
    assert first.digest == sha256(B.encode()).hexdigest()


def test_drizzle_cuts_at_breakpoints_with_lines_of_the_file() -> None:
    drizzle(("0000_a", 1, "CREATE TABLE a (id int)\n--> statement-breakpoint\n\n  CREATE TABLE b (id int);\n"))
    (migration,) = open_project(".").migrations
    assert [(s.line, s.column, s.path) for s in migration.statements] == [
        (1, 1, "drizzle/0000_a.sql"),
        (4, 3, "drizzle/0000_a.sql"),
    ]


def test_drizzle_names_what_it_skips_in_silence() -> None:
    drizzle(("0000_a", 10, A), ("0001_b", 30, B), ("0002_late", 20, A), ("0003_tie", 30, A), ("0004_ok", 40, A))
    tree({"drizzle/0005_forgotten.sql": B, "drizzle/notes.sql": B})
    late, forgotten = open_project(".").oddities  # one cause, one oddity: 0001_b overtakes both of those after it
    assert {o.rule for o in (late, forgotten)} == {"silently-skipped-migration"}
    assert (late.migration, forgotten.path) == ("0002_late", "drizzle/0005_forgotten.sql")
    assert "0003_tie" in late.message
    assert "0004_ok" not in late.message
    assert '"0002_late"' in Path(late.path).read_text().splitlines()[late.line - 1]


@pytest.mark.parametrize(
    "config",
    [
        "export default defineConfig({ schema: './s.ts', out: './db/out', dialect: 'postgresql' })",
        'module.exports = {\n  // out: "./wrong",\n  "out": "db/out/",\n}',
    ],
)
def test_drizzle_config_says_where(config: str) -> None:
    drizzle(("0000_a", 1, A), folder="db/out")
    drizzle(("0000_b", 1, B), folder="wrong")
    tree({"drizzle.config.ts": config})
    assert open_project(".").path == "db/out"
    assert open_project("drizzle.config.ts").path == "db/out"
    assert open_project("db/out/meta/_journal.json").path == "db/out"


def test_drizzle_config_names_the_table() -> None:
    drizzle(("0000_a", 1, A))
    tree({"drizzle.config.ts": "export default { migrations: { table: 'log', schema: \"public\" } }"})
    assert open_project(".").runner.table == open_project("drizzle").runner.table == "public.log"


def test_drizzle_v1_goes_by_folder() -> None:
    tree({f"drizzle/{n}/{f}": t for n in ("20250102030405_b", "20250101000000_a") for f, t in
          {"migration.sql": A, "snapshot.json": "{}"}.items()})  # fmt: skip
    project = open_project(".")
    assert (project.kind, names(project)) == ("drizzle-v1", ["20250101000000_a", "20250102030405_b"])
    assert project.migrations[0].when == 1735689600000
    assert project.migrations[0].path == "drizzle/20250101000000_a/migration.sql"


def test_journal_names_a_missing_file() -> None:
    tree({"drizzle/meta/_journal.json": journal(("0000_a", 1), ("0001_b", 2)), "drizzle/0000_a.sql": A})
    line = Path("drizzle/meta/_journal.json").read_text().splitlines().index('      "tag": "0001_b",') + 1
    assert f"drizzle/meta/_journal.json:{line}: names drizzle/0001_b.sql, which is not there" in problem()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"entries": [\n<<<<<<< HEAD\n', "_journal.json:2: is no JSON"),
        ("[]", "no list of entries"),
        ('{"entries": [{}]}', "entry 0 has no tag"),
        (journal(), "names no migrations"),
        (journal(("0000_a", 1), dialect="mysql"), "mysql project"),
    ],
)
def test_broken_journal(text: str, words: str) -> None:
    tree({"drizzle/meta/_journal.json": text, "drizzle/0000_a.sql": A})
    assert words in problem()


# Sections


def test_dbmate_sections_and_modes() -> None:
    tree({
        "db/migrations/20250101_a.sql": f"-- a comment\n\n-- migrate:up\n{A}\n\n-- migrate:down\nDROP TABLE a;\n",
        "db/migrations/20250102_b.sql": "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON a (id);\n",
        "db/migrations/README.sql": "not a migration",
    })  # fmt: skip
    project = open_project(".")
    assert (project.kind, modes(project)) == ("dbmate", ["block", "query"])
    first, second = project.migrations
    assert [s.line for s in first.statements] == [4]
    assert first.down and [(s.text, s.line) for s in first.down] == [("DROP TABLE a", 7)]
    assert second.down is None and first.name == "20250101_a.sql" and first.when == 20250101
    assert "-- migrate:down" not in first.text


def test_dbmate_twice_the_same_version() -> None:
    tree({f"migrations/1_{n}.sql": f"-- migrate:up\n{A}\n-- migrate:down\n" for n in "ab"})
    (oddity,) = open_project(".").oddities
    assert (oddity.path, oddity.rule) == ("migrations/1_b.sql", "silently-skipped-migration")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (A, "has no line `-- migrate:up`"),
        ("-- migrate:down\n-- migrate:up\n", "before `-- migrate:down`"),
        (f"{A}\n-- migrate:up\n{B}", "statements before"),
    ],
)
def test_dbmate_refuses(text: str, words: str) -> None:
    tree({"migrations/1_a.sql": "-- migrate:up\n", "migrations/2_b.sql": text})
    assert f"migrations/2_b.sql:1: {words}" in problem(kind="dbmate") or words in problem(kind="dbmate")


def test_goose() -> None:
    body = "CREATE FUNCTION f() RETURNS int AS $$ BEGIN RETURN 1; END $$ LANGUAGE plpgsql;"
    tree({
        "migrations/00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
        "migrations/00001_a.sql": f"-- +goose Up\n{A}\n-- +goose StatementBegin\n{body}\n-- +goose StatementEnd\n"
        "\n-- +goose Down\nDROP FUNCTION f;\nDROP TABLE a;\n",
        "migrations/00010_c.sql": f"-- +goose Up\n{B}",
    })  # fmt: skip
    project = open_project(".")
    assert (project.kind, modes(project)) == ("goose", ["block", "autocommit", "block"])
    assert [s.line for s in project.migrations[0].statements] == [2, 4]
    assert [s.line for s in project.migrations[0].down or ()] == [8, 9]


def test_goose_needs_its_mark() -> None:
    tree(
        {
            "migrations/1_a.sql": f"-- +goose Up\n{A}",
            "migrations/2_b.sql": A,
            "migrations/3_c.sql": f"-- +goose Up\n{A}",
        }
    )
    assert "migrations/2_b.sql:1: has no line `-- +goose Up`" in problem()


# Whole files


def test_golang_migrate_sends_a_file_as_one_query() -> None:
    tree({"migrations/10_b.up.sql": B, "migrations/9_a.up.sql": A, "migrations/9_a.down.sql": "DROP TABLE a"})
    project = open_project(".")
    assert (project.kind, names(project), modes(project)) == ("golang-migrate", ["9_a", "10_b"], ["query", "query"])
    assert [s.text for s in project.migrations[0].down or ()] == ["DROP TABLE a"]
    assert len(transactions(project, project.migrations)) == 2


def test_golang_migrate_twice_the_same_version() -> None:
    tree({"migrations/01_a.up.sql": A, "migrations/1_b.up.sql": B})
    assert [o.migration for o in open_project(".").oddities] == ["1_b"]


def test_prisma() -> None:
    tree({"prisma/migrations/2_b/migration.sql": B, "prisma/migrations/1_a/migration.sql": A,
          "prisma/migrations/migration_lock.toml": 'provider = "postgresql"'})  # fmt: skip
    project = open_project(".")
    assert (project.kind, names(project), modes(project)) == ("prisma", ["1_a", "2_b"], ["query", "query"])


def test_supabase() -> None:
    index = "CREATE INDEX CONCURRENTLY i ON a (id);"
    tree({"supabase/migrations/20250101_a.sql": A + B, "supabase/migrations/notes.sql": "SELECT 1",
          "supabase/migrations/20250102_i.sql": index, "supabase/migrations/20250103_i.sql": index + B,
          "supabase/migrations/20250104_i.sql": B + index})  # fmt: skip
    project = open_project(".")
    assert (project.kind, modes(project)) == ("supabase", ["query", "query", "autocommit", "query"])
    assert names(project)[0] == "20250101_a"


def test_plain_files_in_natural_order_with_their_ways_back() -> None:
    tree({"10_c.sql": "BEGIN; SELECT 1; COMMIT;", "2_b.sql": "VACUUM a;", "1_a.sql": A, "1_a.down.sql": "DROP TABLE a"})
    project = open_project(".")
    assert (project.kind, names(project)) == ("sql", ["1_a", "2_b", "10_c"])
    assert modes(project) == ["block", "autocommit", "autocommit"]
    assert project.migrations[0].down is not None and project.migrations[0].path == "1_a.sql"


def test_folders_of_up_and_down() -> None:
    tree({"migrations/2_b/up.sql": B, "migrations/1_a/up.sql": A, "migrations/1_a/down.sql": "DROP TABLE a"})
    project = open_project(".")
    assert (project.kind, names(project)) == ("sql", ["1_a", "2_b"])
    assert project.migrations[0].down and project.migrations[1].down is None


def test_one_file() -> None:
    tree({"x/only.sql": A, "x/d.sql": f"-- migrate:up transaction:false\n{A}\n-- migrate:down\nDROP TABLE a;\n"})
    project = open_project("x/only.sql")
    assert (project.kind, project.path, names(project)) == ("file", "x/only.sql", ["only"])
    (marked,) = open_project("x/d.sql").migrations
    assert (marked.mode, len(marked.statements), marked.statements[0].line) == ("query", 1, 2)


def test_standard_input() -> None:
    project = open_project("-", text=A + "\n" + B)
    assert (project.kind, [(s.path, s.line) for s in project.migrations[0].statements]) == (
        "stdin",
        [("-", 1), ("-", 2)],
    )
    assert "-:2: is not UTF-8" in problem("-", text=b"SELECT 1;\n\xe9".decode(errors="surrogateescape"))
    assert "standard input is empty" in problem("-", text=" \n")


# Flyway


def test_flyway_order_and_ways_back() -> None:
    tree({"sql/V1_10__c.sql": A, "sql/V1.9__b.sql": A, "sql/sub/V1__a.sql": A, "sql/U1__a.sql": "DROP TABLE a",
          "sql/R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 1"})  # fmt: skip
    project = open_project(".")
    assert (project.kind, names(project)) == ("flyway", ["1", "1.9", "1.10", "R__view"])
    assert project.migrations[0].down and project.migrations[0].path == "sql/sub/V1__a.sql"


def test_flyway_runs_concurrent_builds_outside_a_transaction_only_alone() -> None:
    index = "CREATE INDEX CONCURRENTLY i ON a (id);"
    tree({"V1__a.sql": A, "V2__i.sql": index, "V3__mixed.sql": A + index, "V4__own.sql": A,
          "V4__own.sql.conf": "executeInTransaction=false"})  # fmt: skip
    assert modes(open_project(".")) == ["block", "autocommit", "block", "autocommit"]
    tree({"flyway.toml": "[flyway]\nmixed = true\n"})
    assert modes(open_project(".")) == ["block", "autocommit", "autocommit", "autocommit"]


def test_flyway_configuration() -> None:
    tree({"flyway.conf": "flyway.locations=filesystem:./etc/sql\nflyway.group=true\nflyway.placeholders.t=a\n",
          "etc/sql/V1__a.sql": "CREATE TABLE ${t} (id int);"})  # fmt: skip
    project = open_project(".")
    assert project.path == "etc/sql" and project.runner.one_transaction
    assert project.migrations[0].statements[0].text == "CREATE TABLE a (id int)"
    tree({"etc/sql/V2__b.sql": "-- x\nCREATE TABLE ${unknown} (id int);"})
    assert "etc/sql/V2__b.sql:2: the placeholder ${unknown} has no value" in problem()


def test_flyway_checksum_ignores_line_ends_and_byte_order_mark() -> None:
    expected = zlib.crc32(b"ab")
    assert checksum("a\r\nb\n") == checksum("\ufeffa\nb") == str(expected - (1 << 32) if expected >> 31 else expected)


def test_flyway_twice_the_same_version() -> None:
    tree({"V1__a.sql": A, "V1_0__b.sql": B})
    assert len(open_project(".").oddities) == 1


# Sqitch

PLAN = """%syntax-version=1.0.0
%project=app

a 2025-01-01T00:00:00Z A <a@b> # first
b [a] 2025-01-02T00:00:00Z A <a@b>
@v1 2025-01-03T00:00:00Z A <a@b>
a [a@v1] 2025-01-04T00:00:00Z A <a@b>
"""


def test_sqitch_follows_the_plan_and_reworked_changes() -> None:
    script = "-- Deploy\n\\set ON_ERROR_STOP on\nBEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\n"
    tree({"sqitch.plan": PLAN, "deploy/a.sql": B, "deploy/a@v1.sql": script, "deploy/b.sql": A,
          "revert/b.sql": "DROP TABLE a"})  # fmt: skip
    project = open_project(".")
    assert (project.kind, names(project), set(modes(project))) == ("sqitch", ["a", "b", "a"], {"autocommit"})
    first, second, _ = project.migrations
    assert first.path == "deploy/a@v1.sql" and first.digest == sha1(script.encode()).hexdigest()
    assert [s.line for s in first.statements] == [3, 4, 5] and second.down


def test_sqitch_top_folder_and_missing_script() -> None:
    tree(
        {
            "sqitch.conf": "[core]\n\ttop_dir = sql\n\tplan_file = sqitch.plan\n",
            "sqitch.plan": PLAN,
            "sql/deploy/a.sql": A,
        }
    )
    assert "sqitch.plan:4: names the change a, but sql/deploy/a@v1.sql is not there" in problem()


def test_deploy_and_revert_without_a_plan() -> None:
    tree({"db/deploy/2_b.sql": B, "db/deploy/1_a.sql": A, "db/revert/1_a.sql": "DROP TABLE a"})
    project = open_project("db")
    assert (names(project), project.migrations[0].path) == (["1_a", "2_b"], "db/deploy/1_a.sql")


def test_psql_commands_that_matter_are_refused() -> None:
    tree({"sqitch.plan": "a 2025 A\n", "deploy/a.sql": f"{A}\n\\ir other.sql\n"})
    assert "deploy/a.sql:2: \\ir is a psql meta-command" in problem()


# Detection


def test_the_nearest_of_many_places() -> None:
    tree({"apps/api/src/db/migrations/1_a.sql": A, "node_modules/x/migrations/1_b.sql": B})
    assert open_project(".").path == "apps/api/src/db/migrations"


def test_several_projects_must_be_named() -> None:
    tree({"apps/a/migrations/1_a.sql": A, "apps/b/migrations/1_a.sql": A})
    message = problem()
    assert "holds 2 folders of migrations" in message and "apps/b/migrations" in message


def test_stray_files_below_are_no_migrations() -> None:
    tree({"docs/example.sql": A, "scripts/report.sql": "SELECT 1"})
    assert "no migrations found" in problem()


def test_a_stray_file_does_not_hide_the_migrations() -> None:
    tree({"schema.sql": A, "migrations/1_a.sql": A})
    assert open_project(".").path == "migrations"


def test_sql_beside_an_orm_does_not_hide_the_migrations() -> None:
    tree({"drizzle/before.sql": B, "migrations/0001_a.sql": f"-- migrate:up\n{A}\n-- migrate:down\nDROP TABLE a;"})
    assert names(open_project(".")) == ["0001_a.sql"]


def test_kind_overrides() -> None:
    tree({"migrations/1_a.up.sql": A, "migrations/1_a.down.sql": "DROP TABLE a"})
    assert open_project("migrations", kind="sql").kind == "sql"
    assert open_project(".", kind="golang-migrate").path == "migrations"
    assert "no migrations found (Flyway)" in problem("migrations", kind="flyway")
    assert "there is no kind 'liquibase'" in problem(kind="liquibase")


def test_paths_can_be_opened_from_here(here: Path) -> None:
    tree({"p/migrations/1_a.sql": A, "q/x": ""})
    assert open_project(str(here / "p")).migrations[0].path == "p/migrations/1_a.sql"
    os.chdir("q")
    assert open_project("../p").migrations[0].path == "../p/migrations/1_a.sql"
    absolute = open_project(str(here / "p")).migrations[0]
    assert absolute.path == absolute.statements[0].path == str(here / "p/migrations/1_a.sql")


# Bad input


def test_nothing_there() -> None:
    assert problem("nowhere") == "nowhere: no such file or folder"
    message = problem()
    assert "no migrations found" in message and "sqitch.plan" in message


def test_not_utf8() -> None:
    tree({"1_a.sql": "-- caf\xe9\nSELECT 1;".encode("latin-1")})
    assert "1_a.sql:1: is not UTF-8: byte 0xe9 at offset 6" in problem()
    tree({"1_a.sql": "SELECT 1".encode("utf-16")})
    assert "UTF-16" in problem()
    tree({"1_a.sql": "SELECT 1;\n\0DROP TABLE a;"})
    assert "1_a.sql:2: holds a NUL byte" in problem()


def test_syntax_error_in_a_section_has_the_line_of_the_file() -> None:
    tree({"1_a.sql": f"-- migrate:up\n{A}\n\n-- migrate:down\nDROPP TABLE a;\n"})
    with pytest.raises(SyntaxProblem, match=r"1_a.sql:5: .*column 1"):
        open_project(".")


def test_byte_order_mark_and_carriage_returns() -> None:
    tree({"1_a.sql": "\ufeffCREATE TABLE a (id int);\r\nSELECT 1;\r\n".encode()})
    assert [(s.line, s.column) for s in open_project(".").migrations[0].statements] == [(1, 1), (2, 1)]


def test_a_file_that_is_no_sql() -> None:
    tree({"x.png": b"\x89PNG"})
    assert "neither a folder nor a .sql file" in problem("x.png")


def test_alembic_is_not_run_unasked() -> None:
    tree({"alembic.ini": "[alembic]\nscript_location = alembic\n"})
    with pytest.raises(UsageError, match="--allow-code"):
        open_project(".")


def test_history_is_every_file_in_turn() -> None:
    tree({"1_a.sql": A, "2_b.sql": B})
    pending = pending_history(open_project("."))
    assert pending.history and len(pending.pending) == 2 and not pending.deployed


def test_unreadable_folder_is_one_message() -> None:
    tree({"drizzle/meta/_journal.json/x": ""})
    with pytest.raises(InputError, match="cannot be read"):
        open_project(".")


@pytest.mark.parametrize(
    ("up", "down", "mode"),
    [
        ("-- Up Migration", "-- Down Migration", "block"),
        ("-- Up Migration: the first table", "-- Down Migration: and away with it", "block"),
        ("", "---- Down Migration ----", "block"),
        ("-- +migrate Up", "-- +migrate Down", "block"),
        ("-- +migrate Up notransaction", "-- +migrate Down notransaction", "autocommit"),
        ("-- Up", "-- Down", "block"),
    ],
)
def test_the_way_back_in_a_file_of_another_runner(up: str, down: str, mode: str) -> None:
    tree({"sql/1_a.sql": f"{up}\n{A}\n{down}\nDROP TABLE a;\n"})
    (migration,) = open_project("sql").migrations
    assert [s.text for s in migration.statements] == [A.removesuffix(";")]
    assert migration.down is not None
    assert [(s.text, s.line) for s in migration.down] == [("DROP TABLE a", 4)]
    assert migration.mode == mode


def test_a_comment_that_says_down_is_no_way_back() -> None:
    tree({"sql/1_a.sql": f"-- Down\n{A}\n-- down the road\n{B}"})
    (migration,) = open_project("sql").migrations
    assert len(migration.statements) == 2
    assert migration.down is None
