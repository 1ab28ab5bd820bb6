"""A design's reads as named SQL, for psql, aiosql and people."""

from __future__ import annotations

from collections.abc import Iterable

from pgassay.chain.model import AccessPattern
from pgassay.chain.queries import Query, Way, sql


def queries_sql(queries: Iterable[Query], patterns: Iterable[AccessPattern] = ()) -> str:
    """``queries.sql``: each statement behind ``-- name:`` and what it is for."""
    blocks = []
    for query in queries:
        for way in WAYS if query.order else WAYS[:1]:
            name = f"{query.name}_{way}" if query.order else query.name
            blocks.append(
                f"-- name: {name}\n-- {query.purpose}{_WORDS[way] if query.order else ''}\n{sql(query, way)};"
            )
    for pattern in patterns:
        blocks.append(f"-- name: {pattern.name}\n-- as pgassay.toml has it\n{pattern.sql.strip().rstrip(';')};")
    return "\n\n".join(blocks) + "\n"


WAYS: tuple[Way, ...] = ("first", "after", "before")
_WORDS = {
    "first": ": the first page",
    "after": ": the page after the row :at_…",
    "before": ": the page before the row :at_…, nearest first",
}
