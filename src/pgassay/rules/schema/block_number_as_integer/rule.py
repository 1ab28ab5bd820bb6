"""Block number as integer

An integer ends at 2,147,483,647. Chains with several blocks a second are at some hundred million and get there within
years; converting the key of the largest tables then means rewriting all of them, and what refers to them.

**Seen by:** the column's type. The first number that does not fit is put into a copy of the table.

**Instead:** `bigint`. Beside other columns of eight bytes it often takes no more room.

Source: PostgreSQL manual, chapter 8.1.1 "Integer Types".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.chain import chain, type_of
from pgassay.rules.schema.columns import retyped, tables
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_FIRST = str(2**31)


def survey(state: State) -> Iterator[Finding]:
    """Report block numbers that end at 2^31."""
    about = chain(state.catalog)
    for table in tables(state) if about.on_chain else ():
        for column in table.columns:
            kind = type_of(state.catalog, column)
            if kind.name not in {"integer", "smallint"} or column.generated or not about.block(table, column):
                continue
            trial = state.put(table, {column.name: _FIRST})
            if trial is not None and trial.taken:
                continue
            yield state.finding(
                VERDICT,
                f"{table.name}.{column.name} ends at block {2 ** (31 if kind.name == 'integer' else 15) - 1:,}:"
                f" it is {'an integer' if kind.name == 'integer' else 'a smallint'}",
                subject=(table.name, column.name),
                certainty=Certainty.PROVED if trial else Certainty.COMPUTED,
                evidence=[Evidence(kind="error", text=f"{_FIRST} → {trial.refusal}")] if trial else (),
                remedy=retyped(state, table, column, "bigint", quote(column.name)),
            )
