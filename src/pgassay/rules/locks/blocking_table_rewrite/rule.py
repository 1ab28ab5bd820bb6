"""Table written anew by maintenance or storage commands

VACUUM FULL, CLUSTER, SET LOGGED, SET UNLOGGED, SET TABLESPACE, SET ACCESS METHOD and SET EXPRESSION copy the whole
table and its indexes under an ACCESS EXCLUSIVE lock: reads and writes wait until the copy is done, and it needs the
space twice.

**Seen by:** the table's file before and after, on a table that stood before.

**Instead:** plain VACUUM makes the space usable again without a wait (and autovacuum does it by itself). To give it
back to the system, or to order the rows, pg_repack and pg_squeeze copy the table while it is used.

Source: PostgreSQL manual, VACUUM, CLUSTER, and ALTER TABLE, "Notes".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Verdict
from pgassay.model.actions import Maintain, OtherAlter
from pgassay.rules.locks.advice import patiently
from pgassay.rules.step import Step

VERDICT = Verdict.BLOCKS
LOOKS_AT = (Maintain, OtherAlter)
_WORDS = {
    "SetLogged": "SET LOGGED",
    "SetUnLogged": "SET UNLOGGED",
    "SetTableSpace": "SET TABLESPACE",
    "SetAccessMethod": "SET ACCESS METHOD",
    "SetExpression": "SET EXPRESSION",
}


def find(step: Step) -> Iterator[Finding]:
    """Report copies of whole tables."""
    for action in step.statement.actions:
        if isinstance(action, Maintain) and action.full:
            word = "VACUUM FULL" if action.kind == "vacuum" else "CLUSTER"
            names = list(action.tables) or _rewritten(step)
        elif isinstance(action, OtherAlter) and action.what in _WORDS:
            word, names = _WORDS[action.what], [action.table]
        else:
            continue
        for name in names:
            wait = step.wait(name, "ACCESS EXCLUSIVE")
            if wait is not None:
                yield step.finding(
                    VERDICT,
                    f"{word} copies the whole of {wait.table}: {wait.who} wait {wait.duration}".rstrip(),
                    subject=name,
                    evidence=wait.evidence,
                    remedy=_remedy(step, word, name),
                )


def _rewritten(step: Step) -> list[Name]:
    return [w.table for w in step.seen.work if w.kind == "rewrite"] if step.seen else []


def _remedy(step: Step, word: str, table: Name) -> Remedy:
    if word == "VACUUM FULL":
        note = "It makes the space usable again; pg_repack or pg_squeeze gives it back to the system."
        return Remedy(sql=f"VACUUM {table};", note=note)
    return Remedy(sql=patiently(step.statement.text), note="PostgreSQL cannot do it without this wait; pg_repack can.")
