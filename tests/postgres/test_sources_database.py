"""What is pending by the runner's own table."""

from __future__ import annotations

import json
from hashlib import sha1, sha256
from pathlib import Path

import pytest

from pgassay.errors import ConnectionProblem, InputError
from pgassay.server import Connection
from pgassay.sources import open_project, pending_database
from pgassay.sources.flyway import checksum

A = "CREATE TABLE a (id int);"
B = "CREATE TABLE b (id int);"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def drizzle(*entries: tuple[str, int, str]) -> None:
    listed = [{"idx": i, "when": w, "tag": t} for i, (t, w, _) in enumerate(entries)]
    write({"drizzle/meta/_journal.json": json.dumps({"entries": listed}, indent=1)})
    write({f"drizzle/{t}.sql": sql for t, _, sql in entries})


def applied(connection: Connection, *rows: tuple[int, str]) -> None:
    connection.run(
        "CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial, hash text, created_at bigint)"
    )
    for when, sql in rows:
        digest = sha256(sql.encode()).hexdigest()
        connection.run(f"INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('{digest}', {when})")


def pending(connection: Connection, kind: str | None = None) -> tuple[list[str], list[str], list[str]]:
    found = pending_database(open_project(".", kind=kind), connection)
    return (
        [m.name for m in found.deployed],
        [m.name for m in found.pending],
        [f"{o.rule} {o.migration}" for o in found.oddities],
    )


def why(connection: Connection) -> str:
    return pending_database(open_project("."), connection).why


def test_no_table_is_nothing_deployed(connection: Connection) -> None:
    drizzle(("0000_a", 1, A))
    assert pending(connection) == ([], ["0000_a"], [])
    assert why(connection) == "1 of 1 files are pending: the database has no table drizzle.__drizzle_migrations"


def test_an_empty_table_is_nothing_deployed(connection: Connection) -> None:
    drizzle(("0000_a", 1, A))
    applied(connection)
    assert pending(connection) == ([], ["0000_a"], [])


def test_drizzle_high_water_mark(connection: Connection) -> None:
    drizzle(("0000_a", 10, A), ("0001_b", 30, B), ("0002_late", 20, "SELECT 1"), ("0003_c", 40, "SELECT 2"))
    applied(connection, (10, A), (30, B))
    assert pending(connection) == (["0000_a", "0001_b"], ["0003_c"], ["silently-skipped-migration 0002_late"])


def test_drizzle_disorder_that_a_fresh_database_got_over(connection: Connection) -> None:
    drizzle(("0000_a", 30, A), ("0001_b", 10, B), ("0002_c", 40, "SELECT 2"))
    applied(connection, (30, A), (10, B))
    assert pending(connection) == (["0000_a", "0001_b"], ["0002_c"], [])


def test_drizzle_edited_file(connection: Connection) -> None:
    drizzle(("0000_a", 10, A), ("0001_b", 30, B))
    applied(connection, (10, "something else"), (30, B))
    assert pending(connection) == (["0000_a", "0001_b"], [], ["edited-migration 0000_a"])


def test_drizzle_tie_is_skipped_not_edited(connection: Connection) -> None:
    drizzle(("0000_a", 10, A), ("0001_tie", 10, B))
    applied(connection, (10, A))
    assert pending(connection) == (["0000_a"], [], ["silently-skipped-migration 0001_tie"])


def test_drizzle_table_of_the_config(connection: Connection) -> None:
    drizzle(("0000_a", 10, A))
    write({"drizzle.config.ts": "export default { migrations: { table: 'Log', schema: 'public' } }"})
    connection.run('CREATE TABLE "Log" (id serial, hash text, created_at bigint)')
    connection.run("""INSERT INTO "Log" (hash, created_at) VALUES ('x', 10)""")
    assert pending(connection) == (["0000_a"], [], ["edited-migration 0000_a"])


