"""The static review: what the text alone tells. No server, and none of the rooms that need one."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace

from pgassay.model import Pending, Project, Runner, Transaction
from pgassay.rules import Judgement, judge, static_steps
from pgassay.workflows.batch_marks import heeded
from pgassay.workflows.found import Found, units

_FORK_FROM = 200  # units, from which a second process is worth its start


def review_text(project: Project, pending: Pending) -> Found:
    """The findings of every pending unit, presumed. Many units are shared out among the processors."""
    found = Found()
    work = units(project, pending)
    workers = min(os.cpu_count() or 1, 8)
    if len(work) < _FORK_FROM or workers == 1 or "fork" not in multiprocessing.get_all_start_methods():
        found.add(_judge(work, project.runner))
        return found
    # The units reach the children by the fork itself; only their findings travel back.
    _shared[:] = [(work[n::workers], project.runner) for n in range(workers)]
    pool = multiprocessing.get_context("fork").Pool(workers, _default_signals)
    try:
        for judged in pool.map(_judge_share, range(workers)):
            found.add(judged)
    finally:
        pool.terminate()
        pool.join()
        _shared.clear()
    return found


_shared: list[tuple[list[Transaction], Runner]] = []


def _default_signals() -> None:
    """A child ends at once when it is told to; the command line's own handlers would unwind it first."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _judge_share(number: int) -> Judgement:
    return _judge(*_shared[number])


def _judge(work: list[Transaction], runner: Runner) -> Judgement:
    judged = judge(step for unit in work for step in static_steps(unit, runner))
    return replace(judged, findings=heeded(judged.findings, (s for unit in work for s in unit.statements), runner))


@contextlib.contextmanager
def without_cycles() -> Iterator[None]:
    """No search for garbage in circles meanwhile: trees of statements hold none, and it costs a fifth of the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
