"""View renamed

Statements of the running application that read the old name fail from the moment the change commits.

**Seen by:** a read of the view, tried after the change.

**Instead:** create the view a second time under its new name, and drop the old one in a later migration.

Source: PostgreSQL manual, ALTER VIEW; ALTER MATERIALIZED VIEW.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import View
from pgassay.model import Finding, Name, Verdict, quote
from pgassay.model.actions import CreateView, Rename
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (CreateView, Rename)


def find(step: Step) -> Iterator[Finding]:
    """Report views whose old name stopped working."""
    again = {view.name.within("public") for s in step.later for view in s.of(CreateView)}
    for rename in step.statement.of(Rename):
        view = _view(step, rename.old)
        if step.fresh(rename.old) or not (view or (step.static and "view" in rename.kind)):
            continue
        breaks = [b for b in step.breaks() if b.table in {step.full(rename.old), None}]
        if breaks or (step.static and rename.old.within("public") not in again):
            new = rename.old.named(rename.new)
            yield step.finding(
                VERDICT,
                f"statements that read {rename.old} fail once it is called {quote(rename.new)}",
                subject=rename.old,
                evidence=break_evidence(breaks),
                remedy=f"CREATE VIEW {new} AS SELECT * FROM {rename.old};\n"
                f"-- in a later migration, once nothing reads {rename.old}\n"
                f"DROP VIEW {new};\nALTER VIEW {rename.old} RENAME TO {quote(rename.new)};",
            )


def _view(step: Step, name: Name) -> View | None:
    return next((v for v in step.before.views if v.name == step.full(name)), None) if step.before else None
