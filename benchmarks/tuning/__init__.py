"""``pgassay tune`` measured: application workloads beside an expert's DDL, and TPC-H."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence


def main(arguments: Sequence[str]) -> None:
    """``python -m benchmarks tuning``: application workloads from the database and from statistics, then TPC-H."""
    from benchmarks.tuning import applications, tpch

    reader = argparse.ArgumentParser(prog="python -m benchmarks tuning", description=main.__doc__)
    reader.add_argument("parts", nargs="*", help="applications, twins, tpch (all)")
    reader.add_argument("--worlds", default="", help="only these application workloads, with commas between")
    reader.add_argument("--scale", type=float, default=0.2, help="of TPC-H (0.2)")
    reader.add_argument("--time", type=int, default=60, help="seconds for each search (60)")
    reader.add_argument("--peer", help="a Python that has postgres-mcp: beside ours, on PostgreSQL 15 with hypopg")
    reader.add_argument("--verbose", action="store_true", help="every statement and query")
    asked = reader.parse_args(arguments)
    parts = asked.parts or ["applications", "twins", "tpch"]
    names = [w for w in asked.worlds.split(",") if w]
    for part, twin in (("applications", False), ("twins", True)):
        if part in parts:
            sys.stdout.write(f"{'from statistics alone' if twin else 'from the database'}:\n")
            _print(applications.run(names, twin=twin, verbose=asked.verbose, seconds=asked.time, peer=asked.peer))
    if "tpch" in parts:
        _print(tpch.run(asked.scale, seconds=asked.time, peer=asked.peer))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
