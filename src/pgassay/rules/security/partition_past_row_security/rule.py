"""Partition that is reached past its table's policies

Policies are those of the table that a query names. A partition, or a child by inheritance, has row security of its
own: a role with privileges on it reaches all its rows by naming it.

**Seen by:** the catalog: a partition without row security, of a table with it, on which others than the owner have
privileges. These come with `GRANT … ON ALL TABLES IN SCHEMA` and with default privileges.

**Instead:** ENABLE and FORCE row security on the partition; it needs no policy, since queries go through its table.

Source: PostgreSQL manual, chapter 5.9 "Row Security Policies"; chapter 5.12 "Table Partitioning".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Evidence, Finding, Verdict
from pgassay.rules.state import State

VERDICT = Verdict.EXPOSES


def survey(state: State) -> Iterator[Finding]:
    """Report open partitions of closed tables."""
    closed = {t.name for t in state.catalog.tables if t.row_security}
    for table in state.catalog.tables:
        above = (
            table.partition_of
            if table.partition_of in closed
            else next((i for i in table.inherits if i in closed), None)
        )
        others = sorted({g.grantee for g in table.grants})
        if above is None or table.row_security or not others:
            continue
        yield state.finding(
            VERDICT,
            f"{', '.join(others)} may name {table.name}, which the policies of {above} do not guard",
            subject=table.name,
            certainty=Certainty.COMPUTED,
            evidence=(Evidence(kind="catalog", text="privileges on the partition, and no row security of its own"),),
            remedy="\n".join(f"ALTER TABLE {table.name} {word} ROW LEVEL SECURITY;" for word in ("ENABLE", "FORCE")),
        )
