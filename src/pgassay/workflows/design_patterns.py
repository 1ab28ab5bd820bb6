"""The access patterns of ``pgassay.toml`` against the design: do they run, and which of them no index serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pgassay.chain.model import Design
from pgassay.errors import InputError
from pgassay.server import Server, StatementError


def patterns(server: Server, database: str, design: Design) -> tuple[str, ...]:
    """A note for each pattern that reads a whole table although the planner was asked to avoid that.

    Raises InputError, with the line in pgassay.toml, for a statement that PostgreSQL refuses on this schema.
    """
    settings = design.settings
    if not settings.patterns:
        return ()
    if server.major < 16:
        return ("access patterns were not planned: EXPLAIN (GENERIC_PLAN) needs PostgreSQL 16",)
    notes = []
    with server.connect(database) as connection, connection.rolled_back():
        connection.run("SET LOCAL enable_seqscan = off")
        for pattern in settings.patterns:
            try:
                plan = connection.json(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {pattern.sql.rstrip().removesuffix(';')}")
            except StatementError as error:
                raise InputError(
                    f"access pattern {pattern.name}: {error}", path=settings.path, line=pattern.line or None
                ) from error
            scanned = sorted(
                {node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"}
            )
            if scanned:
                notes.append(f"access pattern {pattern.name} reads all of {', '.join(scanned)}: no index serves it")
    return tuple(notes)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
