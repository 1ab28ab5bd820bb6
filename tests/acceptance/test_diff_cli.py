"""``pgassay diff`` from the outside."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.server import OWNER, Server
from tests.acceptance import commands

OLD = "CREATE TABLE token (id bigint PRIMARY KEY, symbol varchar(10)); CREATE VIEW v AS SELECT symbol FROM token;"
NEW = (
    "CREATE TABLE token (id bigint PRIMARY KEY, ticker varchar(10));"
    " CREATE VIEW v AS SELECT ticker AS symbol FROM token;"
    " CREATE TABLE holder (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token bigint REFERENCES token);"
)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    ended = commands.run("diff", *arguments)
    assert "Traceback" not in ended.stderr and "internal error" not in ended.stderr
    return ended


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "old.sql").write_text(OLD)
    (tmp_path / "new.sql").write_text(NEW)
    return tmp_path / "old.sql", tmp_path / "new.sql"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """dbmate's layout: two migrations."""
    folder = tmp_path / "shop" / "db" / "migrations"
    folder.mkdir(parents=True)
    for name, sql in (
        ("20240101000000_token", OLD),
        ("20240102000000_flag", "ALTER TABLE token ADD COLUMN flag boolean;"),
    ):
        (folder / f"{name}.sql").write_text(f"-- migrate:up\n{sql}\n-- migrate:down\n")
    return tmp_path / "shop"


@pytest.fixture
def drifted(server: Server) -> Iterator[str]:
    """A database where dbmate has applied the project, and somebody has added an index by hand."""
    with server.database() as name:
        with server.connect(name) as session:
            session.run(OLD + "ALTER TABLE token ADD COLUMN flag boolean; CREATE INDEX by_hand ON token (flag);")
            session.run("CREATE TABLE schema_migrations (version varchar PRIMARY KEY); INSERT INTO token VALUES (1)")
            session.run("CREATE SCHEMA pgassay; CREATE TABLE pgassay.step (id integer)")
        yield f"postgresql://{OWNER}@/{name}?host={server.sockets}"


def test_equal_schemas_end_with_0(files: tuple[Path, Path]) -> None:
    ended = run(files[0], files[0])
    assert (ended.returncode, ended.stdout) == (0, "The schemas are equal.\n")


def test_a_rename_is_asked_about_and_nothing_is_written(files: tuple[Path, Path]) -> None:
    ended = run(*files, "--format", "json")
    document = json.loads(ended.stdout)
    assert ended.returncode == 1 and document["statements"] == [] and not document["proved"]
    assert document["decisions_needed"] == [
        {"kind": "column", "old": "public.token.symbol", "new": ["public.token.ticker"]}
    ]
    refused = run(*files, "--format", "sql")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--rename public.token.symbol=public.token.ticker or --drop public.token.symbol" in refused.stderr


def test_a_rename_that_was_told_is_proved(files: tuple[Path, Path]) -> None:
    document = json.loads(run(*files, "--rename", "token.symbol=token.ticker", "--format", "json").stdout)
    assert document["proved"] and document["remaining"] == [] and document["notes"] == []
    assert document["statements"][0]["sql"] == "ALTER TABLE public.token RENAME COLUMN symbol TO ticker"
    assert not any(step["loses"] for step in document["statements"])


def test_a_drop_that_was_told_is_warned_of(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text("drops: [token.symbol]\n")
    ended = run(*files, "--decisions", tmp_path / "answers.yaml", "--format", "sql")
    assert "-- loses: every value of public.token.symbol\nALTER TABLE public.token DROP COLUMN symbol;" in ended.stdout


def test_the_script_is_what_it_says(files: tuple[Path, Path], tmp_path: Path, server: Server) -> None:
    script = tmp_path / "made.sql"
    answer = ("--rename", "token.symbol=token.ticker")
    assert run(*files, *answer, "--format", "sql", "--output", script).returncode == 1
    with server.database() as name:
        with server.connect(name) as session:
            session.run(OLD)
            session.run(script.read_text())
        url = f"postgresql://{OWNER}@/{name}?host={server.sockets}"
        assert run(url, files[1]).returncode == 0
        # And back: the same answer serves.
        back = run(url, files[0], "--rename", "token.ticker=token.symbol", "--format", "sql").stdout
        assert back == run(*files, *answer, "--reverse", "--format", "sql").stdout


def test_drift_of_a_database_from_its_migrations(project: Path, drifted: str) -> None:
    document = json.loads(run(project, drifted, "--format", "json").stdout)
    assert [step["sql"] for step in document["statements"]] == [
        "CREATE INDEX by_hand ON public.token USING btree (flag)"
    ]
    assert document["proved"] and document["notes"] == ["schema_migrations is the runner's own table, and left out"]
    cure = run(project, drifted, "--reverse", "--format", "sql")
    assert (cure.returncode, cure.stdout) == (1, "DROP INDEX public.by_hand;\n")


def test_a_password_is_not_repeated(project: Path, drifted: str) -> None:
    url = drifted.replace(f"{OWNER}@", f"{OWNER}:s3cret@")
    ended = run(project, url, "--format", "json")
    assert ended.returncode == 1 and "s3cret" not in ended.stdout + ended.stderr


def test_what_an_orm_exports(tmp_path: Path, files: tuple[Path, Path]) -> None:
    program = tmp_path / "app" / "node_modules" / ".bin" / "drizzle-kit"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\ntest "$1" = export && cat {files[0]}\n')
    program.chmod(0o755)
    side = f"export:{tmp_path / 'app'}"
    assert run(side, files[0]).returncode == 2
    assert run(side, files[0], "--allow-code").returncode == 0
    program.write_text("#!/bin/sh\necho 'Error: no such column'\necho '    at Object.<anonymous> (schema.ts:3:1)'\n")
    broken = run(side, files[0], "--allow-code")
    assert (broken.returncode, "no such column" in broken.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["old.sql", "missing.sql"],
        ["old.sql", "postgresql://nobody@127.0.0.1:1/x"],
        ["old.sql", "new.sql", "--rename", "token.symbol"],
        ["old.sql", "new.sql", "--rename", "token.missing=token.there"],
        ["old.sql", "new.sql", "--decisions", "missing.yaml"],
        ["old.sql", "new.sql", "--decisions", "old.sql"],
        ["old.sql", "export:nowhere", "--allow-code"],
        ["old.sql"],
    ],
)
def test_bad_input_is_one_message(files: tuple[Path, Path], arguments: list[str]) -> None:
    folder = files[0].parent
    words = [str(folder / word) if word.endswith((".sql", ".yaml")) else word for word in arguments]
    ended = run(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("pgassay: ") and ended.stderr.count("pgassay:") == 1
