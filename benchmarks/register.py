"""A register of tokens on chain: what ``pgassay tune`` advises for its application, and what that is worth.

    python -m benchmarks register [--events N]

Rows are made in a scratch database that is gone afterwards; 10 million events take 5 GB. The advice comes from the
command line, told the database's URL; its statements are run there, and every query is measured before and after:
backend CPU and pages touched, the best of several.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from pgassay.catalog import column_statistics
from pgassay.server import Connection, Server, install
from pgassay.sql.normalise import fill
from pgassay.sql.queries import queries
from pgassay.workload import read_workload, settle

_ALL = queries("benchmarks", "register.sql")
WORKLOAD = _ALL["workload"]
CANDIDATES = tuple(each.strip() for each in _ALL["candidates"].split(";\n"))


def load(server: Server, session: Connection, events: int) -> None:
    """Make and analyse the tables: ``events`` transfers, a fifth as many balances, at most 3,000 tokens."""
    install(server, session.database, "pg_trgm")
    numbers = {"events": events, "accounts": max(events // 20, 50), "tokens": min(max(events // 200, 20), 3_000)}
    numbers["balances"] = max(events // 5, 50)
    text = _ALL["rows"]
    for name, number in numbers.items():
        text = text.replace(f"{{{name}}}", str(number))
    session.run(_ALL["schema"])
    for statement in text.split(";\n"):
        session.run(statement)
    session.run("VACUUM (ANALYZE)")
    session.notices()


def workload(folder: Path) -> Path:
    """The workload as a file."""
    path = folder / "register.sql"
    path.write_text(WORKLOAD, encoding="utf-8")
    return path


def with_values(session: Connection) -> tuple[str, ...]:
    """The workload's statements, each with a few sets of values that the database's statistics suggest."""
    with tempfile.TemporaryDirectory() as place:
        told = read_workload(workload(Path(place)))
    settled = settle(session, told, column_statistics(session))
    assert not settled.skipped, settled.skipped
    return tuple(fill(q.text, values) for q in settled.queries for values in (q.parameters[:3] or ((),)))
