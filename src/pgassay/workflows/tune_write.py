"""Advice as a migration: forward, back, and the evidence as a comment."""

from __future__ import annotations

from pathlib import Path

from pgassay.advisor import Advice
from pgassay.advisor.model import Recommendation
from pgassay.errors import InputError, UsageError
from pgassay.report.tuning_evidence import evidence, headline
from pgassay.sources import open_project
from pgassay.sources.writing import Change, Step, Writing, write, write_plain
from pgassay.workflows.grounds import Filling

_COUNTED = "Without statistics of its expressions PostgreSQL guesses how many rows an index finds."
_STAYS = "It stays on the way back: others may use it by then."


def check_target(filling: Filling | None, out: str | None) -> None:
    """Raise UsageError or InputError before the work begins where the migration could not be written after it."""
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise InputError("is a file; --out wants a folder", path=out)
    if out is None and filling is None:
        raise UsageError("--write is for a PROJECT; with a database or a twin, give --out DIR")


def write_advice(advice: Advice, filling: Filling | None, out: str | None) -> Writing | None:
    """The files, or None where nothing is recommended."""
    change = change_of(advice)
    if not change.steps:
        return None
    if out is not None:
        return write_plain(out, change)
    assert filling is not None
    project = open_project(filling.project, kind=filling.kind, allow_code=filling.allow_code)
    return write(project, change, allow_code=filling.allow_code)


def change_of(advice: Advice) -> Change:
    """A step for each recommendation, one for each extension that they need and for each table to analyse."""
    steps: list[Step] = []
    seen: set[str] = set()
    later: dict[str, None] = {}  # once, after all that it makes count
    for each in advice.recommendations:
        for needed in each.before:
            if needed not in seen:
                seen.add(needed)
                steps.append(
                    Step(
                        name=needed.replace("CREATE EXTENSION IF NOT EXISTS", "extension"),
                        forward=(needed,),
                        comment=_STAYS,
                    )
                )
        alone = each.kind != "create statistics"
        forward = (each.sql,) if alone else (each.sql, *each.after)
        steps.append(Step(name=_name(each), forward=forward, backward=(each.undo,), comment=evidence(advice, each)))
        later |= dict.fromkeys(each.after if alone else ())
    steps += [Step(name=each.lower(), forward=(each,), comment=_COUNTED) for each in later]
    return Change(name="tune", steps=tuple(steps), comment=headline(advice) if steps else "")


def _name(each: Recommendation) -> str:
    return f"{each.kind.replace(' index', '')} {each.name}"
