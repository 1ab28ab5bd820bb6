"""What a migration may overwrite or delete in production although no made-up row showed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgassay.catalog import Catalog
from pgassay.migrate.down.comparing import differing
from pgassay.migrate.down.model import Lost
from pgassay.model import Statement, quote
from pgassay.model.actions import Delete, Do, Update
from pgassay.server import Connection


def unseen(
    statements: Iterable[Statement], before: Connection, after: Connection, catalog: Catalog, known: Iterable[Lost]
) -> Iterator[Lost]:
    """UPDATE and DELETE statements that changed nothing between two databases of made-up rows: values and rows that
    nobody saw go, and nobody saw come back. ``known``: what was found to be lost anyway."""
    changed = {found.table: found for found in differing(before, after, catalog)}
    said = {(lost.table, lost.column) for lost in known if lost.when == "forward"}
    for statement in statements:
        for action in statement.actions:
            if not isinstance(action, Update | Delete):
                continue
            table = catalog.table(action.table)
            found = changed.get(table.name) if table else None
            if table is None or (str(table.name), None) in said:
                continue
            if isinstance(action, Delete):
                if found is None or not found.missing:
                    said.add((str(table.name), None))
                    words = f"rows of {table.name}, which the migration may delete (no made-up row was)"
                    yield Lost(when="forward", table=str(table.name), what=words)
                continue
            seen = {name for name, _ in found.columns} if found else set()
            for name in action.columns:
                if table.column(name) and name not in seen and (str(table.name), name) not in said:
                    said.add((str(table.name), name))
                    words = f"the old values of {table.name}.{quote(name)}, which the migration may overwrite"
                    yield Lost(
                        when="forward", table=str(table.name), column=name, what=f"{words} (no made-up row's was)"
                    )


def hidden(statements: Iterable[Statement]) -> bool:
    """Whether what it does to rows is known by running it alone."""
    return any(isinstance(a, Do) for s in statements for a in s.actions)
