"""What is under review, against which server and data, and when the command ends with 1."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from pgassay.report import schema
from pgassay.server import OWNER, SUPERUSER, Connection, Server, scratch
from pgassay.server.binaries import Binaries, installed_binaries
from tests.acceptance.reviews import review, start, write

TABLES = "CREATE TABLE issuer (id int PRIMARY KEY);\nCREATE TABLE token (id int PRIMARY KEY, issuer int, name text);\n"
KEY = "ALTER TABLE token ADD CONSTRAINT token_issuer FOREIGN KEY (issuer) REFERENCES issuer NOT VALID;\n"
INDEX = "CREATE INDEX token_name ON token (name);\n"


# What is under review


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_since_a_git_reference(tmp_path: Path) -> None:
    write(tmp_path, {"migrations/1_tables.sql": TABLES, "migrations/2_key.sql": KEY})
    git(tmp_path, "init", "--quiet", "--initial-branch", "trunk")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    git(tmp_path, "checkout", "--quiet", "-b", "work")
    write(tmp_path, {"migrations/3_name.sql": INDEX})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "two")
    write(tmp_path, {
        "migrations/4_uncommitted.sql": "ALTER TABLE token DROP COLUMN name;\n",
        "migrations/2_key.sql": KEY + "SELECT 1;\n",
    })  # fmt: skip
    seen = review(tmp_path, "--base", "trunk", "--rows", "20")
    assert (seen.report["project"]["migrations"], seen.report["project"]["pending"]) == (4, 2)
    assert [f["path"] for f in seen.report["files"]] == ["migrations/3_name.sql", "migrations/4_uncommitted.sql"]
    assert seen.findings == {
        "blocks blocking-index-build migrations/3_name.sql:1",
        "loses-data dropped-column migrations/4_uncommitted.sql:1",
        "breaks-app edited-migration migrations/2_key.sql:1",
    }


# A database in production


DBMATE = {
    "db/migrations/01_tables.sql": "-- migrate:up\nCREATE TABLE tiny (id int PRIMARY KEY, name text);\n"
    "CREATE TABLE big (id int PRIMARY KEY, name text);\nCREATE TABLE empty (id int PRIMARY KEY, name text);\n",
    "db/migrations/02_tiny.sql": "-- migrate:up\nCREATE INDEX tiny_name ON tiny (name);\n"
    "ALTER TABLE empty ADD COLUMN needed int NOT NULL;\n",
    "db/migrations/03_big.sql": "-- migrate:up\nCREATE INDEX big_name ON big (name);\n",
}
PRODUCTION = """
CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); INSERT INTO schema_migrations VALUES ('01');
CREATE TABLE tiny (id int PRIMARY KEY, name text);
CREATE TABLE empty (id int PRIMARY KEY, name text);
CREATE TABLE big (id int PRIMARY KEY, name text);
INSERT INTO tiny VALUES (1, 'a'), (2, 'b');
INSERT INTO big SELECT n, 'name ' || n FROM generate_series(1, 1000) n;
ANALYZE;
"""


def address(server: Server, database: str) -> str:
    return f"postgresql://{OWNER}@/{database}?host={quote(str(server.sockets), safe='')}&port={server.port}"


def test_a_database_says_what_is_pending_and_how_large_its_tables_are(
    tmp_path: Path, server: Server, database: str, connection: Connection
) -> None:
    connection.run(PRODUCTION)
    with server.connect(database, role=SUPERUSER) as admin:  # as if it had been analysed when it was as large as that
        admin.run("UPDATE pg_catalog.pg_class SET reltuples = 40000000, relpages = 300000 WHERE relname = 'big'")
    seen = review(write(tmp_path, DBMATE), "--database", address(server, database))
    assert seen.report["project"]["pending"] == 2
    assert "schema_migrations" in seen.report["project"]["why"]
    assert seen.findings == {
        "blocks blocking-index-build db/migrations/03_big.sql:2",
        "breaks-app required-column-added db/migrations/02_tiny.sql:3",  # it holds no rows: it does not fail
    }
    finding = seen.finding("blocking-index-build")
    assert "at 40,000,000 rows (estimated)" in finding["message"]
    connection.run("SELECT FROM big LIMIT 1")  # and it is as it was
    assert connection.run("SELECT (SELECT count(*) FROM tiny), (SELECT count(*) FROM schema_migrations)") == [
        ["2", "1"]
    ]


def other_major() -> Binaries | None:
    return next((b for b in installed_binaries() if b.major not in (18,) and b.major >= 13), None)


@pytest.mark.skipif(other_major() is None, reason="needs another PostgreSQL than 18 on this machine")
def test_the_server_is_of_productions_version(tmp_path: Path) -> None:
    other = other_major()
    assert other is not None
    write(tmp_path, {"1_tables.sql": TABLES, "2_name.sql": INDEX})
    with scratch(other) as production, production.database() as name:
        as_production = review(tmp_path, "--database", address(production, name))
    by_version = review(tmp_path, "--history", "--postgres-version", str(other.major))
    by_folder = review(tmp_path, "--history", "--postgres-bin", str(other.directory))
    for seen in (as_production, by_version, by_folder):
        assert seen.report["server"]["version"] == other.version
        assert seen.findings == {"blocks blocking-index-build 2_name.sql:1"}


# The application's statements


def test_the_users_workload_is_tried_before_and_after(tmp_path: Path) -> None:
    write(tmp_path, {
        "migrations/1.sql": TABLES + "CREATE FUNCTION label(int) RETURNS text LANGUAGE sql RETURN 'token ' || $1;\n",
        "migrations/2.sql": "\nDROP FUNCTION label(int);\n",
        "app.sql": "BEGIN;\nSELECT label(id) FROM token WHERE name = $1;\nCOMMIT;\nVACUUM token;\n"
        "SELECT nonsense FROM nowhere;\nUPDATE token SET name = name;\n",
    })  # fmt: skip
    seen = review(tmp_path, "migrations", "--history", "--workload", "app.sql")
    (finding,) = [f for f in seen.report["findings"] if f["verdict"] == "breaks-app"]
    assert (finding["path"], finding["line"], finding["certainty"]) == ("migrations/2.sql", 2, "proved")
    probes = [e for e in finding["evidence"] if e["kind"] == "probe"]
    assert [e["data"]["source"] for e in probes] == ["workload"]
    assert "label(id)" in probes[0]["text"]


# How it ends, and how it is written down


@pytest.fixture(scope="module")
def mild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose only finding is ``slows``."""
    return write(tmp_path_factory.mktemp("mild"), {"1.sql": TABLES, "2.sql": KEY})


