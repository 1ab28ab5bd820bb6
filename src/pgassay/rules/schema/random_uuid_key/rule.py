"""Random uuid as key of a table that only grows

Every row goes to a random page of the primary key's index. Pages are split half full, so the index is larger than it
need be; once it does not fit into memory every INSERT reads a page and dirties it, and writes a full image of it to the
log after each checkpoint.

**Seen by:** a primary key with a random default, in a table of events or transactions. The same number of keys is put
into two indexes, at random and in order, and their sizes are told. Registries, of which there are few rows, may have
random keys.

**Instead:** the natural key (block number, log index), an identity, or `uuidv7()` (PostgreSQL 18), which is in order.

Source: PostgreSQL manual, chapter 9.14 "UUID Functions"; chapter 65.1.4 "B-Tree Implementation".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.rules.schema.chain import chain
from pgassay.rules.schema.columns import tables
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS
_KEYS = 20_000
_RANDOM = ("gen_random_uuid()", "uuid_generate_v4()", "uuidv4()")


def survey(state: State) -> Iterator[Finding]:
    """Report random keys where rows come in by the block."""
    about = chain(state.catalog)
    sizes: tuple[int, int] | None = None
    for table in tables(state):
        key = table.primary_key
        column = table.column(key.columns[0]) if key else None
        if column is None or column.base != "uuid" or not about.appended(table):
            continue
        if not any((column.default or "").endswith(name) for name in _RANDOM):
            continue
        sizes = sizes or _sizes(state)
        ordered = state.catalog.version >= 180000
        yield state.finding(
            VERDICT,
            f"every row of {table.name} goes to a random page of its primary key",
            subject=(table.name, column.name),
            certainty=Certainty.PROVED if sizes and sizes[0] > sizes[1] else Certainty.COMPUTED,
            evidence=[
                Evidence(
                    kind="index",
                    text=f"{_KEYS:,} keys take {sizes[0] // 1024:,} kB at random and {sizes[1] // 1024:,} kB in order",
                    data={"keys": _KEYS, "random_bytes": sizes[0], "ordered_bytes": sizes[1]},
                )
            ]
            if sizes
            else (),
            remedy=Remedy(
                sql=f"ALTER TABLE {table.name} ALTER COLUMN {quote(column.name)} SET DEFAULT uuidv7();",
                note="keys that are there stay as they are",
            )
            if ordered
            else None,
        )


def _sizes(state: State) -> tuple[int, int] | None:
    """The bytes of an index over random keys, and of one over keys in order."""
    from pgassay.server import StatementError

    try:
        with state.trying() as bench:
            if bench is None:
                return None
            found = []
            for name, value in (("random", "gen_random_uuid()"), ("ordered", "lpad(to_hex(n), 32, '0')::uuid")):
                bench.run(
                    f"CREATE TEMPORARY TABLE pgassay_{name} (id uuid CONSTRAINT pgassay_{name}_key PRIMARY KEY);"
                    f"INSERT INTO pg_temp.pgassay_{name} SELECT {value} FROM generate_series(1, {_KEYS}) n"
                )
                found.append(int(bench.value(f"SELECT pg_relation_size('pg_temp.pgassay_{name}_key')") or 0))
            return found[0], found[1]
    except StatementError:
        return None
