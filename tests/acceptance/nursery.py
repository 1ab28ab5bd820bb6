"""A process that has imported all of ``pgassay`` and forks a command for each request. Its own end: that of its owner.

usage: python nursery.py DESCRIPTOR, the socket on which requests come: words, folder and environment as JSON, with
descriptors for stdin, stdout, stderr, and one that is told the command's process id, and later how it ended.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import tempfile
import threading
import time
from typing import NoReturn

import pgassay
from pgassay.cli import main

_APART = ("pgassay.agent", "pgassay.mcp", "pgassay.testing")  # they have large libraries of their own


def _everything() -> None:
    for found in pkgutil.walk_packages(pgassay.__path__, "pgassay.", lambda _: None):
        if not found.name.startswith(_APART) and not found.name.endswith("__main__"):
            with contextlib.suppress(Exception):  # whoever needs what cannot be loaded will say so
                importlib.import_module(found.name)
    gc.collect()
    gc.freeze()


def _serve(channel: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who report
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, 2**18, 4)
        if not request:
            return
        if os.fork() == 0:
            channel.close()
            _report(request, descriptors)
        for each in descriptors:
            os.close(each)


def _report(request: bytes, descriptors: list[int]) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, told = descriptors
    child = os.fork()
    if child == 0:
        os.close(told)
        _become(request, streams)
    os.write(told, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(request: bytes, streams: list[int]) -> NoReturn:
    words, folder, environment = json.loads(request)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None
    sys.argv = ["pgassay", *words]
    code: object = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    # As an interpreter ends, without taking its modules apart.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _everything()
        _serve(channel)
