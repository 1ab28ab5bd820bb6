"""The rules: whatever folders stand under ``rules/<family>/<rule>/``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgassay.model import Finding, Verdict
from pgassay.model.actions import Action
from pgassay.rules.step import Step

if TYPE_CHECKING:
    from pgassay.rules.state import State


@dataclass(frozen=True, slots=True)
class Rule:
    """A unit of knowledge. ``page`` is its documentation in Markdown; ``bad`` and ``good`` the SQL that shows it.

    ``find`` judges a step, ``survey`` a state; a rule has one of them or both. ``rest`` rules speak last: they are
    given what the others found, and report what nobody explained. ``looks_at`` are the kinds of action without which
    ``find`` has nothing to say; None where any statement may concern it.
    """

    id: str
    family: str
    verdict: Verdict
    page: str
    folder: Path
    find: Callable[..., Iterable[Finding]] | None
    rest: bool
    looks_at: tuple[type[Action], ...] | None
    survey: Callable[[State], Iterable[Finding]] | None = None

    @property
    def title(self) -> str:
        """The first line of the page."""
        return self.page.split("\n", 1)[0].strip().rstrip(".")

    @property
    def bad(self) -> str:
        """SQL that the rule reports."""
        return (self.folder / "bad.sql").read_text(encoding="utf-8")

    @property
    def good(self) -> str:
        """SQL that does the same job and that the rule does not report."""
        return (self.folder / "good.sql").read_text(encoding="utf-8")

    def findings(self, step: Step, others: list[Finding]) -> Iterable[Finding]:
        """What the rule says of a statement."""
        if self.find is None:
            return ()
        return self.find(step, others) if self.rest else self.find(step)


@cache
def registry() -> tuple[Rule, ...]:
    """Every rule, by family and id."""
    root = Path(__file__).parent
    return tuple(_load(file.parent) for file in sorted(root.glob("*/*/rule.py")))


@cache
def surveyors(*, changes: bool) -> tuple[Rule, ...]:
    """The rules that judge states; of a change (``changes``) only those that do not judge its steps already."""
    return tuple(rule for rule in registry() if rule.survey and not (changes and rule.find))


@cache
def concerned(kinds: frozenset[type[Action]]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules that statements with these kinds of action may concern: those that speak first, and the rest rules."""
    found = [
        rule
        for rule in registry()
        if rule.find and (rule.looks_at is None or any(issubclass(kind, rule.looks_at) for kind in kinds))
    ]
    return tuple(r for r in found if not r.rest), tuple(r for r in found if r.rest)


def _load(folder: Path) -> Rule:
    family = folder.parent.name
    module: Any = importlib.import_module(f"pgassay.rules.{family}.{folder.name}.rule")
    find, survey = getattr(module, "find", None), getattr(module, "survey", None)
    assert find or survey, folder
    return Rule(
        id=folder.name.replace("_", "-"),
        family=family,
        verdict=module.VERDICT,
        page=inspect.cleandoc(module.__doc__ or ""),
        folder=folder,
        find=find,
        rest=find is not None and len(inspect.signature(find).parameters) == 2,
        looks_at=getattr(module, "LOOKS_AT", None),
        survey=survey,
    )
