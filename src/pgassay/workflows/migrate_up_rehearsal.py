"""What a run is going to do, tried on a scratch server that has the database's schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pgassay.catalog import read, sizes
from pgassay.catalog.ddl import create
from pgassay.errors import ConnectionProblem, InputError
from pgassay.migrate.backfill import foresee
from pgassay.migrate.runner import Batched, Course, Outlook, Plan, Step, Strongest, Waiting
from pgassay.migrate.runner.effects import unhurried
from pgassay.model import Certainty, Finding, Migration, Name, Pending, Statement, Verdict
from pgassay.model.actions import TableAction, Transact
from pgassay.model.observations import LOCK_MODES, Lock, Rehearsed
from pgassay.rules.judge import judge_oddities, order
from pgassay.server import Connection, StatementError, scratch
from pgassay.server.targets import parse_target
from pgassay.sources.marks import new_rows
from pgassay.sql import parse
from pgassay.sql.batching import batchable
from pgassay.workflows.batch_marks import EASED
from pgassay.workflows.found import Found
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.production import binaries_like, production
from pgassay.workflows.rehearsals import Rehearsals

if TYPE_CHECKING:
    from pgassay.workflows.migrate_up import MigrateOptions

Progress = Callable[[str], None]
_STOPS = (Verdict.FAILS, Verdict.LOSES_DATA)
ODD = ("edited-migration", "silently-skipped-migration")  # these too are passed over only by name
_OURS = {"own-transaction-control", "concurrently-in-transaction"}  # about other runners


def rehearsed(found: Waiting, planned: Plan, options: MigrateOptions, live: Connection, say: Progress) -> Outlook:
    review = ReviewOptions(
        rows=options.rows,
        workload=options.workload,
        statement_timeout=options.statement_timeout,
        postgres_version=options.postgres_version,
        postgres_bin=options.postgres_bin,
    )
    known = production(live, review)
    binaries, note = binaries_like(review, known.version)
    courses = [found.left(c) for c in planned.courses]
    pending = Pending(
        deployed=(_standing(live, say),), pending=tuple(_as_run(c) for c in courses if c.steps), why=found.why
    )
    runner = replace(found.project.runner, one_transaction=False, concurrently="as a step of its own")
    project = replace(found.project, runner=runner, skipped=())
    say(f"starting PostgreSQL {binaries.version}")
    with scratch(binaries, memory=True) as server:
        seen = Rehearsals(server, project, pending, review, known, say).run()
    odd = tuple(f for f in judge_oddities(found.oddities) if f.rule in ODD)
    absent = [a for note in seen.notes if (a := _absent(note, courses)) is not None]
    batches, unsliced = _batched(courses, live)
    eased = {(s.path, s.line) for c in courses for step in c.steps if step.kind == "batch" for s in step.statements}
    kept = (f for f in seen.findings if f.rule not in _OURS and not (f.rule == EASED and (f.path, f.line) in eased))
    findings = order((*kept, *absent, *odd, *unsliced))
    stopping = [f for f in findings if f.verdict in _STOPS or f.rule in ODD]
    notes = [note] if note else []
    notes += [f"not rehearsed: {s.path}:{s.line}: {s.reason}" for s in seen.skipped if s.path != _LIVE]
    counted = sizes(live)
    tables = sorted(
        {lock.table for lock in _locks(seen)}
        | {w.table for r in seen.rehearsed for o in r.observations for w in o.work}
    )
    return Outlook(
        plan=planned,
        target=str(parse_target(options.database)),
        why=found.why,
        locks={(c.migration.name, s.number): lock for c, s, lock in _strongest(courses, seen.rehearsed)},
        batches=batches,
        rows={t: counted[t].rows if t in counted else None for t in tables if t in counted},
        refused=tuple(f for f in stopping if not _allowed(f, options.allow)),
        allowed=tuple(f for f in stopping if _allowed(f, options.allow)),
        others=tuple(f for f in findings if f not in stopping),
        odd=found.oddities,
        standings=found.standings,
        notes=tuple(dict.fromkeys(notes)),
    )


def _batched(courses: Sequence[Course], live: Connection) -> tuple[dict[tuple[str, int], Batched], tuple[Finding, ...]]:
    """How the steps in batches go through their tables; and those that cannot be cut into batches."""
    found: dict[tuple[str, int], Batched] = {}
    failing = []
    for course in courses:
        for step in (s for s in course.steps if s.kind == "batch"):
            (statement,) = step.statements
            try:
                made = foresee(live, statement.text, path=statement.path, line=statement.line)
            except InputError as error:
                failing.append(_fails(statement, error.problem.removeprefix(f"{statement.path}:{statement.line}: ")))
                continue
            found[course.migration.name, step.number] = (
                Batched(table=str(batchable(statement.text).table), new_rows=new_rows(statement))
                if made is None
                else Batched(
                    table=made.table,
                    key=made.ranges.columns,
                    rows=made.total,
                    new_rows=new_rows(statement),
                    notes=made.notes,
                )
            )
    return found, tuple(failing)


_LIVE = "the database"
_ASSUMED = re.compile(
    r"assumed: (?!role|extension|schema)(?P<what>[^:]+?)(?: with [^:]*)?: .*?(?P<path>[^\s:]+):(?P<line>\d+)"
)


def _absent(note: str, courses: Sequence[Course]) -> Finding | None:
    """What the rehearsal took to exist: the database's whole schema is known, and it is not there."""
    match = _ASSUMED.match(note)
    if match is None:
        return None
    line = int(match["line"])
    statements = [s for c in courses for step in c.steps for s in step.statements]
    named = next((s for s in statements if s.path == match["path"] and s.line == line), None)
    words = f"{match['what']} is not in this database"
    if named is not None:
        return _fails(named, words)
    return Finding(
        rule="failing-statement",
        verdict=Verdict.FAILS,
        certainty=Certainty.COMPUTED,
        path=match["path"],
        line=line,
        statement="",
        message=words,
    )


