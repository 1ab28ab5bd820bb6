"""Materialized view refreshed without CONCURRENTLY

REFRESH MATERIALIZED VIEW runs the view's whole query while an ACCESS EXCLUSIVE lock keeps every reader of the view out.

**Seen by:** the lock on a materialized view that stood before and was filled.

**Instead:** REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on plain columns of the view and lets
readers pass.

Source: PostgreSQL manual, REFRESH MATERIALIZED VIEW.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgassay.catalog import View
from pgassay.model import Finding, Name, Remedy, Verdict, quote
from pgassay.model.actions import Maintain
from pgassay.rules.locks.advice import NEXT, outside, written
from pgassay.rules.step import Step, duration, lock_evidence, work_evidence

VERDICT = Verdict.BLOCKS
LOOKS_AT = (Maintain,)


def find(step: Step) -> Iterator[Finding]:
    """Report refreshes that keep the readers of a view out."""
    for action in step.statement.of(Maintain):
        if action.kind != "refresh" or action.concurrently:
            continue
        for name in action.tables:
            if step.fresh(name):
                continue
            view = _view(step, name)
            wait, evidence = "", []
            if step.seen is not None:
                lock = step.seen.lock(step.full(name)) or step.held(name)
                if lock is None or view is None or not view.populated:
                    continue
                wait = " " + duration(lock, step.seen.work)
                evidence = [lock_evidence(lock), *map(work_evidence, step.seen.work_on(lock.table))]
            yield step.finding(
                VERDICT,
                f"refreshing {step.full(name)} makes its readers wait while its whole query runs{wait}",
                subject=name,
                evidence=evidence,
                remedy=_remedy(step, name, view),
            )


def _view(step: Step, name: Name) -> View | None:
    return next((v for v in step.before.views if v.name == step.full(name)), None) if step.before else None


def _remedy(step: Step, name: Name, view: View | None) -> Remedy:
    refresh = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {name}"
    if view is None or any(i.unique and i.where is None and None not in i.columns for i in view.indexes):
        return Remedy(sql=written(refresh))
    index, first = quote(f"{name.name}_key"[:63]), quote(view.columns[0].name)
    make = outside(step, f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {name} ({first})")
    return Remedy(
        sql=written(make.sql, NEXT, refresh),
        note=f"The index must be on columns that tell the rows apart: {first} is a guess.",
    )
