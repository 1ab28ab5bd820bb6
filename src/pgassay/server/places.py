"""Where scratch servers live on disk, and under which operating-system user they run."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pgassay.errors import DiskFull, ServerUnavailable

FULL = (errno.ENOSPC, errno.EDQUOT)
DISK_HINT = "Free some space, or set PGASSAY_HOME to a folder on a larger disk."
_ROOM = 4 * 2**30  # bytes that must be free in memory
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

    As root it must be searchable by the server's user, so it is not below /root. Raises ServerUnavailable or DiskFull.
    """
    named = os.environ.get("PGASSAY_HOME")
    spare = Path("/tmp") / f"pgassay-{os.geteuid()}"
    if named:
        candidates = [Path(named)]
    elif account.uid is not None:
        candidates = [Path("/var/cache/pgassay"), spare]
    else:
        try:
            candidates = [platformdirs.user_cache_path("pgassay"), spare]
        except RuntimeError:  # a user who has no home, not even in /etc/passwd
            candidates = [spare]
    problems: list[tuple[Path, OSError]] = []
    for candidate in candidates:
        try:
            return _prepare(candidate.absolute(), account)
        except OSError as error:
            problems.append((candidate, error))
    tried = "; ".join(f"{candidate}: {error.strerror or error}" for candidate, error in problems)
    if any(error.errno in FULL for _, error in problems):
        raise DiskFull(tried, hint=DISK_HINT)
    raise ServerUnavailable(
        f"no folder to keep it in; tried {tried}",
        hint="Set PGASSAY_HOME to a folder that can be written"
        + (f" and is searchable by the user {account.name}." if account.uid is not None else "."),
    )


def memory_home(account: Account) -> Path | None:
    """A folder in memory for servers that stay small, where there is ample room and the user named no other place.

    ext4 takes 0.1 s for a CREATE DATABASE just after many files were deleted, since it spares their inodes for a while;
    in memory it takes 0.004 s.
    """
    shared = Path("/dev/shm")
    try:
        if "PGASSAY_HOME" in os.environ or shutil.disk_usage(shared).free < _ROOM:
            return None
        return _prepare(shared / f"pgassay-{os.geteuid()}", account)
    except OSError:
        return None


def _prepare(folder: Path, account: Account) -> Path:
    mode = 0o700 if account.uid is None else 0o711
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to somebody else")
    if account.uid is not None:
        folder.chmod(mode)  # whatever the umask said
        if not searchable(folder, account):
            raise PermissionError(errno.EACCES, f"not searchable by the user {account.name}")
    for name in ("templates", "runs", "programs"):
        part = folder / name
        part.mkdir(mode=mode, exist_ok=True)
        # The server's user owns runs/ and templates/ so that its supervisor can clear up after our death.
        if name == "programs":
            part.chmod(mode)
        elif account.uid is not None and part.lstat().st_uid != account.uid:
            os.chown(part, account.uid, account.gid if account.gid is not None else -1, follow_symlinks=False)
        if not os.access(part, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{name}/ cannot be written")
    return folder


def searchable(path: Path, account: Account) -> bool:
    """Whether the server's user can reach a path: it and every folder on the way must be searchable (executable)."""
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
        while True:
            self.folder = home / "runs" / secrets.token_hex(4)
            self.lock = self.folder.with_suffix(".lock")
            self.sockets = _sockets(self.folder)
            self._lock = os.open(self.lock, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A sweep may have taken the file before we locked it; then start over.
                if os.fstat(self._lock).st_ino == self.lock.stat().st_ino:
                    break
            except (BlockingIOError, FileNotFoundError):
                pass
            os.close(self._lock)
        try:
            for folder in {self.folder, self.sockets}:
                _make_private(folder, account)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Stop what still runs there, delete the folder and let go of the lock."""
        _clear(self.folder)
        os.close(self._lock)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _sockets(folder: Path) -> Path:
    """Where the server's socket lies: its path must be short, and PostgreSQL splits the setting at commas."""
    text = os.fsencode(folder)
    if len(text) + len("/.s.PGSQL.5432") <= _SOCKET_LIMIT and not set(text) & set(b',"@\\'):
        return folder
    return Path("/tmp") / f"pgassay-{folder.name}"


def _make_private(folder: Path, account: Account) -> None:
    folder.mkdir(mode=0o700)
    if account.uid is None or account.gid is None:
        return
    # By descriptor: the folder above may be the server's user's, who could have put something else in its place.
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(here).st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "it belongs to somebody else", str(folder))
        os.fchown(here, account.uid, account.gid)
    finally:
        os.close(here)


def sweep(home: Path) -> None:
    """Stop and delete what owners that were killed left behind."""
    for lock_path in (home / "runs").glob("*.lock"):
        try:
            lock = os.open(lock_path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(lock_path.with_suffix(""))
        except OSError:
            continue  # its owner lives
        finally:
            os.close(lock)


def _clear(folder: Path) -> None:
    """Stop the server of a run folder, if there is one, and delete all that belongs to the run; the lock goes last."""
    _stop_orphan(folder / "data")
    for path in {folder, _sockets(folder)}:
        # A server that is just ending may still drop a file: once more, then.
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(path, ignore_errors=True)
    if not folder.exists():
        with contextlib.suppress(OSError):
            folder.with_suffix(".lock").unlink()


def _stop_orphan(data: Path) -> None:
    """Kill the postmaster of a data folder, if it still runs there."""
    try:
        # initdb's servers write theirs with a minus.
        pid = abs(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        for attempt in range(600):
            if pid <= 1 or not _serves(pid, data):
                return
            os.kill(pid, signal.SIGQUIT if attempt < 500 else signal.SIGKILL)
            time.sleep(0.01)
    except (OSError, ValueError):
        return


def _serves(pid: int, data: Path) -> bool:
    """Whether that process is the server of the data folder: numbers are used again."""
    if Path("/proc/self").exists():
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    listing = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(data) in listing.stdout
