"""Block time as timestamp without time zone

What is stored depends on the session: the same instant written by a server in Tokyo and by one in UTC differs by nine
hours, and nothing in the row tells which it was. Blocks of a chain have one time everywhere.

**Seen by:** the type of the time of a block or event, in a table of on-chain data; one instant is put into a
copy of the table under two time zones. One finding a table.

**Instead:** `timestamptz`, which takes the same eight bytes.

Source: PostgreSQL manual, chapter 8.5.1.3 "Time Stamps".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.rules.schema.chain import chain
from pgassay.rules.schema.columns import tables
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_INSTANT = "2024-01-01 12:00:00+00"
_TYPE = "timestamp without time zone"


def survey(state: State) -> Iterator[Finding]:
    """Report tables whose times depend on who writes them."""
    about = chain(state.catalog)
    for table in tables(state):
        names = [c.name for c in table.columns if c.base == _TYPE and about.time(table, c) and not c.generated]
        if not names:
            continue
        told = _told(state, table, names[0])
        yield state.finding(
            VERDICT,
            f"the times in {table.name} depend on the session's time zone ({', '.join(names)})",
            subject=(table.name, names[0]) if len(names) == 1 else table.name,
            certainty=Certainty.PROVED if told else Certainty.COMPUTED,
            evidence=[Evidence(kind="rows", text=told)] if told else (),
            remedy=Remedy(
                sql=f"ALTER TABLE {table.name} "
                + ", ".join(
                    f"ALTER COLUMN {quote(n)} TYPE timestamptz USING {quote(n)} AT TIME ZONE 'UTC'" for n in names
                )
                + ";",
                note="where the times were written in UTC",
            ),
        )


def _told(state: State, table: Table, column: str) -> str | None:
    """One instant, as two sessions store it."""
    from pgassay.server import StatementError

    shown = []
    for zone in ("UTC", "Asia/Tokyo"):
        try:
            with state.trying() as bench:
                if bench is None:
                    return None
                bench.run(
                    f"CREATE TEMPORARY TABLE pgassay_trial AS SELECT {quote(column)} FROM {table.name} WHERE false"
                )
                bench.run(f"SET LOCAL TimeZone = '{zone}'")
                sql = f"INSERT INTO pg_temp.pgassay_trial VALUES ('{_INSTANT}'::timestamptz) RETURNING {quote(column)}"
                shown.append(f"{bench.run(sql)[0][0]} by a session in {zone}")
        except StatementError:
            return None
    return f"the instant {_INSTANT} was stored as {' and as '.join(shown)}"
