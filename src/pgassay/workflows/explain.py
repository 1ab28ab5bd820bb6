"""``pgassay explain``: a query's plan at production's size, on a database, or on a project's scratch server."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pgassay.catalog import column_statistics
from pgassay.errors import InputError, UsageError
from pgassay.model import literal
from pgassay.model.actions import CreateIndex
from pgassay.model.plans import Plan, advice, read_plan
from pgassay.server import Connection, StatementError, closest_binaries, scratch
from pgassay.server.explaining import ExplainingConnection, explaining
from pgassay.sql import parse
from pgassay.sql.single import Single, single
from pgassay.twin.export_file import load
from pgassay.twin.ghost import ghost
from pgassay.workflows.grounds import Filling, populated
from pgassay.workflows.twin import FORMAT, Progress
from pgassay.workflows.twin import _remarks as ghost_remarks
from pgassay.workload import Query, settle

_LIMIT = 60_000  # milliseconds for a run on a scratch server
_RUN = "ANALYZE, BUFFERS, VERBOSE"
_REFUSED = {
    "25006": "it writes, and a live database is only read: --analyze it on a project",
    "57014": "it took longer than the time limit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """What is asked. One of ``twin``, ``database``, ``project`` and ``recorded`` (a file of EXPLAIN's JSON) is given.

    ``indexes`` are CREATE INDEX statements to plan with, ``without`` names of indexes to plan without; with ``compare``
    the plan as things are stands beside it. ``against`` is another query to compare with.
    """

    query: str
    twin: Path | None = None
    database: str | None = None
    project: str | None = None
    recorded: Path | None = None
    parameters: tuple[str | None, ...] | None = None
    indexes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    analyze: bool = False
    compare: bool = False
    against: str | None = None
    rows: int = 10_000
    kind: str | None = None
    allow_code: bool = False
    postgres_version: int | None = None
    postgres_bin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """PostgreSQL's own plan of a query, where it was made, and the plan that it is compared with."""

    query: str
    plan: dict[str, Any]
    source: dict[str, Any]
    remarks: tuple[str, ...] = ()
    other: dict[str, Any] | None = None
    titles: tuple[str, str] = field(default=("before", "after"))

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans as trees: the one asked for last."""
        return tuple(read_plan(each) for each in (self.other, self.plan) if each is not None)


def explain(options: ExplainOptions, progress: Progress = lambda _: None) -> Explained:
    """Plan a query, and run it where that was asked for and may be. Raises PgassayError."""
    places = [p for p in (options.twin, options.database, options.project, options.recorded) if p]
    if len(places) != 1:
        raise UsageError("give one of --twin FILE, --database URL and --project PATH, or a plan's .json file alone")
    if options.compare and not (options.indexes or options.without):
        raise UsageError("--compare wants --index or --without, whose plan it sets beside the one as things are")
    if options.recorded is not None:
        return _recorded(options)
    single(options.query)
    if options.against is not None:
        single(options.against)
    if options.twin is not None:
        return _on_twin(options, options.twin, progress)
    if options.database is not None:
        return _on_database(options, options.database, progress)
    return _on_project(options, progress)


def explained_json(explained: Explained) -> str:
    """The document of ``--format json``: PostgreSQL's own plan under ``plan``."""
    document: dict[str, Any] = {"format": FORMAT, "query": explained.query, **explained.source}
    document["remarks"] = list(explained.remarks)
    document["advice"] = [
        {"node": a.node, "kind": a.kind, "share": round(a.share, 4), "subject": a.subject or None, "text": a.text}
        for a in advice(explained.plans[-1])
    ]
    document["plan"] = explained.plan
    if explained.other is not None:
        document["compared"] = {"title": explained.titles[0], "plan": explained.other}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _recorded(options: ExplainOptions) -> Explained:
    def load_plan(path: Path) -> dict[str, Any]:
        try:
            return dict(read_plan(json.loads(path.read_text(encoding="utf-8-sig"))).raw)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot be read: {error}", path=str(path)) from None

    assert options.recorded is not None
    own = load_plan(options.recorded)
    other = load_plan(Path(options.against)) if options.against else None
    text = str(own.get("Query Text", ""))
    titles = (str(options.against), str(options.recorded))
    return Explained(query=text, plan=own, source={"recorded": str(options.recorded)}, other=other, titles=titles)


def _on_twin(options: ExplainOptions, file: Path, progress: Progress) -> Explained:
    if options.analyze:
        raise UsageError("a twin has no rows to run on: --analyze wants --project or --database")
    twin = load(file)
    binaries = closest_binaries(
        twin.server.major, options.postgres_version, Path(options.postgres_bin) if options.postgres_bin else None
    )
    progress(f"Starting PostgreSQL {binaries.version}")
    other, titles = None, ("as it is", "as asked")
    with scratch(binaries) as server, ghost(server, twin, progress) as made:
        progress("Planning")
        if options.compare:
            other = made.explain(options.query, options.parameters)
        for ddl in options.indexes:
            made.create_index(ddl)
        own = made.explain(options.query, options.parameters, options.without)
        if options.against is not None:
            other, titles = (
                made.explain(options.against, options.parameters, options.without),
                ("the other", "this one"),
            )
        source = {"twin": {"made": twin.made, "version": twin.server.version, "values": twin.values}}
        return Explained(
            query=options.query, plan=own, source=source, remarks=ghost_remarks(made), other=other, titles=titles
        )


def _on_database(options: ExplainOptions, url: str, progress: Progress) -> Explained:
    if options.indexes or options.without:
        raise UsageError("a live database is not changed: --index and --without want --twin or --project")
    with explaining(url) as live:
        version = live.value("SHOW server_version") or ""
        progress("Running it in a transaction that is rolled back" if options.analyze else "Planning")
        own = _live(live, options.query, options)
        other = _live(live, options.against, options) if options.against is not None else None
    source = {"database": {"name": live.database, "version": version}, "analyzed": options.analyze}
    return Explained(query=options.query, plan=own, source=source, other=other, titles=("the other", "this one"))


def _live(live: ExplainingConnection, text: str, options: ExplainOptions) -> dict[str, Any]:
    of = single(text)
    generic = of.parameters > 0 and options.parameters is None
    if generic and (options.analyze or int(live.value("SHOW server_version_num") or 0) < 160000):
        raise UsageError(f"the query has {of.parameters} parameters: give their values with -p")
    what = _RUN if options.analyze else "GENERIC_PLAN, VERBOSE" if generic else "VERBOSE"
    values = _enough(of, options.parameters)
    try:
        return live.explain(of.text, what, values)[0]
    except StatementError as error:
        raise InputError(f"{_REFUSED.get(error.sqlstate, str(error.report))}", hint=error.report.hint) from None


def _enough(of: Single, values: Sequence[str | None] | None) -> tuple[str | None, ...] | None:
    if values is None or of.parameters == 0:
        return None
    if len(values) < of.parameters:
        raise InputError(f"the query has {of.parameters} parameters, {len(values)} were given")
    return tuple(values[: of.parameters])


def _on_project(options: ExplainOptions, progress: Progress) -> Explained:
    assert options.project is not None
    filling = Filling(
        project=options.project,
        kind=options.kind,
        allow_code=options.allow_code,
        rows=options.rows,
        postgres_version=options.postgres_version,
        postgres_bin=options.postgres_bin,
    )
    made = populated(filling, progress)
    with made as ground, ground.server.connect(ground.database) as session:
        session.run("VACUUM (ANALYZE)")
        statistics = column_statistics(session)
        notes = [*ground.remarks, f"planned on {options.rows:,} made-up rows a table"]

        def values_of(text: str) -> tuple[str | None, ...] | None:
            of = single(text)
            if of.parameters == 0 or options.parameters is not None:
                return _enough(of, options.parameters)
            found = settle(session, [Query(text=text)], statistics)
            if found.skipped:
                raise InputError(found.skipped[0].reason)
            chosen = found.queries[0].parameters[0]
            notes.append("values chosen from statistics: " + ", ".join(f"${n} = {v}" for n, v in enumerate(chosen, 1)))
            return chosen

        progress("Running" if options.analyze else "Planning")
        values = values_of(options.query)
        other, titles = None, ("as it is", "as asked")
        if options.compare:
            other = _scratch(session, options, options.query, values)
        own = _scratch(session, options, options.query, values, changed=True)
        if options.against is not None:
            other = _scratch(session, options, options.against, values_of(options.against), changed=True)
            titles = ("the other", "this one")
    source = {"project": {"path": options.project, "rows": options.rows}, "analyzed": options.analyze}
    return Explained(query=options.query, plan=own, source=source, remarks=tuple(notes), other=other, titles=titles)


def _scratch(
    session: Connection,
    options: ExplainOptions,
    text: str,
    values: tuple[str | None, ...] | None,
    *,
    changed: bool = False,
) -> dict[str, Any]:
    """One plan on a scratch server, with the indexes asked for where ``changed``; nothing of it stays."""
    of = single(text)
    with _indexed(session, options if changed else None):
        try:
            session.run(f"SET LOCAL statement_timeout = {_LIMIT}")
            return _explained(session, of, _RUN if options.analyze else "VERBOSE", values)
        except StatementError as error:
            raise InputError(_REFUSED.get(error.sqlstate, str(error.report)), hint=error.report.hint) from None


def _explained(session: Connection, of: Single, what: str, values: tuple[str | None, ...] | None) -> dict[str, Any]:
    if not of.parameters:
        text = of.text
    else:
        session.run("SET LOCAL plan_cache_mode = force_custom_plan")
        session.run(f"PREPARE pgassay_query AS {of.text}", ())
        listed = ", ".join("NULL" if v is None else literal(v) for v in values or ())
        text = f"EXECUTE pgassay_query({listed})"
    try:
        rows = session.run(f"EXPLAIN ({what}, FORMAT JSON) {text}", ())
    finally:
        if of.parameters and session.transaction == "open":
            session.run("DEALLOCATE pgassay_query")
    found: dict[str, Any] = json.loads(rows[0][0])[0]
    return found


@contextlib.contextmanager
def _indexed(session: Connection, options: ExplainOptions | None) -> Iterator[None]:
    try:
        with session.rolled_back():
            try:
                for ddl in options.indexes if options else ():
                    _create(session, ddl)
                for name in options.without if options else ():
                    session.run(f"DROP INDEX {name}", ())
                if options and options.indexes:
                    session.run("ANALYZE")
            except StatementError as error:
                raise InputError(str(error.report)) from None
            yield
    finally:
        session.run("DEALLOCATE ALL")


def _create(session: Connection, ddl: str) -> None:
    statements = parse(ddl, "--index")
    if len(statements) != 1 or not any(isinstance(a, CreateIndex) for a in statements[0].actions):
        raise InputError("--index takes one CREATE INDEX", hint=ddl)
    session.run(re.sub(r"\bCONCURRENTLY\b", "", statements[0].text, count=1, flags=re.IGNORECASE), ())


def render(explained: Explained, *, width: int, colour: bool) -> str:
    """The text of ``--format text``."""
    from pgassay.report.plan_tree import plan_tree, plans_compared

    plans = explained.plans
    if len(plans) == 1:
        return plan_tree(plans[0], width=width, colour=colour, remarks=explained.remarks)
    return plans_compared(
        plans[0], plans[1], width=width, colour=colour, titles=explained.titles, remarks=explained.remarks
    )
