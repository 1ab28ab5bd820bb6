"""The protocol's own inspector, as the reference of what a client accepts (npm; not part of pgassay)."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests import npm
from tests.acceptance.mcp_clients import PGASSAY, TOKEN, serving

PACKAGE = "@modelcontextprotocol/inspector@2.12.0"
PROJECT = str(Path("examples/token-registry").resolve())
STDIO = (PGASSAY, "mcp", "--project", PROJECT)


def inspect(*options: str, target: tuple[str, ...] = STDIO, code: int = 0) -> dict[str, Any]:
    folder = npm.npm(PACKAGE)
    environment = os.environ | {"MCP_CATALOG_PATH": str(folder / "catalog.json")}
    command = ["node_modules/.bin/mcp-inspector", "--cli", *target, *options]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def call(name: str, *arguments: str, target: tuple[str, ...] = STDIO, code: int = 0) -> dict[str, Any]:
    words = [word for argument in arguments for word in ("--tool-arg", argument)]
    return inspect("--method", "tools/call", "--tool-name", name, *words, target=target, code=code)


CALLS: dict[str, tuple[str, ...]] = {
    "review": ("sql=ALTER TABLE token DROP COLUMN name;", "static=true"),
    "check": ("aspect=schema", "path=drizzle"),
    "tune": ("workload=queries.sql", "seconds=5", "rows=500"),
    "design": ("out=.", 'presets=["erc20"]'),
    "migrate": ("action=diff", "path=drizzle/0000_registry.sql", "other=drizzle/0000_registry.sql"),
    "details": ("id=r1",),
}


def test_it_lists_and_calls() -> None:
    names = [tool["name"] for tool in inspect("--method", "tools/list", "--strict")["tools"]]
    assert names == ["review", "check", "tune", "design", "migrate", "details"]
    found = call("review", *CALLS["review"])
    assert found["structuredContent"]["counts"]["loses-data"] == 1
    assert call("review", "path=/etc", code=5)["isError"] is True


def test_every_tool_over_http() -> None:
    with serving("--project", PROJECT) as (url, _):
        target = (url, "--transport", "http", "--header", f"Authorization: Bearer {TOKEN}")
        found = {name: call(name, *arguments, target=target) for name, arguments in CALLS.items()}
    assert not any(each.get("isError") for each in found.values())
    runs = [each["structuredContent"].get("run") for each in found.values()]
    assert runs == ["r1", "r2", "r3", "r4", "r5", None]
    assert found["design"]["structuredContent"]["status"] == "needs_decision"
    assert "dropped-column" in found["details"]["structuredContent"]["text"]["untrusted"]


def test_every_tool_over_pipes() -> None:
    """Each call has a server of its own here, which has nothing to tell details of."""
    with ThreadPoolExecutor(2) as pool:
        waiting = {
            name: pool.submit(call, name, *CALLS[name], code=5 if name == "details" else 0)
            for name in CALLS
            if name != "review"  # above
        }
        found = {name: each.result() for name, each in waiting.items()}
    assert [name for name, each in found.items() if each.get("isError")] == ["details"]
    assert found["migrate"]["structuredContent"]["status"] == "done"
