"""The way back of a migration that is there already: where its project keeps it, or in a folder of its own."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pgassay.errors import InputError, UsageError
from pgassay.model import Migration, Project
from pgassay.sources.files import exists, join, last, parent, read
from pgassay.sources.plain import PAIR
from pgassay.sources.project import open_project
from pgassay.sources.sections import marked, other_marks
from pgassay.sources.writing import alembic, forms, save, sqitch
from pgassay.sources.writing.model import NewFile, Writing
from pgassay.sources.writing.places import DOWN, beside
from pgassay.sources.writing.text import comment, ended, script
from pgassay.sql import parse

_DOWN_MARK = re.compile(r"^--[ \t-]*(?:migrate:down|(?:\+goose|\+migrate|rambler)[ \t]+down|down\b)", re.I | re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """The way back of one migration: statements without semicolons, and a comment. ``alone``: one of them refuses a
    transaction."""

    migration: Migration
    statements: tuple[str, ...]
    comment: str = ""
    alone: bool = False


def write_downs(
    project: Project, backs: Sequence[Back], *, out: str | None = None, allow_code: bool = False
) -> Writing:
    """Write ways back beside their migrations, as the project's runner or our reader finds them, or into ``out`` as
    ``NAME.down.sql``. Nothing is left where anything goes wrong, and nothing of the user's is overwritten: where one
    file holds both ways, a section is added to it.

    Raises InputError, UsageError, DiskFull.
    """
    if out is not None:
        files = [NewFile(path=join(out, f"{_label(b.migration)}.down.sql"), text=_text(b)) for b in backs]
        writing = Writing(files=tuple(files))
        with save.saved(writing):
            return writing
    if project.kind == "stdin":
        raise UsageError("standard input has no place for a way back", hint="Name a folder with --out DIR.")
    writing = Writing(files=tuple(_file(project, back) for back in backs))
    with save.saved(writing):
        _check(project, backs, allow_code=allow_code)
    return writing


def _label(migration: Migration) -> str:
    """A migration's name as a file's."""
    return re.sub(r"[/\\]", "_", migration.name).removesuffix(".sql")


def _text(back: Back, of: str | None = None) -> str:
    head = comment(f"The way back of {of or last(back.migration.path)}.", back.comment)
    return head + script(back.statements)


def _file(project: Project, back: Back) -> NewFile:
    path = back.migration.path
    name, folder = last(path), parent(path)
    match project.kind:
        case "golang-migrate":
            return _new(join(folder, name.removesuffix(".up.sql") + ".down.sql"), back)
        case "flyway":
            if not name.startswith("V"):
                raise UsageError(f"{path} has no version: Flyway takes none of its kind back")
            return _new(join(folder, f"U{name[1:]}"), back)
        case "prisma" | "drizzle-v1":
            return _new(join(folder, "down.sql"), back)
        case "supabase" | "drizzle":
            return _new(beside(folder, name.removesuffix(".sql"), DOWN), back)
        case "sqitch":
            return _sqitch(back)
        case "dbmate" | "goose":
            return _section(back, project.kind)
        case "alembic":
            return _revision(back)
        case "file":
            return _section(back, _marks(path)) if _marks(path) else _new(f"{_stem(path)}.down.sql", back)
    return _numbered(project, back)


def _stem(path: str) -> str:
    return path.removesuffix(".sql").removesuffix(".up")


def _new(path: str, back: Back) -> NewFile:
    return NewFile(path=path, text=_text(back), replaces=_empty(path))


def _empty(path: str) -> str | None:
    """The text of a file that may be written over: it holds no statement."""
    if not exists(path):
        return None
    text = read(path).text
    return None if save.texts(parse(text, path)) else text


def _marks(path: str) -> str | None:
    text = read(path).text
    return marked(text) or ("other" if other_marks(text) else None)


def _numbered(project: Project, back: Back) -> NewFile:
    """As the other ways back of the folder lie, if there are any."""
    path = back.migration.path
    if last(path) in PAIR:
        return _new(join(parent(path), forms.down_of_pair(parent(path))), back)
    if _marks(path):
        return _section(back, _marks(path))
    folder = parent(path) if parent(path) != "." or project.path == "." else project.path
    pair = forms.pair_of(project, folder)
    if pair is None:
        return _new(beside(folder, last(path).removesuffix(".sql"), DOWN), back)
    up, down = pair
    return _new(join(folder, last(path).removesuffix(up).removesuffix(".sql") + down), back)


def _section(back: Back, kind: str | None) -> NewFile:
    """A section at the end of a file that holds both ways."""
    file = read(back.migration.path)
    text = file.text
    mark, pieces = f"-- migrate:down{' transaction:false' if back.alone else ''}", ""
    started, finished = "", ""
    match kind:
        case "goose":
            mark, started, finished = "-- +goose Down", "-- +goose StatementBegin\n", "-- +goose StatementEnd\n"
        case "other":
            marks = other_marks(text)
            mark = marks[1] if marks else "-- Down Migration"
            if "+migrate" in mark:
                mark += " notransaction" * back.alone
                started, finished = "-- +migrate StatementBegin\n", "-- +migrate StatementEnd\n"
    for statement in back.statements:
        whole = f"{ended(statement)}\n"
        pieces += f"{started}{whole}{finished}" if ";" in statement and started else whole
    there = list(_DOWN_MARK.finditer(text))
    head = "" if there and back.migration.down is not None else f"\n{mark}\n"
    made = text + ("" if text.endswith("\n") else "\n") + head + comment(back.comment) + pieces
    return NewFile(path=file.path, text=made, replaces=text)


def _sqitch(back: Back) -> NewFile:
    path = back.migration.path
    above, found, name = path.rpartition("/deploy/") if "/deploy/" in path else ("", "", path.removeprefix("deploy/"))
    target = join(above, f"revert/{name}") if found or path.startswith("deploy/") else join(
        os.path.normpath(join(parent(path), "../revert")), last(path)
    )  # fmt: skip
    text = (
        comment(f"Revert {name.removesuffix('.sql')}", back.comment) + "\n" + sqitch.block(back.statements, back.alone)
    )
    return NewFile(path=target, text=text, replaces=_empty(target))


def _revision(back: Back) -> NewFile:
    """The body of ``downgrade()``, where it does nothing yet."""
    path = back.migration.path
    file = read(path)
    text = file.text
    tree = ast.parse(text)
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "downgrade"]
    body = alembic.body(back.statements, back.alone)
    said = "".join(f"    # {line[3:]}" if line.startswith("-- ") else f"    # {line}" for line in
                   comment(back.comment).splitlines(keepends=True))  # fmt: skip
    if not found:
        made = f"{text.rstrip()}\n\n\ndef downgrade():\n{said}{body}"
    else:
        function = found[0]
        if not all(map(_idle, function.body)):
            raise InputError("its downgrade() does something already", path=path, line=function.lineno)
        lines = text.splitlines(keepends=True)
        first, end = function.body[0].lineno, function.end_lineno or function.body[-1].lineno
        keep = lines[: first - 1]
        if first == function.lineno:  # `def downgrade(): pass`
            keep = [*lines[: first - 1], "def downgrade():\n"]
        made = "".join(keep) + said + body + "".join(lines[end:])
    return NewFile(path=path, text=made, replaces=text)


def _idle(node: ast.stmt) -> bool:
    """Whether a statement does nothing: ``pass``, a docstring, ``raise NotImplementedError``."""
    return isinstance(node, ast.Pass | ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _check(project: Project, backs: Sequence[Back], *, allow_code: bool) -> None:
    """The project is read again: every migration must be what it was, and have its way back."""
    again = open_project(project.path, kind=project.kind, allow_code=allow_code)
    found = {m.path: m for m in again.migrations}
    if [m.name for m in again.migrations] != [m.name for m in project.migrations]:
        raise InputError("would have other migrations with the ways back written there", path=project.path)
    for back in backs:
        old, new = back.migration, found[back.migration.path]
        wanted = tuple(s.replace("\t", "    ") for s in back.statements)
        down = save.texts(new.down or ())
        if project.kind == "file" and not _marks(old.path):
            continue  # what lies beside one file is not read with it
        if [s.text for s in old.statements] != [s.text for s in new.statements] or (
            tuple(s.replace("\t", "    ") for s in down) != wanted
        ):
            raise InputError(
                f"{project.runner.name} would not read the way back as it was meant",
                path=old.path,
                hint="Write it elsewhere with --out DIR.",
            )
