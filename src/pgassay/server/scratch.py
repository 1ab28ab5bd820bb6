"""Disposable PostgreSQL servers: ``with scratch() as server:``."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pgassay.errors import DiskFull, ServerUnavailable
from pgassay.model import literal, quote
from pgassay.server.binaries import Binaries, find_binaries
from pgassay.server.connection import Connection, ConnectionLost, connect_socket
from pgassay.server.places import Account, Run, home, searchable, server_account, sweep

SUPERUSER = "pgassay"  # only our own catalog queries run under it, never a user's SQL
OWNER = "app_owner"  # owns every scratch database; migrations, rows and probes run under it

_SUPERVISOR = Path(__file__).with_name("supervise.sh")
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "max_connections": "40",
    "max_locks_per_transaction": "512",
    "autovacuum": "off",
    "jit": "off",
    "log_min_messages": "fatal",
    "track_io_timing": "on",
    "compute_query_id": "off",
}


class Server:
    """A running scratch PostgreSQL. Databases on it belong to OWNER, who is no superuser."""

    def __init__(self, binaries: Binaries, sockets: Path, *, isolated: bool, account: str, data: Path) -> None:
        self.binaries = binaries
        self.sockets = sockets
        self.isolated = isolated
        self.account = account
        self.data = data
        self._names = (f"scratch_{n}" for n in itertools.count())
        self._admin: Connection | None = None

    @property
    def major(self) -> int:
        """The major version."""
        return self.binaries.major

    @property
    def admin(self) -> Connection:
        """A superuser session in the ``postgres`` database: for our own catalog queries alone."""
        if self._admin is None:
            self._admin = self.connect("postgres", role=SUPERUSER)
            self._admin.run("SET search_path = pg_catalog")
        return self._admin

    def connect(self, database: str, *, role: str = OWNER) -> Connection:
        """A new session."""
        return connect_socket(str(self.sockets), user=role, database=database, patience=1.0)

    def create(self, template: str = "template0") -> str:
        """A new database, empty or a copy of another one that nobody is connected to. Returns its name."""
        name = next(self._names)
        # PostgreSQL 15 brought STRATEGY; copying files is twice as fast as writing WAL here.
        strategy = " STRATEGY file_copy" if self.major >= 15 else ""
        self.admin.run(f"CREATE DATABASE {name} TEMPLATE {quote(template)} OWNER {OWNER}{strategy}")
        if template == "template0":
            self.admin.run(
                f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT TEMPORARY, CONNECT ON DATABASE {name} TO PUBLIC"
            )
        return name

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.admin.run(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = " + literal(database)
        )
        self.admin.run(f"DROP DATABASE IF EXISTS {quote(database)}")

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A database for the length of a block."""
        name = self.create(template)
        try:
            yield name
        finally:
            with contextlib.suppress(ConnectionLost):
                self.drop(name)

    def close(self) -> None:
        """End our own session."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None


@contextlib.contextmanager
def scratch(binaries: Binaries | None = None, *, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """A running PostgreSQL that dies with the block, and with this process however that ends.

    ``settings`` are added to (or replace) the scratch server's own. Raises ServerUnavailable or DiskFull.
    """
    account = server_account()
    folder = home(account)
    sweep(folder)
    binaries = _reachable(binaries or find_binaries(), folder, account)
    try:
        template = _template(binaries, folder, account)
        run = Run(folder, account)
    except OSError as error:
        raise _disk(error, folder) from error
    try:
        yield from _serve(binaries, template, run, account, settings or {})
    finally:
        run.remove()


def _serve(
    binaries: Binaries, template: Path, run: Run, account: Account, settings: dict[str, str]
) -> Iterator[Server]:
    data = run.folder / "data"
    log = run.folder / "log"
    isolation = _without_network(account)
    options = _SETTINGS | {"unix_socket_directories": str(run.sockets)} | settings
    if binaries.major >= 18:
        options |= {"io_method": "sync"}
    command = [
        *isolation,
        "/bin/sh",
        "-c",
        'umask 077; cp -R "$1" "$2" >"$3" 2>&1 && shift 3 && exec "$@" >>"$log" 2>&1',
        "sh",
        str(template),
        str(data),
        str(log),
        binaries.program("postgres"),
        "-D",
        str(data),
        *itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in options.items()),
    ]
    process = _supervised(run, command, account, {"log": str(log)})
    server = Server(binaries, run.sockets, isolated=bool(isolation), account=account.name, data=data)
    try:
        _wait(server, process, log)
        yield server
    finally:
        server.close()
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _roles(server)
            return
        except ConnectionLost:
            if process.poll() is not None or time.monotonic() > deadline:
                raise _startup_problem(log) from None
            time.sleep(0.003)


def _roles(server: Server) -> None:
    server._admin = connect_socket(str(server.sockets), user=SUPERUSER, database="postgres")
    # Before PostgreSQL 16 CREATEROLE can grant itself any role, pg_execute_server_program included.
    createrole = "CREATEROLE" if server.major >= 16 else "NOCREATEROLE"
    server._admin.run(
        f"SET search_path = pg_catalog; CREATE ROLE {OWNER} LOGIN NOSUPERUSER {createrole} NOCREATEDB NOREPLICATION;"
        f" GRANT pg_monitor TO {OWNER}"
    )
    if server.major >= 16:
        server._admin.run(f"ALTER ROLE {OWNER} SET createrole_self_grant = 'set, inherit'")


def _supervised(run: Run, command: list[str], account: Account, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = account.options()
    return subprocess.Popen(
        ["/bin/sh", "-c", _SUPERVISOR.read_text(), "sh", *map(str, run.litter), "--", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", **environment},
        start_new_session=True,
        **options,
    )


def _template(binaries: Binaries, folder: Path, account: Account) -> Path:
    """An initdb'ed data folder in the cache, made on first use."""
    options = ["--encoding=UTF8", "--auth=trust", "--no-sync", "--wal-segsize=1", "-U", SUPERUSER]
    if binaries.major >= 17:
        options += ["--locale-provider=builtin", "--locale=C.UTF-8"]
    else:
        options += ["--locale=C"]
    if binaries.major >= 18:
        options += ["--no-data-checksums"]
    key = hashlib.sha256("\0".join([str(binaries.directory), binaries.version, *options]).encode()).hexdigest()[:12]
    template = folder / "templates" / f"{binaries.major}-{key}"
    if template.is_dir():
        return template
    run = Run(folder, account)
    try:
        log = run.folder / "log"
        made = run.folder / "data"
        # initdb re-executes itself through a shell; a file for its words keeps the pipe free of them.
        command = [
            "/bin/sh",
            "-c",
            '"$@" >"$log" 2>&1',
            "sh",
            binaries.program("initdb"),
            "-D",
            str(made),
            *options,
        ]
        process = _supervised(run, command, account, {"log": str(log)})
        if process.wait(timeout=120) != 0:
            raise _startup_problem(log)
        with contextlib.suppress(FileExistsError, OSError):
            made.rename(template)  # fails where another process was faster
        if not template.is_dir():
            raise ServerUnavailable(f"could not keep the template in {template}")
        assert process.stdin is not None
        process.stdin.close()
    finally:
        run.remove()
    return template


