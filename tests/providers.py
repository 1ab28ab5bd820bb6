"""Model providers on loopback: the Messages API and the Chat Completions API, as far as an agent's requests need them.

``Provider.script`` says what is answered, one after the other: a tool call, a status code, or ``"hang up"``. What was
asked is checked for what the real servers insist on, and kept.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Call = tuple[str, dict[str, Any]]
Answer = Call | int | str
INPUT, OUTPUT = 1_000, 50  # tokens that each answer is said to have cost


@dataclass
class Asked:
    """A request: where to, with which headers, and its document."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def key(self) -> str:
        """What the request shows for a key."""
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Provider:
    """A running server: ``url``, and what it was asked."""

    url: str
    script: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@contextlib.contextmanager
def provider(script: Callable[[Asked], Answer]) -> Iterator[Provider]:
    """A server, until the end of the block; then it must have seen nothing that a real one would refuse."""
    made: Provider

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            made.asked.append(asked)
            try:
                problems = _messages_faults(asked) if self.path == "/v1/messages" else _chat_faults(asked)
                made.faults += problems
                answer = made.script(asked)
            except Exception as error:
                made.faults.append(repr(error))
                raise
            if answer == "hang up":
                self.close_connection = True
            elif isinstance(answer, int):
                self._send(answer, _error(answer, asked))
            elif isinstance(answer, tuple):
                tell = _message if self.path == "/v1/messages" else _completion
                self._send(200, tell(answer, asked, len(made.asked)))

        def _send(self, status: int, document: dict[str, Any]) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("request-id", "req_test")
            self.send_header("retry-after-ms", "1")  # clients try again by themselves, and need not wait for it here
            self.end_headers()
            self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Provider(f"http://127.0.0.1:{server.server_address[1]}", script)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
    assert not made.faults, made.faults


def calls_of(asked: Asked) -> int:
    """How many tool calls the conversation holds so far, whatever the API."""
    count = 0
    for message in asked.body["messages"]:
        count += len(message.get("tool_calls") or ())
        count += len([block for block in _blocks(message) if block["type"] == "tool_use"])
    return count


def results_of(asked: Asked) -> list[str]:
    """What the tools returned, as it went over the wire."""
    found = [
        json.dumps(block.get("content"))
        for message in asked.body["messages"]
        for block in _blocks(message)
        if block.get("type") == "tool_result"
    ]
    return found + [str(m["content"]) for m in asked.body["messages"] if m["role"] == "tool"]


def steps(*script: Answer) -> Callable[[Asked], Answer]:
    """An answer by how far the conversation is."""
    said: Sequence[Answer] = script
    return lambda asked: said[min(calls_of(asked), len(said) - 1)]


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


# Anthropic: https://docs.anthropic.com/en/api/messages


def _message(call: Call, asked: Asked, number: int) -> dict[str, Any]:
    name, arguments = call
    return {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": asked.body["model"],
        "content": [
            {"type": "text", "text": "I will do that."},
            {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": arguments},
        ],
        "stop_reason": "tool_use", "stop_sequence": None,
        "usage": {"input_tokens": INPUT - 300, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 200,
                  "output_tokens": OUTPUT},
    }  # fmt: skip


def _messages_faults(asked: Asked) -> list[str]:
    body, found = asked.body, []
    if not asked.key or "anthropic-version" not in asked.headers:
        found.append(f"headers {sorted(asked.headers)}")
    found += [f"no {name}" for name in ("model", "max_tokens", "messages", "system", "tools") if not body.get(name)]
    roles = [message["role"] for message in body["messages"]]
    if roles[0] != "user" or any(a == b == "assistant" for a, b in itertools.pairwise(roles)):
        found.append(f"roles {roles}")
    found += [f"tool {t.get('name')} has no input_schema" for t in body["tools"] if "input_schema" not in t]
    for before, after in itertools.pairwise(body["messages"]):
        used = {b["id"] for b in _blocks(before) if b["type"] == "tool_use"}
        answered = {b["tool_use_id"] for b in _blocks(after) if b["type"] == "tool_result"}
        if used != answered:
            found.append(f"tool_use {used} without its tool_result: {answered}")
    return found


def _error(status: int, asked: Asked) -> dict[str, Any]:
    kinds = {401: "authentication_error", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}
    words = f"{kinds[status]} for {asked.key}"  # a server that is as talkative as that must not make us so
    return {"type": "error", "error": {"type": kinds[status], "message": words}, "request_id": "req_test"}


# OpenAI and all who speak like it: https://platform.openai.com/docs/api-reference/chat


def _completion(call: Call, asked: Asked, number: int) -> dict[str, Any]:
    name, arguments = call
    made = {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    message = {"role": "assistant", "content": None, "tool_calls": [made], "refusal": None}
    return {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": asked.body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}],
        "usage": {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT},
    }  # fmt: skip


def _chat_faults(asked: Asked) -> list[str]:
    body, found = asked.body, []
    if asked.path != "/v1/chat/completions":
        found.append(f"asked at {asked.path}")
    if not asked.key:
        found.append("no key")
    if not (body.get("max_tokens") or body.get("max_completion_tokens")):
        found.append("no limit of tokens")
    made = [call["id"] for m in body["messages"] for call in m.get("tool_calls") or ()]
    answered = [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]
    if made != answered:
        found.append(f"tool_calls {made} and answers {answered}")
    return found
