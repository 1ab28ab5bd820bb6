"""Table of events without a key over block and log

Indexers read the same block twice: after a restart, a reorganisation, a second worker. Without a unique key over (block
number, log index) the event is stored twice, balances are wrong, and an upsert has nothing to conflict with.

**Seen by:** one log put twice into a copy of the table. A table whose key is a text that may be made of both is left
alone.

**Instead:** a primary key over (block number, log index), after the chain where there are several.

Source: Ethereum JSON-RPC, eth_getLogs (logIndex); PostgreSQL manual, INSERT, "ON CONFLICT".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.model import Certainty, Evidence, Finding, Remedy, Verdict, quote
from pgassay.rules.schema.addresses import sample
from pgassay.rules.schema.chain import chain
from pgassay.rules.schema.columns import tables
from pgassay.rules.state import State

VERDICT = Verdict.SLOWS


def survey(state: State) -> Iterator[Finding]:
    """Report tables that take one log twice."""
    about = chain(state.catalog)
    for table in tables(state):
        if not about.event(table):
            continue
        (log, *_) = about.named(table, "log_index")
        place = [*about.named(table, "block"), *about.named(table, "block_hash"), *about.named(table, "tx_hash")]
        keyed = any(i.unique and i.valid and i.where is None and log in i.columns for i in table.indexes)
        if not place or keyed or _composed(table):
            continue
        chains = about.chain_column(table)
        key = [*([chains.name] if chains else []), place[0], log]
        values = {c: sample(state, table, c) for c in key}
        row = {c: v for c, v in values.items() if v is not None}
        trial = state.put(table, row, row) if len(row) == len(key) else None
        columns = ", ".join(map(quote, key))
        name = f"{table.name.name}_{place[0]}_{log}_key"
        add = f"ALTER TABLE {table.name} ADD CONSTRAINT {quote(name)} UNIQUE"
        build = f"-- outside a transaction block\nCREATE UNIQUE INDEX CONCURRENTLY {quote(name)} ON {table.name}"
        yield state.finding(
            VERDICT,
            f"the same log can be stored twice in {table.name}: it has no key over ({columns})",
            subject=table.name,
            certainty=Certainty.PROVED if trial and trial.taken else Certainty.COMPUTED,
            evidence=[Evidence(kind="rows", text=f"({columns}) = ({', '.join(row.values())}) was taken twice")]
            if trial and trial.taken
            else [Evidence(kind="catalog", text=f"no unique index over {quote(log)}")],
            remedy=Remedy(
                sql=f"{add} ({columns});"
                if table.kind == "partitioned table"
                else f"{build} ({columns});\n{add} USING INDEX {quote(name)};",
                note="logs that are stored twice already must be removed first",
            ),
        )


def _composed(table: Table) -> bool:
    """Whether the primary key is a text, which subgraphs and the like make of transaction and log index."""
    key = table.primary_key
    column = table.column(key.columns[0]) if key and len(key.columns) == 1 else None
    return column is not None and column.default is None and (column.category == "S" or column.base == "bytea")