def _fails(statement: Statement, words: str) -> Finding:
    return Finding(
        rule="failing-statement",
        verdict=Verdict.FAILS,
        certainty=Certainty.COMPUTED,
        path=statement.path,
        line=statement.line,
        statement=statement.text,
        message=words,
    )


def _standing(live: Connection, say: Progress) -> Migration:
    """The database's own schema as one migration, which is deployed: what the rehearsal begins with."""
    say("reading the schema of the database")
    try:
        statements = [s for sql in create(read(live)) for s in parse(sql, _LIVE)]
    except StatementError as error:
        raise ConnectionProblem(f"its schema cannot be read: {error.report}") from None
    return Migration(name=_LIVE, path=_LIVE, text="", statements=tuple(statements), mode="autocommit")


def _as_run(course: Course) -> Migration:
    """A course as a file that the rehearsal runs just so: with the transactions that ours will have."""
    if len(course.steps) == 1 and course.steps[0].kind == "transaction":
        return replace(course.migration, statements=course.steps[0].statements, mode="block", down=None)
    made: list[Statement] = []
    for step in course.steps:
        if step.kind == "transaction" and len(step.statements) > 1:
            first, last = step.statements[0], step.statements[-1]
            made += [_word("BEGIN", first), *step.statements, _word("COMMIT", last)]
        else:
            made += step.statements
    return replace(course.migration, statements=tuple(made), mode="autocommit", down=None)


def _word(word: str, beside: Statement) -> Statement:
    (statement,) = parse(word, beside.path, first_line=beside.line)
    return statement


def _allowed(finding: Finding, names: Sequence[str]) -> bool:
    return finding.rule in names or finding.verdict.value in names


def _locks(seen: Found) -> Iterator[Lock]:
    for rehearsed in seen.rehearsed:
        for observation in rehearsed.observations:
            yield from observation.locks


def _mild(table: Name, statement: Statement) -> Lock:
    return Lock(table=table.within("public"), mode="SHARE UPDATE EXCLUSIVE", held_ms=0.0, held_until=statement)


def _strongest(courses: Sequence[Course], seen: Sequence[Rehearsed]) -> Iterator[tuple[Course, Step, Strongest]]:
    observed = {(o.statement.path, o.statement.line, o.statement.column): o for r in seen for o in r.observations}
    for course in courses:
        for step in course.steps:
            places = [(s.path, s.line, s.column) for s in step.statements if not any(s.of(Transact))]
            locks = [lock for place in places if place in observed for lock in observed[place].locks]
            if not locks:  # one that lets readers and writers pass is not watched for
                locks = [_mild(a.table, s) for s in step.statements if unhurried(s) for a in s.of(TableAction)]
            if locks:
                top = max(locks, key=lambda k: (LOCK_MODES.index(k.mode), k.estimated_ms or 0))
                known = top.estimated_ms is not None and step.kind != "batch"  # there each range has its own locks
                seconds = (top.estimated_ms or 0) / 1000 if known else None
                yield course, step, Strongest(mode=top.mode, table=top.table, seconds=seconds)
