"""From a project and a change to the files that hold it. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from pgassay.errors import UsageError
from pgassay.model import Project
from pgassay.sources.files import join
from pgassay.sources.writing import alembic, drizzle, forms, sqitch
from pgassay.sources.writing.model import Change, Expected, NewFile, Unit, Writing, units
from pgassay.sources.writing.numbers import names_after
from pgassay.sources.writing.text import slug

_STEPWISE = {
    "golang-migrate": forms.golang,
    "dbmate": forms.dbmate,
    "goose": forms.goose,
    "flyway": forms.flyway,
    "prisma": forms.prisma,
    "supabase": forms.supabase,
}
_NOTES = {
    "flyway": "Flyway: CREATE INDEX CONCURRENTLY waits forever for Flyway's own lock unless"
    " flyway.postgresql.transactional.lock=false; U files need an edition with undo, else run them by hand",
    "prisma": "Prisma has no way back: down.sql is to be run by hand, then `prisma migrate resolve --rolled-back`",
    "supabase": "Supabase has no way back: what lies in down/ is to be run by hand",
}


def compose(project: Project, change: Change, *, now: datetime | None = None) -> Writing:
    """The files that add a change to the end of a project, as its runner wants them.

    A step becomes a migration of its own, so that a run that stops midway knows what is done: a transaction where its
    statements can share one, else the runner's way to send a statement without. drizzle-kit and SQL files of
    node-pg-migrate have no such way: CREATE and DROP INDEX CONCURRENTLY go into a file that is run by hand before, and
    the migration holds them without CONCURRENTLY and with IF NOT EXISTS (IF EXISTS). ``now`` gives time stamps.
    Raises InputError where no later name can be found, UsageError where there is no folder to write to.
    """
    moment = now or datetime.now(UTC)
    parsed = units(change)
    if parsed and change.comment and project.kind not in ("drizzle", "drizzle-v1"):
        head = "\n".join(filter(None, [change.comment, parsed[0].comment]))
        parsed = (replace(parsed[0], comment=head), *parsed[1:])
    match project.kind:
        case "drizzle":
            return drizzle.journal(project, change, parsed, moment)
        case "drizzle-v1":
            return drizzle.layout_v1(project, change, parsed, moment)
        case "alembic":
            return alembic.revisions(project, parsed, moment)
        case "sqitch":
            return sqitch.scripts(project, parsed, moment)
        case "sql":
            return forms.numbered(project, parsed, moment)
        case "file" | "stdin":
            raise UsageError(
                f"{project.path} is one file, not a folder of migrations",
                hint="Name a folder to write to with --out DIR.",
            )
    made = forms.stepwise(project, parsed, _STEPWISE[project.kind](project), moment)
    note = _NOTES.get(project.kind)
    return replace(made, notes=(note,)) if note else made


def compose_plain(folder: str, change: Change, *, now: datetime | None = None) -> Writing:
    """``N_name.up.sql`` and ``N_name.down.sql`` in any folder, numbered after what is there."""
    parsed = units(change)
    stems = names_after(forms.plain_last(folder), now or datetime.now(UTC), between="_")
    files: list[NewFile] = []
    for number, unit in enumerate(parsed):
        said = "\n".join(filter(None, [change.comment if number == 0 else "", unit.comment]))
        files += _pair(folder, next(stems) + slug(unit.name), replace(unit, comment=said))
    return Writing(files=tuple(files), expected=tuple(Expected(forward=u.forward, backward=u.backward) for u in parsed))


def _pair(folder: str, stem: str, unit: Unit) -> Iterator[NewFile]:
    yield NewFile(path=join(folder, f"{stem}.up.sql"), text=forms.upwards(unit))
    if unit.backward is not None:
        yield NewFile(path=join(folder, f"{stem}.down.sql"), text=forms.backwards(unit, f"{stem}.up.sql"))
