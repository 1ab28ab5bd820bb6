"""Whether a conversion of a column's type changes its values: each is converted there and back again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pgassay.catalog import Catalog
from pgassay.model import Name, Statement, quote
from pgassay.model.actions import AlterType
from pgassay.model.observations import Loss
from pgassay.server import Connection, StatementError

_SAMPLE = 1000


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column before its conversion, as text, and the type they had."""

    table: Name
    column: str
    type: str
    texts: Counter[str]


def values_before(session: Connection, statement: Statement, before: Catalog) -> tuple[Values, ...]:
    """Note the values of every column whose type the statement changes."""
    noted = []
    for action in statement.of(AlterType):
        table = before.table(action.table)
        column = table.column(action.column) if table else None
        if table is None or column is None:
            continue
        texts = _texts(session, f"SELECT {quote(column.name)}::text FROM {table.name} ORDER BY 1 LIMIT {_SAMPLE}")
        if texts is not None:
            noted.append(Values(table.name, column.name, column.type, Counter(texts)))
    return tuple(noted)


def values_lost(session: Connection, noted: Iterable[Values]) -> tuple[Loss, ...]:
    """The values that cannot be had back from the new type."""
    found = []
    for values in noted:
        back = _texts(
            session,
            f"SELECT ({quote(values.column)}::{values.type})::text FROM {values.table} ORDER BY 1 LIMIT {_SAMPLE}",
        )
        if back is None:
            continue
        gone = values.texts - Counter(back)
        if gone:
            example = next(iter(gone))
            found.append(
                Loss(kind="values", table=values.table, column=values.column, count=gone.total(), example=example[:80])
            )
    return tuple(found)


def _texts(session: Connection, sql: str) -> list[str] | None:
    # In a savepoint of its own: looking must not fail the migration's transaction.
    opened = session.transaction == "idle"
    session.run("BEGIN" if opened else "SAVEPOINT pgassay_values")
    try:
        return [row[0] for row in session.run(sql) if row[0] is not None]
    except StatementError:
        return None
    finally:
        session.run("ROLLBACK" if opened else "ROLLBACK TO SAVEPOINT pgassay_values")
