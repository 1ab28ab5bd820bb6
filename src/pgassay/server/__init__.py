"""PostgreSQL processes and connections."""

from pgassay.server.binaries import Binaries, find_binaries, installed_binaries
from pgassay.server.connection import Connection, ConnectionLost, ServerMessage, StatementError
from pgassay.server.scratch import OWNER, SUPERUSER, Server, scratch

__all__ = [
    "OWNER",
    "SUPERUSER",
    "Binaries",
    "Connection",
    "ConnectionLost",
    "Server",
    "ServerMessage",
    "StatementError",
    "find_binaries",
    "installed_binaries",
    "scratch",
]
