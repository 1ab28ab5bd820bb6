"""``pgassay review``: what will these migrations do?

Read the project, find out what is pending, review it (``static`` or by ``rehearsals``), report.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pgassay.errors import UsageError
from pgassay.model import FileFacts, Finding, Migration, Pending, Project, ProjectFacts, Report
from pgassay.rules.judge import judge_oddities, order
from pgassay.sources import open_project, pending_database, pending_default, pending_history, pending_since, with_draft
from pgassay.workflows.found import Found
from pgassay.workflows.options import ReviewOptions
from pgassay.workflows.static import review_text, without_cycles

if TYPE_CHECKING:
    from pgassay.server import Connection, Server

Progress = Callable[[str], None]
_SMALL = 20_000  # rows a table, up to which the server's data may lie in memory


def review(path: str, options: ReviewOptions, progress: Progress | None = None) -> Report:
    """Review the pending migrations of a project. Raises PgassayError for whatever the user can set right."""
    began = time.monotonic()
    say = progress or (lambda _: None)
    _check(options)
    say(f"reading {path}")
    with contextlib.ExitStack() as stack:
        if options.static:
            stack.enter_context(without_cycles())
        project = open_project(path, kind=options.kind, allow_code=options.allow_code, text=options.text)
        live = stack.enter_context(_connect(options.database)) if options.database else None
        if options.draft is None:
            pending = _pending(project, options, live)
        else:
            project, pending = with_draft(project, options.draft)
        if options.static:
            found = review_text(project, pending)
        else:
            # Only here, since the server's rooms take a moment to load.
            from pgassay.server import scratch
            from pgassay.workflows.production import binaries_like, production
            from pgassay.workflows.rehearsals import Rehearsals

            known = production(live, options)
            binaries, note = binaries_like(options, known.version)
            server = stack.enter_context(scratch(binaries, memory=options.rows <= _SMALL))
            found = Rehearsals(server, project, pending, options, known, say).run()
            found.notes[:0] = [note] if note else []
        return _report(project, pending, options, found, time.monotonic() - began)


def _connect(url: str) -> Connection:
    from pgassay.server.live import connect_live

    return connect_live(url)


def _check(options: ReviewOptions) -> None:
    told = {"--history": options.history, "--base": options.base, "--draft": options.draft is not None}
    ways = [flag for flag, on in told.items() if on]
    if len(ways) > 1 or (ways and options.database):
        raise UsageError(
            f"{' and '.join([*ways, *(['--database'] if options.database else [])])} contradict each other",
            hint="Each says in its own way what is deployed already: choose one.",
        )
    if options.traffic and options.static:
        raise UsageError("--traffic needs a server, and --static starts none", hint="Leave one of them out.")
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


# The report


def _report(project: Project, pending: Pending, options: ReviewOptions, found: Found, seconds: float) -> Report:
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
        metrics=found.metrics,
        locks=tuple(found.locks),
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
    from pgassay.workflows.production import production
    from pgassay.workflows.rehearsals import Rehearsals

    chosen = options or ReviewOptions(rows=100)
    waiting = Pending(deployed=tuple(deployed), pending=tuple(pending), why="given")
    found = Rehearsals(server, project, waiting, chosen, production(None, chosen), lambda _: None).run()
    return _report(project, waiting, chosen, found, 0.0)


__all__ = ["ReviewOptions", "review", "review_statements"]