def without_times(report: Any) -> Any:
    """A report less its times and what is estimated from them."""
    timed = re.compile(r"(_ms|^ms|seconds|^metrics)$")
    if isinstance(report, dict):
        return {k: without_times(v) for k, v in report.items() if not timed.search(k)}
    if isinstance(report, list):
        return [without_times(v) for v in report]
    if isinstance(report, str):
        return re.sub(r"\d[\d.,]* (ms|s|min)\b", "T", report)
    return report


def test_a_verdict_below_the_threshold_ends_with_0(mild: Path) -> None:
    lenient = review(mild, "--history", "--rows", "30")
    strict = review(mild, "--history", "--rows", "30", "--fail-on", "slows")
    assert (lenient.code, strict.code) == (0, 1)
    assert lenient.everything == {"slows missing-foreign-key-index 2.sql:1"}
    assert without_times(lenient.report) == without_times(strict.report)


def test_the_same_seed_gives_the_same_report(tmp_path: Path) -> None:
    write(tmp_path, {
        "1.sql": "CREATE TABLE token (id int PRIMARY KEY, name text NOT NULL, memo text NOT NULL);\n",
        "2.sql": "ALTER TABLE token DROP COLUMN memo;\n",
    })  # fmt: skip
    first, again = (review(tmp_path, "--history", "--rows", "20", "--seed", "7") for _ in range(2))
    other = review(tmp_path, "--history", "--rows", "20", "--seed", "8")
    assert without_times(first.report) == without_times(again.report)
    assert first.everything == other.everything
    assert without_times(first.report) != without_times(other.report)  # other rows are shown as evidence


