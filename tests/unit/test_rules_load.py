"""A static review starts in a third of a second: the rules load neither a server nor a driver."""

from __future__ import annotations

import subprocess
import sys


def test_the_rules_load_no_server() -> None:
    code = "import sys; from pgassay.rules import registry; registry(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert "pgassay.rules.schema.amount_as_float.rule" in loaded
    assert not loaded & {"pg8000", "pgassay.server", "pgassay.workload"}
