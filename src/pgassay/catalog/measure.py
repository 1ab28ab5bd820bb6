"""How large tables are and what their columns hold, as the server's own statistics say."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from pathlib import Path

from pgassay.model import Name
from pgassay.server import Connection

_SIZES = Path(__file__).with_name("sizes.sql").read_text()
_STATISTICS = Path(__file__).with_name("statistics.sql").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """A table's size. ``rows`` is the last ANALYZE's or VACUUM's estimate, None if there was none (``reltuples``).

    ``pages`` is ``relpages`` (of 8 KiB as a rule), also from then; bytes are the files' sizes now, TOAST counted with
    the heap. A partitioned table has its partitions' sums; its rows are None if any partition's are.
    """

    rows: int | None
    pages: int
    heap_bytes: int
    index_bytes: int

    @property
    def bytes(self) -> int:
        """Heap, TOAST and indexes."""
        return self.heap_bytes + self.index_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStats:
    """A column's statistics (manual, chapter 52.28: ``pg_stats``). Values are the text that their type prints.

    ``n_distinct`` below 0 is a fraction of the rows, negated. ``avg_width`` in bytes.
    """

    null_frac: float
    avg_width: int
    n_distinct: float
    most_common_vals: list[str] | None = None
    most_common_freqs: list[float] | None = None
    histogram_bounds: list[str] | None = None
    correlation: float | None = None


def sizes(connection: Connection) -> dict[Name, TableSize]:
    """The size of every table and materialised view of the user's schemas, in one query."""
    return {
        Name(row["schema"], row["name"]): TableSize(**{f.name: row[f.name] for f in fields(TableSize)})
        for row in connection.json(_SIZES) or ()
    }


def column_statistics(connection: Connection) -> dict[Name, dict[str, ColumnStats]]:
    """The statistics of every analysed column that the connection's role may read, by table and column.

    Where a table has statistics of its own and of its whole inheritance tree (partitioned tables), the tree's count.
    The values are samples of real rows: whoever writes them out must say so.
    """
    found: dict[Name, dict[str, ColumnStats]] = defaultdict(dict)
    for row in connection.json(_STATISTICS) or ():
        stats = ColumnStats(**{f.name: row[f.name] for f in fields(ColumnStats)})
        found[Name(row["schema"], row["table"])][row["column"]] = stats
    return dict(found)
