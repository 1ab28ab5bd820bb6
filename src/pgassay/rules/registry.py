"""The rules: whatever folders stand under ``rules/<family>/<rule>/``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pgassay.model import Finding, Verdict
from pgassay.model.actions import Action
from pgassay.rules.step import Step


@dataclass(frozen=True, slots=True)
class Rule:
    """A unit of knowledge. ``page`` is its documentation in Markdown; ``bad`` and ``good`` the SQL that shows it.

    ``rest`` rules speak last: they are given what the others found, and report what nobody explained. ``looks_at``
    are the kinds of action without which it has nothing to say; None where any statement may concern it.
    """

    id: str
    family: str
    verdict: Verdict
    page: str
    folder: Path
    find: Callable[..., Iterable[Finding]]
    rest: bool
    looks_at: tuple[type[Action], ...] | None

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
        return self.find(step, others) if self.rest else self.find(step)


@cache
def registry() -> tuple[Rule, ...]:
    """Every rule, by family and id."""
    root = Path(__file__).parent
    return tuple(_load(file.parent) for file in sorted(root.glob("*/*/rule.py")))


@cache
def concerned(kinds: frozenset[type[Action]]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules that statements with these kinds of action may concern: those that speak first, and the rest rules."""
    found = [
        rule for rule in registry() if rule.looks_at is None or any(issubclass(kind, rule.looks_at) for kind in kinds)
    ]
    return tuple(r for r in found if not r.rest), tuple(r for r in found if r.rest)


def _load(folder: Path) -> Rule:
    family = folder.parent.name
    module: Any = importlib.import_module(f"pgassay.rules.{family}.{folder.name}.rule")
    return Rule(
        id=folder.name.replace("_", "-"),
        family=family,
        verdict=module.VERDICT,
        page=inspect.cleandoc(module.__doc__ or ""),
        folder=folder,
        find=module.find,
        rest=len(inspect.signature(module.find).parameters) == 2,
        looks_at=getattr(module, "LOOKS_AT", None),
    )
