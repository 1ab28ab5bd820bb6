"""Files of the runners that write a change as SQL, a file a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pgassay.model import Project
from pgassay.sources.files import exists, join, last, names, parent, read
from pgassay.sources.plain import DOWN_NAME, PAIR, UP_NAME
from pgassay.sources.sections import other_marks
from pgassay.sources.writing.byhand import ByHand, sorted_out
from pgassay.sources.writing.model import Expected, NewFile, Unit, Writing
from pgassay.sources.writing.numbers import names_after
from pgassay.sources.writing.places import DOWN, beside
from pgassay.sources.writing.text import comment, ended, script, slug

_UNKNOWN = (
    "the runner of this folder is not known: CONCURRENTLY works only where it sends a file outside a transaction, as"
    " psql -f does"
)
_NOTHING = "Nothing needs to be done on the way back."


@dataclass(frozen=True, slots=True)
class Form:
    """The files of one step. ``stem`` is the beginning of the name with the step's name."""

    files: Callable[[str, Unit], Iterator[NewFile]]
    between: str | None = None  # number and name, where the runner prescribes it


def stepwise(project: Project, units: tuple[Unit, ...], form: Form, now: datetime) -> Writing:
    """Every step with the next number."""
    numbers = names_after(_last_name(project), now, between=form.between)
    files: list[NewFile] = []
    for unit in units:
        files += form.files(next(numbers) + slug(unit.name), unit)
    return Writing(files=tuple(files), expected=tuple(Expected(forward=u.forward, backward=u.backward) for u in units))


def _last_name(project: Project) -> str:
    path = project.migrations[-1].path
    name = last(path)
    return last(parent(path)) if name in (*PAIR, "migration.sql") else name


def upwards(unit: Unit) -> str:
    """The way forward as a file of its own."""
    return comment(unit.comment) + script(unit.forward)


def backwards(unit: Unit, of: str) -> str:
    """The way back as a file of its own."""
    return comment(f"The way back of {of}.", *(() if unit.backward else (_NOTHING,))) + script(unit.backward or ())


def golang(project: Project) -> Form:
    """``N_name.up.sql`` and ``N_name.down.sql``."""

    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        yield NewFile(path=join(project.path, f"{stem}.up.sql"), text=upwards(unit))
        if unit.backward is not None:
            yield NewFile(path=join(project.path, f"{stem}.down.sql"), text=backwards(unit, f"{stem}.up.sql"))

    return Form(files, between="_")


def dbmate(project: Project) -> Form:
    """One file with two sections, each of which can go without a transaction."""

    def mark(way: str, apart: bool) -> str:
        return f"-- migrate:{way}{' transaction:false' if apart else ''}\n"

    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        text = comment(unit.comment) + mark("up", unit.forward_alone) + script(unit.forward)
        if unit.backward is not None:
            text += "\n" + mark("down", unit.backward_alone) + (script(unit.backward) or comment(_NOTHING))
        yield NewFile(path=join(project.path, f"{stem}.sql"), text=text)

    return Form(files, between="_")


def goose(project: Project) -> Form:
    """One file with two sections; what a semicolon would cut is marked as one statement."""

    def one(statement: str) -> str:
        whole = f"{ended(statement)}\n"
        return f"-- +goose StatementBegin\n{whole}-- +goose StatementEnd\n" if ";" in statement else whole

    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        text = "-- +goose NO TRANSACTION\n" if unit.alone else ""
        text += "-- +goose Up\n" + comment(unit.comment) + "".join(map(one, unit.forward))
        if unit.backward is not None:
            text += "\n-- +goose Down\n" + ("".join(map(one, unit.backward)) or comment(_NOTHING))
        yield NewFile(path=join(project.path, f"{stem}.sql"), text=text)

    return Form(files, between="_")


def flyway(project: Project) -> Form:
    """``V1__name.sql``, and ``U1__name.sql`` beside it."""
    folder = parent(project.migrations[-1].path)

    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        yield NewFile(path=join(folder, f"{stem}.sql"), text=upwards(unit))
        if unit.backward is not None:
            undo = f"U{stem.removeprefix('V')}.sql"
            yield NewFile(path=join(folder, undo), text=backwards(unit, f"{stem}.sql"))

    return Form(files, between="__")


def prisma(project: Project) -> Form:
    """``NAME/migration.sql``, and ``NAME/down.sql``, which Prisma leaves alone."""

    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        yield NewFile(path=join(project.path, f"{stem}/migration.sql"), text=upwards(unit))
        if unit.backward is not None:
            yield NewFile(path=join(project.path, f"{stem}/down.sql"), text=backwards(unit, stem))

    return Form(files, between="_")


def supabase(project: Project) -> Form:
    """``VERSION_name.sql``, and ``down/VERSION_name.sql``, which Supabase leaves alone."""
    return Form(lambda stem, unit: _apart(project.path, stem, unit), between="_")


