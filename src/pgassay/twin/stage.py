"""A database with production's tables and none of its keys, indexes or triggers: rows go in first, the rest later."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pgassay.model import Statement
from pgassay.model.actions import AddConstraint, CreateIndex, CreateTrigger, RowSecurity
from pgassay.server import Server
from pgassay.sql import parse
from pgassay.twin.export_file import Export
from pgassay.twin.ghost_schema import Unmade, create_database, create_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A schema's statements: what rows need, and what waits for them. Row security is in neither: policies are not
    exported, and without them even an owner might see nothing."""

    sooner: tuple[Statement, ...]
    later: tuple[Statement, ...]


def parts_of(export: Export) -> Parts:
    """Split an export's schema."""
    statements = [s for s in parse(export.schema, "schema") if not any(s.of(RowSecurity))]
    later = tuple(s for s in statements if _waits(s))
    return Parts(sooner=tuple(s for s in statements if not _waits(s)), later=later)


def stage(server: Server, export: Export, *, whole: bool = False) -> tuple[str, list[str], Parts]:
    """Create a database like production's; the last part is for ``finish``. ``whole``: with everything at once.

    Returns its name, and in words what it does without.
    """
    database = f"ground_{server.create()}"
    remarks = []
    odd = create_database(server, database, export.server)
    if odd:
        remarks.append(odd)
    parts = parts_of(export)
    if whole:
        parts = Parts(sooner=tuple(s for s in parse(export.schema, "schema") if not any(s.of(RowSecurity))), later=())
    remarks += told(create_schema(server, database, replace(export, schema=text_of(parts.sooner))))
    return database, remarks, parts


def finish(server: Server, database: str, export: Export, parts: Parts) -> list[str]:
    """Create keys, indexes and triggers; returns in words what could not be."""
    return told(create_schema(server, database, replace(export, schema=text_of(parts.later)))) if parts.later else []


def text_of(statements: tuple[Statement, ...]) -> str:
    """The statements as a script."""
    return ";\n".join(s.text for s in statements) + ";"


def told(unmade: tuple[Unmade, ...]) -> list[str]:
    """What a database does without, in words."""
    return [f"left out: {u.statement[:80]} ({u.reason})" for u in unmade]


def _waits(statement: Statement) -> bool:
    # pg_dump has one notation for partitions of tables and of indexes.
    if statement.text.startswith("ALTER INDEX") or any(
        isinstance(a, CreateTrigger | CreateIndex) for a in statement.actions
    ):
        return True
    return any(isinstance(a, AddConstraint) and a.constraint.kind != "check" for a in statement.actions)
