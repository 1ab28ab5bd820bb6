"""``pgassay migrate plan``: pending migrations in, safe steps out, tried beside the original on a scratch server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pgassay.catalog import Catalog, Change, Table, compare, read
from pgassay.errors import InputError, UsageError
from pgassay.migrate.backfill import check
from pgassay.migrate.plan import Plan, Seen, plan
from pgassay.migrate.plan.model import MARK
from pgassay.model import Migration, Name, Pending, Project, Statement, quote
from pgassay.model.actions import AttachPartition, Delete, Insert, Transact, Update
from pgassay.model.observations import Loss, Observation, Rehearsed
from pgassay.rehearsal import Conditions, Outcome, rehearse
from pgassay.rehearsal.filling import fill_watched
from pgassay.rehearsal.play import left_out, play
from pgassay.rehearsal.probe import Probe, catalog_probes, try_probes, view_probes
from pgassay.rehearsal.stage import stage
from pgassay.rehearsal.touched import reached
from pgassay.rules.changes.ways import neutral
from pgassay.server import Server, StatementError, connect_live
from pgassay.sources import open_project, pending_database, pending_default, pending_since, transactions, with_draft
from pgassay.sql.rewrite import split_alter
from pgassay.sql.search_path import sets_path
from pgassay.workflows.migrate_plan_trial import Ground, Hold, Trial, splits

Progress = Callable[[str], None]
_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The options of ``pgassay migrate plan``. ``fills``: values for required columns, by ``table.column``."""

    project: str
    base: str | None = None
    database: str | None = None
    last: int | None = None
    kind: str | None = None
    allow_code: bool = False
    rows: int = 1_000
    assume_rows: int = 1_000_000
    table_rows: Mapping[str, int] = field(default_factory=dict)
    fills: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    statement_timeout: float = 60.0
    postgres_version: int | None = None
    postgres_bin: str | None = None
    text: str | None = None
    draft: str | None = None  # a migration in no file yet, on top of the project's


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsafe:
    """Something that stays: what, on which table and under which lock, and how long it takes (milliseconds) at
    ``rows`` rows; ``step`` is the number of the step, from 0."""

    what: str
    step: int | None = None
    path: str = ""
    line: int = 0
    table: Name | None = None
    lock: str | None = None
    ms: float | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The outcome. ``changes``: how the schema at the end differs from the original's; ``rows``: which columns' values
    do; ``probes``: how many statements of the old and of the new application were tried."""

    project: Project
    pending: Pending
    plan: Plan
    original: Trial
    trial: Trial
    changes: tuple[Change, ...] = ()
    rows: tuple[str, ...] = ()
    unsafe: tuple[Unsafe, ...] = ()
    notes: tuple[str, ...] = ()
    probes: tuple[int, int] = (0, 0)

    @property
    def verified(self) -> bool:
        """Whether the plan leads to the same schema and the same rows, and every step of it ran."""
        errors = any(ran.error for ran in self.trial.ran)
        return not self.changes and not self.rows and not errors

    @property
    def safe(self) -> bool:
        """Whether nothing stays unsafe."""
        return not self.unsafe

    @property
    def before(self) -> dict[Name, Hold]:
        """The original's strongest lock on each table, and its longest hold."""
        return self.original.holds

    @property
    def after(self) -> dict[Name, Hold]:
        """The same of the plan."""
        return self.trial.holds


def opened(options: PlanOptions) -> tuple[Project, Pending]:
    """The project, and what of it is pending. Raises PgassayError for whatever the user can set right."""
    project = open_project(options.project, kind=options.kind, allow_code=options.allow_code, text=options.text)
    project, pending = with_draft(project, options.draft) if options.draft else (project, _pending(project, options))
    if not any(m.statements for m in pending.pending):
        raise UsageError(
            f"{project.path} has no pending migration ({pending.why})", hint="--last N takes its last N files."
        )
    return project, pending


def _pending(project: Project, options: PlanOptions) -> Pending:
    ways = [flag for flag, on in (("--base", options.base), ("--database", options.database), ("--last", options.last))
            if on]  # fmt: skip
    if len(ways) > 1:
        raise UsageError(f"{' and '.join(ways)} contradict each other",
                         hint="Each says in its own way what is pending: choose one.")  # fmt: skip
    if options.database:
        with connect_live(options.database) as live:
            return pending_database(project, live)
    if options.base:
        return pending_since(project, options.base)
    if options.last is None:
        found = pending_default(project)
        if not found.history or project.kind in ("file", "stdin"):
            return found
    count = min(options.last or 1, len(project.migrations))
    cut = len(project.migrations) - count
    why = f"--last {count}" if options.last else "the last file: neither git nor a database tells what is deployed"
    return Pending(deployed=project.migrations[:cut], pending=project.migrations[cut:], why=why)


