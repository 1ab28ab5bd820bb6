"""Sqitch, and folders with ``deploy/`` and ``revert/`` pairs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1

from pgassay.errors import InputError
from pgassay.model import Migration, Project, Runner, Statement
from pgassay.sources.files import File, Place, empty, exists, is_folder, join, names, parent, read
from pgassay.sql import parse

_RUNNER = Runner(
    name="Sqitch",
    concurrently="outside BEGIN and COMMIT in its deploy script",
    table="sqitch.changes",
)
_HARMLESS = re.compile(
    r"^[ \t]*\\(?:set[ \t]+(?:ON_ERROR_STOP|ON_ERROR_ROLLBACK|QUIET|ECHO|VERBOSITY|AUTOCOMMIT[ \t]+on)\b|unset\b|"
    r"echo\b|qecho\b|warn\b|pset\b|timing\b|x\b|t\b|a\b|conninfo\b|encoding\b|unrestrict\b|restrict\b|d\w*\b|l\b)[^\r\n]*",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Change:
    name: str
    line: int
    script: str  # the name of the script, which differs from the change's once that was reworked


def open_sqitch(place: Place) -> Project:
    """Sqitch (1.x): the order of ``sqitch.plan``; scripts in ``deploy/``, ``revert/`` and ``verify/``.

    True of the runner: each deploy script is given to psql, which runs it statement by statement; what shares a
    transaction is the script's own BEGIN and COMMIT. Pending is every change of the plan after the
    last one in ``sqitch.changes``; an edited script goes unnoticed by ``deploy`` and is never run again. The digest is
    ``script_hash``, the SHA-1 of the script. A folder without a plan is read in natural order.
    psql's commands for its own output (``\\set ON_ERROR_STOP``, ``\\echo`` …) are left out; others are an InputError.
    """
    config = read(c).text if exists(c := place.path("sqitch.conf")) else ""
    top = os.path.normpath(place.path(_setting(config, "top_dir") or "."))
    deploy = os.path.normpath(place.path(_setting(config, "deploy_dir") or join(top, "deploy"))) if config else None
    deploy = deploy if deploy and is_folder(deploy) else join(top, "deploy")
    revert = join(parent(deploy), "revert")
    plan = plan_path(place.folder)
    changes = list(_plan(read(plan), deploy) if exists(plan) else _pairs(deploy))
    if not changes:
        raise empty(place, "Sqitch", "changes in sqitch.plan, or deploy/*.sql")
    return Project(
        kind="sqitch",
        path=place.folder,
        runner=_RUNNER,
        migrations=tuple(_migration(change, deploy, revert) for change in changes),
    )


def plan_path(folder: str) -> str:
    """Where the plan of a project lies, whether it is there or not."""
    config = read(c).text if exists(c := join(folder, "sqitch.conf")) else ""
    return join(folder, _setting(config, "plan_file") or "sqitch.plan")


def _migration(change: _Change, deploy: str, revert: str) -> Migration:
    file = read(join(deploy, f"{change.script}.sql"))
    back = join(revert, f"{change.script}.sql")
    return Migration(
        name=change.name,
        path=file.path,
        text=file.text,
        statements=_statements(file),
        mode="autocommit",
        down=_statements(read(back)) if exists(back) else None,
        digest=sha1(file.raw, usedforsecurity=False).hexdigest(),
        when=None,
    )


def _statements(file: File) -> tuple[Statement, ...]:
    text = _HARMLESS.sub("", file.text) if "\\" in file.text else file.text
    return parse(text, file.path)


def _plan(file: File, deploy: str) -> Iterator[_Change]:
    entries: list[tuple[str, int]] = []
    tags: list[tuple[int, str]] = []  # a tag belongs to the change before it
    for number, line in enumerate(file.text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words or words[0].startswith("%"):
            continue
        if words[0].startswith("@"):
            tags.append((len(entries), words[0]))
        elif words[0] in ("+", "-") and len(words) > 1:
            entries.append((words[1], number))
        else:
            entries.append((words[0].lstrip("+"), number))
    for index, (name, number) in enumerate(entries):
        again = next((i for i in range(index + 1, len(entries)) if entries[i][0] == name), None)
        script = name
        if again is not None:
            script += next((tag for at, tag in tags if index < at <= again), "")
        path = join(deploy, f"{script}.sql")
        if not exists(path):
            raise InputError(
                f"names the change {name}, but {path} is not there",
                path=file.path,
                line=number,
                hint="Restore the script, or remove the change from the plan. Sqitch itself stops here as well.",
            )
        yield _Change(name, number, script)


def _pairs(deploy: str) -> Iterator[_Change]:
    if is_folder(deploy):
        for name in names(deploy, ".sql"):
            yield _Change(name.removesuffix(".sql"), 1, name.removesuffix(".sql"))


def _setting(config: str, name: str) -> str | None:
    match = re.search(rf"^[ \t]*{name}[ \t]*=[ \t]*(?P<value>[^\r\n#;]+)", config, re.MULTILINE)
    return match["value"].strip() if match else None
