"""The protocol's own inspector, as the reference of what a client accepts (npm; not part of pgassay)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

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


def test_it_lists_and_calls() -> None:
    names = [tool["name"] for tool in inspect("--method", "tools/list", "--strict")["tools"]]
    assert names == ["review", "check", "tune", "design", "migrate", "details"]
    found = call("review", "history=true")
    assert found["structuredContent"]["counts"]["fails"] == 2
    assert call("review", "path=/etc", code=5)["isError"] is True


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("check", ["aspect=schema"]),
        ("tune", ["workload=queries.sql", "seconds=5", "rows=1000"]),
        ("migrate", ["action=diff", "path=drizzle", "other=drizzle"]),
    ],
)
def test_tools_over_http(name: str, arguments: list[str]) -> None:
    with serving("--project", PROJECT) as (url, _):
        target = (url, "--transport", "http", "--header", f"Authorization: Bearer {TOKEN}")
        found = call(name, *arguments, target=target)
    assert not found.get("isError") and found["structuredContent"]["run"] == "r1"
