"""A PostgreSQL that writes its data as production does (fsync) and comes back on them after it was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgassay.server import OWNER, SUPERUSER, Connection, StatementError, find_binaries
from pgassay.server.connection import ConnectionLost, connect_socket
from pgassay.server.places import Run, home, memory_home, server_account
from pgassay.server.scratch import _supervised, _template

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_connections": "30",
    "log_min_messages": "fatal",
    "dynamic_shared_memory_type": "mmap",
}


class Durable:
    """Such a server. ``down`` and ``up`` again as often as one likes."""

    def __init__(self, run: Run, stack: contextlib.ExitStack, data: Path, settings: dict[str, str]) -> None:
        self.run, self.stack, self.data, self.settings = run, stack, data, settings
        self.binaries, self.account = find_binaries(), server_account()
        self.live = stack.enter_context(contextlib.ExitStack())

    def up(self) -> None:
        """Start, and wait until it takes connections."""
        options = {"unix_socket_directories": str(self.run.sockets)} | _SETTINGS | self.settings
        words = [w for name, value in options.items() for w in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + 30
        while True:
            command = [self.binaries.program("postgres"), "-D", str(self.data), *words]
            # Each start has a supervisor; the old one's end would remove the folder, so they all end at the end.
            log = self.run.folder / "log"
            process = self.live.enter_context(
                _supervised(self.run, ["/bin/sh", "-c", 'exec "$@" >>"$log" 2>&1', "sh", *command], self.account, log)
            )
            while process.poll() is None:
                try:
                    self.connect("postgres", role=SUPERUSER).close()
                    return
                except (ConnectionLost, StatementError):
                    time.sleep(0.01)
                assert time.monotonic() < deadline, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)  # a dead postmaster's children are still on their way out

    def down(self, number: signal.Signals) -> None:
        """Kill it: SIGQUIT is its immediate shutdown, SIGKILL what the kernel does when memory is short."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, number)
        deadline = time.monotonic() + 20
        while Path(f"/proc/{postmaster}").exists() and time.monotonic() < deadline:
            time.sleep(0.005)

    def connect(self, database: str, *, role: str = OWNER) -> Connection:
        """A session."""
        path = "pg_catalog" if role == SUPERUSER else None
        return connect_socket(str(self.run.sockets), user=role, database=database, search_path=path)

    def sql(self, text: str, database: str = "postgres") -> None:
        """As the superuser."""
        with self.connect(database, role=SUPERUSER) as session:
            session.run(text)

    def url(self, database: str) -> str:
        """For the owner of its databases."""
        return f"postgresql://{OWNER}@/{database}?host={self.run.sockets}"


@contextlib.contextmanager
def durable(**settings: str) -> Iterator[Durable]:
    """A running one, with the role OWNER."""
    account = server_account()
    folder = home(account)
    with contextlib.ExitStack() as stack:
        binaries = find_binaries()
        template = _template(binaries, folder, account)
        run = stack.enter_context(Run(memory_home(account) or folder, account))
        data = run.folder / "data"
        options: dict[str, Any] = account.options()
        subprocess.run(["cp", "-R", str(template), str(data)], check=True, cwd="/", **options)
        server = Durable(run, stack, data, settings)
        server.up()
        server.sql(f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER; GRANT pg_monitor TO {OWNER}")
        yield server
