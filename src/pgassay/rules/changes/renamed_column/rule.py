"""Column renamed

Statements of the running application that use the old name fail from the moment the change commits; those of the new
version fail until then. There is no order of deployment in which both work.

**Seen by:** the old application's statements, tried after the change.

**Instead:** both columns side by side, kept equal by a trigger, until the old version is gone. Or keep the column's
name in the database and rename it in the application's mapping only.

Source: PostgreSQL manual, ALTER TABLE, "RENAME".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import View
from pgassay.model import Certainty, Finding, Name, Verdict, quote
from pgassay.model.actions import Rename
from pgassay.rules.changes.ways import side_by_side
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (Rename,)


def find(step: Step) -> Iterator[Finding]:
    """Report old names that stopped working."""
    for rename in step.statement.of(Rename):
        table = rename.within
        if rename.kind != "column" or table is None or _new(step, table, rename.old.name):
            continue
        old, view = rename.old.name, _view(step, table)
        breaks = [b for b in step.breaks(table, old) if b.column or f'"{old}"' in b.error or f".{old} " in b.error]
        if not (breaks or step.static or (view and _gone(step, view, old))):
            continue
        was = step.column(table, old)
        yield step.finding(
            VERDICT,
            f"statements that use {quote(old)} of {table} fail once it is called {quote(rename.new)}",
            subject=(table, old),
            certainty=Certainty.COMPUTED if view and not breaks else None,
            evidence=break_evidence(breaks),
            remedy=side_by_side(table, old, rename.new, was.type) if was else None,
        )


def _new(step: Step, table: Name, column: str) -> bool:
    return step.fresh(table) if _view(step, table) else step.fresh_column(table, column)


def _view(step: Step, name: Name) -> View | None:
    return next((v for v in step.before.views if v.name == step.full(name)), None) if step.before else None


def _gone(step: Step, view: View, column: str) -> bool:
    now = next((v for v in step.after.views if v.name == view.name), None) if step.after else None
    had = any(c.name == column for c in view.columns)
    return had and now is not None and all(c.name != column for c in now.columns)
