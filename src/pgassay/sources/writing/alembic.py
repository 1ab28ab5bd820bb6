"""Alembic: a revision a step, with the SQL as text. Its Python is written, never run, here."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from textwrap import indent

from pgassay.errors import InputError
from pgassay.model import Project
from pgassay.sources.files import join, parent, read
from pgassay.sources.writing.model import Expected, NewFile, Unit, Writing
from pgassay.sources.writing.text import slug

# SQLAlchemy's text() takes `:name` for a parameter, and takes a backslash before a colon away.
_COLON = re.compile(r"(?<![:\w$])(:[\w$]*)(?![:\w$])")
_PAGE = '''"""{title}

{comment}Revision ID: {revision}
Revises: {down}
Create Date: {date}

"""
from alembic import op

revision = {revision!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade():
{up}

def downgrade():
{back}'''


def revisions(project: Project, units: tuple[Unit, ...], now: datetime) -> Writing:
    """Revisions after the head. Raises InputError where there are several heads."""
    down = _head(project)
    folder = parent(project.migrations[-1].path)
    files = []
    for unit in units:
        revision = hashlib.sha256(f"{down} {unit.name} {unit.forward}".encode()).hexdigest()[:12]
        text = _PAGE.format(
            title=_words(unit.name),
            comment=f"{_words(unit.comment)}\n\n" if unit.comment else "",
            revision=revision,
            down=down,
            date=now.strftime("%Y-%m-%d %H:%M:%S"),
            up=body(unit.forward, unit.forward_alone),
            back=body(unit.backward, unit.backward_alone),
        )
        files.append(NewFile(path=join(folder, f"{revision}_{slug(unit.name)}.py"), text=text))
        down = revision
    expected = tuple(Expected(forward=_printed(u.forward), backward=_printed(u.backward or ()) or None) for u in units)
    return Writing(files=tuple(files), expected=expected)


def _printed(statements: tuple[str, ...]) -> tuple[str, ...]:
    """As ``alembic upgrade --sql`` prints them: it has no tabs."""
    return tuple(s.replace("\t", "    ") for s in statements)


def body(statements: tuple[str, ...] | None, apart: bool) -> str:
    if statements is None:
        return '    raise NotImplementedError("this revision cannot be taken back")\n'
    if not statements:
        return "    pass\n"
    calls = "".join(f"op.execute({_literal(_COLON.sub(_escaped, s))})\n" for s in statements)
    if apart:  # commits what came before, and begins anew afterwards
        return "    with op.get_context().autocommit_block():\n" + indent(calls, " " * 8, _first)
    return indent(calls, " " * 4, _first)


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[1]}"


def _first(line: str) -> bool:
    return line.startswith("op.execute(")  # the lines of a text stay as they are


def _literal(text: str) -> str:
    raw = "r" if "\\" in text else ""
    for quotes in ('"""', "'''"):
        made = f"{raw}{quotes}{text}{quotes}"
        if (
            quotes not in text
            and not text.endswith((quotes[0], "\\"))
            and "\r" not in text
            and "\nop.execute(" not in text
        ):
            return made
    return repr(text)


def _words(text: str) -> str:
    """Text within a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')


def _head(project: Project) -> str:
    found: dict[str, set[str]] = {}
    for migration in project.migrations:
        found[migration.name] = set(_below(read(migration.path).text, migration.path))
    below = {r for each in found.values() for r in each}
    heads = [name for name in found if name not in below]
    if len(heads) != 1:
        listed = ", ".join(heads) or "none"
        raise InputError(
            f"has {len(heads)} heads ({listed}): which one a new revision follows is not known",
            path=project.path,
            hint="Merge them first: alembic merge heads",
        )
    return heads[0]


def _below(text: str, path: str) -> Iterator[str]:
    """The revisions that a file names as its predecessors."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        if not any(isinstance(t, ast.Name) and t.id == "down_revision" for t in targets):
            continue
        try:
            names = ast.literal_eval(value)
        except ValueError:
            raise InputError("its down_revision is no plain text", path=path, line=node.lineno) from None
        if isinstance(names, str):
            yield names
        else:
            yield from names or ()
