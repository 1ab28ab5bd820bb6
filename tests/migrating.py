"""Small projects and runs of them, for the tests of ``pgassay migrate``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pgassay.migrate.runner import Plan, Ran, Settings, Waiting, back, execute, forth, plan, waiting
from pgassay.migrate.runner.model import Way
from pgassay.server import connect_live
from pgassay.server.live import connect_writing
from pgassay.sources import open_project

QUICK = Settings(lock_timeout=0.1, retries=3, pause=0.02)


def write(folder: Path, files: dict[str, str]) -> Path:
    """Files below a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def drizzle(folder: Path, files: dict[str, str]) -> Path:
    """A project of drizzle-kit's legacy layout."""
    entries = [
        {"idx": i, "version": "7", "when": 1_700_000_000_000 + i, "tag": tag, "breakpoints": True}
        for i, tag in enumerate(files)
    ]
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    write(folder, {"drizzle/meta/_journal.json": json.dumps(journal)})
    return write(folder, {f"drizzle/{tag}.sql": text for tag, text in files.items()})


def look(folder: Path, url: str, *, kind: str | None = None) -> Waiting:
    """What is deployed and pending."""
    with connect_live(url) as live:
        return waiting(open_project(str(folder), kind=kind, allow_code=True), live)


def migrate(
    folder: Path,
    url: str,
    way: Way = "up",
    *,
    to: str | None = None,
    settings: Settings = QUICK,
    say: Callable[[str], None] = lambda _: None,
    kind: str | None = None,
) -> Ran:
    """Run a project without a review."""
    found = look(folder, url, kind=kind)
    chosen = forth(found, to) if way == "up" else back(found, to)
    return run_plan(plan(found.project, chosen, way, deployed=found.deployed), url, settings=settings, say=say)


def run_plan(
    planned: Plan, url: str, *, settings: Settings = QUICK, say: Callable[[str], None] = lambda _: None
) -> Ran:
    """Carry out a plan as it was made."""
    return execute(
        planned,
        lambda: connect_writing(url),
        lambda: connect_live(url),
        settings=settings,
        command="pgassay migrate up",
        progress=say,
    )
