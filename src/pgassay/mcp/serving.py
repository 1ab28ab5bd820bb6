"""Over which wire: standard input and output, or HTTP on this machine alone."""

from __future__ import annotations

import hmac
import secrets
import socket
from collections.abc import Callable

import anyio
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pgassay.errors import UsageError
from pgassay.mcp.server import PgassayServer

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_BODY = 2 * 2**20


def serve_stdio(server: PgassayServer) -> None:
    """Until the client closes our standard input."""
    anyio.run(server.run_stdio_async)


def serve_http(server: PgassayServer, *, host: str, port: int, token: str | None, say: Callable[[str], None]) -> None:
    """Until interrupted, for whoever holds the token; ``say`` is told the address, and a token that was made up.

    Raises UsageError for an address that others could reach.
    """
    if host not in LOOPBACK:
        raise UsageError(f"--host {host}: only this machine may connect ({', '.join(LOOPBACK)})")
    listening = _listening(host, port)
    port = listening.getsockname()[1]
    secret = token or secrets.token_urlsafe(32)
    names = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
    security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names])
    app = server.streamable_http_app(transport_security=security, max_request_body_size=_BODY, host=host)
    shown = f"[{host}]" if ":" in host else host
    say(f"http://{shown}:{port}/mcp")
    if token is None:
        say(f"token: {secret}")
    config = uvicorn.Config(
        Guarded(app, secret), log_level="warning", access_log=False, timeout_graceful_shutdown=3, lifespan="on"
    )
    with listening:
        anyio.run(uvicorn.Server(config).serve, [listening])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1" if host == "localhost" else host, port))
        made.listen(32)
    except OSError as error:
        made.close()
        raise UsageError(f"cannot listen on port {port}: {error.strerror or error}") from None
    return made


class Guarded:
    """An application behind a bearer token (RFC 6750); without it nothing answers."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 401."""
        if scope["type"] == "http":
            given = Request(scope).headers.get("authorization", "")
            if not hmac.compare_digest(given.encode("utf-8", "replace"), self._wanted):
                refusal = Response("a bearer token is needed", 401, {"WWW-Authenticate": "Bearer"})
                await refusal(scope, receive, send)
                return
        elif scope["type"] != "lifespan":
            return
        await self._app(scope, receive, send)
