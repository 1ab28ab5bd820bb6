"""A review killed at any moment, two at once, and reviews by users who have next to nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgassay.server import scratch
from tests.acceptance.reviews import PGASSAY, review, write
from tests.acceptance.test_server_kill import cleared, gone, processes

MIGRATIONS = {"1.sql": "CREATE TABLE a (id int PRIMARY KEY, v text);\n", "2.sql": "CREATE INDEX a_v ON a (v);\n"}
FOUND = {"blocks blocking-index-build 2.sql:1"}
KILLS = int(os.environ.get("PGASSAY_KILLS", "10"))


@pytest.fixture
def house() -> Iterator[Path]:
    """A PGASSAY_HOME of our own that the server's user can search."""
    room = "/dev/shm" if os.environ.get("PGASSAY_HOME", "").startswith("/dev/shm") else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="pgassay-kill-", dir=room))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def begin(house: Path) -> subprocess.Popen[bytes]:
    """A small review: most of its time are the moments that matter, its server's beginning and end."""
    return subprocess.Popen(
        [PGASSAY, "review", str(write(house / "project", MIGRATIONS)), "--history", "--rows", "10", "--format", "json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PGASSAY_HOME": str(house)},
    )


def test_kills_of_a_review_leave_nothing(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGASSAY_HOME", str(house))
    with scratch():  # which makes the template: how that dies, test_server_kill.py shows
        pass
    started = time.monotonic()
    with begin(house) as whole:
        assert whole.wait(timeout=60) == 1
    duration = time.monotonic() - started
    moments = random.Random(20)
    for _ in range(KILLS // 2):  # two at a time, one on each core
        began = time.monotonic()
        deaths = sorted(((moments.uniform(0, duration), begin(house)) for _ in range(2)), key=lambda death: death[0])
        for moment, victim in deaths:
            time.sleep(max(began + moment - time.monotonic(), 0))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        assert gone(house, 10), processes(house)
        assert cleared(house, 5), list((house / "runs").rglob("*"))
    with scratch():  # the next start clears up what a death in its first moment left
        assert len(list((house / "runs").glob("*.lock"))) == 1
    assert list((house / "runs").iterdir()) == []


def test_two_reviews_at_once_build_one_template(house: Path) -> None:
    both = [begin(house) for _ in range(2)]
    assert [each.wait(timeout=60) for each in both] == [1, 1]
    assert len(list((house / "templates").iterdir())) == 1
    assert list((house / "runs").iterdir()) == []
    assert processes(house) == []


def test_without_a_home_or_path(tmp_path: Path) -> None:
    bare = {"PATH": "/usr/bin:/bin"} | {k: v for k, v in os.environ.items() if k in ("PGASSAY_HOME", "PYTHONPATH")}
    write(tmp_path, MIGRATIONS)
    ended = subprocess.run(
        [PGASSAY, "review", ".", "--history"], cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "blocking-index-build" in ended.stdout


def test_below_an_unsearchable_folder(tmp_path: Path) -> None:
    """What is reviewed lies where the server's user could never read it."""
    closed = tmp_path / "closed"
    write(closed / "project", MIGRATIONS)
    closed.chmod(0o700)
    assert review(closed / "project", "--history", "--rows", "10").findings == FOUND


def becoming(uid: int) -> list[str]:
    """A prefix under which a command is that user: truly where others can read this Python, else by a user namespace
    (in which root's own files are that user's)."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    ways = (Path(PGASSAY), Path(PGASSAY).resolve(), Path(os.path.realpath(Path(PGASSAY).with_name("python"))))
    readable = all(folder.stat().st_mode & 0o001 for way in ways for folder in (way, *way.parents))
    prefix = (
        ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        if readable
        else ["unshare", "--user", f"--map-user={uid}", f"--map-group={uid}"]
    )
    if not shutil.which(prefix[0]) or subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip(f"{prefix[0]} does not work here")
    return prefix


@pytest.mark.parametrize("uid", [1, 54321], ids=["named", "nameless"])
def test_a_user_with_nothing_but_a_temporary_folder(uid: int) -> None:
    prefix = becoming(uid)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        project = write(Path(name), MIGRATIONS)
        if prefix[0] == "setpriv":
            os.chown(project, uid, uid)
        surroundings = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH")}
        ended = subprocess.run(
            [*prefix, PGASSAY, "review", ".", "--history"],
            cwd=project,
            env=surroundings | {"PGASSAY_HOME": f"{name}/home"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ended.returncode, ended.stderr) == (1, "")
        assert "blocking-index-build" in ended.stdout
        assert list(Path(name, "home", "runs").iterdir()) == []
        assert processes(Path(name)) == []
