"""What an export of a twin holds, in a few lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pgassay.model import Name
from pgassay.report.words import count, one_line
from pgassay.twin.export_file import Export
from pgassay.twin.fidelity import ColumnFidelity, Fidelity

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
_LISTED = 12  # tables
_NAMED = 3.0  # times, of queries that are told
_SHOWN = 90  # characters of a query


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


def checked_text(found: Fidelity, rows: Mapping[Name, int], remarks: Sequence[str], *, verbose: bool = False) -> str:
    """How close a synthetic twin comes: in one line, then what is far off (or all of it), the worst first."""
    made = f"{count(sum(rows.values()), 'row')} in {count(sum(n > 0 for n in rows.values()), 'table')}"
    far = [c for c in found.columns if c.far]
    lines = [f"{made}: {len(found.columns) - len(far)} of {count(len(found.columns), 'column')} like production's"]
    if found.median is not None and found.worst is not None:
        lines[0] += f"; estimates of {count(len(found.queries), 'query', 'queries')} differ {found.median:.2f} times in"
        lines[0] += f" the median, {found.worst:,.1f} times at most"
    for column in sorted(found.columns if verbose else far, key=lambda c: (-c.ratio, str(c.table), c.column)):
        lines.append(f"  {one_line(f'{column.table}.{column.column}')}: {', '.join(_differences(column))}")
    for query in sorted(found.queries, key=lambda q: (-q.error, q.text)):
        if verbose or query.error > _NAMED:
            there, here = query.rows
            lines.append(
                f"  {query.error:,.1f} times: {there:,.0f} rows, here {here:,.0f}: {one_line(query.text)[:_SHOWN]}"
            )
    lines += [f"  skipped: {one_line(text)[:_SHOWN]}: {one_line(why)}" for text, why in found.skipped]
    lines += [f"  {one_line(each)}" for each in remarks]
    return "\n".join(lines) + "\n"


def _differences(column: ColumnFidelity) -> list[str]:
    words = [f"{column.distinct[0]:,.0f} distinct values, here {column.distinct[1]:,.0f}"]
    words.append(f"null {column.null_frac[0]:.3f}, here {column.null_frac[1]:.3f}")
    if max(column.common) > 0:
        words.append(f"most common {column.common[0]:.3f}, here {column.common[1]:.3f}")
    there, here = column.correlation
    if there is not None and here is not None:
        words.append(f"correlation {there:.2f}, here {here:.2f}")
    return words


def checked_json(found: Fidelity, rows: Mapping[Name, int], remarks: Sequence[str]) -> str:
    """The document of ``twin check --format json``: pairs are (production, twin)."""
    document = {
        "format": "pgassay-twin-check/1",
        "rows": {str(name): number for name, number in rows.items()},
        "median": found.median,
        "worst": found.worst,
        "columns": [
            {
                "table": str(c.table), "column": c.column, "null_frac": c.null_frac, "distinct": c.distinct,
                "common": c.common, "correlation": c.correlation, "far": c.far,
            }
            for c in found.columns
        ],
        "queries": [{"text": q.text, "rows": q.rows, "error": q.error} for q in found.queries],
        "skipped": [{"text": text, "reason": why} for text, why in found.skipped],
        "remarks": list(remarks),
    }  # fmt: skip
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def amount(size: float) -> str:
    """``34 KB``: powers of 1,000, as disks have them."""
    for unit in _UNITS:
        if size < 999.5 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
