"""Real MCP clients, from synchronous tests: the SDK's own over standard input and output and over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

PGASSAY = str(Path(sys.executable).with_name("pgassay"))
TOKEN = "a-token-of-the-tests"
LIMIT = 8 * 1024


@dataclass(slots=True)
class Session:
    """An open client. Every result is held to what every result must be."""

    client: Client
    portal: BlockingPortal
    progress: list[tuple[float, str]] = field(default_factory=list)

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """A result that must not be an error."""
        result = self.raw(name, **arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        found: dict[str, Any] = result.structured_content
        return found

    def failure(self, name: str, **arguments: Any) -> dict[str, Any]:
        """An error that must be one."""
        result = self.raw(name, **arguments)
        assert result.is_error and result.structured_content is None, result
        (content,) = result.content
        assert isinstance(content, TextContent)
        found: dict[str, Any] = json.loads(content.text[content.text.index("{") :])
        return found

    def raw(self, name: str, **arguments: Any) -> CallToolResult:
        """A result that keeps the limits."""

        async def call() -> CallToolResult:
            with anyio.fail_after(120):
                return await self.client.call_tool(name, arguments, progress_callback=self._heard)

        result: CallToolResult = self.portal.call(call)
        assert len(json.dumps(result.model_dump(mode="json", by_alias=True, exclude_none=True)).encode()) <= LIMIT
        if result.structured_content is not None:
            (content,) = result.content
            assert isinstance(content, TextContent) and json.loads(content.text) == result.structured_content
        return result

    def start(self, name: str, **arguments: Any) -> tuple[Future[Any], Callable[[], object]]:
        """A call under way, and what cancels it."""

        async def call() -> CallToolResult:
            return await self.client.call_tool(name, arguments, progress_callback=self._heard)

        future: Future[Any] = self.portal.start_task_soon(call)
        return future, future.cancel

    async def _heard(self, progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        self.progress.append((progress, message or ""))


def on_pipes(session: Session) -> bool:
    """Whether its transport is standard input and output. What costs seconds and goes the same way is tried there."""
    return isinstance(session.client.server, StdioServerParameters)


@contextlib.contextmanager
def over_stdio(*options: str, env: dict[str, str] | None = None) -> Iterator[Session]:
    """A server on pipes."""
    server = StdioServerParameters(command=PGASSAY, args=["mcp", *options], env=_environment() | (env or {}))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        yield Session(client, portal)


@contextlib.contextmanager
def over_http(*options: str, env: dict[str, str] | None = None) -> Iterator[Session]:
    """A server on a port, and a client with its token."""
    with serving(*options, env=env) as (url, _):
        http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120)
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(http):
            made = Client(streamable_http_client(url, http_client=http))
            with portal.wrap_async_context_manager(made) as client:
                yield Session(client, portal)


@contextlib.contextmanager
def serving(
    *options: str, env: dict[str, str] | None = None, token: str | None = TOKEN
) -> Iterator[tuple[str, str | None]]:
    """A server over HTTP: its address, and the token where it made one up."""
    variables = _environment() | (env or {}) | ({"PGASSAY_MCP_TOKEN": token} if token else {})
    process = subprocess.Popen(
        [PGASSAY, "mcp", "--http", "--port", "0", *options], stderr=subprocess.PIPE, text=True, env=variables
    )
    assert process.stderr is not None
    try:
        found = re.match(r"http://\S+", process.stderr.readline())
        assert found
        made = None if token else process.stderr.readline().removeprefix("token: ").strip()
        yield found[0], made
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("PGASSAY_DATABASE", "PGASSAY_MCP_TOKEN")}
