"""``pgassay review`` as a user runs it: files, one command, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance import commands
from tests.acceptance.commands import PGASSAY

__all__ = ["PGASSAY", "Reviewed", "review", "start", "write"]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """How a review ended, and its JSON report."""

    code: int
    report: dict[str, Any]

    @property
    def findings(self) -> set[str]:
        """``VERDICT RULE PATH:LINE`` of each finding at ``blocks`` or worse."""
        worst = {"fails", "loses-data", "breaks-app", "blocks"}
        return {words for words in self.everything if words.split()[0] in worst}

    @property
    def everything(self) -> set[str]:
        """``VERDICT RULE PATH:LINE`` of each finding."""
        return {f"{f['verdict']} {f['rule']} {f['path']}:{f['line']}" for f in self.report["findings"]}

    @property
    def skipped(self) -> dict[str, str]:
        """Reasons by ``PATH:LINE``."""
        return {f"{s['path']}:{s['line']}": s["reason"] for s in self.report["skipped"]}

    def finding(self, rule: str) -> dict[str, Any]:
        """The one finding of a rule."""
        (found,) = [f for f in self.report["findings"] if f["rule"] == rule]
        return dict(found)


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def review(folder: Path, *arguments: str, stdin: str | None = None, **environment: str) -> Reviewed:
    """Review below ``folder``; the command must end with 0 or 1 and say nothing on stderr."""
    ended = start(folder, *arguments, "--format", "json", stdin=stdin, **environment)
    assert ended.returncode in (0, 1), ended.stderr
    assert ended.stderr == ""
    return Reviewed(ended.returncode, json.loads(ended.stdout))


def start(
    folder: Path, *arguments: str, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``pgassay review`` in a folder, to its end."""
    return commands.run("review", *arguments, cwd=folder, input=stdin, env=os.environ | environment)
