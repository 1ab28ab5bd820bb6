"""``pgassay migrate plan`` from the outside."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pgassay.server import OWNER, Server
from tests.acceptance import commands

ONE = "CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL);"
TWO = "ALTER TABLE holder RENAME COLUMN name TO label; CREATE INDEX holder_id ON holder (id DESC);"


def run(*arguments: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    ended = commands.run("migrate", "plan", "-q", *arguments, input=text)
    assert "Traceback" not in ended.stderr and "internal error" not in ended.stderr
    return ended


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """dbmate's layout: two migrations."""
    folder = tmp_path / "db" / "migrations"
    folder.mkdir(parents=True)
    for name, sql in (("20240101000000_holder", ONE), ("20240102000000_label", TWO)):
        (folder / f"{name}.sql").write_text(f"-- migrate:up\n{sql}\n-- migrate:down\n")
    return tmp_path


def test_steps_in_the_place_of_the_pending_migration(project: Path) -> None:
    ended = run(project, "--rows", "50", "--write", "--format", "json")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    made = json.loads(ended.stdout)
    assert made["verified"] and made["safe"] and made["probes_old"] and made["probes_new"]
    assert [s["phase"] for s in made["steps"]] == ["expand", "backfill", "expand", "contract"]
    assert made["deploy_after"] == 3
    files = [Path(s["file"]) for s in made["steps"]]
    assert sorted((project / "db/migrations").iterdir())[1:] == files
    assert "transaction:false" in files[2].read_text()
    assert "pgassay: batch" in files[1].read_text()
    assert "only after the old application is gone" in " ".join(files[3].read_text().split())
    assert (project / "db/migrations-replaced-by-plan/20240102000000_label.sql").exists()


def test_a_copy_of_drizzles_project_with_a_part_to_run_by_hand(tmp_path: Path) -> None:
    folder = tmp_path / "drizzle"
    (folder / "meta").mkdir(parents=True)
    (folder / "0000_holder.sql").write_text(ONE)
    (folder / "0001_index.sql").write_text("CREATE INDEX holder_name ON holder (name);")
    entries = [{"idx": n, "version": "7", "when": 1_700_000_000_000 + n, "tag": tag, "breakpoints": True}
               for n, tag in enumerate(("0000_holder", "0001_index"))]  # fmt: skip
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    (folder / "meta" / "_journal.json").write_text(json.dumps(journal))
    out = tmp_path / "planned"
    ended = run(folder, "--rows", "50", "--out", out)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert (out / "0000_holder.sql").exists() and not (out / "0001_index.sql").exists()
    assert "CONCURRENTLY" in (out / "by-hand" / "0001_build_holder_name.sql").read_text()
    assert "IF NOT EXISTS" in (out / "0001_build_holder_name.sql").read_text()
    assert (folder / "0001_index.sql").exists()
    assert "is there already" in run(folder, "--out", out).stderr


def test_what_stays_unsafe_ends_with_one_and_names_the_outage(project: Path) -> None:
    ended = run("-", "--rows", "50", "--format", "sql", text=ONE)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("-- 1. expand")
    path = project / "change.sql"
    path.write_text("ALTER TABLE transfer SET UNLOGGED;")
    ended = run(path, "--rows", "500", "--assume-rows", "50000000")
    assert ended.returncode == 1, ended.stderr
    assert "ACCESS EXCLUSIVE on public.transfer, about" in " ".join(ended.stdout.split())
    handoff = json.loads(run(path, "--rows", "50", "--format", "handoff").stdout)
    assert handoff["taskCompletion"]["status"] == "partial"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such file or folder"),
        ([".", "--last", "2", "--base", "main"], "contradict each other"),
        ([".", "--fill", "x"], "TABLE.COLUMN=SQL"),
        ([".", "--write", "--out", "there"], "contradict each other"),
        ([".", "--fill", "holder.nothing=1"], "no column holder.nothing"),
    ],
)
def test_wrong_usage(project: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(project)
    ended = run(*arguments)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_a_plan_is_run_by_migrate_up(project: Path, server: Server) -> None:
    """What was planned from a database's own state is applied to it, its backfill in batches."""
    more = "ALTER TABLE holder ADD COLUMN uid uuid NOT NULL DEFAULT gen_random_uuid();"
    (project / "db/migrations/20240102000000_label.sql").write_text(f"-- migrate:up\n{TWO}{more}\n-- migrate:down\n")
    with server.database() as name:
        url = f"postgresql://{OWNER}@/{name}?host={server.sockets}"
        with server.connect(name) as session:
            session.run(ONE + "INSERT INTO holder SELECT i, 'n' || i FROM generate_series(1, 500) AS i")
            session.run("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
            session.run("INSERT INTO schema_migrations VALUES ('20240101000000')")
        ended = run(project, "--rows", "50", "--write", "--database", url)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        losses = ["--allow", "loses-data", "--allow", "breaks-app"]  # the contract: the old application is gone by then
        applied = commands.run("migrate", "up", project, "--database", url, "--yes", "-q", *losses)
        assert applied.returncode == 0, applied.stderr
        with server.connect(name) as session:
            assert session.run("SELECT count(DISTINCT label), count(DISTINCT uid) FROM holder") == [["500", "500"]]
            assert session.value("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == "0"
            assert session.value("SELECT count(*) FROM schema_migrations") == "9"
