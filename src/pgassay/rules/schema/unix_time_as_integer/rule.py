"""Point in time as integer

Seconds since 1970 in an `integer` end on 19 January 2038. As `bigint` they last, but no date function, range, partition
by day or time zone works without a conversion, and seconds are mixed up with milliseconds.

**Seen by:** the column's name and type: an `integer` in any table, whose end is tried on a copy of it; a `bigint` only
in tables of on-chain data.

**Instead:** `timestamptz`, which takes the same eight bytes.

Source: PostgreSQL manual, chapter 8.5 "Date/Time Types".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.rules.schema.chain import chain, plain, type_of
from pgassay.rules.schema.columns import tables
from pgassay.rules.state import State

VERDICT = Verdict.STYLE
_POINT = re.compile(
    r"(.*_)?timestamp|block_time|(created|updated|deleted|expires|expired|started|ended|finished|published|minted|burned"
    r"|indexed|processed|synced|confirmed|settled|issued|signed|transferred|redeemed|last_seen|seen|joined|deployed)_at"
)
_TOO_LATE = str(2**31)  # 2038-01-19


def survey(state: State) -> Iterator[Finding]:
    """Report points in time that are kept as numbers."""
    about = chain(state.catalog)
    for table in tables(state):
        for column in table.columns:
            kind = type_of(state.catalog, column)
            if not kind.integer or column.generated or column.identity or not _POINT.fullmatch(plain(column.name)):
                continue
            if kind.name == "bigint" and not about.table(table):
                continue
            trial = state.put(table, {column.name: _TOO_LATE}) if kind.name == "integer" else None
            name = quote(column.name)
            ends = kind.name != "bigint"
            yield state.finding(
                VERDICT,
                f"{table.name}.{column.name} keeps a point in time as a number"
                + (", which ends on 19 January 2038" if ends else ""),
                subject=(table.name, column.name),
                certainty=Certainty.PROVED if trial and not trial.taken else Certainty.COMPUTED,
                evidence=[Evidence(kind="error", text=f"{_TOO_LATE} → {trial.refusal}")]
                if trial and not trial.taken
                else [Evidence(kind="catalog", text=f"its type is {column.type}")],
                remedy=Remedy(
                    sql=f"ALTER TABLE {table.name} ALTER COLUMN {name} TYPE timestamptz USING to_timestamp({name});",
                    note="for seconds; milliseconds by to_timestamp(… / 1000.0)",
                )
                if column.default is None
                else None,
            )
