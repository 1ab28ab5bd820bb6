"""What advice is tried on: a project, a database or a twin, with rows; and the statements that it can plan."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pgassay.advisor import Ground, Query
from pgassay.advisor.grounds import copied, small_enough, synthetic
from pgassay.model.actions import TableAction
from pgassay.server import Connection, StatementError, connect_live, find_binaries, scratch
from pgassay.sql import parse
from pgassay.sql.normalise import fill as fill_in
from pgassay.sql.normalise import typed
from pgassay.sql.single import single
from pgassay.workflows.grounds import SETTINGS, Filling, populated
from pgassay.workload import Query as Statement
from pgassay.workload import read_measured, settle

Progress = Callable[[str], None]
# Rows and indexes of a transaction of their own need no WAL then.
_SETTINGS = SETTINGS | {"wal_level": "minimal"}
_LISTED = 10
_UNREADABLE = """
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))
ORDER BY 1
"""
_NAME = "pgassay_tune"
_TYPES = "SELECT to_json(parameter_types::text[]) FROM pg_catalog.pg_prepared_statements WHERE name = $1"
_FORMS = 4  # sets of parameters of one statement that are tried
_MANY = 300  # statements, above which one set of each must do


@dataclass(frozen=True, slots=True)
class Made:
    """A ground, what could not be made of it, and the statements that its origin counted."""

    ground: Ground
    remarks: tuple[str, ...]
    measured: tuple[Statement, ...] = ()


@contextlib.contextmanager
def of_project(filling: Filling, say: Progress, settings: Mapping[str, str] | None = None) -> Iterator[Made]:
    """The project's schema with made-up rows. ``settings`` are those of the session that analyses and plans."""
    with (
        populated(filling, say) as made,
        Ground(made.server, made.database, kind="synthetic", settings=settings) as ground,
    ):
        ground.settle()
        yield Made(ground, made.remarks)


@contextlib.contextmanager
def of_origin(
    database: str | None, twin: str | None, version: int | None, binaries: str | None, say: Progress
) -> Iterator[Made]:
    """A copy of a database where it is small enough, else rows that follow its statistics."""
    from pgassay.twin.export import export
    from pgassay.twin.export_file import load

    say("reading the database" if database else "reading the twin")
    facts = export(database) if database else load(Path(twin or ""))
    hidden = _unreadable(database) if database else ()
    with scratch(find_binaries(version, Path(binaries) if binaries else None), settings=_SETTINGS) as server:
        if database and small_enough(facts):
            with connect_live(database) as live:
                ground, remarks = copied(server, live, facts, say)
                measured = tuple(read_measured(live))
        else:
            ground, remarks = synthetic(server, facts, say)
            measured = tuple(
                Statement(text=c.query, calls=c.calls, total_ms=c.milliseconds, source="pg_stat_statements", line=n)
                for n, c in enumerate(facts.workload, 1)
            )
        with ground:
            yield Made(ground, (*hidden, *remarks), measured)


def _unreadable(url: str) -> tuple[str, ...]:
    """A remark on the tables that the role may not read, if there are any."""
    with connect_live(url) as live:
        names = [name for (name,) in live.run(_UNREADABLE)]
    if not names:
        return ()
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (f"left out, because the role may not read them: {', '.join(names[:_LISTED])}{more}",)


def planned(ground: Ground, statements: Sequence[Statement]) -> tuple[tuple[Query, ...], tuple[tuple[str, str], ...]]:
    """The statements that the ground plans, each with its sets of parameters filled in; the others with a reason."""
    world = ground.world()
    settled = settle(ground.session, statements, world.statistics)
    found = []
    most = _FORMS if len(settled.queries) <= _MANY else 1
    for number, each in enumerate(settled.queries, 1):
        kind = single(each.text).kind
        (parsed,) = parse(each.text, each.source)
        tables = [a.table for a in parsed.actions if isinstance(a, TableAction)]
        found.append(
            Query(
                number=number,
                text=each.text,
                forms=_forms(ground.session, each.text, each.parameters[:most]),
                kind=kind,
                calls=float(each.calls),
                line=each.line,
                target=tables[0] if tables and kind != "select" else None,
            )
        )
    return tuple(found), tuple((s.statement, s.reason) for s in settled.skipped)


def _forms(session: Connection, text: str, sets: Sequence[Sequence[str | None]]) -> tuple[str, ...]:
    """The statement with each set of values, as literals; with their types where PostgreSQL would guess others."""
    if not sets:
        return (text,)
    plain = tuple(fill_in(text, values) for values in sets)
    try:
        session.run(f"EXPLAIN {plain[0]}")
        return plain
    except StatementError:
        pass
    try:
        session.run(f"PREPARE {_NAME} AS {text}")
        found = session.json(_TYPES, [_NAME]) or []
        session.run(f"DEALLOCATE {_NAME}")
        typed_text = typed(text, dict(enumerate(found, 1)))
        return tuple(fill_in(typed_text, values) for values in sets)
    except StatementError:
        return plain  # what is wrong with it is told when it is run
