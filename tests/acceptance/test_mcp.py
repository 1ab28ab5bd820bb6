"""The MCP server driven by the SDK's own client over both transports."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.mcp_clients import LIMIT, PGASSAY, TOKEN, Session, on_pipes, over_http, over_stdio, serving

EXAMPLE = Path("examples/token-registry")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mcp") / "project"
    shutil.copytree(EXAMPLE, folder)
    (folder / "slow.sql").write_text("SELECT pg_sleep(40);", encoding="utf-8")
    (folder / "before.sql").write_text("CREATE TABLE token (id int PRIMARY KEY, symbol text);", encoding="utf-8")
    (folder / "after.sql").write_text("CREATE TABLE token (id int PRIMARY KEY, ticker text);", encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=["stdio", "http"])
def session(request: pytest.FixtureRequest, project: Path) -> Iterator[Session]:
    kind = over_stdio if request.param == "stdio" else over_http
    with kind("--project", str(project)) as made:
        yield made


def test_six_tools_in_eight_kilobytes(session: Session) -> None:
    listed = session.portal.call(session.client.list_tools)
    assert [t.name for t in listed.tools] == ["review", "check", "tune", "design", "migrate", "details"]
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True).encode()) <= LIMIT - 512, "room for an option"
    assert all(t.output_schema and t.description for t in listed.tools)


def test_a_review_and_the_rest_of_it(session: Session) -> None:
    session.progress.clear()
    found = session.call("review", history=True)
    assert found["counts"] == {
        "fails": 2, "loses-data": 1, "breaks-app": 1, "blocks": 2, "slows": 1, "style": 1, "files": 8, "statements": 17,
    }  # fmt: skip
    first = found["items"][0]
    assert (first["rule"], first["verdict"], first["certainty"]) == ("required-column-added", "fails", "proved")
    assert first["place"] == {"untrusted": "drizzle/0003_token_issuer.sql:1"}
    whole = json.loads(everything(session, first["id"]))
    assert whole["fingerprint"] == first["id"] and "SQLSTATE 23502" in json.dumps(whole["evidence"])
    handoff = json.loads(everything(session, found["handoff"]))
    assert handoff["taskCompletion"]["status"] == "blocked" and handoff["qualityGates"]["security"]
    assert len(everything(session, found["run"]).splitlines()) == 8 + 1
    numbers = [number for number, _ in session.progress]
    assert len(numbers) > 2 and numbers == sorted(set(numbers))
    assert "rehearsing" in {words for _, words in session.progress}


def everything(session: Session, id: str) -> str:
    text = ""
    offset: int | None = 0
    while offset is not None:
        page = session.call("details", id=id, offset=offset)
        text, offset = text + page["text"]["untrusted"], page.get("next")
    return text


def test_what_is_pending_in_a_draft(session: Session) -> None:
    found = session.call("review", sql="ALTER TABLE token ADD COLUMN issuer text NOT NULL;", static=True)
    assert [i["rule"] for i in found["items"]] == ["required-column-added"]


def test_check_and_plan(session: Session) -> None:
    found = session.call("check", statements=["SELECT * FROM transfer WHERE memo = 'x'"])
    assert found["counts"]["files"] == 8
    plan = session.call("check", aspect="plan", query="SELECT * FROM transfer WHERE to_address = 'x'", path="drizzle")
    assert "Scan" in plan["plan"]["untrusted"]


def test_tune(session: Session) -> None:
    found = session.call("tune", workload="queries.sql", seconds=5, rows=2000)
    assert found["counts"]["queries"] == 5
    assert all(i["sql"]["untrusted"] for i in found["items"])
    assert "taskCompletion" in json.loads(everything(session, found["handoff"]))


def test_design_asks_before_it_drops(session: Session, project: Path) -> None:
    made = session.call("design", out=f"designed-{id(session)}", presets=["erc20"], events=1000)
    folder = f"designed-{id(session)}"
    assert made["status"] == "done" and (project / made["files"][0]["untrusted"]).is_file()
    if not on_pipes(session):
        return
    files = sorted((project / folder / "migrations").iterdir())
    asked = session.call("design", out=folder, presets=["erc721"], events=1000, answer="drop-000000000000")
    assert asked["status"] == "needs_decision" and asked["decision"]["about"]
    assert sorted((project / folder / "migrations").iterdir()) == files
    answers = [option["answer"] for option in asked["decision"]["options"]]
    assert session.call("design", out=folder, presets=["erc721"], answer=answers[1])["status"] == "done"
    assert sorted((project / folder / "migrations").iterdir()) == files
    done = session.call("design", out=folder, presets=["erc721"], events=1000, answer=answers[0])
    assert done["status"] == "done" and len(done["files"]) == 1


def test_design_asks_before_it_writes_among_other_files(session: Session, project: Path) -> None:
    before = sorted(project.iterdir())
    asked = session.call("design", out=".", presets=["erc20"])
    assert asked["status"] == "needs_decision" and asked["decision"]["about"] == [{"untrusted": "."}]
    assert sorted(project.iterdir()) == before


def test_diff_asks_what_became_of_a_column(session: Session) -> None:
    asked = session.call("migrate", action="diff", path="before.sql", other="after.sql")
    assert asked["status"] == "needs_decision"
    assert [a["untrusted"] for a in asked["decision"]["about"]] == ["public.token.symbol", "public.token.ticker"]
    renamed, dropped = (option["answer"] for option in asked["decision"]["options"])
    made = session.call("migrate", action="diff", path="before.sql", other="after.sql", answers=[renamed])
    assert made["status"] == "done" and made["counts"]["proved"] == 1 and made["counts"]["losses"] == 0
    assert "RENAME COLUMN" in made["items"][0]["untrusted"]
    made = session.call("migrate", action="diff", path="before.sql", other="after.sql", answers=[dropped])
    assert made["counts"]["losses"] == 1


def test_plan_and_way_back_are_written_when_that_is_decided(session: Session, project: Path) -> None:
    folder = project / f"plain{id(session)}"
    folder.mkdir()
    (folder / "0001_token.sql").write_text("CREATE TABLE token (id int PRIMARY KEY, symbol text);", encoding="utf-8")
    (folder / "0002_index.sql").write_text("CREATE INDEX token_symbol ON token (symbol);", encoding="utf-8")
    asked = session.call("migrate", action="plan", path=folder.name, last=1)
    assert asked["status"] == "needs_decision" and asked["counts"]["verified"] == 1
    assert "CONCURRENTLY" in asked["items"][0]["untrusted"]
    if not on_pipes(session):
        return
    answer = asked["decision"]["options"][0]["answer"]
    done = session.call("migrate", action="plan", path=folder.name, last=1, answers=[answer])
    assert done["status"] == "done" and done["files"]
    assert "CONCURRENTLY" in "".join(f.read_text(encoding="utf-8") for f in folder.glob("*.sql"))
    asked = session.call("migrate", action="down", path=folder.name, migration="0001_token")
    assert asked["status"] == "needs_decision" and "DROP TABLE" in asked["items"][0]["untrusted"]
    kept = session.call("migrate", action="down", path=folder.name, migration="0001_token", answers=["keep"])
    assert kept["status"] == "done" and not kept["files"]


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("review", {"path": "../.."}, "Outside"),
        ("review", {"path": "/etc"}, "Outside"),
        ("review", {"path": "-"}, "Outside"),
        ("review", {"path": "postgresql://localhost/x"}, "Outside"),
        ("tune", {"workload": "../secrets.sql"}, "Outside"),
        ("design", {"out": "/tmp/elsewhere", "presets": ["erc20"]}, "Outside"),
        ("migrate", {"action": "diff", "path": ".", "other": "export:../.."}, "Outside"),
        ("check", {"target": "database"}, "NoDatabase"),
        ("review", {"since": "--output=/tmp/x"}, "BadArguments"),
        ("review", {"sql": 5}, "BadArguments"),
        ("tune", {"seconds": 100_000}, "BadArguments"),
        ("check", {"aspect": "plan"}, "BadArguments"),
        ("details", {"id": "r999"}, "Unknown"),
        ("review", {"path": "nowhere"}, "InputError"),
        ("review", {"sql": "CREATE TABLE (", "static": True}, "SyntaxProblem"),
    ],
)
def test_errors_are_errors(session: Session, tool: str, arguments: dict[str, Any], error: str) -> None:
    assert session.failure(tool, **arguments)["error"] == error


def test_links_that_lead_out_are_refused(session: Session, project: Path) -> None:
    link = project / "link"
    if not link.is_symlink():
        link.symlink_to("/etc")
    assert session.failure("review", path="link")["error"] == "Outside"


def commands() -> dict[int, tuple[int, list[str]]]:
    """Every process: its parent, and its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            found[int(folder.name)] = (parent, words)
    return found


