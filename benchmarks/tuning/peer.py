"""Another advisor beside ours: the index tuning of ``postgres-mcp`` (MIT), which asks hypopg's costs.

It needs a Python of its own (``pip install postgres-mcp``) and hypopg for the server (PostgreSQL 15:
``apt-get install postgresql-15-hypopg``).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pgassay.server import OWNER, SUPERUSER, Server

_PROGRAM = Path(__file__).parent / "peer_dta.py"


def advise(
    python: str, server: Server, database: str, queries: Sequence[str], *, budget: int | None = None, seconds: int = 60
) -> tuple[tuple[str, ...], float]:
    """The statements that it recommends, and the seconds that it took. ``budget`` in bytes."""
    copy = server.create(database)
    with server.connect(copy, role=SUPERUSER) as admin:
        admin.run("CREATE EXTENSION hypopg SCHEMA public; GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC")
    with server.connect(copy) as session:
        session.run("ANALYZE")
    url = f"postgresql://{OWNER}@/{copy}?host={server.sockets}&port={server.port}"
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "queries.json"
        file.write_text(json.dumps(list(queries)))
        limit = str(-1 if budget is None else budget // 2**20)
        began = time.monotonic()
        done = subprocess.run(
            [python, str(_PROGRAM), url, str(file), limit, str(seconds)], capture_output=True, text=True, check=False
        )
    took = time.monotonic() - began
    server.drop(copy)
    sys.stderr.write(done.stderr[-600:])
    # It knows tables by their bare names.
    return tuple(s.strip() for s in done.stdout.split(";\n") if s.strip()), took
