"""``pgassay migrate up``, ``down`` and ``status`` on a database: look, rehearse, ask, run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pgassay.catalog import read, sizes
from pgassay.catalog.ddl import create
from pgassay.errors import ConnectionProblem, UsageError
from pgassay.migrate.runner import (
    Course,
    MigrationStopped,
    Outlook,
    Plan,
    Ran,
    Settings,
    Step,
    Strongest,
    Waiting,
    back,
    execute,
    forth,
    mark,
    plan,
    waiting,
)
from pgassay.migrate.runner.books import dirty
from pgassay.migrate.runner.effects import unhurried
from pgassay.migrate.runner.guard import check_writable
from pgassay.migrate.runner.model import Way
from pgassay.model import Certainty, Finding, Migration, Name, Pending, Project, Statement, Verdict
from pgassay.model.actions import TableAction, Transact
from pgassay.model.observations import LOCK_MODES, Lock, Rehearsed
from pgassay.rules.judge import judge_oddities, order
from pgassay.rules.registry import registry
from pgassay.server import Connection, StatementError, connect_live, scratch
from pgassay.server.live import connect_writing
from pgassay.server.targets import parse_target
from pgassay.sources import open_project
from pgassay.sql import parse
from pgassay.workflows.found import Found
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.production import binaries_like, production
from pgassay.workflows.rehearsals import Rehearsals

Progress = Callable[[str], None]
_STOPS = (Verdict.FAILS, Verdict.LOSES_DATA)
_ODD = ("edited-migration", "silently-skipped-migration")  # these too are passed over only by name
_OURS = {"own-transaction-control", "concurrently-in-transaction"}  # about other runners


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateOptions:
    """The options of ``pgassay migrate up`` and ``down``. ``lock_timeout`` and ``statement_timeout`` are seconds;
    ``rows`` are the synthetic rows a table of the rehearsal; ``allow`` names rules and verdicts to pass over."""

    path: str
    database: str
    way: Way = "up"
    to: str | None = None
    allow: tuple[str, ...] = ()
    lock_timeout: float = 1.0
    retries: int = 10
    kind: str | None = None
    allow_code: bool = False
    rows: int = 1000
    statement_timeout: float = 60.0
    workload: str | None = None
    postgres_version: int | None = None
    postgres_bin: str | None = None


def look_ahead(options: MigrateOptions, progress: Progress | None = None) -> Outlook:
    """What would be run, and what a rehearsal on a scratch server shows of it. Changes nothing.

    Raises PgassayError for whatever the user can set right.
    """
    say = progress or (lambda _: None)
    _check_allowed(options.allow)
    say(f"reading {options.path}")
    project = open_project(options.path, kind=options.kind, allow_code=options.allow_code)
    with connect_live(options.database) as live:
        found = _waiting(project, live)
        check_writable_soon(live)
        migrations = forth(found, options.to) if options.way == "up" else back(found, options.to)
        _check_readable(found.project, migrations, options.way)
        planned = plan(found.project, migrations, options.way, deployed=found.deployed)
        if not migrations:
            return Outlook(
                plan=planned,
                target=str(parse_target(options.database)),
                why=found.why,
                locks={},
                rows={},
                odd=found.oddities,
                standings=found.standings,
            )
        return _rehearsed(found, planned, options, live, say)


def carry_out(outlook: Outlook, options: MigrateOptions, progress: Progress | None = None) -> Ran:
    """Run what was looked at. Raises MigrationStopped with the next command; the next run goes on where it ended."""
    if outlook.refused:
        raise refusal(outlook)
    return execute(
        outlook.plan,
        lambda: connect_writing(options.database),
        lambda: connect_live(options.database),
        settings=Settings(lock_timeout=options.lock_timeout, retries=options.retries),
        command=command(options),
        progress=progress or (lambda _: None),
    )


def to_mark(options: MigrateOptions) -> Plan:
    """What ``--baseline`` would note as deployed: everything that is pending up to ``options.to``."""
    project = open_project(options.path, kind=options.kind, allow_code=options.allow_code)
    with connect_live(options.database) as live:
        found = _waiting(project, live)
    return plan(found.project, forth(found, options.to), "up", deployed=found.deployed)


def note_deployed(planned: Plan, options: MigrateOptions) -> Ran:
    """Note a plan's migrations as deployed without running them. Raises MigrationStopped, ConnectionProblem."""
    return mark(planned, lambda: connect_writing(options.database), command=command(options))


