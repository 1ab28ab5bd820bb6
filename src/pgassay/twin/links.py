"""Foreign keys → slots: columns that together show a row of a parent table, by that row's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgassay.catalog.model import Constraint
from pgassay.model import Name
from pgassay.twin.targets import Target
from pgassay.twin.values import PLENTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What takes a digit of the row number: a column of its own, or the columns of foreign keys that share one."""

    columns: tuple[str, ...]
    links: tuple[Constraint, ...] = ()
    size: int = PLENTY
    itself: bool = False  # a foreign key to its own table

    def source(self, column: str) -> tuple[Constraint, str]:
        """The foreign key that a column is filled from (the widest one), and the parent's column."""
        link = max((k for k in self.links if column in k.columns), key=lambda k: len(k.columns))
        return link, link.referenced_columns[link.columns.index(column)]


def link_slots(target: Target, rows: Mapping[Name, int]) -> tuple[list[Slot], list[Slot]]:
    """The slots of foreign keys to other tables, and those of foreign keys to the table itself."""
    groups: list[tuple[set[str], list[Constraint]]] = []
    own: list[Constraint] = []
    for link in target.links:
        if link.references == target.name:
            own.append(link)
            continue
        columns, joined = set(link.columns), [link]
        apart = []
        for other, inside in groups:
            if other & columns:
                columns |= other
                joined = inside + joined
            else:
                apart.append((other, inside))
        groups = [*apart, (columns, joined)]
    others = [
        Slot(
            columns=tuple(sorted(columns)),
            links=tuple(joined),
            size=min(rows.get(link.references, 0) if link.references else 0 for link in joined),
        )
        for columns, joined in groups
    ]
    taken = {column for slot in others for column in slot.columns}
    selfish = []
    for link in own:
        free = tuple(c for c in link.columns if c not in taken)
        taken.update(free)
        if free:
            selfish.append(Slot(columns=free, links=(link,), size=rows.get(target.name, 0), itself=True))
    return others, selfish
