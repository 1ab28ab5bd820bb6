"""The schema of a live database as SQL, by ``pg_dump``, which reads all servers since 9.2."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from pgassay.errors import ConnectionProblem
from pgassay.server import installed_binaries
from pgassay.server.live import tls_of
from pgassay.server.targets import Target, parse_target

_PATIENCE = 600.0  # seconds
_OPTIONS = (
    "--schema-only --no-comments --no-publications --no-subscriptions --no-security-labels"
    " --no-tablespaces --no-password --quote-all-identifiers --lock-wait-timeout=2000"
).split()
_WITHOUT_ACCESS = ("--no-owner", "--no-privileges")
_RESTRICT = re.compile(r"^\\restrict (\w+)$", re.MULTILINE)
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def dump_schema(url: str, *, without: Sequence[tuple[str, str]] = (), access: bool = False) -> str:
    """The statements that create a database's schema, ``without`` some tables given as (schema, name).

    With ``access``: whose the objects are, privileges and policies as well.
    Nothing of the connection is on a command line. Raises ConnectionProblem with pg_dump's words, never the password.
    """
    target = parse_target(url)
    programs = [b for b in installed_binaries() if os.access(b.program("pg_dump"), os.X_OK)]
    if not programs:
        raise ConnectionProblem(f"{target}: no pg_dump is installed here")
    program = programs[0]  # the newest: it reads all older servers
    filters = "".join(f"exclude table {_pattern(schema)}.{_pattern(name)}\n" for schema, name in without)
    policies = ("--no-policies",) if program.major >= 18 else ()
    options = [*_OPTIONS, *(() if access else (*_WITHOUT_ACCESS, *policies))]
    command = [program.program("pg_dump"), *options, *(["--filter=-"] if filters else [])]
    with _reached(target) as place:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | place
        try:
            done = subprocess.run(
                command, input=filters, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            raise ConnectionProblem(f"{target}: pg_dump did not finish in {_PATIENCE:g} seconds") from None
    if done.returncode != 0:
        words = done.stderr.strip()
        if target.password and len(target.password) > 3:
            words = words.replace(target.password, "***")
        raise ConnectionProblem(f"{target}: {words[-1500:]}")
    return _without_commands(done.stdout)


def _pattern(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _without_commands(text: str) -> str:
    """Without psql's \\restrict and \\unrestrict, whose word is random each time, and without pg_dump's comments."""
    found = _RESTRICT.search(text)
    if found:
        text = text.replace(f"\\restrict {found[1]}\n", "", 1).replace(f"\\unrestrict {found[1]}\n", "", 1)
    return re.sub(
        r"^--\n-- (Name|Data for Name|TOC entry|PostgreSQL|Dumped)[^\n]*\n--\n+", "", text, flags=re.MULTILINE
    )


@contextlib.contextmanager
def _reached(target: Target) -> Iterator[dict[str, str]]:
    """The environment in which pg_dump finds the server: directly by unix socket, else through a tunnel of ours.

    The embedded pg_dump has no TLS; ours verifies certificates as the guarded connection does.
    """
    place = {
        "PGUSER": target.user,
        "PGDATABASE": target.database,
        "PGAPPNAME": target.application,
        "PGGSSENCMODE": "disable",
        "PGPASSFILE": os.devnull,
    }
    if target.password:
        place["PGPASSWORD"] = target.password
    if target.local:
        yield place | {"PGHOST": target.host, "PGPORT": str(target.port)}
        return
    with tempfile.TemporaryDirectory(prefix="pgassay-", dir="/tmp") as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(Path(folder) / ".s.PGSQL.5432"))
        listener.listen(4)
        listener.settimeout(_PATIENCE)
        thread = threading.Thread(target=_serve, args=(listener, target), daemon=True)
        thread.start()
        try:
            yield place | {"PGHOST": folder, "PGPORT": "5432"}
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(2)


def _serve(listener: socket.socket, target: Target) -> None:
    with contextlib.suppress(OSError):
        while True:
            near, _ = listener.accept()
            with near, contextlib.suppress(OSError), _far(target) as far:
                _join(near, far)


def _far(target: Target) -> socket.socket:
    far = socket.create_connection((target.host, target.port), target.timeout)
    context = tls_of(target)
    if context is False:
        return far
    far.sendall(_SSL_REQUEST)
    if far.recv(1) == b"S":
        if not isinstance(context, ssl.SSLContext):  # "prefer": encrypted, not verified
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(far, server_hostname=target.host)
    if context is None:
        return far
    far.close()
    raise OSError("the server has no TLS")


def _join(near: socket.socket, far: socket.socket) -> None:
    """Carry bytes both ways until one side hangs up."""
    near.settimeout(_PATIENCE)
    far.settimeout(_PATIENCE)
    with selectors.DefaultSelector() as ready:
        ready.register(near, selectors.EVENT_READ, far)
        ready.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in ready.select():
                source, sink = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                data = source.recv(65536)
                while data:
                    sink.sendall(data)
                    # TLS may hold bytes that the selector does not see.
                    pending = source.pending() if isinstance(source, ssl.SSLSocket) else 0
                    data = source.recv(pending) if pending else b""
                    if not pending:
                        break
                else:
                    return
