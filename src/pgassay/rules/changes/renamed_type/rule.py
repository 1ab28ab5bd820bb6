"""Type renamed or moved

Statements of the running application that name the type in a cast fail (42704). Drivers and ORMs do so for enums and
arrays: `$1::status`.

**Seen by:** the type that stands under its name before the change and not after it. Types that the change creates again
under the old name, as the usual way to take a label out of an enum does, are not reported.

**Instead:** a second type under the new name and the columns converted to it while nothing casts to the old one; or
leave the name.

Source: PostgreSQL manual, ALTER TYPE, "RENAME TO" and "SET SCHEMA".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Catalog
from pgassay.model import Certainty, Evidence, Finding, Name, Verdict, quote
from pgassay.model.actions import MoveSchema, Rename
from pgassay.rules.step import Step, break_evidence

VERDICT = Verdict.BREAKS_APP
LOOKS_AT = (MoveSchema, Rename)


def find(step: Step) -> Iterator[Finding]:
    """Report type names that are gone at the end of the change."""
    if step.before is None or step.after is None:
        return
    for action in step.statement.actions:
        match action:
            case Rename(kind="type" | "domain" as kind, old=old, new=new):
                called, back = quote(new), f"ALTER {kind.upper()} {old.named(new)} RENAME TO {quote(old.name)};"
            case MoveSchema(kind="type" | "domain" as kind, name=old, schema=schema):
                moved = Name(schema, old.name)
                called, back = str(moved), f"ALTER {kind.upper()} {moved} SET SCHEMA {quote(old.schema or 'public')};"
            case _:
                continue
        full = old.within("public")
        if full not in _types(step.before) or full in _types(step.after):
            continue
        breaks = step.breaks()
        yield step.finding(
            VERDICT,
            f"casts to {kind} {old} by the running application fail once it is {called}",
            subject=str(full),
            certainty=None if breaks else Certainty.COMPUTED,
            evidence=(
                *break_evidence(breaks),
                Evidence(kind="catalog", text=f"no type is called {full} after the change"),
            ),
            remedy=f"-- the way back, should an application still cast to {old}\n{back}",
        )


def _types(catalog: Catalog) -> set[Name]:
    return {t.name for kind in (catalog.enums, catalog.domains, catalog.composites, catalog.ranges) for t in kind}
