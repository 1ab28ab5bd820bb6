"""Problems of indexes in; text, SQL or JSON out: pure functions."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from pgassay import __version__
from pgassay.advisor.indexes import IndexProblem
from pgassay.model import Certainty
from pgassay.report.machine import Wire, indented
from pgassay.report.words import count, encodable, one_line, size, visible


class IndexProblemPart(Wire, frozen=True):
    """``problem``: invalid, missing, duplicate, overlapping, unused or bloated. ``sql`` mends it, ``undo`` takes that
    back. ``bytes``: what the index takes, or wastes."""

    problem: str
    certainty: Certainty
    table: str
    index: str | None
    message: str
    sql: str
    undo: str
    bytes: int | None


class IndexDocument(Wire, frozen=True):
    """What is wrong with ``seen`` indexes."""

    pgassay: str
    seen: int
    problems: tuple[IndexProblemPart, ...]
    notes: tuple[str, ...]


def indexes_json(seen: int, problems: Sequence[IndexProblem], notes: Sequence[str]) -> str:
    """Indented JSON, with a line end."""
    parts = tuple(
        IndexProblemPart(
            problem=p.problem,
            certainty=p.certainty,
            table=encodable(str(p.table)),
            index=None if p.index is None else encodable(p.index),
            message=encodable(p.message),
            sql=encodable(p.sql),
            undo=encodable(p.undo),
            bytes=p.bytes,
        )
        for p in problems
    )
    return indented(IndexDocument(pgassay=__version__, seen=seen, problems=parts, notes=tuple(map(encodable, notes))))


def indexes_sql(problems: Sequence[IndexProblem]) -> str:
    """The statements alone, in their order."""
    return "".join(f"{p.sql};\n" for p in problems)


def indexes_text(seen: int, problems: Sequence[IndexProblem], notes: Sequence[str], *, width: int = 100) -> str:
    """For people."""
    lines: list[str] = []
    for p in problems:
        taken = f" · {size(p.bytes)}" if p.bytes else ""
        lines.append(f"{one_line(str(p.table))}  {p.problem} · {p.certainty.value}{taken}")
        lines += textwrap.wrap(one_line(p.message), width, initial_indent="  ", subsequent_indent="  ")
        lines += [f"      {line}" for line in visible(f"{p.sql};").split("\n")]
    for note in notes:
        lines += textwrap.wrap(f"Note: {one_line(note)}", width, subsequent_indent="  ")
    found = Counter(p.problem for p in problems)
    words = ", ".join(f"{number} {problem}" for problem, number in found.items()) or "nothing found"
    lines.append(f"{count(seen, 'index', 'indexes')}: {words}")
    return "\n".join(lines) + "\n"
