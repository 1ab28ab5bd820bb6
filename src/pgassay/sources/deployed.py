"""What a database says is deployed: the runner's own table."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgassay.errors import ConnectionProblem, InputError
from pgassay.model import Migration, Name, Oddity, Pending, Project
from pgassay.sources import drizzle
from pgassay.sources.files import exists, join, read
from pgassay.sources.flyway import version_key
from pgassay.sources.oddities import edited, settle
from pgassay.sources.pending import pending_default

if TYPE_CHECKING:
    from pgassay.server import Connection

Row = dict[str, Any]
_FIND = Path(__file__).with_name("find_table.sql").read_text()


@dataclass(slots=True)
class _Answer:
    """Places of migrations in the project."""

    deployed: set[int] = field(default_factory=set)
    skipped: dict[int, Oddity] = field(default_factory=dict)
    edited: set[int] = field(default_factory=set)
    note: str = ""


def pending_database(project: Project, connection: Connection) -> Pending:
    """What the runner would run on this database, by its own table. The connection only reads.

    A project without such a table (plain SQL) is answered by git or by its history. Raises ConnectionProblem where
    the table cannot be read.
    """
    from pgassay.server import StatementError  # a review of texts alone needs no driver

    reader = _READERS.get(project.kind)
    if reader is None or project.runner.table is None:
        found = pending_default(project)
        return replace(found, why=f"{found.why} ({project.runner.name} keeps no table of what is deployed)")
    try:
        where = runners_table(project, connection)
        if where is None:
            why = f"are pending: the database has no table {project.runner.table}"
            return settle(project, set(), {}, why, project.oddities)
        table = str(where)
        # Two runners keep their statements and logs there too, which may be long.
        row = "pg_catalog.to_jsonb(t) OPERATOR(pg_catalog.-) '{statements,logs}'::pg_catalog.text[]"
        rows: list[Row] = connection.json(f"SELECT pg_catalog.json_agg({row}) FROM {table} AS t") or []
    except StatementError as error:
        raise ConnectionProblem(
            f"{project.runner.table} cannot be read: {error}",
            hint="The role needs SELECT on it (and USAGE on its schema) to tell what is deployed.",
        ) from None
    try:
        answer = reader(project, rows)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the table {table} of the database is not the one that {project.runner.name} writes ({error!r})",
            hint="Is it another tool's? Name the right one with --kind.",
        ) from None
    gone = {project.migrations[i].name for i in answer.deployed}
    oddities = [o for o in project.oddities if o.migration not in gone]
    if project.kind == "drizzle":
        oddities = [o for o in oddities if not o.path.endswith("_journal.json")]
    oddities += [edited(project, project.migrations[i], "since") for i in sorted(answer.edited)]
    why = f"are pending by the database's {project.runner.table}{answer.note}"
    return settle(project, answer.deployed, answer.skipped, why, oddities)


def runners_table(project: Project, connection: Connection) -> Name | None:
    """Where the runner's own table is in a database, if it is there. Raises StatementError."""
    if project.runner.table is None:
        return None
    schema, _, name = project.runner.table.rpartition(".")
    where = connection.run(_FIND, [schema or None, name])
    return Name(where[0][0], where[0][1]) if where else None


def _drizzle(project: Project, rows: Sequence[Row]) -> _Answer:
    """The greatest ``created_at`` decides; what is older and has left no trace is skipped in silence."""
    if not rows:
        return _Answer()
    answer = _Answer()
    hashes = {row["hash"] for row in rows}
    whens = {int(row["created_at"]) for row in rows if row["created_at"] is not None}
    newest = max(whens)
    known = {m.digest for m in project.migrations}
    strangers = {int(r["created_at"] or 0) for r in rows if r["hash"] not in known}  # hashes that no file has now
    last = next((m.name for m in project.migrations if m.when == newest), "the newest one deployed")
    journal = join(project.path, "meta/_journal.json")
    text = read(journal).text
    for i, migration in enumerate(project.migrations):
        when = migration.when or 0
        if migration.digest in hashes and when <= newest:
            answer.deployed.add(i)
        elif when in strangers:
            answer.deployed.add(i)
            answer.edited.add(i)
        elif when <= newest:
            answer.skipped[i] = drizzle.overtaken(text, journal, migration, last, newest)
    return answer


