"""JSONB searched without an index

Without one, `@>`, `?` and `->>` read and unpack every document of the table to find a few.

**Seen by:** a statement of the workload that the planner can answer by reading the whole table only, and that takes the
index of the remedy once it is there.

**Instead:** GIN for `@>`, `?` and paths; a B-tree over the expression for one key that is compared.

Source: PostgreSQL manual, chapter 8.14.4 "jsonb Indexing".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.rules.schema.queries import Asked, asked, same_key, served
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS


def survey(state: State) -> Iterator[Finding]:
    """Report searches in documents that no index serves: one finding a table and key."""
    told: set[tuple[Name, str]] = set()
    for each in asked(state):
        way = _way(each)
        if way is None or (each.table.name, way[1]) in told:
            continue
        column, keys = way
        name = f"{each.table.name.name}_{column}_{'gin' if keys.startswith('USING') else 'key'}_idx"
        ddl = f"CREATE INDEX {quote(name)} ON {each.table.name} {keys}"
        sure = served(state, each.query, each.table, name, ddl)
        if sure is False:
            continue
        told.add((each.table.name, keys))
        yield state.finding(
            VERDICT,
            f"searching {each.table.name}.{column} reads every document of the table",
            subject=(each.table.name, column),
            certainty=Certainty.PROVED if sure else Certainty.COMPUTED,
            evidence=(Evidence(kind="text", text=each.use.text or each.use.key.text),),
            remedy=f"-- outside a transaction block\n{ddl.replace('INDEX', 'INDEX CONCURRENTLY', 1)};",
            query=each.query,
        )


def _way(each: Asked) -> tuple[str, str] | None:
    """The column searched and what an index for it is over."""
    documents = {c.name: c for c in each.table.columns if c.base == "jsonb"}
    key, use = each.use.key, each.use
    column = next((c for c in key.columns if c in documents), None)
    if column is None or use.other is not None:
        return None
    if use.kind in {"contains", "has key"} and key.column == column:
        if any(i.method == "gin" and column in i.columns for i in each.table.indexes):
            return None
        return column, f"USING gin ({quote(column)})"
    if use.kind in {"equal", "in"} and re.search(r"->>|#>>", key.text):
        if any(same_key(i, key.text) for i in each.table.indexes):
            return None
        return column, f"(({key.text}))"
    return None
