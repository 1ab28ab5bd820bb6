"""A migration that is in no file yet, on top of a project's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pgassay.errors import InputError
from pgassay.model import Pending, Project
from pgassay.sources.plain import open_stdin
from pgassay.sources.project import open_project


def with_draft(project: Project, text: str) -> tuple[Project, Pending]:
    """The project with one migration more, which alone is under review: all others are deployed.

    It is sent as the project's runner sends the others. Raises InputError for an empty or unreadable text.
    """
    (draft,) = open_stdin(text).migrations
    if project.migrations:
        draft = replace(draft, mode=project.migrations[-1].mode)
    extended = replace(project, migrations=(*project.migrations, draft))
    return extended, Pending(deployed=project.migrations, pending=(draft,), why="a draft, on top of all migrations")


def placed(path: str, text: str, *, kind: str | None = None, allow_code: bool = False) -> tuple[str, dict[str, Any]]:
    """Where a draft is judged, and by which option: on the project of that folder, else alone.

    Alone it is judged on a schema inferred from it, and the report names what was assumed.
    """
    try:
        open_project(path, kind=kind, allow_code=allow_code)
    except InputError:
        return "-", {"text": text}
    return path, {"draft": text}
