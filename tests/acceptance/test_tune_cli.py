"""``pgassay tune`` and ``pgassay indexes`` from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pgassay.server import OWNER, Server

_MIGRATION = """
CREATE TABLE "Accounts" (id bigint PRIMARY KEY, email text NOT NULL, "Tenant" integer NOT NULL,
  made_at timestamptz NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, account bigint NOT NULL REFERENCES "Accounts", total numeric(12,2) NOT NULL,
  shipped_at timestamptz);
"""
_WORKLOAD = """
-- calls: 500
SELECT id FROM "Accounts" WHERE lower(email) = 'nobody@example.org';
-- calls: 40
SELECT id, made_at FROM "Accounts" WHERE "Tenant" = $1 ORDER BY made_at DESC LIMIT 10;
-- calls: 10
SELECT sum(total) FROM orders WHERE account = $1;
SELECT nothing FROM nowhere;
SELEC 1;
VACUUM;
INSERT INTO orders VALUES (-1, 1, 4, NULL);
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from pgassay.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "001_tables.sql").write_text(_MIGRATION)
    (folder / "workload").mkdir()
    (folder / "workload" / "queries.sql").write_text(_WORKLOAD)
    return folder


def test_advice_for_a_project_in_every_format(project: Path) -> None:
    workload = str(project / "workload" / "queries.sql")
    common = ["tune", str(project), "--workload", workload, "--rows", "20000", "--time", "20s"]
    done = run(*common, "--format", "json")
    assert done.returncode == 0, done.stderr
    advice = json.loads(done.stdout)
    created = [r["sql"] for r in advice["recommendations"] if r["kind"] == "create index"]
    assert any("lower(email)" in sql for sql in created)
    assert any('"Tenant", made_at' in sql for sql in created)
    assert any("orders (account)" in sql for sql in created)
    assert all(c["certainty"] == "proved" for c in advice["changes"])
    assert {s["statement"].split()[0] for s in advice["skipped"]} == {"SELECT", "SELEC", "VACUUM"}
    assert advice["writes"][0]["wal_bytes_after"] > advice["writes"][0]["wal_bytes_before"]
    sql = run(*common, "--format", "sql")
    assert sql.returncode == 0, sql.stderr
    # Each run measures anew, and near ties may fall either way.
    alone = sql.stdout.split(";\n")[:-1]
    assert alone
    assert all(s.startswith(("CREATE INDEX CONCURRENTLY ", "ANALYZE ")) for s in alone)
    assert any("lower(email)" in s for s in alone)
    text = run(*common)
    assert "undone by DROP INDEX CONCURRENTLY" in text.stdout
    handoff = json.loads(run(*common, "--format", "handoff").stdout)
    assert handoff["taskCompletion"]["status"] == "partial"
    assert any("lower(email)" in snippet for snippet in handoff["deliverables"]["codeSnippets"])


def test_a_database_is_only_read(server: Server, database: str, tmp_path: Path) -> None:
    with server.connect(database) as session:
        session.run("CREATE TABLE t (id bigint PRIMARY KEY, a integer NOT NULL, b text NOT NULL)")
        session.run("INSERT INTO t SELECT i, i % 5000, md5(i::text) FROM generate_series(1, 50000) i; ANALYZE")
    workload = tmp_path / "w.sql"
    workload.write_text("SELECT b FROM t WHERE a = 77;\nSELECT id FROM t WHERE b ILIKE '%a1b2%';\n")
    url = f"postgresql://{OWNER}@/{database}?host={server.sockets}"
    done = run("tune", "--database", url, "--workload", str(workload), "--format", "sql", "--time", "20s")
    assert done.returncode == 0, done.stderr
    with server.connect(database) as session:
        assert session.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == "1"
        statements = [s for s in done.stdout.split(";\n") if s]
        assert any("gin_trgm_ops" in s for s in statements)
        for statement in statements:
            session.run(statement)
        made = session.value("SELECT count(*) FROM pg_indexes WHERE tablename = 't'")
        assert made == str(1 + sum(s.startswith("CREATE INDEX") for s in statements))
    again = run("tune", "--database", url, "--workload", str(workload), "--format", "sql", "--time", "20s")
    assert not {s for s in again.stdout.split(";\n") if s} & set(statements)


def test_a_budget_is_kept(server: Server, database: str, tmp_path: Path) -> None:
    with server.connect(database) as session:
        session.run("CREATE TABLE t (id bigint PRIMARY KEY, a integer NOT NULL, b integer NOT NULL, c text NOT NULL)")
        session.run(
            "INSERT INTO t SELECT i, i % 5000, i % 7000, md5(i::text) FROM generate_series(1, 50000) i; ANALYZE"
        )
    workload = tmp_path / "w.sql"
    workload.write_text(
        "-- calls: 1000\nSELECT c FROM t WHERE a = 77;\nSELECT c FROM t WHERE b = 77;\n"
        "SELECT id FROM t WHERE c LIKE 'a1b%';\n"
    )
    url = f"postgresql://{OWNER}@/{database}?host={server.sockets}"
    done = run("tune", "--database", url, "--workload", str(workload), "--format", "json", "--budget", "600kB")
    advice = json.loads(done.stdout)
    (only,) = [r for r in advice["recommendations"] if r["kind"] == "create index"]
    assert "(a)" in only["sql"]
    assert only["bytes"] <= 600 * 1024


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tune"], "give one of PROJECT, --database URL and --twin FILE"),
        (["tune", "."], "--workload FILE"),
        (["tune", ".", "--workload", "/nonexistent.sql"], "/nonexistent.sql"),
        (["tune", ".", "--workload", "x", "--budget", "many"], "--budget"),
        (["tune", ".", "--time", "soon"], "is not a time"),
        (["tune", ".", "--kinds", "magic"], "there is no kind magic"),
        (["indexes"], "give either PROJECT or --database URL"),
    ],
)
def test_wrong_usage_is_one_clear_message(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_indexes_of_a_project(project: Path) -> None:
    done = run("indexes", str(project), "--format", "json", "--rows", "20000")
    assert done.returncode == 1, done.stderr
    (missing,) = json.loads(done.stdout)["problems"]
    assert (missing["problem"], missing["certainty"], missing["table"]) == ("missing", "proved", "public.orders")
    assert "overlapping" not in run("indexes", str(project)).stdout
