# mypy: ignore-errors
"""Run by a Python that has ``postgres-mcp``: what its index tuning recommends, one statement a line.

Arguments: URL, a JSON file with a list of queries, budget in MiB (-1 for none), seconds. The server needs hypopg.
"""

import asyncio
import importlib.util
import json
import logging
import sys
import types
import typing
from pathlib import Path

logging.disable()


async def main(url: str, file: str, budget: int, seconds: int) -> None:
    """Print the recommended statements."""
    if not hasattr(typing, "override"):  # Python 3.11
        typing.override = lambda method: method
    # The package's own beginning imports its server and all that this needs.
    found = importlib.util.find_spec("postgres_mcp")
    for name in ("postgres_mcp", "postgres_mcp.index"):
        package = types.ModuleType(name)
        package.__path__ = [str(Path(found.origin).parent.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    from postgres_mcp.index.dta_calc import DatabaseTuningAdvisor
    from postgres_mcp.sql import DbConnPool, SqlDriver

    queries = json.loads(Path(file).read_text())

    async def asked(some, time):
        pool = DbConnPool(url)  # an error ends a pool
        await pool.pool_connect()
        advisor = DatabaseTuningAdvisor(SqlDriver(conn=pool), budget_mb=budget, max_runtime_seconds=time)
        try:
            return await advisor.analyze_workload(query_list=some, max_index_size_mb=budget)
        finally:
            await pool.close()

    result = await asked(queries, seconds)
    if result.error:  # one query that it cannot read ends it: without those
        errors = [(q, (await asked([q], 2)).error) for q in queries]
        good = [q for q, error in errors if not error]
        sys.stderr.write(f"without {len(queries) - len(good)} of {len(queries)} queries: {result.error[:200]}\n")
        result = await asked(good, seconds)
    for each in result.recommendations:
        sys.stdout.write(f"{each.to_index().definition};\n")


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
