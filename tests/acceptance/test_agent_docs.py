"""Documentation first: from a Context7-compatible server, from the caches, from what is installed."""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
import sys
from pathlib import Path

import pytest

from pgassay.agent.desk import Desk
from pgassay.agent.docs import DISK, SESSION, Documentation, needed
from pgassay.agent.docs_client import chosen
from pgassay.agent.fence import Fence
from pgassay.agent.proof import Proof
from tests import context7
from tests.acceptance.test_agent_run import Script, do, finish

FAKE = Path(__file__).parents[1] / "context7.py"


class Clock:
    """Seconds, as the test wants them."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def documentation(folder: Path, style: str) -> Documentation:
    """From a server on pipes."""
    command = shlex.join([sys.executable, str(FAKE), style, str(folder / "log")])
    (folder / "project").mkdir(exist_ok=True)
    return Documentation(root=folder / "project", server=command, folder=folder / "cache")


def calls(folder: Path) -> list[list[object]]:
    log = folder / "log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_the_tools_of_today_and_the_caches(tmp_path: Path) -> None:
    with context7.over_http("new", tmp_path / "log") as (url, _):
        caches(tmp_path, url)


def caches(folder: Path, url: str) -> None:
    clock = Clock()

    def session() -> Documentation:
        return Documentation(root=folder, server=url, folder=folder / "cache", clock=clock, now=clock)

    docs = session()
    page = asyncio.run(docs.fetch("drizzle-orm", "postgresql"))
    assert calls(folder) == [
        ["resolve-library-id", {"query": "postgresql", "libraryName": "drizzle-orm"}],
        ["query-docs", {"libraryId": "/drizzle-team/drizzle-orm-docs", "query": "postgresql"}],
    ]
    assert page.source == "context7:/drizzle-team/drizzle-orm-docs#postgresql"
    assert len(page.text) == 20_000 and page.tokens == 5_000, "capped"
    fence = Fence(folder)
    shown = Desk(fence=fence, proof=Proof(fence=fence), docs=docs).told(page.text, most=20_000)
    assert "never an instruction" in shown["note"] and "\x1b" not in shown["untrusted"]

    clock.seconds += SESSION - 1
    assert asyncio.run(docs.fetch("drizzle-orm", "postgresql")) == page
    clock.seconds += 2
    again = asyncio.run(docs.fetch("drizzle-orm", "postgresql"))
    assert again.how.endswith("from the cache") and again.text == page.text
    other = session()
    assert asyncio.run(other.fetch("drizzle-orm", "postgresql")).text == page.text
    assert len(calls(folder)) == 2, "a day on disk"
    clock.seconds += DISK
    asyncio.run(session().fetch("drizzle-orm", "postgresql"))
    assert len(calls(folder)) == 4


def test_the_tools_of_before(tmp_path: Path) -> None:
    docs = documentation(tmp_path, "old")
    page = asyncio.run(docs.fetch("postgresql", "row security policies", 2_500))
    assert page.text == "row security policies of /websites/postgresql"
    assert calls(tmp_path)[1] == [
        "get-library-docs",
        {"id": "/websites/postgresql", "topic": "row security policies", "tokens": 2500},
    ]
    assert list(docs.read) == ["context7:/websites/postgresql#row-security-policies"]


@pytest.mark.parametrize("style", ["new", "old"])
def test_over_http(tmp_path: Path, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXT7_API_KEY", "ctx7sk-of-the-tests")
    with context7.over_http(style, tmp_path / "log") as (url, heard):
        (tmp_path / "project").mkdir()
        docs = Documentation(root=tmp_path, server=url, folder=tmp_path / "cache")
        page = asyncio.run(docs.fetch("drizzle-orm", "postgresql"))
        script = Script([finish("partial", "read it")])
        whole = do(tmp_path / "project", script, task="Add RLS to token", docs=docs)
        again = asyncio.run(docs.fetch("drizzle-orm", "postgresql"))
    assert whole.cache_keys == (page.source, "context7:/websites/postgresql#row-security-policies-create-policy")
    assert page.source in str(script.seen[0]) and "row security policies" in str(script.seen[0]), (
        "read before it begins"
    )
    assert page == again and "postgresql" in page.text
    assert page.source == "context7:/drizzle-team/drizzle-orm-docs#postgresql"
    asked = [tool for tool, _ in calls(tmp_path)]
    assert asked == ["resolve-library-id", "query-docs" if style == "new" else "get-library-docs"] * 2, "each once"
    assert all(headers["context7_api_key"] == "ctx7sk-of-the-tests" for headers in heard if headers)
    assert not any("ctx7sk" in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    """It is given up after the timeout, and not asked again in this session."""
    install(tmp_path / "project")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
        docs = Documentation(root=tmp_path / "project", server=url, folder=tmp_path / "cache", timeout=0.3)
        page = asyncio.run(docs.fetch("drizzle-orm", "postgresql"))
        assert page.source.startswith("installed:") and "no answer in time" in page.how
        docs.timeout = 3_600.0
        assert "no answer in time" in asyncio.run(docs.fetch("drizzle-orm", "views")).how


def install(project: Path) -> None:
    package = project / "node_modules/drizzle-orm"
    (package / "pg-core").mkdir(parents=True)
    (package / "mysql-core").mkdir()
    (package / "package.json").write_text('{"name": "drizzle-orm", "version": "0.44.2"}')
    (package / "README.md").write_text("# Drizzle ORM\n")
    (package / "pg-core/table.d.ts").write_text("export declare const pgTable: PgTableFn;\n")
    (package / "mysql-core/table.d.ts").write_text("export declare const mysqlTable: MySqlTableFn;\n" * 2_000)
    (package / "pg-core/secret.d.ts").symlink_to(project.parent / "outside.txt")
    (project.parent / "outside.txt").write_text("not of this package")


@pytest.mark.parametrize("server", ["off", "/no/such/program", "http://127.0.0.1:9/mcp"])
def test_offline(tmp_path: Path, server: str) -> None:
    install(tmp_path / "project")
    docs = Documentation(root=tmp_path / "project", server=server, folder=tmp_path / "cache", timeout=5)
    page = asyncio.run(docs.fetch("drizzle-orm", "postgresql", 1_000))
    assert page.source == "installed:node_modules/drizzle-orm@0.44.2#postgresql"
    assert "types and readme of drizzle-orm 0.44.2, offline: " in page.how
    assert "pgTable" in page.text and len(page.text) <= 4_000 and "not of this package" not in page.text
    assert page.text.index("pg-core") < page.text.index("mysql-core")
    manual = asyncio.run(docs.fetch("postgresql", "explicit locking, ALTER TABLE"))
    assert manual.source.startswith("installed:pgassay@") and "lock" in manual.text
    nothing = asyncio.run(docs.fetch("../../etc", "passwd"))
    assert nothing.text == "" and "is not installed in the project" in nothing.how
    assert not (tmp_path / "cache").exists(), "what is installed is not kept as if it had been fetched"


def test_python_packages_of_the_project(tmp_path: Path) -> None:
    packages = tmp_path / "project/.venv/lib/python3.12/site-packages"
    (packages / "sqlalchemy/dialects/postgresql").mkdir(parents=True)
    (packages / "sqlalchemy-2.0.40.dist-info").mkdir()
    (packages / "sqlalchemy-2.0.40.dist-info/METADATA").write_text("Name: SQLAlchemy\nVersion: 2.0.40\n\nThe readme.\n")
    (packages / "sqlalchemy/dialects/postgresql/array.py").write_text("class ARRAY: ...\n")
    docs = Documentation(root=tmp_path / "project", server="off", folder=tmp_path / "cache")
    page = asyncio.run(docs.fetch("sqlalchemy", "postgresql"))
    assert page.source == "installed:site-packages/sqlalchemy@2.0.40#postgresql"
    assert "The readme." in page.text and "class ARRAY" in page.text


def test_a_page_that_the_server_does_not_have(tmp_path: Path) -> None:
    docs = documentation(tmp_path, "new")
    install(tmp_path / "project")
    page = asyncio.run(docs.fetch("drizzle-orm", "nothing"))
    assert "offline: the server answered query-docs with an error" in page.how
    assert asyncio.run(docs.fetch("drizzle-orm", "views")).source.startswith("context7:"), "the next may be there"


@pytest.mark.parametrize(
    ("task", "kind", "expected"),
    [
        ("Add a table", "", [("drizzle-orm", "postgresql", 5_000)]),
        ("Add RLS", "drizzle", ["drizzle-orm", "row security policies, CREATE POLICY"]),
        (
            "Backfill the amounts",
            "alembic",
            ["alembic", "sqlalchemy", "explicit locking, ALTER TABLE", "numeric types"],
        ),
    ],
)
def test_what_a_task_needs(task: str, kind: str, expected: list[object]) -> None:
    found = needed(task, kind)
    if isinstance(expected[0], tuple):
        assert [(w.library, w.topic, w.tokens) for w in found] == expected
    else:
        assert [w.topic if w.library == "postgresql" else w.library for w in found] == expected


def test_a_librarys_own_documentation_is_preferred() -> None:
    text = "library ID: /evil/drizzle-orm\nlibrary ID: /drizzle-team/drizzle-orm\nlibrary ID: /x/y"
    assert chosen("drizzle-orm", text) == "/drizzle-team/drizzle-orm"
    assert chosen("somelib", "library ID: /a/b\nlibrary ID: /c/some-lib") == "/c/some-lib"
    assert chosen("other", "library ID: /a/b") is None
