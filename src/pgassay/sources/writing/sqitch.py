"""Sqitch: scripts in ``deploy/`` and ``revert/``, and a line a change in the plan."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

from pgassay.model import Project
from pgassay.sources.files import exists, join, last, parent, read
from pgassay.sources.sqitch import plan_path
from pgassay.sources.writing.forms import Form, backwards, stepwise
from pgassay.sources.writing.model import Expected, NewFile, Unit, Writing
from pgassay.sources.writing.text import comment, script, slug

_PLANNER = re.compile(r"(?P<who>\S[^<\n]*<[^>\n]+>)")
_NOBODY = "pgassay <pgassay@localhost>"


def scripts(project: Project, units: tuple[Unit, ...], now: datetime) -> Writing:
    """Each step a change, appended to the plan. A folder without a plan gets the next numbers."""
    deploy = parent(project.migrations[-1].path)
    revert = os.path.normpath(join(parent(deploy), "revert"))
    plan = plan_path(project.path)

    def files(stem: str, unit: Unit) -> list[NewFile]:
        made = [
            NewFile(
                path=join(deploy, f"{stem}.sql"), text=comment(unit.comment) + block(unit.forward, unit.forward_alone)
            )
        ]
        if unit.backward is not None:
            head = backwards(unit, f"{last(deploy)}/{stem}.sql").split("\n", 1)[0] + "\n"
            made.append(
                NewFile(path=join(revert, f"{stem}.sql"), text=head + block(unit.backward, unit.backward_alone))
            )
        return made

    if not exists(plan):
        return stepwise(project, units, Form(lambda stem, unit: iter(files(stem, unit))), now)
    text = read(plan).text
    taken = {m.name for m in project.migrations}
    lines, made = [], list[NewFile]()
    for unit in units:
        name = _free(slug(unit.name), taken)
        taken.add(name)
        made += files(name, unit)
        who = _PLANNER.findall(re.sub(r"^.*?\d{4}-\d\d-\d\dT\S+Z ", "", text.rstrip().rsplit("\n", 1)[-1]))
        stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(f"{name} {stamp} {who[0].strip() if who else _NOBODY} # {' '.join(unit.name.split())}\n")
    head = text if text.endswith("\n") else text + "\n"
    made.append(NewFile(path=plan, text=head + "".join(lines), replaces=text))
    return Writing(files=tuple(made), expected=tuple(Expected(forward=u.forward, backward=u.backward) for u in units))


def block(statements: tuple[str, ...], apart: bool) -> str:
    """psql runs a script statement by statement: what shares a transaction says so."""
    if apart or not statements:
        return script(statements)
    return f"BEGIN;\n\n{script(statements)}\nCOMMIT;\n"


def _free(name: str, taken: set[str]) -> str:
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{name}_{number}"
    return made
