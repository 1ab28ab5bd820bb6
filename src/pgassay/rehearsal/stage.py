"""Set the stage: build on an empty database what the migrations refer to and nobody created."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence

from pgassay.model import Statement
from pgassay.model.actions import CreateExtension, CreateRole
from pgassay.rehearsal.presume import Presumed, presume
from pgassay.server import Server, StatementError
from pgassay.server.extensions import install, trusted
from pgassay.sql import parse

_DO = re.compile(r"\s*DO\b", re.IGNORECASE)
_ROLE = re.compile(r"\bCREATE\s+(?:ROLE|USER|GROUP)\s+(?!IF\b)(?:\"((?:[^\"]|\"\")+)\"|([a-z_]\w*))", re.IGNORECASE)


def stage(server: Server, database: str, statements: Sequence[Statement]) -> Presumed:
    """Infer what is missing and build it. Returns what was assumed."""
    if server.major < 16:
        _roles(server, statements)
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


def _roles(server: Server, statements: Iterable[Statement]) -> None:
    """Make the roles that the statements would make. In a DO block they are found by their text."""
    wanted = [r.name for s in statements for r in s.of(CreateRole)]
    texts = (s.text for s in statements if _DO.match(s.text))
    wanted += [(m[1] or m[2].lower()).replace('""', '"') for text in texts for m in _ROLE.finditer(text)]
    server.make_roles(name for name in wanted if not name.startswith("pg_"))