def planned(
    server: Server, project: Project, pending: Pending, options: PlanOptions, say: Progress = lambda _: None
) -> Planned:
    """Plan what is pending, on a server that runs already."""
    return _Planning(server, project, pending, options, say).run()


class _Planning:
    def __init__(self, server: Server, project: Project, pending: Pending, options: PlanOptions, say: Progress) -> None:
        self.server, self.project, self.pending, self.options, self.say = server, project, pending, options, say
        self.notes: list[str] = []
        self.unsliced: dict[int, str] = {}  # statements on rows that cannot be run in batches, and why

    def run(self) -> Planned:
        with contextlib.ExitStack() as stack:
            base = self._deployed()
            stack.callback(self.server.drop, base)
            statements = self._split(base)
            outcome = self._rehearsed(base, statements)
            stack.callback(self.server.drop, outcome.database)
            seen = self._seen(base, statements, outcome)
            ground = self._ground(base, outcome)
            stack.callback(self.server.drop, ground.template)
            self.say("trying the migrations as they are")
            units = transactions(self.project, self.pending.pending)
            original, ground.new = ground.original(units)
            best, trial, changes = self._tried(seen, outcome, ground)
            return self._judged(best, original, trial, changes, outcome, ground)

    # What is there

    def _deployed(self) -> str:
        database = self.server.create()
        everything = [s for m in (*self.pending.deployed, *self.pending.pending) for s in m.statements]
        presumed = stage(self.server, database, everything)
        self.notes += [f"assumed: {a.text}" for a in presumed.assumed]
        cut: tuple[Statement, ...] = ()
        for unit in (u for m in self.pending.deployed for u in transactions(self.project, [m])):
            self.say(f"applying {unit.migrations[0].path}")
            plays = play(self.server, database, unit, limit=self.options.statement_timeout, heal=True, look=False,
                         cut=cut)  # fmt: skip
            cut += left_out(plays)
            self.notes += [f"{p.statement.path}:{p.statement.line}: {p.error or p.skipped}"
                           for p in plays if p.error or p.skipped]  # fmt: skip
        return database

    def _split(self, base: str) -> tuple[Statement, ...]:
        """The pending statements, each ALTER TABLE taken apart, unless it then fails where it did not before."""
        given = [s for m in self.pending.pending for s in m.statements if not any(s.of(Transact))]
        made = [part for s in given for part in _parts(s)]
        if len(made) == len(given) or self._failures(base, made) <= self._failures(base, given):
            return tuple(made)
        return tuple(given)

    def _failures(self, base: str, statements: Sequence[Statement]) -> int:
        with self.server.database(base) as name:
            plays = play(self.server, name, splits(statements), limit=self.options.statement_timeout, look=False)
            return sum(p.error is not None for p in plays)

    def _conditions(self) -> Conditions:
        known = {Name("public", name) if "." not in name else Name(*name.split(".", 1)): rows
                 for name, rows in self.options.table_rows.items()}  # fmt: skip
        return Conditions(rows=self.options.rows, seed=self.options.seed, limit=self.options.statement_timeout,
                          assume_rows=self.options.assume_rows, production=known)  # fmt: skip

    def _rehearsed(self, base: str, statements: Sequence[Statement]) -> Outcome:
        self.say("rehearsing each statement")
        unit = splits(statements)
        outcome = rehearse(self.server, base, unit, self._conditions(), progress=self.say)
        # The rehearsal may have written names out: the statements are the same, in the same order.
        observations = tuple(replace(o, statement=s)
                             for o, s in zip(outcome.rehearsed.observations, statements, strict=True))  # fmt: skip
        rehearsed: Rehearsed = replace(outcome.rehearsed, observations=observations)
        return replace(outcome, rehearsed=rehearsed)

    def _seen(self, base: str, statements: Sequence[Statement], outcome: Outcome) -> tuple[Seen, ...]:
        """The schema around each statement; and which of those on rows cannot be run in batches there."""
        states = [outcome.before]
        observations: Sequence[Observation] = outcome.rehearsed.observations
        if len(statements) > 1 or any(map(_on_rows, statements)):
            with self.server.database(base) as name:
                for number, statement in enumerate(statements):
                    if _on_rows(statement):
                        self._sliced(name, number, statement)
                    if number == len(statements) - 1:
                        break
                    play(self.server, name, splits([statement]), limit=self.options.statement_timeout, heal=True,
                         look=False)  # fmt: skip
                    with self.server.connect(name) as session:
                        states.append(read(session))
        states.append(outcome.after)
        return tuple(
            Seen(statement=s, observed=o, before=a, after=b)
            for s, o, a, b in zip(statements, observations, states, states[1:], strict=False)
        )

    def _sliced(self, database: str, number: int, statement: Statement) -> None:
        with self.server.connect(database) as session:
            try:
                check(session, statement.text)
            except InputError as error:
                self.unsliced[number] = error.problem.removeprefix("this statement cannot be run in batches: ")

    def _ground(self, base: str, outcome: Outcome) -> Ground:
        """The same rows for the original and the plan, and what both applications send."""
        self.say("filling the tables")
        unit = outcome.rehearsed.transaction
        template = self.server.create(base)
        tables = reached(unit, outcome.before, outcome.after)
        with self.server.connect(template) as session:
            filled = fill_watched(self.server, session, outcome.before, rows=self.options.rows,
                                  seed=self.options.seed, obey=outcome.after, tables=tables)  # fmt: skip
            self.notes += [f"{u.table}: no rows ({u.constraint or 'table'}: {u.reason})" for u in filled.unfilled]
            changed = _changed(outcome.before, outcome.after)
            old = [*catalog_probes(outcome.before, filled.spare, changed), *view_probes(outcome.before)]
            already = try_probes(self.server, session, old)
        new = self._new_probes(outcome, filled.spare)
        return Ground(server=self.server, template=template, limit=self.options.statement_timeout,
                      old=[p for p in old if p not in already], new=new, spare=filled.spare,
                      progress=self.say)  # fmt: skip

    def _new_probes(self, outcome: Outcome, spare: Mapping[Name, Mapping[str, str | None]]) -> list[Probe]:
        """What the application of after the migrations sends: rows like those of before, and values for what is new."""
        changed = _changed(outcome.after, outcome.before)
        with self.server.database(outcome.database) as name, self.server.connect(name) as session:
            made = fill_watched(self.server, session, outcome.after, rows=5, seed=self.options.seed + 1,
                                obey=outcome.after, tables=[t.name for t in changed])  # fmt: skip
        values: dict[Name, dict[str, str | None]] = {}
        for table in changed:
            known = spare.get(table.name, {})
            own = made.spare.get(table.name)
            if own is not None:
                was = outcome.before.table(table.name)
                values[table.name] = {c: _value(c, v, known, was, table) for c, v in own.items()}
        return [*catalog_probes(outcome.after, values, changed), *view_probes(outcome.after)]

    # The plan

    def _tried(self, seen: Sequence[Seen], outcome: Outcome, ground: Ground) -> tuple[Plan, Trial, tuple[Change, ...]]:
        """The first plan that leads where the original leads; else the one that comes nearest."""
        bounds = self._bounds(outcome, seen)
        untouched = {m.path for m in self.pending.pending if sets_path(transactions(self.project, [m])[0])}
        in_place: set[int] = set()
        best: tuple[Plan, Trial, tuple[Change, ...]] | None = None
        for _ in range(_TRIES):
            made = plan(seen, major=self.server.major, neutral=neutral, bounds=bounds, fills=self._fills(outcome),
                        unsliced=self.unsliced, in_place=in_place, untouched=untouched)  # fmt: skip
            self.say("trying the plan")
            trial = ground.planned(made.steps, made.twins, made.deploy)
            changes = tuple(c for c in compare(outcome.after, trial.after)
                            if not (c.part or "").endswith("column order"))  # fmt: skip
            guilty = self._guilty(made, trial, seen)
            if best is None or (len(changes), len(guilty)) < (len(best[2]), len(self._guilty(best[0], best[1], seen))):
                best = (made, trial, changes)
            if not changes and not guilty:
                break
            rewritten = {s.origin for s in made.steps if s.why != "nothing waits for it"} - in_place
            worse = guilty - in_place or rewritten
            if not worse:
                break
            in_place |= worse
        assert best is not None
        return best

    def _guilty(self, made: Plan, trial: Trial, seen: Sequence[Seen]) -> set[int]:
        """Statements of which a step fails, where the statement itself did not."""
        failing = {step.origin for step, ran in zip(made.steps, trial.ran, strict=True) if ran.error}
        return {n for n in failing if n >= 0 and seen[n].observed.failure is None}

    def _fills(self, outcome: Outcome) -> dict[tuple[Name, str], str]:
        found: dict[tuple[Name, str], str] = {}
        for word, value in self.options.fills.items():
            table, _, column = word.rpartition(".")
            name = Name(*table.split(".", 1)) if "." in table else Name("public", table)
            known = outcome.after.table(name)
            if known is None or known.column(column) is None:
                raise UsageError(f"--fill: there is no column {word} after the migrations")
            found[name, column] = value
        return found

    def _bounds(self, outcome: Outcome, seen: Sequence[Seen]) -> dict[Name, str]:
        found: dict[Name, str] = {}
        with self.server.connect(outcome.database) as session:
            for one in seen:
                for attach in one.statement.of(AttachPartition):
                    name = attach.partition.within("public")
                    with contextlib.suppress(StatementError):
                        text = session.value(f"SELECT pg_catalog.pg_get_partition_constraintdef('{name}'::regclass)")
                        if text:
                            found[name] = text
        return found

    # What came out

    def _judged(
        self, made: Plan, original: Trial, trial: Trial, changes: tuple[Change, ...], outcome: Outcome, ground: Ground
    ) -> Planned:
        failed = any(r.error for r in (*original.ran, *trial.ran))
        differing = () if failed else tuple(_different(original, trial, made))
        fired = _fired(made, outcome.before, differing)
        rows = tuple(d for d in differing if d not in fired)
        return Planned(
            project=self.project, pending=self.pending, plan=made, original=original, trial=trial, changes=changes,
            rows=rows, unsafe=(*self._unsafe(made, trial, outcome), *fired.values()),
            notes=tuple(dict.fromkeys((*self.notes, *made.notes, *_in_one_piece(made, self.project),
                                       *_losses(outcome)))),
            probes=(len(ground.old), len(ground.new)),
        )  # fmt: skip

    def _unsafe(self, made: Plan, trial: Trial, outcome: Outcome) -> list[Unsafe]:
        found: list[Unsafe] = []
        observed = outcome.rehearsed.observations
        for number, why in made.kept.items():
            if why.startswith("it fails"):
                statement = observed[number].statement
                found.append(Unsafe(what=why, path=statement.path, line=statement.line))
        told: set[Probe] = {p for p, _ in trial.start}
        if trial.start:
            probe, error = trial.start[0]
            what = f"the new application fails until the old one is gone: {probe.sql}: {error}"
            found.append(Unsafe(what=what, table=probe.table))
        for at, (step, ran) in enumerate(zip(made.steps, trial.ran, strict=True)):
            place = {"step": at, "path": step.path, "line": step.line}
            if ran.error:
                found.append(Unsafe(what=f"this step fails: {ran.error}", **place))  # type: ignore[arg-type]
            for work in {w.table: w for w in ran.stops}.values():
                hold = next(h for h in ran.holds if h.table == work.table)
                known = [w for w in observed[step.origin].work if w.estimated_ms]
                longest = max(known, key=lambda w: (w.table == work.table, w.estimated_ms or 0), default=None)
                # Without an estimate from two sizes: what was measured, at the rows that it was measured with.
                rows, ms = (longest.at_rows, longest.estimated_ms) if longest else (work.rows, ran.ms)
                found.append(Unsafe(what=made.kept.get(step.origin) or f"a {work.kind} under a lock", table=work.table,
                                    lock=hold.mode, ms=ms, rows=rows, **place))  # type: ignore[arg-type]  # fmt: skip
            for which, broken in (("old", ran.old), ("new", ran.new)):
                fresh = [(p, e) for p, e in broken if p not in told]
                told |= {p for p, _ in fresh}
                if fresh:
                    probe, error = fresh[0]
                    more = f" (and {len(fresh) - 1} more)" if len(fresh) > 1 else ""
                    what = f"from here on the {which} application fails: {probe.sql}{more}: {error}"
                    found.append(Unsafe(what=what, table=probe.table, **place))  # type: ignore[arg-type]
            found += [Unsafe(what=apart, **place) for apart in ran.apart]  # type: ignore[arg-type]
        reported = {made.steps[u.step].origin for u in found if u.step is not None}
        for at, (step, ran) in enumerate(zip(made.steps, trial.ran, strict=True)):
            if step.origin in made.kept and step.origin not in reported:
                strongest = max(ran.holds, key=lambda h: (h.blocks, h.ms), default=None)
                found.append(
                    Unsafe(what=made.kept[step.origin], step=at, path=step.path, line=step.line,
                           table=strongest.table if strongest else None, lock=strongest.mode if strongest else None,
                           ms=strongest.ms if strongest else None, rows=self.options.rows if strongest else None)
                )  # fmt: skip
        found += [
            Unsafe(what=f"which value do the rows of today get in {c.table}.{c.column}? {c.value} stands for it:"
                        f" --fill {c.table.name}.{c.column}=SQL chooses", table=c.table)
            for c in made.choices if not c.given
        ]  # fmt: skip
        return found


