"""A call: its process, its progress, its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import anyio
from anyio.abc import Process
from mcp.server.mcpserver.exceptions import ToolError

from pgassay.mcp.marking import quoted, stripped
from pgassay.mcp.roots import Roots

Progress = Callable[[float, str], Awaitable[None]]

_AT_ONCE = 2  # servers at a time: more would only wait for each other
_GRACE = 15.0  # seconds to clear up after SIGTERM
_BEAT = 5.0  # seconds without news after which there is some
_OFTEN = 0.2
_MOST = 64 * 2**20  # bytes of an outcome
_PROBLEM = 600  # characters
# Progress is an unmarked string: it says what we do, in our own words, and never to what.
_PHASES = frozenset(
    """reading starting applying rehearsing trying judging planning running analysing choosing measuring making copying
    sampling building screening writing creating setting looking comparing dropping""".split()
)


def failure(kind: str, problem: str) -> ToolError:
    """An error as the client sees it: what went wrong may quote files and servers, so it is marked, too."""
    return ToolError(json.dumps({"error": kind, "problem": quoted(problem, _PROBLEM).model_dump()}, ensure_ascii=False))


def phase(words: str) -> str:
    """The kind of work that a line of progress tells of."""
    first = words.split(" ", 1)[0].lower()
    return first if first in _PHASES else "working"


class Calls:
    """Runs jobs, each in a process of its own, so many at once, none longer than ``roots.timeout`` seconds."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self._free = anyio.CapacityLimiter(_AT_ONCE)

    async def run(self, verb: str, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """The outcome of a job. Raises ToolError. Cancelled, it returns when the process and its server are gone."""
        job = {"verb": verb, "arguments": arguments, "roots": asdict(self.roots) | {"project": None}}
        line = json.dumps(job).encode() + b"\n"
        try:
            with anyio.fail_after(self.roots.timeout):
                async with self._free:
                    return await self._ran(line, progress)
        except TimeoutError:
            raise failure("TimedOut", f"no result within {self.roots.timeout:g} seconds; it was stopped") from None

    async def _ran(self, line: bytes, progress: Progress) -> dict[str, Any]:
        process = await anyio.open_process(
            [sys.executable, "-m", "pgassay.mcp.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.roots.project,
            env=_environment(),
            start_new_session=True,
        )
        try:
            assert process.stdin is not None
            await process.stdin.send(line)
            return await self._answer(process, progress)
        finally:
            with anyio.CancelScope(shield=True):
                await _ended(process)

    async def _answer(self, process: Process, progress: Progress) -> dict[str, Any]:
        news = _News(progress)
        message: dict[str, Any] | Exception
        async with anyio.create_task_group() as group:
            group.start_soon(news.beat)
            try:
                message = await self._message(process, news)
            except Exception as error:  # raised below: a group would wrap it
                message = error
            group.cancel_scope.cancel()
        if isinstance(message, Exception):
            raise message
        if "error" in message:
            raise failure(message["error"]["kind"], message["error"]["problem"])
        if "fault" in message:
            raise RuntimeError(f"a fault of pgassay itself:\n{stripped(message['fault'])}")
        outcome: dict[str, Any] = message["outcome"]
        return outcome

    async def _message(self, process: Process, news: _News) -> dict[str, Any]:
        assert process.stdout is not None
        parts: list[bytes] = []
        size = 0
        async for chunk in process.stdout:
            size += len(chunk)
            if size > _MOST:
                raise failure("TooLarge", "the result is too large to hand over")
            *whole, last = chunk.split(b"\n")
            for end in whole:
                message: dict[str, Any] = json.loads(b"".join([*parts, end]))
                parts.clear()
                if "say" not in message:
                    return message
                await news.say(message["say"])
            parts.append(last)
        raise RuntimeError(f"the worker ended with {await process.wait()} and no answer")


class _News:
    """Progress that grows, not more often than somebody wants to know."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._told = -_OFTEN
        self._number = 0.0
        self._words = "starting"

    async def say(self, words: str) -> None:
        self._words = phase(words)
        if time.monotonic() - self._told >= _OFTEN:
            await self._tell()

    async def beat(self) -> None:
        while True:
            await anyio.sleep(_BEAT)
            if time.monotonic() - self._told >= _BEAT:
                await self._tell()

    async def _tell(self) -> None:
        self._told = time.monotonic()
        self._number += 1
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._progress(self._number, self._words)


def _environment() -> dict[str, str]:
    """Ours without what a project's own code need not know; its modules must not take the place of ours."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PGASSAY_DATABASE", "PGASSAY_MCP_TOKEN")}
    return kept | {"PYTHONSAFEPATH": "1"}


async def _ended(process: Process) -> None:
    """Ask the process to clear up and go; see to it that it goes."""
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with anyio.move_on_after(_GRACE):
            await process.wait()
    if process.returncode is None:
        _signal(process, signal.SIGKILL, group=True)
        await process.wait()
    await process.aclose()


def _signal(process: Process, number: signal.Signals, *, group: bool = False) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number) if group else process.send_signal(number)
