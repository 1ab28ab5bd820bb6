"""Asking a Context7-compatible MCP server: by query-docs, or by get-library-docs where it is older."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_KEY = "CONTEXT7_API_KEY"
# Whose documentation it is, where others offer some under the same name.
_OWNERS = {
    "drizzle-orm": ("/drizzle-team/", "/websites/orm_drizzle", "/llmstxt/orm_drizzle"),
    "postgresql": ("/websites/postgresql", "/postgres/"),
    "sqlalchemy": ("/sqlalchemy/", "/websites/sqlalchemy"),
    "alembic": ("/sqlalchemy/alembic", "/websites/alembic"),
    "prisma": ("/prisma/", "/websites/prisma"),
}
_ID = re.compile(r"library ID:\s*(/[\w.@-]+/[\w.@-]+(?:/[\w.@-]+)?)", re.IGNORECASE)


class Unreachable(Exception):
    """No answer. ``whole``: not of the server at all. Never reaches a user."""

    def __init__(self, why: str, *, whole: bool) -> None:
        self.whole = whole
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Answer:
    """A library's id and a text that its documentation has."""

    id: str
    text: str


async def ask(server: str, library: str, topic: str, tokens: int, timeout: float) -> Answer:
    """Ask for a topic of a library. Raises Unreachable."""
    try:
        import httpx2
        from mcp import Client, StdioServerParameters
        from mcp.client.streamable_http import streamable_http_client
    except ModuleNotFoundError:
        raise Unreachable("the MCP client is not installed (pip install 'pgassay[agent]')", whole=True) from None
    own = {_KEY: os.environ[_KEY]} if os.environ.get(_KEY) else None
    try:
        async with asyncio.timeout(timeout), contextlib.AsyncExitStack() as stack:
            target: Any
            if server.startswith(("http://", "https://")):
                # A key goes where nobody on the way can read it.
                headers = own if server.startswith("https://") or _here(server) else None
                http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=timeout))
                target = streamable_http_client(server, http_client=http)
            else:
                command, *arguments = shlex.split(server)
                target = StdioServerParameters(command=command, args=arguments, env=own)
            client = await stack.enter_async_context(Client(target))
            return await _asked(client, library, topic, tokens)
    except Unreachable:
        raise
    except Exception as error:  # of transports, protocols, processes, and groups of these
        found = _inner(error)
        if isinstance(found, Unreachable):
            raise found from None
        raise Unreachable(f"{_name(server)} cannot be reached ({_words(found)})", whole=True) from None


async def _asked(client: Any, library: str, topic: str, tokens: int) -> Answer:
    tools: Mapping[str, Any] = {t.name: t.input_schema.get("properties", {}) for t in (await client.list_tools()).tools}
    resolve = tools.get("resolve-library-id")
    if resolve is None or not {"query-docs", "get-library-docs"} & set(tools):
        raise Unreachable("the server has no tools for documentation", whole=True)
    asked = {"libraryName": library} | ({"query": topic} if "query" in resolve else {})
    id = chosen(library, await _text(client, "resolve-library-id", asked))
    if id is None:
        raise Unreachable(f"the server knows no library {library}", whole=False)
    if "query-docs" in tools:
        wanted = {"libraryId": id, "query": topic} | ({"tokens": tokens} if "tokens" in tools["query-docs"] else {})
        text = await _text(client, "query-docs", wanted)
    else:
        text = await _text(
            client, "get-library-docs", {"context7CompatibleLibraryID": id, "topic": topic, "tokens": tokens}
        )
    if not text.strip():
        raise Unreachable(f"the server has nothing on {topic} of {library}", whole=False)
    return Answer(id, text)


async def _text(client: Any, tool: str, arguments: dict[str, Any]) -> str:
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if getattr(part, "text", None))
    if result.is_error:
        raise Unreachable(f"the server answered {tool} with an error: {text[:200]}", whole=False)
    return text


def chosen(library: str, text: str) -> str | None:
    """The library's id among those offered: its owner's own, else one whose name it has."""
    ids = _ID.findall(text)
    name = re.sub(r"[^a-z0-9]", "", library.lower())
    for prefix in _OWNERS.get(library.lower(), ()):
        for id in ids:
            if id.startswith(prefix):
                return str(id)
    return next((str(id) for id in ids if name and name in re.sub(r"[^a-z0-9]", "", id.lower())), None)


def _here(server: str) -> bool:
    return urlsplit(server).hostname in ("127.0.0.1", "::1", "localhost")


def _inner(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _words(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__


def _name(server: str) -> str:
    return re.sub(r"//[^/@]*@", "//", server).split("?")[0] if "://" in server else shlex.split(server)[0]