def _on_rows(statement: Statement) -> bool:
    return any(isinstance(a, Update | Delete) or (isinstance(a, Insert) and a.from_query) for a in statement.actions)


def _parts(statement: Statement) -> list[Statement]:
    """An ALTER TABLE as one statement an action."""
    from pgassay.sql import parse

    if len(statement.actions) < 2:
        return [statement]
    try:
        texts = split_alter(statement.text)
    except (IndexError, AttributeError):
        return [statement]
    if len(texts) != len(statement.actions):
        return [statement]
    return [replace(parse(t, statement.path)[0], line=statement.line, column=statement.column) for t in texts]


def _in_one_piece(made: Plan, project: Project) -> list[str]:
    """That steps in batches are so for our runner alone."""
    if all(step.mode != "batch" for step in made.steps):
        return []
    who = project.runner.name if project.runner.table else "any other runner"
    return [f"`{MARK}` is a comment to {who}, which runs such a step in one piece: `pgassay migrate up` cuts it up"]


def _fired(made: Plan, before: Catalog, differing: Sequence[str]) -> dict[str, Unsafe]:
    """Columns that a table's own triggers change in a backfill."""
    found = {}
    for at, step in enumerate(made.steps):
        if step.mode != "batch" or not step.name.startswith(("backfill", "fill")):
            continue
        for pair in (t for t in made.twins if t.origin == step.origin):
            table = before.table(pair.table)
            for each in differing:
                if table is not None and table.triggers and each.startswith(f"{table.name}."):
                    which = ", ".join(t.name for t in table.triggers)
                    what = f"the backfill fires {which}, which changes {each} in every row"
                    found[each] = Unsafe(what=what, step=at, path=step.path, line=step.line, table=table.name)
    return found


