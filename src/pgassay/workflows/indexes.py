"""``pgassay indexes``: what is wrong with the indexes of a database or of a project's schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pgassay.advisor.indexes import IndexProblem, bloated, problems, prove_missing, usage
from pgassay.catalog import read
from pgassay.errors import ConnectionProblem, UsageError
from pgassay.server import StatementError, connect_live
from pgassay.workflows.grounds import populated

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """The options of ``pgassay indexes``."""

    project: str | None = None
    database: str | None = None
    kind: str | None = None
    allow_code: bool = False
    rows: int = 10_000
    table_rows: dict[str, int] = field(default_factory=dict)
    seed: int = 1
    postgres_version: int | None = None
    postgres_bin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """``seen`` indexes, what is wrong with some of them, and remarks."""

    seen: int
    problems: tuple[IndexProblem, ...]
    notes: tuple[str, ...] = ()


def indexes(options: IndexOptions, progress: Progress | None = None) -> Indexes:
    """Look at every index. Raises PgassayError for whatever the user can set right."""
    say = progress or (lambda _: None)
    if (options.project is None) == (options.database is None):
        raise UsageError("give either PROJECT or --database URL")
    return _live(options.database, say) if options.database else _project(options, say)


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


def _project(options: IndexOptions, say: Progress) -> Indexes:
    assert options.project is not None
    with (
        populated(
            options.project,
            kind=options.kind,
            allow_code=options.allow_code,
            rows=options.rows,
            table_rows=options.table_rows,
            seed=options.seed,
            postgres_version=options.postgres_version,
            postgres_bin=options.postgres_bin,
            progress=say,
        ) as made,
        made.server.connect(made.database) as session,
    ):
        catalog = read(session)
        say("trying what is missing")
        found = tuple(prove_missing(session, each, catalog) for each in problems(catalog, usage(session)))
        notes = (*made.remarks, "which indexes are unused or bloated only a database can tell (--database)")
        return Indexes(seen=sum(len(t.indexes) for t in catalog.tables), problems=found, notes=notes)
