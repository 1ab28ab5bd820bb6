"""Two tables locked in one transaction

A transaction that locks one table ACCESS EXCLUSIVE and then another one waits for the second while it holds the first.
An application transaction that uses them in the other order, even by reading, deadlocks with it: after
`deadlock_timeout` PostgreSQL cancels one of the two. And while it waits for the second table, the first stands still.

**Seen by:** ACCESS EXCLUSIVE locks on two tables with rows that stood before and stay, held at the same time. A table
and its partitions count as one.

**Instead:** a migration, and so a transaction, for each table.

Source: PostgreSQL manual, chapter 13.3.4, Deadlocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.model import Finding, Name, Remedy, Statement, Verdict
from pgassay.model.actions import Drop
from pgassay.rules.locks import expected
from pgassay.rules.locks.advice import apart, written
from pgassay.rules.step import Step, lock_evidence

VERDICT = Verdict.SLOWS


def find(step: Step) -> Iterator[Finding]:
    """Report the statement that locks a second table, once a transaction."""
    mine = _locked(step, earlier=False)
    if not mine:
        return
    earlier = _locked(step, earlier=True)
    mine = {table: s for table, s in mine.items() if table not in earlier}
    if len(earlier) > 1 or not mine or len(earlier) + len(mine) < 2:
        return
    tables = [*earlier, *mine]
    before = next(iter(earlier.values()), None)
    where = f" (line {before.line})" if before and before.path == step.statement.path else ""
    locks = [o.lock(t) for o in step.observations for t in tables]
    yield step.finding(
        VERDICT,
        f"locks {tables[0]}{where} and {', '.join(map(str, tables[1:]))} in one transaction: a transaction of the"
        " application that uses them in another order deadlocks with it",
        subject=tables[-1],
        evidence=[lock_evidence(lock) for lock in locks if lock and lock.blocks_reads],
        remedy=Remedy(
            sql=written("-- in a migration (transaction) of its own:", step.statement.text)
            if earlier
            else written("-- a statement, and a transaction, for each table:", step.statement.text),
            note=apart(step),
        ),
    )


def _locked(step: Step, *, earlier: bool) -> dict[Name, Statement]:
    """The tables locked ACCESS EXCLUSIVE by the earlier statements of the transaction, or by this one, and where."""
    here = len(step.earlier)
    found: dict[Name, Statement] = {}
    if step.seen is not None:
        places = {id(o.statement): number for number, o in enumerate(step.observations)}
        for seen in step.observations[:here] if earlier else (step.seen,):
            for lock in seen.locks:
                standing = step.rows.get(lock.table) and not any(seen.statement.of(Drop))
                if lock.blocks_reads and standing and (not earlier or places[id(lock.held_until)] >= here):
                    found.setdefault(_root(step, lock.table), seen.statement)
        return found
    for statement in step.together if earlier else (step.statement,) if step.in_transaction else ():
        for name, mode in () if any(statement.of(Drop)) else expected.locks(statement):
            if mode == "ACCESS EXCLUSIVE" and not step.fresh(name):
                found.setdefault(step.full(name), statement)
    return found


def _root(step: Step, name: Name) -> Name:
    table = step.before.table(name) if step.before else None
    parents = (*([table.partition_of] if table.partition_of else ()), *table.inherits) if table else ()
    return _root(step, parents[0]) if parents else name