def _reachable(binaries: Binaries, folder: Path, account: Account) -> Binaries:
    """The programs where the server's user can reach them: a copy in the cache if they lie below a closed folder."""
    if account.uid is None or searchable(binaries.directory, account):
        return binaries
    root = binaries.directory.parent
    key = hashlib.sha256(f"{root}\0{binaries.version}\0{root.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = folder / "programs" / key
    if not copy.is_dir():
        run = Run(folder, Account(None, None, ""))
        try:
            staged = run.folder / "programs"
            shutil.copytree(root, staged / root.name, symlinks=True)
            # The wheel's libraries lie beside the package and are found by a relative path.
            libraries = root.parent.parent / f"{root.parent.name}.libs"
            if libraries.is_dir():
                (staged / "site").mkdir()
                shutil.move(staged / root.name, staged / "site" / root.parent.name / root.name)
                shutil.copytree(libraries, staged / "site" / libraries.name)
            with contextlib.suppress(OSError):
                staged.rename(copy)
        except OSError as error:
            raise _disk(error, folder) from error
        finally:
            run.remove()
    directory = next(iter(copy.glob("**/bin/postgres"))).parent
    return Binaries(directory=directory, version=binaries.version, source=binaries.source)


@cache
def _without_network(account: Account) -> tuple[str, ...]:
    """The command prefix that takes the network away, or nothing where this system does not allow it."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    prefix = (unshare, "--user", "--map-current-user", "--net", "--")
    options: dict[str, Any] = account.options()
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=10, cwd="/", **options)
    except (OSError, subprocess.SubprocessError):
        return ()
    return prefix


def _startup_problem(log: Path) -> ServerUnavailable | DiskFull:
    try:
        words = log.read_text(errors="replace").strip()
    except OSError:
        words = ""
    if "No space left on device" in words:
        return DiskFull(f"the server in {log.parent} could not start", hint=_DISK_HINT)
    return ServerUnavailable("it did not start" + (f":\n{words[-1500:]}" if words else ""))


_DISK_HINT = "Free some space, or set PGASSAY_HOME to a folder on a larger disk."


def _disk(error: OSError, folder: Path) -> ServerUnavailable | DiskFull:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{folder}", hint=_DISK_HINT)
    return ServerUnavailable(f"{error.filename or folder}: {error.strerror or error}")
