"""What the queries ask of each table, so that an index is thought of wherever a plan might use it."""

from __future__ import annotations

from dataclasses import dataclass

from pgassay.advisor.candidates import stem
from pgassay.advisor.model import Candidate
from pgassay.sql.predicates import Block


@dataclass(frozen=True, slots=True)
class Ask:
    """What a query asks of a table, in short. ``keys`` it compares or sorts by; ``wanted`` columns, None for all."""

    query: int
    keys: frozenset[str]
    columns: frozenset[str]
    wanted: frozenset[str] | None

    @classmethod
    def of(cls, query: int, block: Block, position: int) -> Ask:
        """That of one table of a block."""
        keys = [u.key for u in block.uses if u.table == position]
        keys += [o.key for order in block.orders for o in order if o.table == position]
        columns = frozenset(c for key in keys for c in key.columns)
        return cls(query, frozenset(stem(k.text) for k in keys), columns, block.columns[position])

    def could_use(self, candidate: Candidate) -> bool:
        """Whether a plan of the query might use an index: to find or to order rows, or instead of the table."""
        if not set(candidate.conditions) <= self.columns:
            return False
        if any(stem(key) in self.keys for key in candidate.keys[:2]):
            return True
        return self.wanted is not None and self.wanted <= {*candidate.columns, *candidate.include}