def test_drizzle_v1_goes_by_name(connection: Connection) -> None:
    for name, sql in (("20250101000000_a", A), ("20250102000000_b", B), ("20250103000000_c", B)):
        write({f"drizzle/{name}/migration.sql": sql, f"drizzle/{name}/snapshot.json": "{}"})
    applied(connection, (1735689600000, A), (1735862400000, "edited"))
    assert pending(connection)[1] == ["20250102000000_b"]
    connection.run("ALTER TABLE drizzle.__drizzle_migrations ADD name text")
    connection.run("UPDATE drizzle.__drizzle_migrations SET name = '20250101000000_a' WHERE created_at = 1735689600000")
    connection.run("UPDATE drizzle.__drizzle_migrations SET name = '20250103000000_c' WHERE name IS NULL")
    assert pending(connection) == (
        ["20250101000000_a", "20250103000000_c"],
        ["20250102000000_b"],
        ["edited-migration 20250103000000_c"],
    )


def test_dbmate_runs_older_files_too(connection: Connection) -> None:
    write({f"db/migrations/{n}_x.sql": f"-- migrate:up\n{A}\n-- migrate:down\n" for n in ("01", "02", "03")})
    connection.run("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    connection.run("INSERT INTO schema_migrations VALUES ('01'), ('03')")
    assert pending(connection) == (["01_x.sql", "03_x.sql"], ["02_x.sql"], [])


def test_golang_migrate_knows_only_the_newest(connection: Connection) -> None:
    write({f"migrations/{n}_x.up.sql": A for n in (1, 2, 10)})
    connection.run("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)")
    connection.run("INSERT INTO schema_migrations VALUES (2, true)")
    assert pending(connection) == (["1_x", "2_x"], ["10_x"], [])
    assert "stands at version 2; it is marked dirty" in why(connection)


def test_goose_counts_the_last_entry(connection: Connection) -> None:
    write({f"migrations/{n}_x.sql": f"-- +goose Up\n{A}" for n in (1, 2, 3, 4)})
    connection.run("CREATE TABLE goose_db_version (id serial, version_id bigint, is_applied boolean, tstamp timestamp)")
    connection.run(
        "INSERT INTO goose_db_version (version_id, is_applied)"
        " VALUES (0, true), (1, true), (2, true), (3, true), (2, false)"
    )
    assert pending(connection) == (
        ["1_x.sql", "3_x.sql"],
        ["2_x.sql", "4_x.sql"],
        ["silently-skipped-migration 2_x.sql"],
    )


def test_flyway(connection: Connection) -> None:
    write({"sql/V1__a.sql": A, "sql/V1.1__b.sql": B, "sql/V0.5__late.sql": A, "sql/V2__c.sql": A,
           "sql/R__the_view.sql": "SELECT 1", "sql/R__other.sql": "SELECT 2"})  # fmt: skip
    connection.run(
        "CREATE TABLE flyway_schema_history (installed_rank int, version text, description text, type text,"
        " script text, checksum int, success boolean)"
    )
    connection.run(f"""INSERT INTO flyway_schema_history VALUES
        (1, '1.0', 'a', 'SQL', 'V1__a.sql', {checksum(A)}, true), (2, '1.1', 'b', 'SQL', 'V1.1__b.sql', 7, true),
        (3, NULL, 'the view', 'SQL', 'R__the_view.sql', {checksum("SELECT 1")}, true),
        (4, NULL, 'other', 'SQL', 'R__other.sql', 5, true)""")
    deployed, waiting, oddities = pending(connection)
    assert (deployed, waiting) == (["1", "1.1", "R__the_view"], ["0.5", "2", "R__other"])
    assert oddities == ["edited-migration 1.1", "silently-skipped-migration 0.5"]


def test_flyway_baseline(connection: Connection) -> None:
    write({"sql/V1__a.sql": A, "sql/V2__b.sql": B})
    connection.run(
        "CREATE TABLE flyway_schema_history AS SELECT 1 AS installed_rank, '1' AS version, 'b' AS description,"
        " 'BASELINE' AS type, '<< Flyway Baseline >>' AS script, NULL::int AS checksum, true AS success"
    )
    assert pending(connection) == (["1"], ["2"], [])


def test_sqitch(connection: Connection) -> None:
    write({"sqitch.plan": "%project=app\na 2025 A\nb 2025 A\nc 2025 A\n"})
    write({f"deploy/{n}.sql": sql for n, sql in (("a", A), ("b", B), ("c", A + B))})
    connection.run("CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (project text, change text, script_hash text)")
    digest = sha1(A.encode()).hexdigest()
    connection.run(
        f"INSERT INTO sqitch.changes VALUES ('app', 'a', '{digest}'), ('app', 'b', 'x'), ('other', 'c', 'x')"
    )
    assert pending(connection) == (["a", "b"], ["c"], ["edited-migration b"])


def test_prisma(connection: Connection) -> None:
    write({f"prisma/migrations/{n}/migration.sql": A for n in ("1_a", "2_b", "3_c", "4_d")})
    connection.run(
        "CREATE TABLE _prisma_migrations (migration_name text, checksum text, finished_at timestamptz,"
        " rolled_back_at timestamptz, logs text)"
    )
    digest = sha256(A.encode()).hexdigest()
    connection.run(
        f"INSERT INTO _prisma_migrations VALUES ('1_a', '{digest}', now(), NULL), ('2_b', 'x', now(), NULL),"
        f" ('3_c', '{digest}', NULL, now()), ('4_d', '{digest}', NULL, NULL)"
    )
    assert pending(connection) == (["1_a", "2_b"], ["3_c", "4_d"], ["edited-migration 2_b"])
    assert "4_d failed there" in why(connection)


def test_supabase(connection: Connection) -> None:
    write({f"supabase/migrations/{n}_x.sql": A for n in (20250101, 20250102, 20250103)})
    connection.run(
        "CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations"
        " (version text, statements text[], name text)"
    )
    connection.run("INSERT INTO supabase_migrations.schema_migrations VALUES ('20250102', '{x}', 'x')")
    assert pending(connection) == (
        ["20250102_x"], ["20250101_x", "20250103_x"], ["silently-skipped-migration 20250101_x"],
    )  # fmt: skip


def test_plain_sql_keeps_no_table(connection: Connection) -> None:
    write({"1_a.sql": A})
    assert pending(connection) == ([], ["1_a"], [])
    assert "keeps no table" in why(connection)


def test_another_tools_table(connection: Connection) -> None:
    write({"migrations/1_x.up.sql": A})
    connection.run("CREATE TABLE schema_migrations (version varchar)")
    connection.run("INSERT INTO schema_migrations VALUES ('1')")
    with pytest.raises(InputError, match="is not the one that golang-migrate writes"):
        pending(connection)


def test_a_table_that_may_not_be_read(connection: Connection) -> None:
    drizzle(("0000_a", 1, A))
    applied(connection)
    connection.run("REVOKE ALL ON drizzle.__drizzle_migrations FROM CURRENT_USER")
    with pytest.raises(ConnectionProblem, match="cannot be read"):
        pending(connection)


def test_it_only_reads(connection: Connection) -> None:
    drizzle(("0000_a", 1, A))
    applied(connection)
    connection.run("SET default_transaction_read_only = on; SET search_path = pg_catalog")
    assert pending(connection) == ([], ["0000_a"], [])


def test_alembic_heads_and_what_they_descend_from(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config("alembic.ini")
    config.set_main_option("script_location", "alembic")
    command.init(config, "alembic")
    for name, down in (("a1", None), ("b2", "a1"), ("c3", "a1"), ("d4", ("b2", "c3"))):
        write({f"alembic/versions/{name}.py": f"revision = {name!r}\ndown_revision = {down!r}\ndef upgrade(): pass\n"})
    connection.run("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)")
    connection.run("INSERT INTO alembic_version VALUES ('c3')")
    found = pending_database(open_project(".", allow_code=True), connection)
    assert [m.name for m in found.deployed] == ["a1", "c3"]
    assert [m.name for m in found.pending] == ["b2", "d4"]
