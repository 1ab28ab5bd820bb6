"""When which table was locked against whom, as a picture: a lane a table, a bar a lock, time from left to right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pgassay.model import Held

_WIDTH, _LANE, _LABELS = 760.0, 26.0, 220.0  # pixels
_LEAST = 3.0  # pixels of a bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One lock: where it is drawn, how strong it is, and what a reader is told."""

    x: float
    y: float
    width: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The picture of one migration."""

    path: str
    lanes: tuple[tuple[str, float], ...]
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, float], ...]  # pixels, milliseconds
    width: float
    height: float
    labels: float = _LABELS


def timelines(locks: Iterable[Held]) -> tuple[Timeline, ...]:
    """A picture for each migration that took a lock."""
    paths: dict[str, list[Held]] = {}
    for held in locks:
        paths.setdefault(held.path, []).append(held)
    return tuple(_timeline(path, found) for path, found in paths.items())


def _timeline(path: str, locks: list[Held]) -> Timeline:
    end = max((h.from_ms + h.held_ms for h in locks), default=0.0) or 1.0
    scale = (_WIDTH - _LABELS - 20) / end
    names = list(dict.fromkeys(str(h.table) for h in locks))
    bars = [
        Bar(
            x=_LABELS + held.from_ms * scale,
            y=20 + names.index(str(held.table)) * _LANE,
            width=max(held.held_ms * scale, _LEAST),
            kind="reads" if held.blocks_reads else "writes" if held.blocks_writes else "schema",
            words=f"{held.mode} on {held.table} for {held.held_ms:.1f} ms, from line {held.line}: {_who(held)}",
        )
        for held in sorted(locks, key=lambda h: h.blocks_reads + h.blocks_writes)
    ]
    return Timeline(
        path=path,
        lanes=tuple((name, 20 + i * _LANE) for i, name in enumerate(names)),
        bars=tuple(bars),
        ticks=tuple((_LABELS + end * part * scale, end * part) for part in (0, 0.25, 0.5, 0.75, 1)),
        width=_WIDTH,
        height=30 + len(names) * _LANE,
    )


def _who(held: Held) -> str:
    if held.blocks_reads:
        return "reads and writes wait"
    return "writes wait" if held.blocks_writes else "only other changes of the schema wait"
