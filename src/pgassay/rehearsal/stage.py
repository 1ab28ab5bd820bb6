"""Set the stage: build on an empty database what the migrations refer to and nobody created."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from pgassay.model import Statement
from pgassay.model.actions import CreateExtension
from pgassay.rehearsal.presume import Presumed, presume
from pgassay.server import Server, StatementError
from pgassay.server.extensions import install, trusted
from pgassay.sql import parse


def stage(server: Server, database: str, statements: Sequence[Statement]) -> Presumed:
    """Infer what is missing and build it. Returns what was assumed."""
    presumed = presume(server, statements)
    for role in presumed.roles:
        server.admin.run(role)
    if not presumed.statements:
        return presumed
    with server.connect(database) as session:
        for statement in parse(";\n".join(presumed.statements), "presumed"):
            extension = next(statement.of(CreateExtension), None)
            with contextlib.suppress(StatementError):
                if extension and not trusted(server, extension.name):
                    install(server, database, extension.name, extension.schema)
                else:
                    session.run(statement.text)
    return presumed
