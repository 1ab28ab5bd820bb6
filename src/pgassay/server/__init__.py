"""PostgreSQL processes and connections."""

from pgassay.server.binaries import Binaries, closest_binaries, find_binaries, installed_binaries
from pgassay.server.connection import Connection, ConnectionLost, ServerMessage, StatementError
from pgassay.server.extensions import Extension, available, install, trusted
from pgassay.server.live import LiveConnection, connect_live
from pgassay.server.scratch import OWNER, SUPERUSER, Server, scratch

__all__ = [
    "OWNER",
    "SUPERUSER",
    "Binaries",
    "Connection",
    "ConnectionLost",
    "Extension",
    "LiveConnection",
    "Server",
    "ServerMessage",
    "StatementError",
    "available",
    "closest_binaries",
    "connect_live",
    "find_binaries",
    "install",
    "installed_binaries",
    "scratch",
    "trusted",
]