def family(root: int) -> dict[int, list[str]]:
    """The processes below one."""
    everyone, found = commands(), {root: [""]}
    for _ in range(6):
        found |= {pid: words for pid, (parent, words) in everyone.items() if parent in found and pid != root}
    return {pid: words for pid, words in found.items() if pid != root}


def at_work(root: int) -> tuple[set[int], set[Path]] | None:
    """The processes of the call whose server is up, and the server's folder; None where it is not yet."""
    for worker in (pid for pid, words in family(root).items() if "pgassay.mcp.worker" in words):
        below = family(worker)
        folders = {Path(words[words.index("-D") + 1]) for words in below.values() if "-D" in words}
        if any((folder / "postmaster.pid").exists() for folder in folders):
            return {worker, *below}, folders
    return None


def eventually(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} seconds")


def gone(pids: set[int], folders: set[Path]) -> bool:
    return not pids & set(commands()) and not any(folder.exists() for folder in folders)


def test_a_cancelled_call_leaves_nothing_behind(session: Session) -> None:
    _, cancel = session.start("review", path="slow.sql")
    pids, folders = eventually(lambda: at_work(os.getpid()))
    cancel()
    eventually(lambda: gone(pids, folders))
    assert session.call("review", sql="SELECT 1;", static=True)["counts"]["files"] == 1


