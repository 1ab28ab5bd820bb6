"""What comes of advice: migrations, recorded plans, and proof in the user's own database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from pgassay.cli import main
from pgassay.report import schema
from pgassay.server import OWNER, SUPERUSER, Server
from pgassay.sources import open_project
from pgassay.workflows.tune_here import PREFIX

_UP = """-- migrate:up
CREATE TABLE "Accounts" (id bigint PRIMARY KEY, "Email" text NOT NULL, tenant integer NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, account bigint NOT NULL REFERENCES "Accounts", total numeric NOT NULL);
CREATE INDEX orders_account ON orders (account);

-- migrate:down
DROP TABLE orders, "Accounts";
"""
_WORKLOAD = """-- calls: 500
SELECT id FROM "Accounts" WHERE lower("Email") = 'Nobody@example.org';
-- calls: 10
SELECT sum(total) FROM orders WHERE account = $1;
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["tune", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "20250101000000_first.sql").write_text(_UP)
    (tmp_path / "w.sql").write_text(_WORKLOAD)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_advice_becomes_a_migration_with_its_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("migrations", "--workload", "w.sql", "--rows", "5000", "--kinds", "expression", "--write")
    code, out, err = run(capsys, *options, "--format", "json")
    assert code == 0, err
    advice = json.loads(out)
    jsonschema.validate(advice, schema("tune"))
    made = [m for m in open_project("migrations").migrations if m.name != "20250101000000_first.sql"]
    assert [m.path for m in made] == advice["written"] != []
    *made, last = made
    assert [s.text for s in last.statements] == advice["recommendations"][0]["after"] == ['ANALYZE public."Accounts"']
    for migration, each in zip(made, advice["recommendations"], strict=True):
        assert [s.text for s in migration.statements] == [each["sql"]]
        assert [s.text for s in migration.down or ()] == [each["undo"]]
        assert migration.mode == "query"
        text = Path(migration.path).read_text()
        assert "-- Proved: " in text and " pages, CPU " in text and "Seq Scan on" in text
    by_hand = {s.text for m in made for s in m.statements}
    assert any('lower("Email")' in sql for sql in by_hand)
    code, out, _ = run(capsys, *options)
    assert code == 0
    assert "Nothing to write." in out


