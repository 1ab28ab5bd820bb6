"""``pgassay migrate down PROJECT``: ways back that are missing, derived and proved with rows; those there, proved."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pgassay.catalog import Catalog, Table, compare, read
from pgassay.errors import ConnectionProblem, UsageError
from pgassay.migrate.down import (
    PARKED,
    Draft,
    Grounds,
    Lost,
    Parking,
    Stage,
    Trial,
    Verdict,
    derive,
    hidden,
    identities,
    park,
    seeds,
    trial,
    unseen,
    without,
)
from pgassay.model import Migration, Name, Project, Statement, Transaction, quote
from pgassay.model.actions import Delete, Transact, Update
from pgassay.rehearsal.filling import fill_watched
from pgassay.rehearsal.play import left_out, play
from pgassay.rehearsal.stage import stage
from pgassay.rehearsal.touched import reached
from pgassay.server import Server, StatementError, closest_binaries, connect_live, scratch
from pgassay.server.live import LiveConnection
from pgassay.sources import open_project, transactions
from pgassay.sources.writing.downs import Back, write_downs
from pgassay.sources.writing.parked import ParkedFiles, write_parked
from pgassay.sql import parse
from pgassay.sql.alone import stands_alone
from pgassay.workflows.grounds import SETTINGS

Progress = Callable[[str], None]
Act = Callable[[str], str | None]  # runs something on a database; returns what was refused


@dataclass(frozen=True, slots=True, kw_only=True)
class DownOptions:
    """The options of ``pgassay migrate down`` without a database to run on.

    ``prove``: ways back that are there are proved too. ``all``: one is derived for every migration. ``only``: names of
    migrations. ``out``: the folder to write to, instead of beside the migrations. ``park``: also offer a way forward
    that keeps what is dropped. ``count_on``: the URL of a database in which to count what would be lost. ``rows``: made
    up for each table. ``limit``: seconds a statement may take.
    """

    path: str = "."
    prove: bool = False
    all: bool = False
    only: tuple[str, ...] = ()
    out: str | None = None
    park: bool = False
    dry_run: bool = False
    count_on: str | None = None
    kind: str | None = None
    allow_code: bool = False
    rows: int = 1_000
    seed: int = 1
    limit: float = 60.0
    postgres_version: int | None = None
    postgres_bin: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A migration that parks what it drops, the way back that fetches it, and whether the pair was proved."""

    up: tuple[str, ...]
    down: tuple[str, ...]
    contract: tuple[str, ...]
    trial: Trial
    left_out: tuple[str, ...] = ()
    alone: bool = False  # the way back does not run in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One migration and its way back. ``written``: the file that it was written to; ``own``: it was there already."""

    migration: Migration
    statements: tuple[str, ...] | None
    trial: Trial
    own: bool = False
    alone: bool = False
    notes: tuple[str, ...] = ()
    offer: Offer | None = None
    written: str | None = None

    @property
    def verdict(self) -> Verdict:
        """How far it holds."""
        return "none" if self.statements is None else self.trial.verdict

    @property
    def proved(self) -> bool:
        """Everything is as it was, rows and all; or would be, with the migration that parks."""
        return self.verdict == "proved" or (self.offer is not None and self.offer.trial.verdict == "proved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Downs:
    """The outcome: ``ways`` in the order of the migrations; ``files`` that were written."""

    project: Project
    ways: tuple[Way, ...]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    server: str = ""


def migrate_down(options: DownOptions, progress: Progress | None = None) -> Downs:
    """Derive, prove and write. Raises PgassayError for whatever the user can set right."""
    say = progress or (lambda _: None)
    project = open_project(options.path, kind=options.kind, allow_code=options.allow_code, text=options.text)
    chosen = _chosen(project, options)
    own = Path(options.postgres_bin) if options.postgres_bin else None
    binaries = closest_binaries(18, options.postgres_version, own)
    say(f"starting PostgreSQL {binaries.version}")
    with scratch(binaries, settings=SETTINGS, memory=True) as server:
        found = ways_back(server, project, chosen, options, say)
    if options.count_on is not None:
        say("counting in the database")
        found = replace(found, ways=_counted(options.count_on, found.ways))
    return found if options.dry_run else _written(found, options)


def ways_back(
    server: Server, project: Project, chosen: Sequence[Migration], options: DownOptions, progress: Progress
) -> Downs:
    """The ways back of some of a project's migrations, derived and proved on a server; nothing is written."""
    return _Replay(server, project, options, progress).run(chosen)


def _chosen(project: Project, options: DownOptions) -> list[Migration]:
    if options.only:
        known = {word: m for m in project.migrations for word in (m.name, m.path, Path(m.path).name, Path(m.path).stem)}
        for word in options.only:
            if word not in known:
                raise UsageError(
                    f"--only: there is no migration {word}", hint=f"The last one is {project.migrations[-1].name}."
                )
        return [m for m in project.migrations if any(known[word] is m for word in options.only)]
    return [m for m in project.migrations if options.all or options.prove or not m.down]


@dataclass(slots=True)
class _Replay:
    """The project's migrations, one after the other on a scratch database, and a look at each that was asked for."""

    server: Server
    project: Project
    options: DownOptions
    say: Progress
    notes: list[str] = field(default_factory=list)
    cut: tuple[Statement, ...] = ()
    then: Catalog | None = None  # after the last migration, where it was looked at

    def run(self, chosen: Sequence[Migration]) -> Downs:
        with self.server.database() as database:
            return self.replayed(database, chosen)

    def replayed(self, database: str, chosen: Sequence[Migration]) -> Downs:
        """The ways, with the project's migrations on this database."""
        last = max((self.project.migrations.index(m) for m in chosen), default=-1)
        replayed = self.project.migrations[: last + 1]
        presumed = stage(self.server, database, [s for m in replayed for s in m.statements])
        self.notes += [f"assumed: {a.text}" for a in presumed.assumed]
        ways = []
        for number, migration in enumerate(replayed, 1):
            if migration not in chosen:
                self.say(f"applying {migration.path}")
                self.advance(database, migration)
                self.then = None
                continue
            self.say(f"going there and back: {migration.path} ({number} of {len(replayed)})")
            with self.server.database(database) as before:
                failure = self.advance(database, migration)
                ways.append(self.look(migration, before, database, failure))
        return Downs(
            project=self.project, ways=tuple(ways), notes=tuple(self.notes), server=self.server.binaries.version
        )

    def advance(self, database: str, migration: Migration) -> str | None:
        failures = []
        for unit in transactions(self.project, [migration]):
            plays = play(
                self.server, database, unit, limit=self.options.limit, heal=True, look=False, cut=self.cut
            )  # fmt: skip
            self.cut += left_out(plays)
            failures += [f"{p.statement.path}:{p.statement.line}: {p.error or p.skipped}" for p in plays
                         if p.error or p.skipped]  # fmt: skip
        return failures[0] if failures else None

    def look(self, migration: Migration, empty: str, after: str, failure: str | None) -> Way:
        """One migration: ``empty`` and ``after`` are databases without made-up rows on both sides of it."""
        if failure is not None:
            self.then = None
            return Way(migration=migration, statements=None, trial=Trial(failure=f"the migration fails: {failure}"))
        with self.server.connect(empty) as one, self.server.connect(after) as other:
            before = self.then or read(one)
            grounds = Grounds(before=before, names=identities(one), concurrent=_apart(migration.statements))
            self.then = then = read(other)
            grounds = replace(
                grounds, seeds=tuple(seeds(migration.statements, (one, grounds.before), (other, then)))
            )  # fmt: skip
        up = self.runner(migration.statements, migration)
        with contextlib.ExitStack() as kept:
            standing, notes = self.populated(kept, migration, empty, after, grounds.before, then, up)
            own = self.options.prove and not self.options.all and bool(migration.down)
            if own:
                way = self.hand_made(migration, standing, up)
            else:
                way, grounds = self.made(migration, standing, grounds, up)
            way = self.with_unseen(migration, standing, way)
            if self.options.park and any(lost.when == "forward" for lost in way.trial.lost):
                way = replace(way, offer=self.parking(standing, grounds, migration, way.trial.lost))
            return replace(way, notes=(*notes, *way.notes))

    def with_unseen(self, migration: Migration, standing: Stage, way: Way) -> Way:
        """The way with what may be lost although no made-up row was."""
        more: tuple[Lost, ...] = ()
        if any(isinstance(a, Update | Delete) for s in migration.statements for a in s.actions):
            with self.server.connect(standing.before) as one, self.server.connect(standing.after) as other:
                more = tuple(unseen(migration.statements, one, other, standing.catalog_before, way.trial.lost))
        told = (
            ("what its DO block does to rows is known of made-up ones alone",) if hidden(migration.statements) else ()
        )
        return replace(way, trial=replace(way.trial, lost=(*way.trial.lost, *more)), notes=(*way.notes, *told))

    def hand_made(self, migration: Migration, standing: Stage, up: Act) -> Way:
        """The project's own way back, tried."""
        back = migration.down or ()
        tried = trial(self.server, standing, up, self.runner(back), ())
        return Way(
            migration=migration, statements=tuple(s.text for s in back), trial=tried, own=True, alone=_apart(back)
        )

    def made(self, migration: Migration, standing: Stage, grounds: Grounds, up: Act) -> tuple[Way, Grounds]:
        """One that is derived, and tried; where a change of type has no way back for its values, without these: then
        the grounds say so."""
        draft, tried = self.drafted(migration, standing, grounds, up)
        again, blank = (draft, tried), grounds
        while unfit := _unfit(*again) - blank.blank:
            blank = replace(blank, blank=blank.blank | unfit)
            again = self.drafted(migration, standing, blank, up)
        if again[1].failure is None:
            (draft, tried), grounds = again, blank
        elif blank is not grounds:  # no way back, but known is what it would lose
            known = {(lost.when, lost.table, lost.column) for lost in tried.lost}
            more = (lost for lost in again[1].lost if (lost.when, lost.table, lost.column) not in known)
            tried = replace(tried, lost=(*tried.lost, *more))
        told = tuple(f"{what}: cannot be written as SQL" for what in draft.unwritten)
        way = Way(migration=migration, statements=draft.sql, alone=draft.alone, trial=tried, notes=told)
        return way, grounds

    def drafted(self, migration: Migration, standing: Stage, grounds: Grounds, up: Act) -> tuple[Draft, Trial]:
        with self.server.connect(standing.after) as session:
            draft = derive(session, grounds, standing.catalog_after)
        back = self.runner(_parsed(draft.sql, migration), apart=draft.alone)
        return draft, trial(self.server, standing, up, back, draft.lost)

    def populated(
        self, kept: contextlib.ExitStack, migration: Migration, empty: str, after: str, before: Catalog, then: Catalog,
        up: Act,
    ) -> tuple[Stage, tuple[str, ...]]:  # fmt: skip
        """The databases before and after, with rows where the migration takes them."""
        back = replace(migration, statements=migration.down or ())
        wanted = reached(Transaction(migrations=(migration, back), mode=migration.mode), before, then)
        if not wanted:
            return Stage(before=empty, after=after, catalog_before=before, catalog_after=then), ()
        rows = kept.enter_context(self.server.database(empty))
        with self.server.connect(rows) as session:
            fill_watched(
                self.server, session, before, rows=self.options.rows, seed=self.options.seed, obey=then, tables=wanted
            )
        there = kept.enter_context(self.server.database(rows))
        refused = up(there)
        if refused is None:
            return Stage(before=rows, after=there, catalog_before=before, catalog_after=then), ()
        words = f"tried without made-up rows: the migration refuses them ({refused})"
        return Stage(before=empty, after=after, catalog_before=before, catalog_after=then), (words,)

    def parking(self, standing: Stage, grounds: Grounds, migration: Migration, lost: tuple[Lost, ...]) -> Offer:
        """The migration that parks, with its own way back, tried in the same way."""
        parking = park(migration, grounds.before, standing.catalog_after, lost, blank=grounds.blank)
        if not parking.up:
            return _no_offer(parking, "; ".join(parking.left_out) or "nothing of it can be parked")
        forward = _parsed(parking.up, migration)
        up = self.runner(forward, migration)
        with self.server.database(standing.before) as there:
            if refused := up(there):
                return _no_offer(parking, f"parked instead of dropped, the migration fails: {refused}")
            with self.server.connect(there) as session:
                left = compare(standing.catalog_after, without(read(session), PARKED))
            if left:
                changes = "; ".join(map(str, left))
                return _no_offer(parking, f"parked instead of dropped, the migration leaves another schema: {changes}")
            stage_parked = replace(standing, after=there)
            draft, tried = self.drafted(migration, stage_parked, replace(grounds, parked=parking.kept), up)
        return Offer(
            up=parking.up, down=draft.sql, contract=parking.contract, trial=tried, left_out=parking.left_out,
            alone=draft.alone,
        )  # fmt: skip

    def runner(
        self, statements: Sequence[Statement], migration: Migration | None = None, *, apart: bool = False
    ) -> Act:
        """Runs the statements on a database as a runner would; what it returns is the first that was refused."""
        listed = tuple(statements)
        apart = apart or _apart(listed) or any(any(s.of(Transact)) for s in listed)
        mode = migration.mode if migration else "autocommit" if apart else "block"
        told = Migration(name="", path="", text="", statements=listed, mode=mode)
        unit = Transaction(migrations=(told,), mode=mode)

        def run(database: str) -> str | None:
            plays = play(self.server, database, unit, limit=self.options.limit, look=False, cut=self.cut)
            return next((f"{p.error or p.skipped}: {p.statement.text}" for p in plays if p.error or p.skipped), None)

        return run


def _unfit(draft: Draft, tried: Trial) -> frozenset[tuple[Name, str]]:
    """The column whose values its old type did not take."""
    if tried.failure is None:
        return frozenset()
    return frozenset(
        (thing.name, thing.member)
        for step in draft.steps
        if " TYPE " in step.sql and tried.failure.endswith(step.sql)
        for thing in step.objects
        if thing.kind == "column"
    )


def _apart(statements: Sequence[Statement]) -> bool:
    return any(stands_alone(statement) for statement in statements)


def _parsed(texts: Sequence[str], migration: Migration) -> tuple[Statement, ...]:
    return tuple(s for text in texts for s in parse(text, migration.path))


def _no_offer(parking: Parking, why: str) -> Offer:
    return Offer(up=parking.up, down=(), contract=parking.contract, trial=Trial(failure=why), left_out=parking.left_out)


def _counted(url: str, ways: tuple[Way, ...]) -> tuple[Way, ...]:
    """What would be lost, counted in a live database that is only read; what is not there stays uncounted."""
    with connect_live(url) as live:
        try:
            tables = {str(t.name): t for t in read(live).tables}
        except StatementError as error:
            raise ConnectionProblem(f"{error.report}") from None
        return tuple(replace(way, trial=_with_live(live, tables, way.trial)) for way in ways)


def _with_live(live: LiveConnection, tables: Mapping[str, Table], tried: Trial) -> Trial:
    lost = []
    for entry in tried.lost:
        table = tables.get(entry.table)
        if table is not None and (entry.column is None or table.column(entry.column)):
            with contextlib.suppress(StatementError):
                counted = quote(entry.column) if entry.column else "*"
                number = live.value(f"SELECT pg_catalog.count({counted}) FROM {table.name}")
                entry = replace(entry, live=int(number or 0))
        lost.append(entry)
    return replace(tried, lost=tuple(lost))


def _written(found: Downs, options: DownOptions) -> Downs:
    """Write what holds: a way back that was refused or gives another schema is shown, and not written."""
    backs: list[Back] = []
    places: list[int] = []
    files: list[str] = []
    for number, way in enumerate(found.ways):
        fresh = not way.own and (options.out is not None or not way.migration.down)
        if fresh and way.statements and way.verdict in ("proved", "loses-data"):
            backs.append(
                Back(migration=way.migration, statements=way.statements, comment=_comment(way), alone=way.alone)
            )
            places.append(number)
    ways = list(found.ways)
    if backs:
        writing = write_downs(found.project, backs, out=options.out, allow_code=options.allow_code)
        files += writing.paths
        for number, path in zip(places, writing.paths, strict=True):
            ways[number] = replace(ways[number], written=path)
    offers = [(w.migration, w.offer) for w in ways if w.offer and w.offer.trial.verdict in ("proved", "loses-data")]
    if offers:
        files += write_parked(
            [
                ParkedFiles(migration=m, up=o.up, down=o.down, contract=o.contract, alone=o.alone)
                for m, o in offers
            ],
            out=options.out,
        )  # fmt: skip
    return replace(found, ways=tuple(ways), files=tuple(files))


def _comment(way: Way) -> str:
    """What stands above a way back that is written."""
    lines = [f"Not brought back: {e.what}." for e in way.trial.lost if e.when == "forward"]
    lines += [f"Goes with it: {e.what}." for e in way.trial.lost if e.when == "back" and ": " not in e.what]
    lines += [f"{e.what[:1].upper()}{e.what[1:]}." for e in way.trial.lost if e.when == "back" and ": " in e.what]
    return "\n".join(lines)
