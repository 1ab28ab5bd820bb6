"""Which model serves which task, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pgassay.report.machine import Wire, indented
from pgassay.report.words import encodable, one_line


class Routed(Wire, frozen=True):
    """A decision: the model, those that stand in for it (``fallback``; none where a weaker one must not), the ``rule``
    that decided, the ``reason`` in words and the ``evidence`` for it. ``needs``: ids of tasks that come before."""

    id: str
    task: str
    needs: tuple[str, ...]
    model: str
    fallback: tuple[str, ...]
    level: Literal["default", "strong"]
    rule: str
    reason: str
    evidence: tuple[str, ...]


class RoutingDocument(Wire, frozen=True):
    """``pgassay agent route --format json``."""

    tasks: tuple[Routed, ...]


def routed_json(routed: Sequence[Routed]) -> str:
    """The document."""
    return indented(
        RoutingDocument(
            tasks=tuple(
                Routed(
                    id=r.id, task=encodable(r.task), needs=r.needs, model=encodable(r.model),
                    fallback=tuple(map(encodable, r.fallback)), level=r.level, rule=r.rule, reason=encodable(r.reason),
                    evidence=tuple(map(encodable, r.evidence)),
                )
                for r in routed
            )
        )
    )  # fmt: skip


def routed_text(routed: Sequence[Routed]) -> str:
    """A few lines for each."""
    lines: list[str] = []
    for r in routed:
        if len(routed) > 1:
            after = f" (after {', '.join(r.needs)})" if r.needs else ""
            lines.append(f"{r.id}{after}: {one_line(r.task)[:100]}")
        lines.append(f"{one_line(r.model)} ({r.level}), by rule {r.rule}")
        lines.append(f"  {one_line(r.reason)}")
        if r.fallback:
            lines.append(f"  should its provider fail: {', '.join(map(one_line, r.fallback))}")
        else:
            lines.append("  no other model stands in for it")
    return "\n".join(lines) + "\n"
