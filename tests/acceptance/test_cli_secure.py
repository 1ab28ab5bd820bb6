"""``pgassay secure`` from the outside."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pgassay.server import OWNER, Server
from tests.acceptance import commands

ME = "(SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
TABLES = f"""
CREATE TABLE token (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, symbol text);
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON token USING (tenant_id = {ME});
CREATE TABLE note (id bigserial PRIMARY KEY, token_id bigint NOT NULL REFERENCES token, body text);
"""
CURED = """
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
ALTER TABLE note FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON note USING (token_id IN (SELECT id FROM token));
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    ended = commands.run("secure", "-q", *arguments)
    assert "Traceback" not in ended.stderr
    return ended


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "schema.sql"
    made.write_text(TABLES)
    return made


def test_a_project_makes_its_roles_before_postgresql_16_too(file: Path) -> None:
    roles = "DO $$ BEGIN IF to_regrole('app_reader15') IS NULL THEN CREATE ROLE app_reader15 NOLOGIN; END IF; END $$;"
    rights = "GRANT SELECT ON token, note TO app_reader15, app_writer15; GRANT app_reader15 TO app_writer15;"
    file.write_text(f"{roles}\nCREATE ROLE app_writer15;\n{TABLES}{CURED}{rights}")
    ended = run(file, "--postgres-version", "15")
    if "is not installed here" in ended.stderr:
        pytest.skip("PostgreSQL 15 is not installed")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "as app_reader15, app_writer15" in " ".join(ended.stdout.split())
    assert "permission denied" not in ended.stdout


def test_what_leaks_is_shown(file: Path) -> None:
    ended = run(file)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert f"{file.name}:6" in "".join(ended.stdout.split())  # a long path is broken anywhere
    assert "exposes · proved · row-security-missing" in ended.stdout
    assert "Remedy, verified on the scratch server" in ended.stdout
    assert run(file, "--fail-on", "breaks-app").returncode == 0


def test_a_schema_that_holds(file: Path) -> None:
    file.write_text(TABLES + CURED)
    ended = run(file)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 file, 8 statements: nothing found" in ended.stdout
    assert "reached nothing of the other's" in " ".join(ended.stdout.split())


def test_formats(file: Path, tmp_path: Path) -> None:
    report = json.loads(run(file, "--format", "json").stdout)
    (finding,) = report["findings"]
    assert (finding["subject"], finding["certainty"], finding["line"]) == ("public.note", "proved", 6)
    assert finding["statement"].startswith("BEGIN; SET LOCAL ROLE pgassay_tenant;")
    assert len(finding["evidence"]) > 5
    out = tmp_path / "report.json"
    assert run(file, "--format", "handoff", "--output", out).returncode == 1
    assert "note" in out.read_text()


def test_a_live_database(server: Server) -> None:
    with server.database() as name:
        url = f"postgresql://{OWNER}@/{name}?host={server.sockets}"
        with server.connect(name) as session:
            session.run(TABLES + "ALTER TABLE token NO FORCE ROW LEVEL SECURITY;"
                "INSERT INTO token (tenant_id) SELECT gen_random_uuid()"
                        " FROM generate_series(1, 9); ALTER TABLE token FORCE ROW LEVEL SECURITY;"
                        "CREATE ROLE cli_shop; GRANT SELECT ON token, note TO cli_shop")  # fmt: skip
        try:
            ended = run("--database", url, "--format", "json")
            report = json.loads(ended.stdout)
            with server.connect(name) as session:
                session.run("ALTER TABLE token NO FORCE ROW LEVEL SECURITY")
                assert session.value("SELECT count(*) FROM token") == "9"
        finally:
            server.drop_roles({"cli_shop"})
    assert ended.returncode == 1
    assert [(f["rule"], f["subject"]) for f in report["findings"]] == [("row-security-missing", "public.note")]
    assert "as cli_shop" in report["notes"][0]


@pytest.mark.parametrize(
    ("sql", "words", "message"),
    [
        ("CREATE TABLE t (id int);", [], "nothing here tells whose rows are whose"),
        (TABLES, ["--role", "nobody"], "there is no role nobody"),
        (TABLES, ["--set", "role=x"], "is not of the form NAME=VALUE"),
        (TABLES, ["--database", "postgresql:///x"], "give either PROJECT or --database URL"),
    ],
)
def test_wrong_usage(file: Path, sql: str, words: list[str], message: str) -> None:
    file.write_text(sql)
    ended = run(file, *words)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_told_what_no_policy_tells(file: Path) -> None:
    file.write_text("CREATE TABLE t (id bigserial PRIMARY KEY, customer int NOT NULL);")
    ended = run(file, "--tenant-column", "customer")
    assert ended.returncode == 1
    assert "row-security-missing" in ended.stdout
    assert run(file, "--tenant-column", "customer", "--shared", "t").returncode == 2


def test_supabase(tmp_path: Path) -> None:
    """auth.uid() and the roles are the platform's: the project leans on them and makes neither."""
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20240101000000_a.sql").write_text(
        "create table profile (id uuid primary key references auth.users on delete cascade, email text);"
        "create table note (id bigint generated always as identity primary key, body text,"
        " user_id uuid not null references auth.users);"
        "alter table note enable row level security;"
        "create policy own on note for all to authenticated using (auth.uid() = user_id);"
    )
    report = json.loads(run(tmp_path, "--format", "json").stdout)
    found = [(f["verdict"], f["rule"], f["subject"]) for f in report["findings"]]
    assert found == [
        ("exposes", "row-security-missing", "public.profile"),
        ("style", "row-security-not-forced", "public.note"),
    ]
    assert report["findings"][0]["remedy"]["verified"]