def test_plans_are_recorded_and_checked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("migrations", "--workload", "w.sql")
    code, _, err = run(capsys, *common, "--check")
    assert code == 2 and "--record" in err
    code, out, err = run(capsys, *common, "--record")
    assert code == 0 and "2 queries recorded in pgassay.plans.json" in out, err
    first = Path("pgassay.plans.json").read_bytes()
    code, out, _ = run(capsys, *common, "--record", "--plans", "again.json")
    assert Path("again.json").read_bytes() == first, "not the same twice"
    (project / "migrations" / "20250201000000_drop.sql").write_text(
        "-- migrate:up\nDROP INDEX orders_account;\n-- migrate:down\nCREATE INDEX orders_account ON orders (account);\n"
    )
    (project / "w.sql").write_text("SELECT count(*) FROM orders;\n" + _WORKLOAD.split("-- calls: 10")[1])
    code, out, _ = run(capsys, *common, "--check", "--format", "json")
    assert code == 1
    found = json.loads(out)
    jsonschema.validate(found, schema("tune-check"))
    assert {w["query"] for w in found["worse"]} == {"SELECT sum(total) FROM orders WHERE account = $1"}
    worst = found["worse"][0]
    assert worst["after"]["buffers"] > 10 * worst["before"]["buffers"]
    assert (worst["before"]["plan"][-1].split()[0], worst["after"]["plan"][-1].split()[0]) != ("Seq", "Seq")
    assert found["added"] == ["SELECT count(*) FROM orders"]
    assert len(found["removed"]) == 1
    code, out, _ = run(capsys, *common, "--check")
    assert code == 1
    for words in ("line 3: SELECT sum(total)", "values 1: ", "Seq Scan on orders", "new: SELECT count"):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--database", "postgresql://x/y", "--write"), "--out DIR"),
        (("migrations", "--workload", "w.sql", "--prove-here"), "--prove-here needs --database"),
        (("migrations", "--workload", "w.sql", "--check", "--record"), "one of --record and --check"),
        (("migrations", "--workload", "w.sql", "--check", "--write"), "--write is not for"),
        (("--database", "postgresql://x/y", "--check"), "--database is not for"),
        (("migrations", "--workload", "w.sql", "--check", "--tolerance", "much"), "not a share"),
        (("migrations", "--workload", "w.sql", "--check", "--plans", "w.sql"), "is no record of plans"),
        (("migrations", "--workload", "w.sql", "--out", "w.sql"), "--out wants a folder"),
        (("migrations", "--workload", "w.sql", "--plans", "x"), "--plans is for"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_is_asked_for_wrongly(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert words in err and "Traceback" not in err


# In the user's own database


@pytest.fixture
def url(server: Server, database: str) -> Iterator[str]:
    with server.connect(database) as session:
        session.run("CREATE TABLE t (id bigint PRIMARY KEY, a integer NOT NULL, b text NOT NULL)")
        session.run("INSERT INTO t SELECT i, i % 5000, md5(i::text) FROM generate_series(1, 30000) i; ANALYZE")
    yield f"postgresql://{OWNER}@/{database}?host={server.sockets}&port={server.port}"


def _indexes(server: Server, database: str) -> list[str]:
    with server.connect(database) as session:
        return [
            row[0] for row in session.run("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
        ]


def test_proof_in_the_database_leaves_nothing(
    server: Server, database: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workload = tmp_path / "w.sql"
    workload.write_text(
        "SELECT b FROM t WHERE a = 77;\nUPDATE t SET a = 3 WHERE b = 'x';\nSELECT id FROM t WHERE id = 5;"
    )
    with server.connect(database) as session:  # as if a run had been killed
        session.run(f"CREATE INDEX {PREFIX}old_1 ON t (b)")
    code, out, err = run(
        capsys, "--database", url, "--workload", str(workload), "--prove-here", "--time", "5s", "--format", "json",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert code == 0, err
    advice = json.loads(out)
    assert advice["ground"] == "live"
    change = next(c for c in advice["changes"] if c["query"] == 1)
    assert change["certainty"] == "proved"
    assert change["before"]["buffers"] > 5 * change["after"]["buffers"]
    assert change["indexes"] == [r["name"] for r in advice["recommendations"] if "1" in map(str, r["queries"])]
    assert PREFIX not in json.dumps(advice["recommendations"]) + json.dumps(change["plan_after"])
    assert _indexes(server, database) == ["t_pkey"]
    written = open_project(str(tmp_path / "out"))
    assert written.kind == "golang-migrate"
    with server.connect(database) as session:
        assert session.value("SELECT count(*) FROM t WHERE a = 3") == "6", "an UPDATE was run"
        for migration in written.migrations:
            session.run(migration.statements[0].text)
        for migration in reversed(written.migrations):
            session.run((migration.down or ())[0].text)
    assert _indexes(server, database) == ["t_pkey"]


def test_an_interruption_leaves_nothing(server: Server, database: str, url: str, tmp_path: Path) -> None:
    workload = tmp_path / "w.sql"
    workload.write_text("SELECT b FROM t WHERE a = 77;\n")
    code = "from pgassay.cli import main; main()"
    options = ["tune", "--database", url, "--workload", str(workload), "--prove-here", "--time", "3s"]
    with server.connect(database) as other, server.connect(database, role=SUPERUSER) as watch:
        other.run("BEGIN; INSERT INTO t VALUES (-1, 1, '')")  # the build waits for it
        with subprocess.Popen(
            [sys.executable, "-c", code, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
        ) as process:
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND query LIKE 'CREATE INDEX CONCURRENTLY pgassay_try%'"
            )
            deadline = time.monotonic() + 60
            while watch.value(waiting) == "0" and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            assert watch.value(waiting) == "1"
            assert any(name.startswith(PREFIX) for name in _indexes(server, database))
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            other.run("ROLLBACK")
            _, err = process.communicate(timeout=60)
            assert process.returncode == 128 + signal.SIGTERM, err
    assert _indexes(server, database) == ["t_pkey"]


def test_two_at_once_and_roles_that_may_not(server: Server, database: str, url: str) -> None:
    from pgassay.advisor import Advice
    from pgassay.advisor.model import Recommendation
    from pgassay.errors import ConnectionProblem
    from pgassay.model import Certainty, Name
    from pgassay.workflows.tune_here import prove_here

    one = Recommendation(
        kind="create index",
        sql="CREATE INDEX CONCURRENTLY x ON pg_catalog.pg_class (reltuples)",
        undo="",
        table=Name("pg_catalog", "pg_class"),
        certainty=Certainty.PROVED,
        reason="",
        name="x",
    )
    advice = Advice(ground="copied", server="18", rows={}, queries=(), recommendations=(one,))
    found = prove_here(url, advice, keep_slower=False, progress=lambda _: None)
    assert any("permission denied" in note or "must be owner" in note for note in found.notes)
    with server.connect(database) as session:
        session.run("SELECT pg_advisory_lock(x'70676173'::bigint)")
        with pytest.raises(ConnectionProblem, match="another --prove-here"):
            prove_here(url, advice, keep_slower=False, progress=lambda _: None)


def test_a_role_that_sees_little(
    server: Server, database: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workload = tmp_path / "w.sql"
    workload.write_text('SELECT id FROM "Mixed" WHERE "Name" = \'aB\';\nSELECT b FROM t WHERE a = 77;\n')
    with server.connect(database) as session, server.connect(database, role=SUPERUSER) as admin:
        session.run('CREATE TABLE "Mixed" AS SELECT id, b AS "Name" FROM t; ANALYZE')
        admin.run("CREATE ROLE tune_reader LOGIN")
        try:
            session.run('GRANT SELECT ON "Mixed" TO tune_reader')
            theirs = ("--database", url.replace(OWNER, "tune_reader"), "--time", "5s")
            code, out, err = run(capsys, *theirs, "--workload", str(workload), "--prove-here")
            assert code == 0, err
            assert 'ON public."Mixed" ' in out and '("Name")' in out and "copied rows" in out
            assert "was not built in the database: must be owner" in out
            assert "the role may not read them: public.t" in out
            code, _, err = run(capsys, *theirs)
            assert code == 2 and "pg_stat_statements" in err and "--workload FILE" in err
            workload.write_text("-- nothing\n")
            code, _, err = run(capsys, *theirs, "--workload", str(workload))
            assert code == 2 and "w.sql holds no statements" in err
        finally:
            admin.run("DROP OWNED BY tune_reader; DROP ROLE tune_reader")
