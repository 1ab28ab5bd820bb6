"""``pgassay review``: what will these migrations do?

Read the project, build what is deployed on a scratch server, rehearse what is pending, and judge what was seen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pgassay.catalog import Catalog
from pgassay.errors import UsageError
from pgassay.model import (
    FileFacts,
    Finding,
    Migration,
    Pending,
    Project,
    ProjectFacts,
    Report,
    ServerFacts,
    Skipped,
    Statement,
    Transaction,
)
from pgassay.model.observations import Rehearsed
from pgassay.rehearsal import Conditions, Outcome, rehearse
from pgassay.rehearsal.play import left_out, play
from pgassay.rehearsal.stage import stage
from pgassay.rehearsal.verify import verify
from pgassay.rules import Judgement, judge, live_steps, static_steps
from pgassay.rules.judge import judge_oddities, order
from pgassay.server import Connection, Server, scratch
from pgassay.server.live import connect_live
from pgassay.sources import (
    open_project,
    pending_database,
    pending_default,
    pending_history,
    pending_since,
    transactions,
)
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.production import Production, binaries_like, production

Progress = Callable[[str], None]
_MOST_REMEDIES = 50  # that are tried in one review
_SMALL = 20_000  # rows a table, up to which the server's data may lie in memory


def review(path: str, options: ReviewOptions, progress: Progress | None = None) -> Report:
    """Review the pending migrations of a project. Raises PgassayError for whatever the user can set right."""
    began = time.monotonic()
    say = progress or (lambda _: None)
    _check(options)
    say(f"reading {path}")
    project = open_project(path, kind=options.kind, allow_code=options.allow_code, text=options.text)
    with contextlib.ExitStack() as stack:
        live = stack.enter_context(connect_live(options.database)) if options.database else None
        pending = _pending(project, options, live)
        if options.static:
            found = _static(project, pending)
        else:
            known = production(live, options)
            binaries, note = binaries_like(options, known.version)
            server = stack.enter_context(scratch(binaries, memory=options.rows <= _SMALL))
            found = _Review(server, project, pending, options, known, say).run()
            found.notes[:0] = [note] if note else []
    return _report(project, pending, options, found, time.monotonic() - began)


def _check(options: ReviewOptions) -> None:
    ways = [flag for flag, on in (("--history", options.history), ("--base", options.base)) if on]
    if len(ways) > 1 or (ways and options.database):
        raise UsageError(
            f"{' and '.join([*ways, *(['--database'] if options.database else [])])} contradict each other",
            hint="Each says in its own way what is deployed already: choose one.",
        )
    if options.rows < 1:
        raise UsageError("--rows must be at least 1")


def _pending(project: Project, options: ReviewOptions, live: Connection | None) -> Pending:
    if live is not None:
        return pending_database(project, live)
    if options.base:
        return pending_since(project, options.base)
    if options.history:
        return pending_history(project)
    return pending_default(project)


def _units(project: Project, pending: Pending) -> list[Transaction]:
    """What is rehearsed as one: each file by itself in a history, else what the runner runs together."""
    if pending.history:
        return [unit for migration in pending.pending for unit in transactions(project, [migration])]
    return list(transactions(project, pending.pending))


# The review


@dataclass(slots=True)
class _Found:
    findings: list[Finding] = field(default_factory=list)
    suppressed: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ms: dict[str, float] = field(default_factory=dict)
    probed: int = 0
    server: ServerFacts = field(
        default_factory=lambda: ServerFacts(version=None, source="none: only the text was read")
    )

    def add(self, judged: Judgement) -> None:
        self.findings.extend(judged.findings)
        self.suppressed.extend(judged.suppressed)


def _static(project: Project, pending: Pending) -> _Found:
    found = _Found()
    for unit in _units(project, pending):
        found.add(judge(static_steps(unit, project.runner)))
    return found


@dataclass(slots=True)
class _Review:
    server: Server
    project: Project
    pending: Pending
    options: ReviewOptions
    production: Production
    say: Progress
    tried: int = 0  # remedies

    def run(self) -> _Found:
        binaries = self.server.binaries
        found = _Found(server=ServerFacts(version=binaries.version, source=binaries.source))
        database = self.server.create()
        everything = [s for m in (*self.pending.deployed, *self.pending.pending) for s in m.statements]
        presumed = stage(self.server, database, everything)
        found.notes.extend(f"assumed: {a.text}" for a in presumed.assumed)
        cut = self._deploy(database, found)
        conditions = Conditions(
            rows=self.options.rows,
            seed=self.options.seed,
            limit=self.options.statement_timeout,
            production=self.production.rows,
            assume_rows=self.options.assume_rows,
            workload=self.production.workload,
            statistics=self.production.statistics,
            cut=cut,
        )
        assumed = {a.table.within("public") for a in presumed.assumed if a.table is not None}
        units = _units(self.project, self.pending)
        standing: Catalog | None = None
        for number, unit in enumerate(units, 1):
            path = unit.migrations[0].path
            self.say(f"rehearsing {path} ({number} of {len(units)})")
            outcome = rehearse(self.server, database, unit, conditions, before=standing, progress=self.say)
            standing = outcome.after
            conditions = replace(conditions, cut=(*conditions.cut, *outcome.rehearsed.left_out))
            steps = live_steps(
                outcome.rehearsed,
                self.project.runner,
                before=outcome.before,
                after=outcome.after,
                known=self.production.rows,
                assumed=assumed,
            )
            judged = judge(steps)
            said = [self._verified(f, unit, outcome, database, conditions) for f in judged.findings]
            found.add(replace(judged, findings=tuple(said)))
            _note(found, outcome.rehearsed)
            self.server.drop(database)
            database = outcome.database
        return found

    def _verified(
        self, finding: Finding, unit: Transaction, outcome: Outcome, database: str, conditions: Conditions
    ) -> Finding:
        """The finding with its remedy tried, where there is one that is meant to replace the statement."""
        remedy = finding.remedy
        place = (finding.path, finding.line, finding.statement)
        statement = next((s for s in unit.statements if (s.path, s.line, s.text) == place), None)
        if remedy is None or statement is None or self.tried >= _MOST_REMEDIES:
            return finding
        self.tried += 1
        self.say(f"trying the remedy for {finding.path}:{finding.line}")
        good = verify(
            self.server, database, unit, statement, remedy.sql, conditions, before=outcome.before, after=outcome.after
        )
        return replace(finding, remedy=replace(remedy, verified=good))

    def _deploy(self, database: str, found: _Found) -> tuple[Statement, ...]:
        """Apply what is deployed, as the runner would have: file by file. Returns what could not be run."""
        cut: tuple[Statement, ...] = ()
        for unit in (u for m in self.pending.deployed for u in transactions(self.project, [m])):
            self.say(f"applying {unit.migrations[0].path}")
            limit = self.options.statement_timeout
            plays = play(self.server, database, unit, limit=limit, heal=True, look=False, cut=cut)
            cut += left_out(plays)
            for played in plays:
                if played.error or played.skipped:
                    why = played.skipped or f"{played.error} (deployed already; it failed on the scratch server)"
                    found.skipped.append(_skipped(played.statement, why))
        return cut


def _note(found: _Found, rehearsed: Rehearsed) -> None:
    found.probed += rehearsed.probed
    for seen in rehearsed.observations:
        path = seen.statement.path
        found.ms[path] = found.ms.get(path, 0.0) + seen.ms
        if seen.skipped:
            found.skipped.append(_skipped(seen.statement, seen.skipped))
        elif seen.failure and seen.failure.cause == "missing":
            found.skipped.append(_skipped(seen.statement, f"could not be run on the scratch server: {seen.failure}"))
    first = rehearsed.transaction.migrations[0]
    found.skipped.extend(Skipped(path=first.path, line=1, statement="", reason=note) for note in rehearsed.notes)


def _skipped(statement: Statement, reason: str) -> Skipped:
    return Skipped(path=statement.path, line=statement.line, statement=statement.text, reason=reason)


# The report


def _report(project: Project, pending: Pending, options: ReviewOptions, found: _Found, seconds: float) -> Report:
    odd = judge_oddities(pending.oddities)
    unread = {m.path for m in pending.pending}
    findings = order((*found.findings, *odd))
    return Report(
        project=ProjectFacts(
            kind=project.kind,
            path=project.path,
            runner=project.runner.name,
            migrations=len(project.migrations),
            pending=len(pending.pending),
            why=pending.why,
        ),
        server=found.server,
        files=_files(pending.pending, findings, found.ms),
        findings=findings,
        suppressed=order(found.suppressed),
        skipped=tuple(dict.fromkeys((*(s for s in project.skipped if s.path in unread), *found.skipped))),
        notes=tuple(dict.fromkeys(found.notes)),
        rows=None if options.static else options.rows,
        seconds=seconds,
        probed=found.probed,
    )


def _files(
    migrations: Iterable[Migration], findings: Iterable[Finding], ms: Mapping[str, float]
) -> tuple[FileFacts, ...]:
    mine: dict[str, list[Finding]] = {}
    for finding in findings:
        mine.setdefault(finding.path, []).append(finding)
    return tuple(
        FileFacts(
            path=m.path,
            statements=len(m.statements),
            worst=min((f.verdict for f in mine.get(m.path, ())), key=lambda v: v.rank, default=None),
            findings=len(mine.get(m.path, ())),
            ms=ms.get(m.path),
        )
        for m in migrations
    )


def review_statements(
    server: Server,
    project: Project,
    *,
    deployed: Sequence[Migration],
    pending: Sequence[Migration],
    options: ReviewOptions | None = None,
) -> Report:
    """Review migrations given as objects, on a server that runs already: what rule pages and tests use."""
    chosen = options or ReviewOptions(rows=100)
    waiting = Pending(deployed=tuple(deployed), pending=tuple(pending), why="given")
    found = _Review(server, project, waiting, chosen, production(None, chosen), lambda _: None).run()
    return _report(project, waiting, chosen, found, 0.0)


__all__ = ["ReviewOptions", "review", "review_statements"]