def _drizzle_folders(project: Project, rows: Sequence[Row]) -> _Answer:
    """By name; a table that version 1 has not upgraded yet has none, and is matched by time stamp and hash."""
    named = {row["name"]: row["hash"] for row in rows if row.get("name")}
    hashes = {row["hash"] for row in rows}
    seconds = {int(row["created_at"]) // 1000 for row in rows if row.get("created_at") is not None}
    answer = _Answer()
    for i, migration in enumerate(project.migrations):
        if migration.name in named:
            answer.deployed.add(i)
            if named[migration.name] != migration.digest:
                answer.edited.add(i)
        elif not named and (migration.digest in hashes or (migration.when or 0) // 1000 in seconds):
            answer.deployed.add(i)
    return answer


def _versions(project: Project, rows: Sequence[Row]) -> _Answer:
    """dbmate and Supabase: every applied version, as text."""
    versions = {str(row["version"]) for row in rows}
    return _Answer(deployed={i for i, m in enumerate(project.migrations) if _digits(m) in versions})


def _names(project: Project, rows: Sequence[Row]) -> _Answer:
    """node-pg-migrate: every applied file, by its name without the ending."""
    names = {row["name"] for row in rows}
    return _Answer(deployed={i for i, m in enumerate(project.migrations) if m.name in names})


def _golang(project: Project, rows: Sequence[Row]) -> _Answer:
    if not rows:
        return _Answer()
    newest = int(rows[0]["version"])
    dirty = "; it is marked dirty: golang-migrate refuses to run until `force`" if rows[0]["dirty"] else ""
    return _Answer(
        deployed={i for i, m in enumerate(project.migrations) if (m.when or 0) <= newest},
        note=f", which stands at version {newest}{dirty}",
    )


def _goose(project: Project, rows: Sequence[Row]) -> _Answer:
    applied = {row["version_id"]: row["is_applied"] for row in sorted(rows, key=lambda r: int(r["id"]))}
    return _Answer(deployed={i for i, m in enumerate(project.migrations) if applied.get(m.when)})


def _flyway(project: Project, rows: Sequence[Row]) -> _Answer:
    last: dict[str, Row] = {}
    baseline: tuple[int, ...] = ()
    failed = ""
    for row in sorted(rows, key=lambda r: int(r["installed_rank"])):
        if row["type"] == "BASELINE":
            baseline = version_key(row["version"])
        elif not row["success"]:
            failed = f"; {row['script']} failed there: Flyway stops until `repair`"
        else:
            name = f"R__{row['description']}" if row["version"] is None else _dotted(row["version"])
            last[name.replace("_", " ") if row["version"] is None else name] = row
    answer = _Answer(note=failed)
    for i, migration in enumerate(project.migrations):
        repeatable = migration.name.startswith("R__")
        entry = last.get(migration.name.replace("_", " ") if repeatable else migration.name)
        applied = entry is not None and not entry["type"].startswith(("UNDO", "DELETE"))
        same = entry is not None and entry["checksum"] is not None and str(entry["checksum"]) == migration.digest
        if repeatable and not (applied and same):
            continue
        if applied:
            answer.deployed.add(i)
            if not same and entry is not None and entry["checksum"] is not None:
                answer.edited.add(i)
        elif baseline and version_key(migration.name) <= baseline:
            answer.deployed.add(i)
    return answer


def _sqitch(project: Project, rows: Sequence[Row]) -> _Answer:
    plan = join(project.path, "sqitch.plan")
    match = re.search(r"^%project=(\S+)", read(plan).text, re.MULTILINE) if exists(plan) else None
    mine = [row for row in rows if match is None or row["project"] == match[1]]
    counts = Counter(row["change"] for row in mine)
    hashes = {row["script_hash"] for row in mine}
    answer = _Answer()
    for i, migration in enumerate(project.migrations):
        if counts[migration.name]:
            counts[migration.name] -= 1
            answer.deployed.add(i)
            if None not in hashes and migration.digest not in hashes:
                answer.edited.add(i)
    return answer


def _prisma(project: Project, rows: Sequence[Row]) -> _Answer:
    applied = {r["migration_name"]: r for r in rows if r["finished_at"] and not r["rolled_back_at"]}
    failed = [r["migration_name"] for r in rows if not r["finished_at"] and not r["rolled_back_at"]]
    answer = _Answer(note=f"; {failed[0]} failed there: Prisma stops until `migrate resolve`" if failed else "")
    for i, migration in enumerate(project.migrations):
        if migration.name in applied:
            answer.deployed.add(i)
            if applied[migration.name]["checksum"] != migration.digest:
                answer.edited.add(i)
    return answer


def _alembic(project: Project, rows: Sequence[Row]) -> _Answer:
    """The table holds the heads; deployed is whatever they descend from."""
    places = {m.name: i for i, m in enumerate(project.migrations)}
    answer = _Answer()
    waiting = [row["version_num"] for row in rows]
    while waiting:
        place = places.get(waiting.pop())
        if place is not None and place not in answer.deployed:
            answer.deployed.add(place)
            waiting += ancestors(project.migrations[place].path)
    return answer


def ancestors(path: str) -> list[str]:
    """``down_revision`` and ``depends_on`` of a revision's file."""
    found: list[str] = []
    for node in ast.parse(read(path).text).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id in ("down_revision", "depends_on") and value is not None:
            found += [n.value for n in ast.walk(value) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return found


def _digits(migration: Migration) -> str:
    match = re.match(r"\d+", migration.name)
    return match[0] if match else ""


def _dotted(version: str) -> str:
    return ".".join(map(str, version_key(version)))


_READERS: dict[str, Callable[[Project, Sequence[Row]], _Answer]] = {
    "drizzle": _drizzle,
    "drizzle-v1": _drizzle_folders,
    "dbmate": _versions,
    "supabase": _versions,
    "golang-migrate": _golang,
    "goose": _goose,
    "flyway": _flyway,
    "sqitch": _sqitch,
    "prisma": _prisma,
    "alembic": _alembic,
    "node-pg-migrate": _names,
}
