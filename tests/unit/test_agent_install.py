from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from pgassay.agent.packaging import texts
from pgassay.agent.packaging.plan import CLIENTS, Client, carry_out, installing, removing
from pgassay.errors import InputError
from pgassay.mcp.roots import Roots
from pgassay.mcp.server import build
from pgassay.report.handover import Handoff

ENTRIES: dict[Client, tuple[str, str]] = {
    "claude": (".mcp.json", "mcpServers"),
    "cursor": (".cursor/mcp.json", "mcpServers"),
    "vscode": (".vscode/mcp.json", "servers"),
}


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("client", CLIENTS)
def test_there_and_back_leaves_nothing(tmp_path: Path, client: Client) -> None:
    carry_out(installing(tmp_path, [client]), tmp_path)
    assert installing(tmp_path, [client]) == ()
    assert len(tree(tmp_path)) >= 3
    carry_out(removing(tmp_path, [client]), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("client", CLIENTS)
def test_what_others_wrote_stays(tmp_path: Path, client: Client) -> None:
    others = {
        ".mcp.json": '{\n    "mcpServers": {\n        "theirs": {\n            "command": "x"\n        }\n    }\n}\n',
        ".cursor/mcp.json": '{\n  "mcpServers": {\n    "theirs": {\n      "url": "x"\n    }\n  },\n  "more": 1\n}\n',
        ".vscode/mcp.json": '{\n\t"inputs": [],\n\t"servers": {\n\t\t"theirs": {}\n\t}\n}\n',
        ".codex/config.toml": 'model = "x"\n\n[mcp_servers.theirs]\ncommand = "y"\n',
        "AGENTS.md": "# Ours\n\nBe kind.\n",
    }
    for name, text in others.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    carry_out(installing(tmp_path, [client], database=True), tmp_path)
    assert tree(tmp_path) != others and "Be kind." in (tmp_path / "AGENTS.md").read_text(encoding="utf-8")
    carry_out(removing(tmp_path, [client]), tmp_path)
    assert tree(tmp_path) == others


@pytest.mark.parametrize("client", ["claude", "cursor", "vscode"])
def test_the_entry_starts_the_server(tmp_path: Path, client: Client) -> None:
    carry_out(installing(tmp_path, [client], database=True), tmp_path)
    name, table = ENTRIES[client]
    entry = json.loads((tmp_path / name).read_text(encoding="utf-8"))[table]["pgassay"]
    assert entry["command"] == "pgassay" and entry["args"][:2] == ["mcp", "--project"]
    assert "PGASSAY_DATABASE" in entry["env"]["PGASSAY_DATABASE"]


def test_the_entry_for_codex_is_toml(tmp_path: Path) -> None:
    carry_out(installing(tmp_path, ["codex"], database=True), tmp_path)
    found = tomllib.loads((tmp_path / ".codex/config.toml").read_text(encoding="utf-8"))
    assert found["mcp_servers"]["pgassay"]["args"] == ["mcp", "--project", "."]
    assert found["mcp_servers"]["pgassay"]["env_vars"] == ["PGASSAY_DATABASE"]


def test_hints_stay_as_long_as_one_agent_needs_them(tmp_path: Path) -> None:
    carry_out(installing(tmp_path, ["claude", "cursor"]), tmp_path)
    carry_out(removing(tmp_path, ["claude"]), tmp_path)
    assert (tmp_path / "AGENTS.md").exists()
    carry_out(removing(tmp_path, ["cursor"]), tmp_path)
    assert not (tmp_path / "AGENTS.md").exists()


def test_an_older_version_of_ours_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / ".claude/agents/database-expert.md"
    path.parent.mkdir(parents=True)
    path.write_text(texts.sealed("an older one\n"), encoding="utf-8")
    carry_out(installing(tmp_path, ["claude"]), tmp_path)
    assert path.read_text(encoding="utf-8") == texts.sealed(texts.subagent())


@pytest.mark.parametrize("text", ["their own expert\n", texts.sealed("ours").replace("ours", "changed")])
def test_an_expert_that_somebody_wrote_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".claude/agents/database-expert.md"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="left alone"):
        installing(tmp_path, ["claude"])
    assert not any(edit.path == path for edit in removing(tmp_path, ["claude"]))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (".mcp.json", "{ // comment\n}", "is no JSON"),
        (".mcp.json", "[]", "no JSON object"),
        (".mcp.json", '{"mcpServers": 3}', "not an object"),
        (".mcp.json", '{"mcpServers": {"pgassay": {"command": "other"}}}', "not ours"),
    ],
)
def test_what_cannot_be_understood_is_said(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        installing(tmp_path, ["claude"])
    assert tree(tmp_path) == {name: text}


def test_links_are_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/AGENTS.md").symlink_to(tmp_path / "elsewhere.md")
    with pytest.raises(InputError, match="symbolic link"):
        installing(tmp_path / "project", ["claude"])


def test_the_command_shows_before_it_writes(tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("pgassay")),
        "agent",
        "install",
        "--claude",
        "--project",
        str(tmp_path),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert shown.returncode == 2 and "+++ .mcp.json" in shown.stdout and "--yes" in shown.stderr
    assert not list(tmp_path.iterdir())
    done = subprocess.run([*command, "--yes"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and (tmp_path / ".mcp.json").is_file()


def test_the_plugin_is_up_to_date() -> None:
    folder = Path("plugins/claude-code")
    assert tree(folder) == texts.plugin(), "make docs"


def test_the_experts_hand_off_is_the_real_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", texts.instructions(), re.S)
    shown = json.loads(block)
    fields = {f.encode_name: f for f in msgspec.structs.fields(Handoff)}
    assert list(shown) == list(fields)
    for name, part in shown.items():
        if isinstance(part, dict):
            assert list(part) == [f.encode_name for f in msgspec.structs.fields(fields[name].type)]


def test_the_expert_knows_the_tools_that_there_are(tmp_path: Path) -> None:
    import anyio

    tools = {tool.name: tool for tool in anyio.run(build(Roots(project=tmp_path)).list_tools)}
    table = [line for line in texts.instructions().splitlines() if line.startswith("|")][2:]
    assert {re.findall(r"`(\w+)`", row.split("|")[2])[0] for row in table} == set(tools)
    words = set(re.findall(r"`(\w+)`", "".join(row.split("|")[2] for row in table))) - {"r1"}
    known = json.dumps([tool.input_schema for tool in tools.values()])
    assert {word for word in words - set(tools) if f'"{word}"' not in known} <= {"blocks"}
