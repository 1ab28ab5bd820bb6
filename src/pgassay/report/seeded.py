"""What ``pgassay seed`` says in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgassay.model import Name
from pgassay.report.words import count, one_line


def seeded(rows: Mapping[Name, int], unfilled: Sequence[tuple[Name, str]], notes: Sequence[str], files: int) -> str:
    """Rows a table in one sentence; each table that could not be filled and why; what could not be run."""
    lines = [f"Not run: {one_line(note)}" if not note.startswith("assumed") else one_line(note) for note in notes]
    lines += [
        f"Not filled: {one_line(str(table))} ({rows.get(table, 0):,} rows): {one_line(why)}" for table, why in unfilled
    ]
    filled = sum(number > 0 for number in rows.values())
    where = f", written to {count(files, 'file')}" if files else ""
    lines.append(f"{count(sum(rows.values()), 'row')} in {count(filled, 'table')}{where}")
    return "\n".join(lines) + "\n"