def status(path: str, database: str, *, kind: str | None = None, allow_code: bool = False) -> Waiting:
    """What the database has of a project. Raises PgassayError."""
    project = open_project(path, kind=kind, allow_code=allow_code)
    with connect_live(database) as live:
        return _waiting(project, live)


def command(options: MigrateOptions) -> str:
    """What the user types to go on; the password that a URL may hold is left out."""
    words = ["pgassay", "migrate", options.way, shlex.quote(options.path), "--database", "URL"]
    words += ["--to", shlex.quote(options.to)] if options.to else []
    words += ["--kind", options.kind] if options.kind else []
    words += ["--allow-code"] if options.allow_code else []
    for name in options.allow:
        words += ["--allow", name]
    return " ".join(words)


def refusal(outlook: Outlook) -> MigrationStopped:
    """Why nothing is run."""
    words = dict.fromkeys(f.rule for f in outlook.refused)
    first = outlook.refused[0]
    more = f" (and {len(outlook.refused) - 1} more)" if len(outlook.refused) > 1 else ""
    allow = " ".join(f"--allow {word}" for word in words)
    return MigrationStopped(
        f"{first.path}:{first.line}: {first.rule} ({first.verdict}): {first.message}{more}",
        hint=f"Nothing was done. Change the migration, or say that this is meant: {allow}",
    )


def check_writable_soon(live: Connection) -> None:
    """A standby is told before the rehearsal, not after it."""
    if live.value("SELECT pg_catalog.pg_is_in_recovery()") == "t":
        check_writable(live)


def _waiting(project: Project, live: Connection) -> Waiting:
    found = waiting(project, live)
    words = dirty(found.project, live)
    if words is not None:
        raise MigrationStopped(words, hint="Nothing was done. Then the same command again.")
    return found


def _check_allowed(names: Iterable[str]) -> None:
    known = {rule.id for rule in registry()} | {v.value for v in Verdict}
    for name in names:
        if name not in known:
            raise UsageError(
                f"--allow {name}: there is no such rule or verdict",
                hint="Name what was refused, such as --allow dropped-column, or a verdict: --allow loses-data.",
            )


def _check_readable(project: Project, migrations: Sequence[Migration], way: Way) -> None:
    """A migration of which a part needs a database to be read would be run in part."""
    paths = {m.path for m in migrations}
    for skipped in project.skipped:
        if skipped.path in paths and ("way back" in skipped.reason) == (way == "down"):
            raise MigrationStopped(
                f"{skipped.path}:{skipped.line}: {skipped.reason}",
                hint=f"Nothing was done. Let {project.runner.name} itself run this one.",
            )


# The rehearsal


def _rehearsed(found: Waiting, planned: Plan, options: MigrateOptions, live: Connection, say: Progress) -> Outlook:
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
    odd = tuple(f for f in judge_oddities(found.oddities) if f.rule in _ODD)
    absent = [a for note in seen.notes if (a := _absent(note, courses)) is not None]
    findings = order((*(f for f in seen.findings if f.rule not in _OURS), *absent, *odd))
    stopping = [f for f in findings if f.verdict in _STOPS or f.rule in _ODD]
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
        rows={t: counted[t].rows if t in counted else None for t in tables if t in counted},
        refused=tuple(f for f in stopping if not _allowed(f, options.allow)),
        allowed=tuple(f for f in stopping if _allowed(f, options.allow)),
        others=tuple(f for f in findings if f not in stopping),
        odd=found.oddities,
        standings=found.standings,
        notes=tuple(dict.fromkeys(notes)),
    )


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
    return Finding(
        rule="failing-statement",
        verdict=Verdict.FAILS,
        certainty=Certainty.COMPUTED,
        path=match["path"],
        line=line,
        statement=named.text if named else "",
        message=f"{match['what']} is not in this database",
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
                seconds = None if top.estimated_ms is None else top.estimated_ms / 1000
                yield course, step, Strongest(mode=top.mode, table=top.table, seconds=seconds)


def next_command(found: Waiting, path: str) -> str:
    """What to do about how things stand."""
    place = f"{shlex.quote(path)} --database URL"
    edited = next((o for o in found.oddities if o.rule in _ODD), None)
    if found.half("down"):
        return f"pgassay migrate down {place}"
    if edited is not None:
        return f"set {edited.path} right, then pgassay migrate status {place}"
    return f"pgassay migrate up {place}" if found.pending else "nothing to do"
