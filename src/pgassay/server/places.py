"""Where scratch servers live on disk, and under which operating-system user they run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pgassay.errors import ServerUnavailable

_SOCKET_LIMIT = 100  # sun_path holds 104 to 108 bytes, depending on the system


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user of the server. ``uid`` is None where it is our own."""

    uid: int | None
    gid: int | None
    name: str

    def options(self) -> dict[str, object]:
        """Arguments for subprocess.Popen."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account:
    """Ourselves, or ``nobody`` where we are root: PostgreSQL refuses to run as root, and so do we."""
    if os.geteuid() != 0:
        return Account(None, None, pwd.getpwuid(os.geteuid()).pw_name if _known(os.geteuid()) else str(os.geteuid()))
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534, "65534")
    return Account(entry.pw_uid, entry.pw_gid, "nobody")


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def home(account: Account) -> Path:
    """The folder for templates and running servers: ``$PGASSAY_HOME``, else the user's cache, else a temporary one.

    As root it must be searchable by the server's user, so it is not below /root.
    """
    named = os.environ.get("PGASSAY_HOME")
    if named:
        candidates = [Path(named)]
    elif account.uid is not None:
        candidates = [Path("/var/cache/pgassay"), Path(tempfile.gettempdir()) / "pgassay-0"]
    else:
        candidates = [
            platformdirs.user_cache_path("pgassay"),
            Path(tempfile.gettempdir()) / f"pgassay-{os.getuid()}",
        ]
    problems = []
    for candidate in candidates:
        try:
            return _prepare(candidate.absolute(), account)
        except OSError as error:
            problems.append(f"{candidate}: {error.strerror or error}")
    raise ServerUnavailable(
        "no folder to keep it in; tried " + "; ".join(problems),
        hint="Set PGASSAY_HOME to a folder that can be written"
        + (f" and is searchable by the user {account.name}." if account.uid is not None else "."),
    )


def _prepare(folder: Path, account: Account) -> Path:
    mode = 0o700 if account.uid is None else 0o711
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        raise PermissionError(1, "it belongs to somebody else")
    if account.uid is not None:
        folder.chmod(0o711)
        if not searchable(folder, account):
            raise PermissionError(13, f"not searchable by the user {account.name}")
    for name in ("templates", "runs", "programs"):
        part = folder / name
        part.mkdir(mode=mode, exist_ok=True)
        # The server's user owns runs/ and templates/ so that its supervisor can clear up after our death.
        if account.uid is not None and name != "programs" and part.lstat().st_uid != account.uid:
            os.chown(part, account.uid, account.gid if account.gid is not None else -1, follow_symlinks=False)
    return folder


def searchable(path: Path, account: Account) -> bool:
    """Whether the server's user can reach a path: every folder on the way must be searchable."""
    if account.uid is None:
        return os.access(path, os.X_OK)
    for folder in (path, *path.parents):
        facts = folder.stat()
        mine = stat.S_IXUSR if facts.st_uid == account.uid else 0
        group = stat.S_IXGRP if facts.st_gid == account.gid else 0
        if not facts.st_mode & (mine or group or stat.S_IXOTH):
            return False
    return True


class Run:
    """A folder for one running server, locked as long as its owner lives."""

    def __init__(self, home: Path, account: Account) -> None:
        runs = home / "runs"
        while True:
            self.folder = runs / secrets.token_hex(4)
            self._lock_path = self.folder.with_suffix(".lock")
            self._lock = os.open(self._lock_path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A sweep may have taken the file before we locked it; then start over.
                if os.fstat(self._lock).st_ino == self._lock_path.stat().st_ino:
                    break
            except (BlockingIOError, FileNotFoundError):
                pass
            os.close(self._lock)
        self.folder.mkdir(mode=0o700)
        self.sockets = self.folder
        if len(os.fsencode(self.folder)) + len("/.s.PGSQL.5432") > _SOCKET_LIMIT:
            self.sockets = Path(tempfile.mkdtemp(prefix="pgassay-", dir="/tmp"))
        if account.uid is not None:
            for folder in {self.folder, self.sockets}:
                os.chown(folder, account.uid, account.gid if account.gid is not None else -1)

    @property
    def litter(self) -> list[Path]:
        """What must be gone when the server is."""
        return [self.folder, self._lock_path, *([self.sockets] if self.sockets != self.folder else [])]

    def remove(self) -> None:
        """Delete the folder and let go of the lock."""
        for path in self.litter:
            _remove(path)
        os.close(self._lock)


def sweep(home: Path) -> None:
    """Stop and delete what owners that were killed left behind."""
    for lock_path in (home / "runs").glob("*.lock"):
        try:
            lock = os.open(lock_path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # its owner lives
        else:
            folder = lock_path.with_suffix("")
            _stop_orphan(folder / "data")
            _remove(folder)
            _remove(lock_path)
        finally:
            os.close(lock)


def _stop_orphan(data: Path) -> None:
    """Kill the postmaster of a data folder, if it still runs there."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        if Path(f"/proc/{pid}/cwd").exists() and Path(f"/proc/{pid}/cwd").resolve() != data.resolve():
            return  # another process has that number by now
        os.kill(pid, signal.SIGQUIT)
        for _ in range(200):
            os.kill(pid, 0)
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        return


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            # A server that is just ending may still drop a file: once more, then.
            shutil.rmtree(path, ignore_errors=True)
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
