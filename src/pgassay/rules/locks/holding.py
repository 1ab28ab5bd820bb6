"""Locks that earlier statements gained and that a transaction still holds while a later one works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pgassay.model import Finding, Name, Remedy, Statement, Verdict
from pgassay.model.actions import Drop, LockTable, ValidateConstraint
from pgassay.model.observations import Lock, Observation, Work
from pgassay.rules.locks import expected
from pgassay.rules.locks.advice import NEXT, apart, written
from pgassay.rules.step import TINY_MS, Step, duration, lock_evidence, work_evidence


@dataclass(frozen=True, slots=True)
class Held:
    """A lock on a table that writes (or reads too) wait for, and the statement that gained it."""

    table: Name
    mode: str
    statement: Statement
    lock: Lock | None = None

    @property
    def who(self) -> str:
        """Who waits."""
        return "reads and writes" if self.mode == "ACCESS EXCLUSIVE" else "writes"


def find_held(step: Step, verdict: Verdict, concerned: Callable[[Held], bool]) -> Iterator[Finding]:
    """One finding at a statement that works while locks of earlier ones are held."""
    held = [h for h in (_presumed(step) if step.seen is None else _seen(step, step.seen)) if concerned(h)]
    if not held:
        return
    done = _slow(step, step.seen) if step.seen else []
    worked = done[0].table if done else next(expected.works(step.statement))
    tables = list(dict.fromkeys(h.table for h in held))
    who = "reads and writes" if any(h.mode == "ACCESS EXCLUSIVE" for h in held) else "writes"
    lines = ", ".join(dict.fromkeys(_place(h.statement, step.statement) for h in held))
    longest = max((h.lock for h in held if h.lock), key=lambda lock: lock.held_ms, default=None)
    wait = f" {duration(longest, done)}" if longest else ""
    yield step.finding(
        verdict,
        f"{who} on {_list(tables)} wait{wait} while this statement works on {step.full(worked)}:"
        f" the lock of {lines} is held to the end of the transaction",
        subject=worked if step.full(worked) in tables else tables[0],
        evidence=(*(lock_evidence(h.lock) for h in held if h.lock), *map(work_evidence, done)),
        remedy=Remedy(
            sql=written(
                "-- in a migration that is deployed before this one:",
                *dict.fromkeys(h.statement.text for h in held),
                NEXT,
                step.statement.text,
            ),
            note=apart(step),
        ),
    )


def _place(statement: Statement, here: Statement) -> str:
    return f"line {statement.line}" if statement.path == here.path else f"{statement.path}:{statement.line}"


def _list(tables: list[Name]) -> str:
    words = [str(t) for t in tables[:4]] + ([f"{len(tables) - 4} more tables"] if len(tables) > 4 else [])
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _seen(step: Step, seen: Observation) -> Iterator[Held]:
    done = _slow(step, seen)
    here = len(step.earlier)
    places = {id(o.statement): number for number, o in enumerate(step.observations)}
    for number, earlier in enumerate(step.observations[:here] if done else ()):
        between = step.observations[number + 1 : here]
        if _explained(earlier.statement, any(_slow(step, earlier))) or any(_slow(step, o) for o in between):
            continue
        for lock in earlier.locks:
            if not lock.blocks_writes or places.get(id(lock.held_until), -1) < here:
                continue
            if any(w.table != lock.table or w.kind == "rows changed" for w in done) and not _few(step, lock, done):
                yield Held(lock.table, lock.mode, earlier.statement, lock)


def _slow(step: Step, seen: Observation) -> list[Work]:
    """Work that grows with the rows; an UPDATE of a few of them is none."""
    if any(seen.statement.of(ValidateConstraint)):
        return [w for w in seen.work if w.kind == "scan"]
    return [w for w in seen.work if w.kind != "rows changed" or w.rows * 2 >= step.rows.get(w.table, 0)]


def _few(step: Step, lock: Lock, done: list[Work]) -> bool:
    known = all(w.table in step.known for w in done)
    return known and (lock.held_ms if lock.estimated_ms is None else lock.estimated_ms) < TINY_MS


def _explained(statement: Statement, works: bool) -> bool:
    """Whether another rule speaks of this lock already, or nobody is left to wait for it."""
    return works or any(isinstance(a, LockTable | Drop) for a in statement.actions)


def _presumed(step: Step) -> Iterator[Held]:
    done = [step.full(name) for name in expected.works(step.statement) if not step.fresh(name)]
    changed = any(expected.changes_rows(step.statement))
    together = step.together if done else ()
    for number, earlier in enumerate(together):
        between = together[number + 1 :]
        if _explained(earlier, any(expected.works(earlier))) or any(any(expected.works(s)) for s in between):
            continue
        for name, mode in expected.locks(earlier):
            table = step.full(name)
            if not step.fresh(name) and (changed or any(d != table for d in done)):
                yield Held(table, mode, earlier)