def _apart(folder: str, stem: str, unit: Unit) -> Iterator[NewFile]:
    yield NewFile(path=join(folder, f"{stem}.sql"), text=upwards(unit))
    if unit.backward is not None:
        yield NewFile(path=beside(folder, stem, DOWN), text=backwards(unit, f"{stem}.sql"))


# Folders of SQL whose runner is not known: as the files that are there.


def numbered(project: Project, units: tuple[Unit, ...], now: datetime) -> Writing:
    """As the last migration of the folder is written: marks in one file, pairs of files, pairs in folders, or alone."""
    path = project.migrations[-1].path
    text = read(path).text
    marks = other_marks(text)
    apart = any(u.alone for u in units)
    notes = (_UNKNOWN,) if apart and (marks is None or "+migrate" not in marks[0].lower()) else ()
    if marks is None:
        return replace(stepwise(project, units, _files_like(project, path), now), notes=notes)
    up, down = marks
    if "Migration" in up.title():  # node-pg-migrate sends each file in a transaction
        made, by_hand = sorted_out(units)
        writing = stepwise(project, made, _marked(project, "-- Up Migration", "-- Down Migration"), now)
        return _with_by_hand(project, writing, by_hand)
    return replace(stepwise(project, units, _marked(project, up, down), now), notes=notes)


def _marked(project: Project, up: str, down: str) -> Form:
    folder = parent(project.migrations[-1].path)
    tool = "+migrate" in up.lower()

    def one(statement: str) -> str:
        whole = f"{ended(statement)}\n"
        return f"-- +migrate StatementBegin\n{whole}-- +migrate StatementEnd\n" if tool and ";" in statement else whole

    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        apart = " notransaction" if tool else ""
        made = up + (apart if unit.forward_alone else "") + "\n" + comment(unit.comment)
        made += "".join(map(one, unit.forward))
        if unit.backward is not None:
            made += f"\n{down}{apart if unit.backward_alone else ''}\n"
            made += "".join(map(one, unit.backward)) or comment(_NOTHING)
        yield NewFile(path=join(folder, f"{stem}.sql"), text=made)

    return Form(files)


def _with_by_hand(project: Project, writing: Writing, by_hand: tuple[ByHand, ...]) -> Writing:
    if not by_hand:
        return writing
    folder = parent(project.migrations[-1].path)
    files = list(writing.files)
    notes = []
    for file, each in zip(writing.files, by_hand, strict=True):
        if each.statements:
            stem = last(file.path).removesuffix(".sql")
            made = each.file(folder, stem, project.runner.name if project.kind != "sql" else "node-pg-migrate")
            files.append(made)
            notes.append(f"run {made.path} by hand (psql) before {last(file.path)} is deployed")
    return replace(writing, files=tuple(files), notes=(*writing.notes, *notes))


def _files_like(project: Project, path: str) -> Form:
    name = last(path)
    if name in PAIR:
        return _folders(project, down_of_pair(parent(path)))
    folder = parent(path) if parent(path) != "." or project.path == "." else project.path
    pair = pair_of(project, folder)
    if pair is None:
        return Form(lambda stem, unit: _apart(folder, stem, unit))
    up, down = pair

    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        yield NewFile(path=join(folder, f"{stem}{up}"), text=upwards(unit))
        if unit.backward is not None:
            yield NewFile(path=join(folder, f"{stem}{down}"), text=backwards(unit, f"{stem}{up}"))

    return Form(files)


def pair_of(project: Project, folder: str) -> tuple[str, str] | None:
    """How the ways forward and back end, such as ``.sql`` and ``.down.sql``."""
    for name in reversed(names(folder, ".sql")):
        if match := DOWN_NAME.search(name):
            ups = [m for m in project.migrations if last(m.path).startswith(name[: match.start()])]
            up = UP_NAME.search(ups[-1].path) if ups else None
            return (up[0] if up else ".sql"), match[0]
    return None


def down_of_pair(folder: str) -> str:
    return next((n for n in PAIR[1:] if exists(join(folder, n))), PAIR[1])


def _folders(project: Project, down: str) -> Form:
    def files(stem: str, unit: Unit) -> Iterator[NewFile]:
        yield NewFile(path=join(project.path, f"{stem}/{PAIR[0]}"), text=upwards(unit))
        if unit.backward is not None:
            yield NewFile(path=join(project.path, f"{stem}/{down}"), text=backwards(unit, stem))
        if unit.alone:  # Diesel's
            yield NewFile(path=join(project.path, f"{stem}/metadata.toml"), text="run_in_transaction = false\n")

    return Form(files)


def plain_last(folder: str) -> str:
    """The greatest number that a file of a folder begins with, or ``0000``."""
    found = [m[0] for p in Path(folder).glob("*.sql") if (m := re.match(r"\d+", p.name))] if exists(folder) else []
    return max(found, key=int, default="0000")
