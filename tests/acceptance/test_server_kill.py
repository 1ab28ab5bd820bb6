"""``kill -9`` of the owner at any moment leaves no server, and no folder after the next start."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.server import scratch

OWNER_OF_A_SERVER = """
import sys
from pgassay.server import scratch
print("ready", flush=True)
sys.stdin.readline()
with scratch() as server, server.database() as name, server.connect(name) as session:
    session.run("CREATE TABLE t AS SELECT generate_series(1, 100000) AS n; CREATE INDEX ON t (n)")
    session.run("SELECT pg_sleep(0.05)")
"""
WARM = 12  # of the 20 kills; the others hit the building of the template


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PGASSAY_HOME of our own that the server's user can search (pytest's folders are closed)."""
    room = "/dev/shm" if os.environ.get("PGASSAY_HOME", "").startswith("/dev/shm") else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="pgassay-kill-", dir=room))
    folder.chmod(0o711)
    monkeypatch.setenv("PGASSAY_HOME", str(folder))
    yield folder
    shutil.rmtree(folder)


def start_owner(*, now: bool = False) -> subprocess.Popen[str]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER_OF_A_SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if now:
        go(owner)
    return owner


def go(owner: subprocess.Popen[str]) -> None:
    assert owner.stdin is not None and owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    owner.stdin.write("\n")
    owner.stdin.flush()


def processes(house: Path) -> list[str]:
    """What has to do with the house: by its command line, or by the folder it works in."""
    listing = subprocess.run(["ps", "-eww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True)
    found = []
    for line in listing.stdout.splitlines():
        pid, state, command = line.split(None, 2)
        place = ""
        with contextlib.suppress(OSError):  # no /proc here, or the process is gone
            place = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115
        if not state.startswith("Z") and (str(house) in command or str(house) in place):
            found.append(line)
    return found


def wait_for(house: Path, pattern: str) -> Path:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for path in (house / "runs").glob(pattern):
            return path
        time.sleep(0.005)
    raise AssertionError(f"no {pattern}")


def gone(house: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while processes(house):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def cleared(house: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(path.suffix != ".lock" and any(path.iterdir()) for path in (house / "runs").iterdir() if path.exists()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill(owner: subprocess.Popen[str], after: float) -> None:
    with owner:
        go(owner)
        time.sleep(after)
        owner.kill()


def test_twenty_kills_leave_nothing(house: Path) -> None:
    moments = random.Random(20)
    owners = [start_owner() for _ in range(20)]
    for number, owner in enumerate(owners):
        if number >= WARM:
            shutil.rmtree(house / "templates")
        elif number == 0:
            with scratch():
                pass
        kill(owner, moments.uniform(0, 0.25 if number < WARM else 0.8))
        assert gone(house, 5), processes(house)
        # Whoever dies before starting the supervisor leaves an empty folder to the next start; whoever dies between
        # initdb's end and the keeping of its work leaves that.
        if number < WARM:
            assert cleared(house, 2), list((house / "runs").rglob("*"))
    with scratch():
        assert len(list((house / "runs").glob("*.lock"))) == 1
    assert not list((house / "runs").iterdir())


def test_a_killed_supervisor_is_made_good_at_the_end_of_the_block(house: Path) -> None:
    with scratch() as server:
        os.kill(os.getpgid(int((server.data / "postmaster.pid").read_text().split()[0])), signal.SIGKILL)
    assert gone(house, 15)
    assert not list((house / "runs").iterdir())


def test_owner_and_supervisor_killed_together_are_made_good_at_the_next_start(house: Path) -> None:
    with scratch():
        pass
    with start_owner(now=True) as owner:
        data = wait_for(house, "*/.s.PGSQL.5432").parent / "data"
        postmaster = int((data / "postmaster.pid").read_text().split()[0])
        group = os.getpgid(postmaster)
        members = subprocess.run(["ps", "-eo", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
        for pid, its_group in (map(int, line.split()) for line in members.splitlines()):
            if its_group == group and pid != postmaster:
                with contextlib.suppress(ProcessLookupError):  # a sleep of the supervisor's
                    os.kill(pid, signal.SIGKILL)
        owner.kill()
    assert data.is_dir()
    with scratch():
        assert not data.exists()
    assert gone(house, 5)
    assert not list((house / "runs").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_polite_signal_clears_up_as_well(house: Path, number: signal.Signals) -> None:
    with start_owner(now=True) as owner:
        wait_for(house, "*/.s.PGSQL.5432")
        owner.send_signal(number)
    assert owner.returncode != 0
    assert gone(house, 5)
    assert not list((house / "runs").iterdir())
