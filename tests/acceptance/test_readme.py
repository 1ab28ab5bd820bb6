"""The README shows what the program prints today; with PGASSAY_UPDATE=1 this test renews it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_BLOCK = r"(<!-- output: {name} -->\n\n)(?:    .*\n|\n)*?(?=\S)"
_DEMO, _TUNE = (re.compile(_BLOCK.format(name=name)) for name in ("demo", "tune"))
_SHOWN = ("0003_token_issuer", "0004_ticker", "0002_transfer_by_sender")  # of the findings; the table is shown whole


def _plain(text: str) -> str:
    """Without what differs from run to run: figures, and how lines are wrapped."""
    return re.sub(r"[\d.,]+ (ms|s|min)\b", "# ms", " ".join(re.sub(r"[│•]", " ", text).split()))


def _output(*arguments: str, code: int) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "pgassay", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80" if "review" in arguments else "100"},
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def _excerpt(output: str) -> str:
    """The table, some findings, and the last line."""
    parts = re.split(r"\n(?=\S*\.sql:\d)", output)
    last = parts[-1].rpartition("\n\n")[2]
    shown = [p.rpartition("\n\n" + last)[0] or p for p in parts[1:] if any(name in p.split(":")[0] for name in _SHOWN)]
    return "\n\n".join(p.strip() for p in (parts[0], *shown, "[…]", last))


def test_the_readme_shows_what_is_printed() -> None:
    output = _output("review", "examples/token-registry", "--history", code=1)
    text = README.read_text(encoding="utf-8")
    if os.environ.get("PGASSAY_UPDATE"):
        block = "".join(f"    {line}".rstrip() + "\n" for line in _excerpt(output).split("\n"))
        README.write_text(_DEMO.sub(lambda m: m[1] + block + "\n", text), encoding="utf-8")
        return
    found = _DEMO.search(text)
    assert found is not None
    for part in re.split(r"\n\s*\n", found[0].removeprefix(found[1])):
        assert "[…]" in part or _plain(part) in _plain(output), part


def _rough(text: str) -> set[str]:
    """Lines without figures, and without what two good answers differ in: further columns, and how they are read."""
    lines = (re.sub(r"[\d.,]+( (ms|s|min|kB|MB|bytes)\b)?", "#", line) for line in text.splitlines())
    lines = (re.sub(r" INCLUDE \(.*?\)| Only", "", line) for line in lines)
    return {" ".join(line.split()) for line in lines}


def test_the_readme_shows_what_tune_recommends() -> None:
    update = bool(os.environ.get("PGASSAY_UPDATE"))
    fewer = () if update else ("--rows", "20000")  # the same indexes, sooner
    workload = "examples/token-registry/queries.sql"
    output = _output("tune", "examples/token-registry", "--workload", workload, "-q", *fewer, code=0)
    text = README.read_text(encoding="utf-8")
    if update:
        block = "".join(f"    {line}".rstrip() + "\n" for line in output.rstrip("\n").split("\n"))
        README.write_text(_TUNE.sub(lambda m: m[1] + block + "\n", text), encoding="utf-8")
        return
    found = _TUNE.search(text)
    assert found is not None
    shown = [line for line in _rough(found[0]) if "CREATE INDEX" in line or "SELECT" in line]
    assert len(shown) > 6
    assert set(shown) <= _rough(output)
