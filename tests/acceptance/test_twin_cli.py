"""``pgassay twin export`` and ``pgassay explain --twin`` from the outside."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.server import OWNER, Server
from tests.acceptance import commands


def run(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    ended = commands.run(*arguments, input=stdin)
    assert "Traceback" not in ended.stderr
    return ended


@pytest.fixture(scope="module")
def twin(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("twin") / "shop.twin"
    with server.database() as name:
        with server.connect(name) as session:
            session.run(
                "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL, note text);"
                " INSERT INTO orders SELECT i, i % 500, 'secret ' || i % 3 FROM generate_series(1, 30000) i"
            )
            session.run("VACUUM ANALYZE orders")
        made = run("twin", "export", f"postgresql://{OWNER}@/{name}?host={server.sockets}", "-o", file)
        assert made.returncode == 0, made.stderr
        assert "1 table, 1 index, statistics of 3 columns" in made.stdout
    yield file


def test_a_plan_at_productions_size(twin: Path) -> None:
    ended = run("explain", "--twin", twin, "SELECT * FROM orders WHERE id = 7")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Cost 8.30\n")
    assert "Index Scan using orders_pkey on orders\n" in ended.stdout


def test_queries_come_from_files_and_standard_input_too(twin: Path, tmp_path: Path) -> None:
    query = "SELECT count(*) FROM orders WHERE customer = $1"
    (tmp_path / "q.sql").write_text(query)
    found = [
        run("explain", "--twin", twin, query, "-p", "3", "--format", "json"),
        run("explain", "--twin", twin, tmp_path / "q.sql", "-p", "3", "--format", "json"),
        run("explain", "--twin", twin, "-", "-p", "3", "--format", "json", stdin=query),
    ]
    assert len({ended.stdout for ended in found}) == 1
    document = json.loads(found[0].stdout)
    assert document["plan"]["Plan"]["Node Type"] == "Aggregate" and document["query"] == query


def test_candidates_and_indexes_left_out(twin: Path) -> None:
    query = "SELECT * FROM orders WHERE customer = 3"
    index = "CREATE INDEX of_customer ON orders (customer)"
    assert "of_customer" in run("explain", "--twin", twin, query, "--index", index).stdout
    without = run("explain", "--twin", twin, query, "--index", index, "--without", "of_customer").stdout
    assert without == run("explain", "--twin", twin, query).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["DROP TABLE orders"],
        ["SELECT * FROM missing"],
        ["SELECT 1; SELECT 2"],
        ["SELECT FROM WHERE"],
        ["missing.sql"],
        ["SELECT 1", "--index", "nonsense"],
        ["SELECT 1", "--index", "CREATE INDEX ON missing (a)"],
        ["SELECT 1", "--without", "missing"],
    ],
)
def test_what_cannot_be_planned_is_said_in_one_message(twin: Path, arguments: list[str]) -> None:
    ended = run("explain", "--twin", twin, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("pgassay: ") and "internal" not in ended.stderr


def test_bad_files_and_databases_are_usage_errors(tmp_path: Path) -> None:
    (tmp_path / "x.twin").write_text("hello")
    wrong: list[list[str | Path]] = [
        ["explain", "--twin", tmp_path / "x.twin", "SELECT 1"],
        ["explain", "--twin", tmp_path / "missing", "SELECT 1"],
        ["twin", "export", "postgresql://nobody@127.0.0.1:1/x", "-o", tmp_path / "y.twin"],
        ["twin", "export", "postgresql:///x", "-o", tmp_path / "no" / "folder"],
        ["twin", "export", "mysql://x", "-o", tmp_path / "y.twin"],
    ]
    for arguments in wrong:
        assert run(*arguments).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["x.twin"]


def test_a_sampled_copy(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "copy.sql"
    with server.database() as name:
        with server.connect(name) as session:
            session.run(
                "CREATE TABLE orders (id bigint PRIMARY KEY, parent bigint REFERENCES orders);"
                " INSERT INTO orders SELECT i, nullif(i / 2, 0) FROM generate_series(1, 5000) i; ANALYZE orders"
            )
        url = f"postgresql://{OWNER}@/{name}?host={server.sockets}"
        made = run("twin", "copy", url, "-o", file, "--sample", "10%")
        assert (made.returncode, made.stderr) == (0, "") and "public.orders: " in made.stdout
        kept = file.read_text()
        assert "COPY public.orders (id, parent) FROM stdin;\n" in kept
        for wrong in (["--sample", "0"], ["--sample", "x"], ["--sample", "5%", "--rows", "3"], ["--rows", "0"]):
            refused = run("twin", "copy", url, "-o", file, *wrong)
            assert refused.returncode == 2 and refused.stderr
    assert run("twin", "copy", url, "-o", file).returncode == 2  # the database is gone
    assert file.read_text() == kept
