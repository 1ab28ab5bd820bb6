"""``pgassay check``: is this schema sound? The whole of it, whoever wrote it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pgassay.catalog import column_statistics, read, sizes
from pgassay.errors import ConnectionProblem, UsageError
from pgassay.model import FileFacts, Finding, ProjectFacts, Report, ServerFacts
from pgassay.rules import Judgement
from pgassay.rules.state import State
from pgassay.server import Server, StatementError, closest_binaries, connect_live, find_binaries, scratch
from pgassay.sources import open_project
from pgassay.sql import parse
from pgassay.twin.export import export
from pgassay.twin.ghost_schema import create_database, create_schema
from pgassay.workflows.grounds import built
from pgassay.workflows.surveying import places, survey
from pgassay.workload import Query, read_measured, read_workload

Progress = Callable[[str], None]
_MOST_NOTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """The options of ``pgassay check``: either a ``project`` (a folder or one .sql file) or a ``database``."""

    project: str | None = None
    database: str | None = None
    workload: str | None = None
    kind: str | None = None
    allow_code: bool = False
    postgres_version: int | None = None
    postgres_bin: str | None = None


def check(options: CheckOptions, progress: Progress | None = None) -> Report:
    """Judge a whole schema. Raises PgassayError for whatever the user can set right."""
    say = progress or (lambda _: None)
    if (options.project is None) == (options.database is None):
        raise UsageError("give either PROJECT or --database URL")
    workload = read_workload(options.workload) if options.workload else ()
    began = time.monotonic()
    return (_database if options.database else _project)(options, workload, began, say)


def _project(options: CheckOptions, workload: tuple[Query, ...], began: float, say: Progress) -> Report:
    assert options.project is not None
    say(f"reading {options.project}")
    project = open_project(options.project, kind=options.kind, allow_code=options.allow_code)
    binaries = find_binaries(options.postgres_version, Path(options.postgres_bin) if options.postgres_bin else None)
    statements = [s for m in project.migrations for s in m.statements]
    with scratch(binaries, memory=True) as server:
        database, remarks = built(server, project, say)
        with server.connect(database) as session:
            catalog = read(session)
        say(f"judging {len(catalog.tables)} tables")
        judged = survey(server, database, State(catalog=catalog, workload=workload, places=places(statements)))
        return Report(
            project=ProjectFacts(
                kind=project.kind,
                path=project.path,
                runner=project.runner.name,
                migrations=len(project.migrations),
                pending=len(project.migrations),
                why="the schema that they lead to",
            ),
            server=ServerFacts(version=server.binaries.version, source=server.binaries.source),
            files=tuple(_facts(m.path, len(m.statements), judged.findings) for m in project.migrations),
            findings=judged.findings,
            suppressed=judged.suppressed,
            skipped=project.skipped,
            notes=_notes(remarks),
            seconds=time.monotonic() - began,
        )


def _database(options: CheckOptions, workload: tuple[Query, ...], began: float, say: Progress) -> Report:
    assert options.database is not None
    with connect_live(options.database) as live:
        try:
            say("reading the schema")
            state = State(
                catalog=read(live),
                rows={name: size.rows for name, size in sizes(live).items() if size.rows is not None},
                statistics=column_statistics(live),
                workload=workload or read_measured(live),
            )
        except StatementError as error:
            raise ConnectionProblem(f"{error.report}") from None
        name, user = live.database, live.user
    facts = export(options.database, values=False, progress=say)
    binaries = closest_binaries(
        facts.server.major, options.postgres_version, Path(options.postgres_bin) if options.postgres_bin else None
    )
    with scratch(binaries, memory=True) as server:
        odd = create_database(server, "bench", facts.server)
        unmade = create_schema(server, "bench", facts)
        say(f"judging {len(state.catalog.tables)} tables")
        judged = survey(server, "bench", state)
        remarks = [*([odd] if odd else []), *(f"not tried: {u.statement} ({u.reason})" for u in unmade)]
        return Report(
            project=ProjectFacts(
                kind="database", path=name, runner="", migrations=0, pending=0, why=f"as {user} sees it"
            ),
            server=ServerFacts(version=server.binaries.version, source=server.binaries.source),
            files=tuple(_facts(str(t.name), 1, judged.findings) for t in state.catalog.tables),
            findings=judged.findings,
            suppressed=judged.suppressed,
            notes=_notes((*remarks, *facts.left_out)),
            seconds=time.monotonic() - began,
        )


def _facts(path: str, statements: int, findings: Iterable[Finding]) -> FileFacts:
    mine = [f.verdict for f in findings if f.path == path]
    return FileFacts(
        path=path, statements=statements, worst=min(mine, key=lambda v: v.rank, default=None), findings=len(mine)
    )


def _notes(remarks: Iterable[str]) -> tuple[str, ...]:
    notes = tuple(dict.fromkeys(remarks))
    more = len(notes) - _MOST_NOTES
    return (*notes[:_MOST_NOTES], *([f"and {more} more remarks"] if more > 0 else []))


def check_statements(server: Server, state: State, sql: str) -> Judgement:
    """Judge a schema given as SQL, on a server that runs already: what rule pages and tests use."""
    statements = parse(sql, "schema.sql")
    with server.database() as name:
        with server.connect(name) as session:
            session.run(sql)
            catalog = read(session)
        return survey(server, name, replace(state, catalog=catalog, places=places(statements)))


__all__ = ["CheckOptions", "check", "check_statements"]
