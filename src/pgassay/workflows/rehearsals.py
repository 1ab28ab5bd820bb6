"""The rehearsed review: build what is deployed on a scratch server, rehearse what is pending, judge what was seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pgassay.catalog import Catalog
from pgassay.model import Finding, Held, Name, Pending, Project, ServerFacts, Skipped, Statement, Transaction
from pgassay.model.actions import Rename
from pgassay.model.observations import Lock, Rehearsed
from pgassay.rehearsal import Conditions, Outcome, rehearse
from pgassay.rehearsal.play import left_out, play
from pgassay.rehearsal.presume_ddl import Assumption
from pgassay.rehearsal.stage import stage
from pgassay.rehearsal.traffic import Traffic
from pgassay.rehearsal.verify import verify
from pgassay.rules import Judgement, judge, live_steps
from pgassay.server import Server
from pgassay.sources import transactions
from pgassay.workflows.batch_marks import heeded
from pgassay.workflows.found import Found, skipped, units
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.production import Production
from pgassay.workflows.surveying import survey_change
from pgassay.workflows.under_traffic import note_traffic, told, with_traffic
from pgassay.workload import Query

_MOST_REMEDIES = 50  # that are tried in one review


@dataclass(slots=True)
class Rehearsals:
    """The rehearsals of a review, one unit after the other."""

    server: Server
    project: Project
    pending: Pending
    options: ReviewOptions
    production: Production
    say: Callable[[str], None]
    tried: int = 0  # remedies

    def run(self) -> Found:
        """Build what is deployed, rehearse what is pending, judge what was seen, try the remedies."""
        binaries = self.server.binaries
        found = Found(server=ServerFacts(version=binaries.version, source=binaries.source))
        database = self.server.create()
        everything = [s for m in (*self.pending.deployed, *self.pending.pending) for s in m.statements]
        presumed = stage(self.server, database, everything)
        found.notes.extend(f"assumed: {a.text}" for a in presumed.assumed)
        cut = self._deploy(database, found)
        unread = {s.path for s in self.project.skipped if "way back" not in s.reason}
        conditions = Conditions(
            rows=self.options.rows,
            seed=self.options.seed,
            limit=self.options.statement_timeout,
            production=self.production.rows,
            assume_rows=self.options.assume_rows,
            workload=self.production.workload,
            statistics=self.production.statistics,
            cut=cut,
            partial=bool(unread & {m.path for m in self.pending.deployed}),
            guessed=_names(presumed.assumed),
        )
        assumed = {a.table.within("public") for a in presumed.assumed if a.table is not None}
        everyone = units(self.project, self.pending)
        standing: Catalog | None = None
        for number, unit in enumerate(everyone, 1):
            path = unit.migrations[0].path
            self.say(f"rehearsing {path} ({number} of {len(everyone)})")
            outcome = rehearse(self.server, database, unit, conditions, before=standing, progress=self.say)
            standing = outcome.after
            traffic = Traffic()
            if self.options.traffic:
                self.say(f"{path} under traffic ({number} of {len(everyone)})")
                outcome, traffic = with_traffic(self.server, database, unit, conditions, outcome)
            conditions = replace(
                conditions,
                cut=(*conditions.cut, *outcome.rehearsed.left_out),
                partial=conditions.partial or bool(unread & {m.path for m in unit.migrations}),
            )
            steps = live_steps(
                outcome.rehearsed,
                self.project.runner,
                before=outcome.before,
                after=outcome.after,
                known=self.production.rows,
                assumed=assumed,
            )
            assumed = _renamed(assumed, unit)
            conditions = replace(conditions, guessed=conditions.guessed | {name.name for name in assumed})
            judged = judge(steps)
            said = [
                self._verified(f, unit, outcome, database, conditions)
                for f in heeded(judged.findings, unit.statements, self.project.runner)
            ]
            found.add(replace(judged, findings=told(traffic, said)))
            note_traffic(found, traffic)
            found.add(self._surveyed(unit, outcome, database))
            _note(found, outcome.rehearsed)
            self.server.drop(database)
            database = outcome.database
        return found

    def _surveyed(self, unit: Transaction, outcome: Outcome, database: str) -> Judgement:
        """What is wrong with the schema that the change leads to, and was not before."""
        if outcome.before == outcome.after:
            return Judgement()
        judged = survey_change(
            self.server,
            (database, outcome.before),
            (outcome.database, outcome.after),
            unit.statements,
            rows=self.production.rows,
            workload=tuple(Query(text=text) for text in self.production.workload),
            remedies=max(_MOST_REMEDIES - self.tried, 0),
        )
        self.tried += sum(f.remedy is not None for f in judged.findings)
        return judged

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

    def _deploy(self, database: str, found: Found) -> tuple[Statement, ...]:
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
                    found.skipped.append(skipped(played.statement, why))
        return cut


def _names(assumed: Iterable[Assumption]) -> frozenset[str]:
    """The names of what was assumed and has a shape: not schemas, roles, extensions."""
    words = [a.object.split()[-1] for a in assumed if a.object.split()[0] not in {"schema", "role", "extension"}]
    return frozenset(re.split(r"\.(?=\"?[^\".]+\"?$)", word)[-1].strip('"') for word in words)


def _renamed(assumed: set[Name], unit: Transaction) -> set[Name]:
    """The assumed tables, by the names that they have after this unit too."""
    for statement in unit.statements:
        for rename in statement.of(Rename):
            old = rename.old.within("public")
            if rename.kind == "table" and old in assumed:
                assumed = assumed | {old.named(rename.new)}
    return assumed


def _held(statement: Statement, lock: Lock, began: float) -> Held:
    return Held(
        path=statement.path,
        line=statement.line,
        table=lock.table,
        mode=lock.mode,
        from_ms=began,
        held_ms=lock.held_ms,
        blocks_reads=lock.blocks_reads,
        blocks_writes=lock.blocks_writes,
    )


def _note(found: Found, rehearsed: Rehearsed) -> None:
    found.probed += rehearsed.probed
    found.rehearsed.append(rehearsed)
    began = 0.0
    for seen in rehearsed.observations:
        path = seen.statement.path
        found.locks += [_held(seen.statement, lock, began) for lock in seen.locks]
        began += seen.ms
        found.ms[path] = found.ms.get(path, 0.0) + seen.ms
        if seen.skipped:
            found.skipped.append(skipped(seen.statement, seen.skipped))
        elif seen.failure and seen.failure.cause == "missing":
            found.skipped.append(skipped(seen.statement, f"could not be run on the scratch server: {seen.failure}"))
    first = rehearsed.transaction.migrations[0]
    found.skipped.extend(Skipped(path=first.path, line=1, statement="", reason=note) for note in rehearsed.notes)
