"""Contract address unique by itself, in a table of several chains

A contract deployed by CREATE2, a bridge or a factory has one address on many chains. The table has a column for the
chain, but its unique key has not: the second chain's row is refused, or an upsert overwrites the first one's.

**Seen by:** one address put into a copy of the table for two chains: the key refuses the second. Accounts of people,
which are the same on every chain, are left alone.

**Instead:** a key over (chain, address).

Source: EIP-1014 (CREATE2); EIP-155 (chain ids).
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.model import Certainty, Evidence, Finding, Verdict, quote
from pgassay.rules.schema.addresses import LOWER, addresses
from pgassay.rules.schema.chain import plain, words
from pgassay.rules.state import State

VERDICT = Verdict.LOSES_DATA
_PEOPLE = {"user", "users", "account", "accounts", "wallet", "wallets", "holder", "holders", "owner", "customer",
           "customers", "investor", "investors", "member", "members", "profile", "profiles", "signer", "signers",
           "identity", "identities"}  # fmt: skip


def survey(state: State) -> Iterator[Finding]:
    """Report keys over an address alone."""
    for table, column, about in addresses(state):
        chain = about.chain_column(table)
        key = next((i for i in table.indexes if i.unique and i.columns == (column.name,) and i.where is None), None)
        if chain is None or key is None or _of_people(table, column.name):
            continue
        number = chain.category == "N"
        values = ("1", "137") if number else ("ethereum", "polygon")
        enum = state.catalog.enum(chain.base)
        if enum is not None:
            if len(enum.labels) < 2:
                continue
            values = (enum.labels[0], enum.labels[1])
        trial = state.put(table, *({column.name: LOWER, chain.name: value} for value in values))
        if trial is not None and trial.taken:
            continue
        refused = trial is not None and trial.refusal is not None and trial.refusal.sqlstate == "23505"
        name, other = quote(column.name), quote(chain.name)
        named = quote(f"{table.name.name}_{chain.name}_{column.name}_key")
        drop = (
            f"ALTER TABLE {table.name} DROP CONSTRAINT {quote(key.constraint)};"
            if key.constraint
            else f"DROP INDEX {table.name.named(key.name)};"
        )
        yield state.finding(
            VERDICT,
            f"{table.name} refuses a contract's second chain: {name} is unique without {other}",
            subject=(table.name, column.name),
            certainty=Certainty.PROVED if refused else Certainty.COMPUTED,
            evidence=[Evidence(kind="error", text=f"chains {values[0]} and {values[1]}: {trial.refusal}")]
            if refused and trial
            else (),
            remedy=f"-- outside a transaction block\nCREATE UNIQUE INDEX CONCURRENTLY {named} ON {table.name}"
            f" ({other}, {name});\nALTER TABLE {table.name} ADD CONSTRAINT {named} UNIQUE USING INDEX {named};\n{drop}",
        )


def _of_people(table: Table, column: str) -> bool:
    return bool(set(words(plain(column))) & _PEOPLE or set(words(table.name.name)) & _PEOPLE)
