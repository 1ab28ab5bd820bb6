"""Measure two ways of doing a job in the same run: interleaved, the best of several."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """Our time and the other's, in seconds."""

    name: str
    ours: float
    other: float
    against: str

    def __str__(self) -> str:
        ours, other = f"{self.ours:8.3f} s", f"{self.other:8.3f} s"
        return f"{self.name:44} {ours}   {self.against:34} {other}   {self.ours / self.other:6.2f} x"


def compare(
    name: str, ours: Callable[[], object], against: str, other: Callable[[], object], *, times: int = 5
) -> Ratio:
    """The best of ``times`` of each, one after the other."""
    mine, theirs = [], []
    for _ in range(times):
        mine.append(_seconds(ours))
        theirs.append(_seconds(other))
    return Ratio(name, min(mine), min(theirs), against)


def _seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def command(words: Sequence[str], *, allowed: Sequence[int] = (0, 1)) -> Callable[[], None]:
    """A program to run to its end; its output is thrown away."""

    def run() -> None:
        done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode not in allowed:
            raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}")

    return run


def peak_memory_of_children() -> float:
    """The largest child so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
