"""Table dropped

All its rows are gone, with no way back but a backup, and every statement of the running application on it fails.

**Seen by:** the table that is gone and the rows it held. Tables that the same change creates, or that never existed
(IF EXISTS), are not reported; one whose rows the change copied into another that takes its name is a remark.

**Instead:** deploy an application that does not use the table; rename it, which can be undone in a moment; drop it some
weeks later.

Source: PostgreSQL manual, DROP TABLE.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Certainty, Finding, Name, Verdict, quote
from pgassay.model.actions import Drop
from pgassay.rules.changes.rows import table_copied
from pgassay.rules.step import Step, break_evidence, loss_evidence

VERDICT = Verdict.LOSES_DATA
LOOKS_AT = (Drop,)


def find(step: Step) -> Iterator[Finding]:
    """Report tables that are gone with their rows."""
    dropped = [(name, drop) for drop in step.statement.of(Drop) if drop.kind == "table" for name in drop.names]
    for name, drop in dropped:
        if step.fresh(name):
            continue
        losses = step.losses(name)
        if not losses and not step.static:
            continue
        own = {step.full(n) for n, _ in dropped}
        breaks = [b for b in step.breaks() if b.table == step.full(name) or (drop.cascade and b.table not in own)]
        empty = step.known.get(step.full(name)) == 0
        if table_copied(step, name):
            yield step.finding(
                Verdict.BREAKS_APP if breaks else Verdict.STYLE,
                f"table {name} is replaced by a copy: rows that the copy left out are gone",
                subject=name,
                certainty=Certainty.COMPUTED,
                evidence=(*loss_evidence(losses), *break_evidence(breaks)),
            )
            continue
        yield step.finding(
            Verdict.BREAKS_APP if empty else VERDICT,
            f"table {name} is dropped" + ("" if empty else " with all its rows"),
            subject=name,
            evidence=(*loss_evidence(losses), *break_evidence(breaks)),
            remedy=_remedy(name),
        )


def _remedy(name: Name) -> str:
    away = f"{name.name}_dropped"
    return f"""\
-- 1. deploy an application that does not use {name}
-- 2. put it away; the way back is: ALTER TABLE {name.named(away)} RENAME TO {quote(name.name)}
ALTER TABLE {name} RENAME TO {quote(away)};
-- 3. in a later migration, once nobody has missed it
DROP TABLE {name.named(away)};"""