def _losses(outcome: Outcome) -> list[str]:
    """What the migrations destroy, with the plan as without it."""
    return [
        f"{o.statement.path}:{o.statement.line} destroys {_what(loss)} for good"
        for o in outcome.rehearsed.observations
        for loss in o.losses
    ]


def _what(loss: Loss) -> str:
    match loss.kind:
        case "rows":
            return f"rows of {loss.table}"
        case "table":
            return f"the table {loss.table}"
        case "column":
            return f"the column {loss.table}.{quote(loss.column or '')}"
    return f"values of {loss.table}.{quote(loss.column or '')}"


def _changed(these: Catalog, those: Catalog) -> list[Table]:
    return [t for t in these.tables if those.table(t.name) != t]


def _value(column: str, made: str | None, known: Mapping[str, str | None], was: Table | None, now: Table) -> str | None:
    old, new = (was.column(column) if was else None), now.column(column)
    return known[column] if column in known and old and new and old.type == new.type else made


def _different(original: Trial, trial: Trial, made: Plan) -> list[str]:
    """Columns whose values the plan leaves otherwise than the original; made-up values only count."""
    found = []
    for table, columns in original.rows.items():
        others = trial.rows.get(table)
        if others is None:
            continue
        if columns[""] != others[""]:
            found.append(f"{table}: {others['']} rows instead of {columns['']}")
        for column, print_ in columns.items():
            other = others.get(column)
            if (table, column) in made.made_up and other is not None:
                print_, other = print_.split()[-1], other.split()[-1]
            if column and other is not None and print_ != other:
                found.append(f"{table}.{column}")
    return found


def given(server: Server, project: Project, *, deployed: Sequence[Migration], pending: Sequence[Migration],
          options: PlanOptions | None = None) -> Planned:  # fmt: skip
    """Plan migrations given as objects, on a server that runs already."""
    waiting = Pending(deployed=tuple(deployed), pending=tuple(pending), why="given")
    return planned(server, project, waiting, options or PlanOptions(project=project.path, rows=100))
