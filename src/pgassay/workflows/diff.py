"""``pgassay diff``: two schemas in, the SQL that turns one into the other out, tried on a scratch server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from pgassay.catalog import Catalog, Change, compare, read
from pgassay.catalog.ddl import Decisions, Difference, difference
from pgassay.errors import ConnectionProblem, InputError, UsageError
from pgassay.migrate import Proof, prove, renamed, stand
from pgassay.model import Name, Project
from pgassay.server import Server, StatementError, closest_binaries, connect_live, scratch
from pgassay.sources import open_project
from pgassay.workflows.grounds import SETTINGS, built

Progress = Callable[[str], None]
_EXPORT = "export:"
_OURS = "pgassay"
_PATIENCE = 120  # seconds for a project's own code


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOptions:
    """The options of ``pgassay diff``. A side is a URL, a project, a ``.sql`` file or ``export:FOLDER``."""

    before: str
    after: str
    renames: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()
    decisions: str | None = None
    kind: str | None = None
    allow_code: bool = False
    reverse: bool = False
    postgres_version: int | None = None
    postgres_bin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """The outcome. ``changes``: what differs; ``proof`` is None where nothing was tried: the schemas are equal, or a
    question is open."""

    before: str
    after: str
    changes: tuple[Change, ...]
    difference: Difference = field(default_factory=Difference)
    proof: Proof | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Side:
    """One side as it was read; ``database`` is where it stands on the scratch server, if it does."""

    word: str
    catalog: Catalog
    live: bool = False
    database: str | None = None
    project: Project | None = None


def diff(options: DiffOptions, progress: Progress | None = None) -> Diff:
    """Compare, write and try. Raises PgassayError for whatever the user can set right."""
    say = progress or (lambda _: None)
    words = (options.after, options.before) if options.reverse else (options.before, options.after)
    decisions = _decisions(options)
    notes: list[str] = []
    live = {word: _read_live(word, say) for word in words if _is_url(word)}
    major = max((c.version // 10000 for c in live.values()), default=None)
    own = Path(options.postgres_bin) if options.postgres_bin else None
    binaries = closest_binaries(major or 18, options.postgres_version, own)
    if major is not None and binaries.major != major:
        notes.append(f"the database runs PostgreSQL {major}, which is not installed here: used {binaries.version}")
    say(f"starting PostgreSQL {binaries.version}")
    with scratch(binaries, settings=SETTINGS, memory=True) as server:
        sides = [
            _Side(word, live[word], live=True) if word in live else _built(server, word, options, say, notes)
            for word in words
        ]
        _alike(sides, notes)
        return _compared(server, sides[0], sides[1], decisions, say, notes)


def _compared(server: Server, a: _Side, b: _Side, decisions: Decisions, say: Progress, notes: list[str]) -> Diff:
    changes = compare(a.catalog, b.catalog)
    found = Diff(before=a.word, after=b.word, changes=changes, notes=tuple(notes))
    if not changes:
        return found
    if a.database is None:
        say("making the first schema")
        a.database, standing = stand(server, a.catalog)
        if not standing.proved:
            why = standing.failure or "; ".join(map(str, standing.remaining))
            notes.append(f"{a.word} could not be made on a scratch server as it is: {why}")
    renames, before = renamed(server, a.database, a.catalog, decisions) if decisions.renames else ((), a.catalog)
    if a.live and decisions.renames:
        before = _with_version(before, a.catalog)
    made = difference(before, b.catalog, decisions=decisions)
    if made.decisions:
        return replace(
            found, difference=Difference(decisions=made.decisions, unwritten=made.unwritten), notes=tuple(notes)
        )
    say("trying the difference")
    proof = prove(server, a.database, made, b.catalog)
    made = replace(made, steps=(*renames, *made.steps))
    return replace(found, difference=made, proof=proof, notes=tuple(notes))


def _decisions(options: DiffOptions) -> Decisions:
    renames, drops = list(options.renames), list(options.drops)
    if options.decisions is not None:
        try:
            said = yaml.safe_load(Path(options.decisions).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"cannot be read: {error}", path=options.decisions) from None
        said = said or {}
        if not isinstance(said, dict) or not set(said) <= {"renames", "drops"}:
            raise InputError("must hold 'renames' (old: new) and 'drops' (a list)", path=options.decisions)
        renames += [(str(old), str(new)) for old, new in dict(said.get("renames") or {}).items()]
        drops += [str(name) for name in said.get("drops") or ()]
    if options.reverse:
        renames = [(new, old) for old, new in renames]
    return Decisions(renames=tuple(renames), drops=tuple(drops))


def _is_url(word: str) -> bool:
    return word.startswith(("postgres://", "postgresql://"))


def _read_live(url: str, say: Progress) -> Catalog:
    say("reading the database")
    with connect_live(url) as live:
        try:
            return _theirs(read(live))
        except StatementError as error:
            raise ConnectionProblem(f"{error.report}") from None


def _theirs(catalog: Catalog) -> Catalog:
    """Without the record of `pgassay migrate`, which is no part of anybody's schema."""
    return replace(
        catalog,
        schemas=tuple(s for s in catalog.schemas if s.name != _OURS),
        tables=tuple(t for t in catalog.tables if t.name.schema != _OURS),
        sequences=tuple(s for s in catalog.sequences if s.name.schema != _OURS),
    )


