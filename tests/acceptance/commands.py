"""Run ``pgassay`` to its end, as a user does: a process of its own, with its folder, environment, pipes and exit code.

Half a second of each command's time are imports. The first run of a command in a session starts afresh from the
installed script; the next ones are forked from a process (``nursery.py``) that has imported everything already.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PGASSAY = str(Path(sys.executable).with_name("pgassay"))
_NURSERY = Path(__file__).with_name("nursery.py")
_LARGEST = 100_000  # bytes of a request
_seen: set[str] = set()


def run(
    *arguments: str | Path,
    input: str | bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """``pgassay`` with these arguments; ``env`` is the whole environment, ours if None.

    Raises subprocess.TimeoutExpired, as subprocess.run does.
    """
    words = [*map(str, arguments)]
    environment = dict(os.environ if env is None else env)
    given = input.encode() if isinstance(input, str) else input
    request = json.dumps([words, str(cwd or Path.cwd()), environment]).encode()
    afresh = _first(words) or len(request) > _LARGEST or _start(environment) != _start(os.environ)
    if afresh or sys.platform != "linux":  # others have no socket that keeps requests apart and tells of its end
        done = subprocess.run(
            [PGASSAY, *words], input=given, cwd=cwd, env=environment, capture_output=True, timeout=timeout, check=False
        )
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code, out, err = _forked(request, given or b"", timeout)
    return subprocess.CompletedProcess([PGASSAY, *words], code, out.decode(), err.decode())


def _first(words: Sequence[str]) -> bool:
    """Whether this command runs for the first time."""
    verb = " ".join(words[: 2 if words[:1] in (["migrate"], ["twin"], ["agent"]) else 1])
    if verb in _seen:
        return False
    _seen.add(verb)
    return True


def _start(environment: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter reads as it starts, which a forked one has behind it."""
    return {k: v for k, v in environment.items() if k.startswith(("PYTHON", "LC_", "LANG", "LD_"))}


def _forked(request: bytes, given: bytes, timeout: float) -> tuple[int, bytes, bytes]:
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(given)
        stdin.seek(0)
        news, ended = os.pipe()
        try:
            socket.send_fds(_nursery(), [request], [stdin.fileno(), stdout.fileno(), stderr.fileno(), ended])
        finally:
            os.close(ended)
        with os.fdopen(news, encoding="ascii") as told:
            number = int(told.readline())
            if not select.select([told], [], [], timeout)[0]:
                os.kill(number, signal.SIGKILL)
                raise subprocess.TimeoutExpired([PGASSAY], timeout)
            code = int(told.readline())
        stdout.seek(0)
        stderr.seek(0)
        return code, stdout.read(), stderr.read()


@functools.cache
def _nursery() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", str(_NURSERY), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