def test_the_end_of_the_client_ends_the_work(project: Path) -> None:
    with over_stdio("--project", str(project)) as session:
        session.start("review", path="slow.sql")
        pids, folders = eventually(lambda: at_work(os.getpid()))
    eventually(lambda: gone(pids, folders))


def test_a_killed_server_takes_its_workers_along(project: Path) -> None:
    process = subprocess.Popen(
        [PGASSAY, "mcp", "--project", str(project)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    call = {"name": "review", "arguments": {"path": "slow.sql"}}
    for message in (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ):
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
    pids, folders = eventually(lambda: at_work(process.pid))
    process.kill()
    process.communicate(timeout=10)
    eventually(lambda: gone(pids, folders))


def test_no_call_outlasts_its_timeout(project: Path) -> None:
    with over_stdio("--project", str(project), "--timeout", "2") as session:
        began = time.monotonic()
        assert session.failure("review", path="slow.sql")["error"] == "TimedOut"
        assert time.monotonic() - began < 25
        assert not any("pgassay.mcp.worker" in words for words in family(os.getpid()).values())


def test_http_is_for_whoever_holds_the_token(project: Path) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}  # fmt: skip
    kinds = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    with serving("--project", str(project), token=None) as (url, token), httpx2.Client(timeout=20) as client:
        assert token and len(token) >= 32 and token != TOKEN

        def status(**headers: str) -> int:
            return client.post(url, json=hello, headers=kinds | headers).status_code

        held = {"Authorization": f"Bearer {token}"}
        assert status() == 401
        assert status(Authorization="Bearer wrong") == 401
        assert client.get(url.removesuffix("/mcp") + "/other").status_code == 401
        assert status(**held) == 200
        assert status(**held, Origin="https://evil.example") == 403
        assert status(**held, Origin="http://127.0.0.1:1") == 403
        assert status(**held, Host="evil.example") == 421
        assert client.post(url, content=b"x" * (3 * 2**20), headers=kinds | held).status_code == 413