def test_rows_are_as_many_as_asked_for(tmp_path: Path) -> None:
    write(tmp_path, {"1.sql": TABLES, "2.sql": "DROP TABLE token;\n"})
    for rows in ("7", "4321"):
        seen = review(tmp_path, "--history", "--rows", rows)
        (lost,) = [e for e in seen.finding("dropped-table")["evidence"] if e["kind"] == "lost"]
        assert f"{int(rows):,} rows" in lost["text"]


def test_suppressions_count_with_a_reason_only(tmp_path: Path) -> None:
    write(tmp_path, {"1.sql": TABLES, "2.sql": (
        "-- pgassay: allow blocking-index-build, nobody writes at night\n"
        "CREATE INDEX a ON token (name);\n"
        "-- pgassay: allow blocking-index-build\n"
        "CREATE INDEX b ON token (issuer);\n"
        "-- pgassay: allow dropped-column, wrong rule\n"
        "CREATE INDEX c ON token (name, issuer);\n"
    )})  # fmt: skip
    seen = review(tmp_path, "--history", "--rows", "20")
    assert seen.findings == {"blocks blocking-index-build 2.sql:4", "blocks blocking-index-build 2.sql:6"}
    (allowed,) = seen.report["suppressed"]
    assert (allowed["line"], allowed["evidence"][-1]["text"]) == (2, "allowed: nobody writes at night")
    assert any("without giving a reason" in e["text"] for f in seen.report["findings"] for e in f["evidence"])


def test_an_output_file_is_whole_or_as_it_was(mild: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("before")
    bad = start(mild, "no/such", "--format", "json", "--output", str(file))
    assert (bad.returncode, file.read_text()) == (2, "before")
    ended = start(mild, "--history", "--rows", "5", "--format", "json", "--output", str(file))
    assert (ended.returncode, ended.stdout) == (0, "")
    report = json.loads(file.read_text())
    jsonschema.validate(report, schema("json"))
    assert report["summary"]["slows"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_handoff_is_derived_from_what_was_observed(tmp_path: Path) -> None:
    write(tmp_path, {"1.sql": TABLES, "2.sql": INDEX + "CREATE EXTENSION postgis;\n"})
    ended = start(tmp_path, "--history", "--rows", "20", "--format", "handoff")
    found = json.loads(ended.stdout)
    jsonschema.validate(found, schema("handoff"))
    assert ended.returncode == 1
    assert found["taskCompletion"]["status"] == "partial"
    assert "postgis" in json.dumps(found["taskCompletion"])
    assert 0 < found["metrics"]["confidence"] < 1


def test_a_draft_is_the_projects_next_migration(tmp_path: Path) -> None:
    write(tmp_path, {"migrations/1_tables.sql": TABLES, "migrations/2_key.sql": KEY, "next.sql": INDEX})
    seen = review(tmp_path, "--draft", "next.sql", "--rows", "20")
    assert (seen.report["project"]["migrations"], seen.report["project"]["pending"]) == (3, 1)
    (finding,) = seen.report["findings"]
    assert (finding["rule"], finding["path"], finding["certainty"]) == ("blocking-index-build", "-", "proved")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--draft", "gone.sql"], "gone.sql"),
        (["--draft", "empty.sql"], "empty"),
        (["--draft", "next.sql", "--history"], "contradict"),
    ],
)
def test_a_draft_that_cannot_be_had(tmp_path: Path, arguments: list[str], said: str) -> None:
    write(tmp_path, {"migrations/1_tables.sql": TABLES, "next.sql": INDEX, "empty.sql": ""})
    done = start(tmp_path, *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
