"""Which migrations are deployed already and which are under review."""

from __future__ import annotations

from pgassay.model import Pending, Project


def pending_history(project: Project) -> Pending:
    """Every migration in turn, each met by the database that the ones before it left."""
    count = len(project.migrations)
    why = "the whole history, file by file" if count != 1 else "the one file there is"
    return Pending(deployed=(), pending=project.migrations, why=why, history=True)
