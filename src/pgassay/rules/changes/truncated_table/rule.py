"""Table emptied by TRUNCATE

All rows are gone with no way back but a backup; reads and writes wait until the transaction ends. With CASCADE the
tables that refer to it are emptied too, whichever they are by then.

**Seen by:** the rows that are gone of tables that stood before the change.

**Instead:** keep a copy in the same transaction, and name every table instead of CASCADE.

Source: PostgreSQL manual, TRUNCATE.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Verdict
from pgassay.model.actions import Truncate
from pgassay.rules.step import Step, loss_evidence

VERDICT = Verdict.LOSES_DATA
LOOKS_AT = (Truncate,)


def find(step: Step) -> Iterator[Finding]:
    """Report emptied tables, those that CASCADE reached too."""
    for truncate in step.statement.of(Truncate):
        named = {step.full(t): t for t in truncate.tables if not step.fresh(t)}
        if step.static:
            yield from (
                step.finding(VERDICT, f"all rows of {t} are gone", subject=t, remedy=_remedy([t]))
                for t in named.values()
            )
            continue
        losses = [loss for loss in step.losses() if loss.kind == "rows" and step.known.get(loss.table) != 0]
        if not losses:
            continue
        words = ", ".join(str(named.get(loss.table, loss.table)) for loss in losses)
        reached = [str(loss.table) for loss in losses if loss.table not in named]
        yield step.finding(
            VERDICT,
            f"all rows of {words} are gone" + (f" ({', '.join(reached)} by CASCADE)" if reached else ""),
            subject=losses[0].table,
            evidence=loss_evidence(losses),
            remedy=_remedy([named.get(loss.table, loss.table) for loss in losses]),
        )


def _remedy(tables: list[Name]) -> str:
    copies = "\n".join(f"CREATE TABLE {t.named(f'{t.name}_kept')} AS TABLE {t};" for t in tables)
    words = ", ".join(map(str, tables))
    return f"-- in one transaction; the copies are the way back\n{copies}\nTRUNCATE {words};"
