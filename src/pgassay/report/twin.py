"""What an export of a twin holds, in a few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgassay.model import Name
from pgassay.report.words import count, one_line
from pgassay.twin.export_file import Export

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
_LISTED = 12  # tables


def exported(export: Export, path: str, size: int) -> str:
    """A summary for the terminal: what was written and what was left out."""
    tables = sum(r.kind in ("r", "m") for r in export.relations)
    indexes = sum(r.method is not None for r in export.relations)
    of = f"PostgreSQL {one_line(export.server.version)}, {amount(export.bytes)}"
    lines = [
        f"{one_line(path)}: {amount(size)} of {of}",
        f"  {count(tables, 'table')}, {count(indexes, 'index', 'indexes')}, statistics of "
        f"{count(len(export.attributes), 'column')}, {count(len(export.workload), 'statement')} of the workload",
        "  samples of the data: " + ("in the file" if export.values else "none"),
    ]
    lines += [f"  left out: {one_line(each)}" for each in export.left_out]
    return "\n".join(lines) + "\n"


def copied(
    rows: Mapping[Name, int], known: Mapping[Name, int | None], remarks: Sequence[str], path: str, size: int
) -> str:
    """A summary of a copy: the largest tables with their rows here and there, and what is missing."""
    total = count(sum(rows.values()), "row")
    lines = [f"{one_line(path)}: {amount(size)}, {total} of {count(len(rows), 'table')}"]
    ordered = sorted(rows, key=lambda name: (-rows[name], str(name)))
    for name in ordered[:_LISTED]:
        there = known.get(name)
        of = f" of about {there:,}" if there is not None else ""
        lines.append(f"  {one_line(str(name))}: {rows[name]:,}{of}")
    if len(ordered) > _LISTED:
        lines.append(f"  … {len(ordered) - _LISTED} smaller ones")
    lines += [f"  {one_line(each)}" for each in remarks]
    return "\n".join(lines) + "\n"


def amount(size: float) -> str:
    """``34 KB``: powers of 1,000, as disks have them."""
    for unit in _UNITS:
        if size < 999.5 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
