"""``pgassay indexes``: what is wrong with the indexes of a database or of a project's schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pgassay.advisor.indexes import IndexProblem, bloated, problems, prove_missing, usage
from pgassay.catalog import read
from pgassay.errors import ConnectionProblem, UsageError
from pgassay.server import StatementError, connect_live
from pgassay.workflows.grounds import Filling, populated

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """The options of ``pgassay indexes``."""

    filling: Filling | None = None  # a project
    database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """``seen`` indexes, what is wrong with some of them, and remarks."""

    seen: int
    problems: tuple[IndexProblem, ...]
    notes: tuple[str, ...] = ()


def indexes(options: IndexOptions, progress: Progress | None = None) -> Indexes:
    """Look at every index. Raises PgassayError for whatever the user can set right."""
    say = progress or (lambda _: None)
    if options.filling is not None and options.database is None:
        return _project(options.filling, say)
    if options.database is None or options.filling is not None:
        raise UsageError("give either PROJECT or --database URL")
    return _live(options.database, say)


def _live(url: str, say: Progress) -> Indexes:
    with connect_live(url) as live:
        try:
            say("reading the schema")
            catalog = read(live)
            say("reading statistics")
            found = (*problems(catalog, usage(live), counted=True), *bloated(live, catalog))
        except StatementError as error:
            raise ConnectionProblem(f"{error.report}") from None
    return Indexes(seen=sum(len(t.indexes) for t in catalog.tables), problems=found)


def _project(filling: Filling, say: Progress) -> Indexes:
    with (
        populated(filling, say) as made,
        made.server.connect(made.database) as session,
    ):
        catalog = read(session)
        say("trying what is missing")
        found = tuple(prove_missing(session, each, catalog) for each in problems(catalog, usage(session)))
        notes = (*made.remarks, "which indexes are unused or bloated only a database can tell (--database)")
        return Indexes(seen=sum(len(t.indexes) for t in catalog.tables), problems=found, notes=notes)
