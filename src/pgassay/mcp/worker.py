"""One call's process: a job on standard input, lines of JSON on standard output; ended by SIGTERM or its parent's end.

Its own process, because ending it is the one sure way to stop a call whatever it does at the moment: what it has
opened is closed on the way out, and its scratch server goes even where it is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import Any, NoReturn

from pgassay.errors import PgassayError
from pgassay.mcp.jobs import run

_HUGE = 64 * 2**20


def main() -> int:
    """Do the job and answer: ``say``, ``outcome``, or ``error`` with ``kind`` and ``problem``, or ``fault``."""
    signal.signal(signal.SIGTERM, _stop)
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever prints has no way into the answer
    job, rest = _line()
    threading.Thread(target=_watch, args=(rest,), daemon=True).start()
    lock = threading.Lock()

    def answer(message: dict[str, Any]) -> None:
        data = json.dumps(message, ensure_ascii=True).encode() + b"\n"
        with lock, contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(answers, data) :]

    try:
        answer({"outcome": run(json.loads(job), lambda words: answer({"say": words[:200]}))})
    except PgassayError as error:
        answer({"error": {"kind": type(error).__name__, "problem": str(error)}})
    except KeyboardInterrupt:
        return 130
    except Exception:  # our own fault: the server's log has it, the client only hears that there was one
        answer({"fault": traceback.format_exc()[-4_000:]})
    return 0


def _line() -> tuple[bytes, bytes]:
    found = b""
    while b"\n" not in found:
        more = os.read(0, 65536)
        if not more or len(found) > _HUGE:
            sys.exit(2)
        found += more
    line, _, rest = found.partition(b"\n")
    return line, rest


def _watch(_rest: bytes) -> None:
    """The parent holds our standard input open for as long as it wants an answer."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough: a second must not disturb the clearing up
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
