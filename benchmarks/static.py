"""``pgassay review --static`` over 2,000 migration files beside squawk, in one run. Goal: not slower."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.corpus import folder
from benchmarks.timing import Ratio, command, compare


def run(files: int = 2000) -> list[Ratio]:
    """Whole processes, from start to end."""
    binaries = Path(sys.executable).parent
    squawk = shutil.which("squawk", path=str(binaries)) or shutil.which("squawk")
    if squawk is None:
        raise SystemExit("squawk is not installed: make bench installs it")
    with tempfile.TemporaryDirectory() as place:
        where = folder(Path(place) / "migrations", files)
        paths = sorted(str(p) for p in where.glob("*.sql"))
        ours = command([str(binaries / "pgassay"), "review", str(where), "--static", "--history", "--format", "json"])
        return [compare(f"review --static, {files:,} files", ours, "squawk", command([squawk, *paths]))]
