"""What the statements of a workload ask of the tables that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgassay.catalog import Index, Table
from pgassay.model import Name
from pgassay.rules.state import State

if TYPE_CHECKING:  # a static review loads no server, and reads no workload
    from pgassay.sql.predicates import Block, Use
    from pgassay.workload import Query

FEW = 1000  # rows that a scan reads in no time


@dataclass(frozen=True, slots=True)
class Asked:
    """One predicate of a query on a table that is there."""

    query: Query
    block: Block
    table: Table
    use: Use


def asked(state: State) -> Iterator[Asked]:
    """Every predicate of the workload on a table with more than a few rows."""

    from pgassay.sql.predicates import blocks

    def columns(name: Name) -> tuple[str, ...] | None:
        table = state.catalog.table(name)
        return tuple(c.name for c in table.columns) if table else None

    for query in state.workload:
        for block in blocks(query.text, columns):
            for use in block.uses:
                table = state.catalog.table(block.tables[use.table].name)
                if table is not None and state.rows.get(table.name, FEW) >= FEW:
                    yield Asked(query, block, table, use)


def same_key(index: Index, key: str) -> bool:
    """Whether an index begins with this expression, whatever casts and parentheses the catalog prints around it."""
    return bool(index.keys) and index.valid and _bare(index.keys[0]) == _bare(key)


def _bare(expression: str) -> str:
    return re.sub(r"::[a-z ]+(\(\d+\))?|[()\s\"]", "", expression)


def served(state: State, query: Query, table: Table, index: str, ddl: str) -> bool | None:
    """Whether the planner has no index for the query now, and takes this one once it is there; None where that cannot
    be tried."""
    now = state.plan(query.text)
    then = state.plan(query.text, ddl)
    if now is None or then is None:
        return None
    name = re.escape(table.name.name)
    scan = re.search(rf'Seq Scan on "?{name}"?\b', now)
    return bool(scan) and re.search(rf"\b{re.escape(index)}\b", then) is not None
