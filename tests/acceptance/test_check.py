"""``pgassay check`` from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.server import OWNER, Server

ROOT = Path(__file__).parents[2]
TABLES = """CREATE TABLE token (id bigint PRIMARY KEY, chain_id integer NOT NULL, contract_address bytea NOT NULL);
CREATE TABLE transfer (
  block_number bigint, log_index integer, tx_hash varchar(66),
  amount double precision,
  fee_amount text, -- pgassay: allow amount-as-text, for the form
  PRIMARY KEY (block_number, log_index)
);
"""
LATER = "ALTER TABLE transfer\n  ADD COLUMN tip_amount bigint;\n"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from pgassay.cli import main; main()", "check", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "001_tables.sql").write_text(TABLES)
    (folder / "002_tip.sql").write_text(LATER)
    return folder


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("workload") / "queries.sql"
    file.write_text("SELECT 1;\nSELECT id FROM token ORDER BY id LIMIT 20 OFFSET 40;\n")
    return file


def test_a_project_is_told_by_file_and_line(project: Path, workload: Path) -> None:
    done = run(str(project), "--workload", str(workload), "--format", "json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    found = [(f["rule"], Path(f["path"]).name, f["line"], f["subject"]) for f in report["findings"]]
    assert found == [
        ("amount-as-float", "001_tables.sql", 4, "public.transfer.amount"),
        ("amount-as-integer", "002_tip.sql", 2, "public.transfer.tip_amount"),
        ("offset-pagination", "queries.sql", 2, f"{workload}:2"),
    ]
    assert [f["rule"] for f in report["suppressed"]] == ["amount-as-text"]
    assert all(f["remedy"]["verified"] for f in report["findings"][:2])
    assert {(Path(f["path"]).name, f["findings"]) for f in report["files"]} == {
        ("001_tables.sql", 1),
        ("002_tip.sql", 1),
    }


def test_the_threshold_decides_the_exit_code(project: Path) -> None:
    assert run(str(project), "--fail-on", "fails").returncode == 0
    assert run(str(project), "--fail-on", "loses-data").returncode == 1


@pytest.mark.parametrize("style", ["text", "handoff"])
def test_every_format(project: Path, style: str) -> None:
    done = run(str(project), "--format", style)
    assert done.returncode == 1, done.stderr
    assert "transfer" in done.stdout


def test_the_example_is_sound() -> None:
    done = run("examples/token-registry", "--fail-on", "slows", "--format", "json")
    assert done.returncode == 0, done.stdout
    assert [f["rule"] for f in json.loads(done.stdout)["findings"]] == ["time-without-index"]


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with server.database() as name:
        with server.connect(name) as session:
            session.run(TABLES)
            session.run("COMMENT ON COLUMN transfer.fee_amount IS 'pgassay: allow amount-as-text, for the form'")
            session.run("INSERT INTO transfer SELECT n, 0, '0x', n, n FROM generate_series(1, 20000) n; ANALYZE")
        yield f"postgresql://{OWNER}@/{name}?host={server.sockets}"


def test_a_database_is_only_read_and_told_by_table(url: str, workload: Path) -> None:
    done = run("--database", url, "--format", "json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert [(f["rule"], f["path"], f["line"]) for f in report["findings"]] == [
        ("amount-as-float", "public.transfer", 0)
    ]
    assert "everything waits" in report["findings"][0]["remedy"]["note"], "20,000 rows are rewritten"
    assert [f["rule"] for f in report["suppressed"]] == ["amount-as-text"]
    again = run("--database", url, "--workload", str(workload), "-v")
    assert "2 tables under review" in again.stdout
    assert "public.transfer  loses-data · proved · amount-as-float" in again.stdout
    assert "offset-pagination" not in again.stdout, "token is known to be empty"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either PROJECT or --database URL"),
        ([".", "--database", "postgresql://x/y"], "give either PROJECT or --database URL"),
        (["nowhere.sql"], "no such file"),
        (["examples/token-registry", "--workload", "nowhere.sql"], "nowhere.sql"),
        (["--database", "postgresql://me:secret@127.0.0.1:1/db"], "127.0.0.1"),
        (["examples/token-registry", "--output", "/nowhere/x"], "/nowhere"),
    ],
)
def test_wrong_usage_is_one_clear_message(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
