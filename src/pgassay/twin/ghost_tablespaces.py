"""Tablespaces with costs of their own: a ghost has them in its data folder, so that scans cost there what they cost."""

from __future__ import annotations

import itertools

from pgassay.model import Name, literal, quote
from pgassay.server import OWNER, Server, StatementError
from pgassay.twin.export_file import Export
from pgassay.twin.ghost_schema import Unmade

_numbers = itertools.count(1)
_KINDS = {"r": "TABLE", "p": "TABLE", "m": "MATERIALIZED VIEW", "i": "INDEX", "I": "INDEX"}


def place(server: Server, database: str, export: Export) -> tuple[Unmade, ...]:
    """Put the relations of such tablespaces into ones of the same options; they are still empty."""
    wanted = {r.tablespace for r in export.relations if r.tablespace in export.tablespaces}
    made: dict[str, str] = {}
    unmade: list[Unmade] = []
    for space in sorted(name for name in wanted if name is not None):
        name = f"costs_{next(_numbers)}"
        options = ", ".join(f"{quote(k)} = {literal(v)}" for k, v in sorted(export.tablespaces[space].items()))
        try:
            server.admin.run("SET allow_in_place_tablespaces = on")
            server.admin.run(f"CREATE TABLESPACE {name} LOCATION ''")
            server.admin.run(f"ALTER TABLESPACE {name} SET ({options}); GRANT CREATE ON TABLESPACE {name} TO {OWNER}")
        except StatementError as error:
            unmade.append(Unmade(statement=f"tablespace {space} ({options})", reason=error.report.message))
            continue
        made[space] = name
    with server.connect(database) as session:
        for relation in export.relations:
            if relation.tablespace in made:
                what = f"{_KINDS[relation.kind]} {Name(relation.schema, relation.name)}"
                try:
                    session.run(f"ALTER {what} SET TABLESPACE {made[relation.tablespace]}")
                except StatementError as error:
                    unmade.append(Unmade(statement=f"tablespace of {what}", reason=error.report.message))
    return tuple(unmade)
