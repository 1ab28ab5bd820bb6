"""Invalid index left standing

CREATE INDEX CONCURRENTLY that fails leaves an index marked INVALID: no query uses it, every write maintains it, and a
unique one may let duplicates stand. IF NOT EXISTS finds its name taken and skips the build in silence.

**Seen by:** the index that the failed statement left; else an index that is invalid before the change, on a table that
the change touches and whose index it neither drops nor rebuilds.

**Instead:** drop it, or REINDEX INDEX CONCURRENTLY, then build it again.

Source: PostgreSQL manual, CREATE INDEX, "Building Indexes Concurrently".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import Index, Table
from pgassay.model import Certainty, Evidence, Finding, Name, Statement, Verdict, quote
from pgassay.model.actions import CreateIndex, Drop, Reindex, TableAction
from pgassay.rules.step import Step, failure_evidence

VERDICT = Verdict.SLOWS
LOOKS_AT = (CreateIndex, Drop, Reindex, TableAction)


def find(step: Step) -> Iterator[Finding]:
    """Report invalid indexes, each once."""
    failure = step.seen.failure if step.seen else None
    for name in failure.left_invalid if failure else ():
        yield step.finding(
            VERDICT,
            f"the failed build leaves index {name} INVALID behind",
            subject=f"index {name}",
            evidence=failure_evidence(step.seen),
            remedy=f"DROP INDEX CONCURRENTLY {name};  -- before it is tried again",
        )
    for table, index in _standing(step):
        builds = any(c.if_not_exists and c.name == index.name for c in step.statement.of(CreateIndex))
        name = table.name.named(index.name)
        again = f"REINDEX INDEX CONCURRENTLY {name};  -- outside a transaction block"
        yield step.finding(
            VERDICT,
            f"index {name} on {table.name} is INVALID"
            + (", and IF NOT EXISTS skips building it in silence" if builds else " and stays so"),
            subject=f"index {name}",
            certainty=Certainty.COMPUTED,
            evidence=(Evidence(kind="catalog", text=f"{quote(index.name)} is not valid before the change"),),
            remedy=again,
        )


def _standing(step: Step) -> Iterator[tuple[Table, Index]]:
    """Invalid indexes of the tables that this statement is the first of the change to touch."""
    earlier = {t for s in step.earlier for t in _touched(s)}
    for name in _touched(step.statement) - earlier:
        table = None if step.fresh(name) else step.table(name)
        for index in table.indexes if table and table.kind == "table" else ():
            if table and not index.valid and not _cured(step, table.name.named(index.name)):
                yield table, index


def _touched(statement: Statement) -> set[Name]:
    return {a.table for a in statement.actions if isinstance(a, TableAction)}


def _cured(step: Step, index: Name) -> bool:
    for action in (a for s in (*step.earlier, step.statement, *step.later) for a in s.actions):
        match action:
            case Drop(kind="index", names=names) if any(n.within(index.schema or "public") == index for n in names):
                return True
            case Reindex():
                return True
    return False
