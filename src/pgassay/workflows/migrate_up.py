"""``pgassay migrate up``, ``down`` and ``status`` on a database: look, rehearse, ask, run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pgassay.errors import UsageError
from pgassay.migrate.runner import (
    MigrationStopped,
    Outlook,
    Plan,
    Ran,
    Settings,
    Waiting,
    back,
    execute,
    forth,
    mark,
    plan,
    waiting,
)
from pgassay.migrate.runner.books import dirty
from pgassay.migrate.runner.guard import check_writable
from pgassay.migrate.runner.model import Way
from pgassay.model import Migration, Project, Verdict
from pgassay.rules.registry import registry
from pgassay.server import Connection, connect_live
from pgassay.server.live import connect_writing
from pgassay.server.targets import parse_target
from pgassay.sources import open_project
from pgassay.workflows.migrate_up_rehearsal import rehearsed

Progress = Callable[[str], None]


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
        found = found_waiting(project, live)
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
        return rehearsed(found, planned, options, live, say)


def carry_out(
    outlook: Outlook, options: MigrateOptions, progress: Progress | None = None, ran: Ran | None = None
) -> Ran:
    """Run what was looked at. Raises MigrationStopped with the next command; the next run goes on where it ended.
    ``ran`` is filled on the way, so that it tells what was done where this raises."""
    if outlook.refused:
        raise refusal(outlook)
    return execute(
        outlook.plan,
        lambda: connect_writing(options.database),
        lambda: connect_live(options.database),
        settings=Settings(lock_timeout=options.lock_timeout, retries=options.retries),
        command=command(options),
        progress=progress or (lambda _: None),
        ran=ran,
    )


def to_mark(options: MigrateOptions) -> Plan:
    """What ``--baseline`` would note as deployed: everything that is pending up to ``options.to``."""
    project = open_project(options.path, kind=options.kind, allow_code=options.allow_code)
    with connect_live(options.database) as live:
        found = found_waiting(project, live)
    return plan(found.project, forth(found, options.to), "up", deployed=found.deployed)


def unseen(planned: Plan, options: MigrateOptions) -> Outlook:
    """A plan of which nothing was rehearsed."""
    why = "noted as deployed, not run"
    return Outlook(plan=planned, target=str(parse_target(options.database)), why=why, locks={}, rows={}, standings={})


def note_deployed(planned: Plan, options: MigrateOptions) -> Ran:
    """Note a plan's migrations as deployed without running them. Raises MigrationStopped, ConnectionProblem."""
    return mark(planned, lambda: connect_writing(options.database), command=command(options))


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


def found_waiting(project: Project, live: Connection) -> Waiting:
    """What is deployed and pending. Raises MigrationStopped where the tool's own table is broken."""
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