def _built(server: Server, word: str, options: DiffOptions, say: Progress, notes: list[str]) -> _Side:
    if word.startswith(_EXPORT):
        project = open_project("-", text=_exported(word.removeprefix(_EXPORT), allow_code=options.allow_code))
    else:
        kind = None if word.endswith(".sql") else options.kind
        project = open_project(word, kind=kind, allow_code=options.allow_code)
    database, remarks = built(server, project, say)
    notes += [f"{word}: {remark}" for remark in remarks]
    with server.connect(database) as session:
        return _Side(word, read(session), database=database, project=project)


def _exported(folder: str, *, allow_code: bool) -> str:
    """What ``drizzle-kit export`` prints of a project's schema."""
    if not allow_code:
        raise UsageError(f"{_EXPORT}{folder} runs the project's own code", hint="If you trust it: --allow-code.")
    program = Path(folder) / "node_modules" / ".bin" / "drizzle-kit"
    if not program.exists():
        raise InputError("has no node_modules/.bin/drizzle-kit", path=folder, hint="Install it there: npm install.")
    try:
        ended = subprocess.run(
            [str(program.resolve()), "export"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"drizzle-kit export: {error}", path=folder) from None
    # A broken schema prints a stack trace, and on some versions ends with 0 all the same.
    if ended.returncode or "\n    at " in ended.stdout + ended.stderr:
        lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        raise InputError(f"drizzle-kit export: {lines[0] if lines else 'it failed'}", path=folder)
    return ended.stdout


_RECORDS = (Name("pgassay", "step"), Name("pgassay", "backfill"))


def _alike(sides: list[_Side], notes: list[str]) -> None:
    """Leave out what differs for no reason of the schema's: a runner's own table, versions of extensions."""
    a, b = sides
    if a.live == b.live:
        return
    live, made = (a, b) if a.live else (b, a)
    live.catalog = _with_version(live.catalog, made.catalog)
    for own in _RECORDS:  # what pgassay migrate wrote down
        live.catalog = _without(live.catalog, made.catalog, own)
    table = made.project.runner.table if made.project else None
    if table is None:
        return
    schema, _, name = table.rpartition(".")
    kept = _without(live.catalog, made.catalog, Name(schema or "public", name))
    if kept is not live.catalog:
        live.catalog = kept
        notes.append(f"{table} is the runner's own table, and left out")


def _with_version(catalog: Catalog, like: Catalog) -> Catalog:
    versions = {e.name: e.version for e in like.extensions}
    extensions = tuple(replace(e, version=versions.get(e.name, e.version)) for e in catalog.extensions)
    return replace(catalog, extensions=extensions)


def _without(catalog: Catalog, other: Catalog, table: Name) -> Catalog:
    if catalog.table(table) is None or other.table(table) is not None:
        return catalog
    catalog = replace(
        catalog,
        tables=tuple(t for t in catalog.tables if t.name != table),
        sequences=tuple(s for s in catalog.sequences if not (s.owned_by and s.owned_by[0] == table)),
    )
    lists = (catalog.tables, catalog.views, catalog.sequences, catalog.enums, catalog.domains, catalog.composites)
    inhabited = {thing.name.schema for things in lists for thing in things}
    known = {s.name for s in other.schemas}
    if table.schema in inhabited or table.schema in known:
        return catalog
    return replace(catalog, schemas=tuple(s for s in catalog.schemas if s.name != table.schema))
