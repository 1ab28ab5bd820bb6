"""TPC-H in a scratch database: data by ``tpchgen-cli``, a table at a time, so that little of it is on disk twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pgassay.server import Connection
from pgassay.sql.queries import queries

_ALL = queries("benchmarks", "tpch.sql")
QUERIES = {name: text for name, text in _ALL.items() if name.startswith("q")}
CANDIDATES = tuple(each.strip() for each in _ALL["candidates"].split(";\n"))
TABLES = ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem")


def load(session: Connection, scale: float) -> None:
    """Create the tables with their primary keys, fill and analyse them. Scale 1 has 6 million lines, about 1 GB."""
    program = shutil.which("tpchgen-cli", path=str(Path(sys.executable).parent)) or shutil.which("tpchgen-cli")
    if program is None:
        raise SystemExit("tpchgen-cli is not installed: pip install -e '.[bench]'")
    session.run(_ALL["schema"])
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        for table in TABLES:
            command = [program, "csv", "-s", str(scale), "-T", table, "-o", place]
            subprocess.run(command, check=True, capture_output=True)
            file = Path(place) / f"{table}.csv"
            with file.open("rb") as stream:
                session.copy_in(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)", stream)
            file.unlink()
    session.run("VACUUM (ANALYZE)")
    session.notices()
